//! The pages with keys, on the testing backend: the call-back number, enrolment, maintenance, and
//! the pause.

mod enrolment;
mod glass;
mod paused;
mod phone;
mod technician;
