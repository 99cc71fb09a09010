//! What the parts that are not written over [`Db`](crate::store::sql::Db) yet share.

pub(super) use crate::store::sql::{capped, code, number};
