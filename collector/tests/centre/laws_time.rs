//! The law of time: a rating's interval holds the truth, whatever the tablet's clock did; and where
//! the clock was right once in the same boot, two seconds are enough near to it.

use std::collections::BTreeMap;

use manyi_shared::domain::{BootId, Level};
use manyi_shared::wire::RecordBody;
use proptest::prelude::*;

use crate::support::{Centre, NOW, Tablet};

const YEARS_MS: i64 = 3653 * 86_400_000;

#[derive(Debug, Clone)]
enum Step {
    Rate,
    /// True time passes; uptime runs off by so many parts in a million.
    Pass {
        ms: u64,
        ppm: i64,
    },
    /// The wall clock is set, to anything; nobody says that it is right.
    Jump {
        to: i64,
    },
    /// A time service sets the clock, to so many milliseconds off.
    Right {
        off: i64,
    },
    Restart,
    Reboot {
        wall: i64,
    },
    /// Everything is sent, and takes so long to arrive.
    Send {
        transit: i64,
        heard: bool,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => Just(Step::Rate),
        4 => (0_u64..10_800_000, -100_i64..=100).prop_map(|(ms, ppm)| Step::Pass { ms, ppm }),
        2 => prop_oneof![Just(0), Just(NOW - YEARS_MS), Just(NOW + YEARS_MS), NOW - 9_999_999..NOW + 9_999_999]
            .prop_map(|to| Step::Jump { to }),
        2 => (-300_i64..=300).prop_map(|off| Step::Right { off }),
        1 => Just(Step::Restart),
        1 => prop_oneof![Just(0), Just(NOW), Just(NOW + YEARS_MS)].prop_map(|wall| Step::Reboot { wall }),
        3 => (0_i64..50_000, any::<bool>()).prop_map(|(transit, heard)| Step::Send { transit, heard }),
    ]
}

struct World {
    centre: Centre,
    tablet: Tablet,
    truth_ms: i64,
    /// How far the wall clock is off while a time service keeps it.
    off: Option<i64>,
    acked: usize,
    /// When each rating was sealed: true time, boot, uptime.
    sealed: BTreeMap<(String, i64), (i64, BootId, u64)>,
    /// Uptimes of each boot at which the clock was right and the centre heard of it.
    right: BTreeMap<BootId, Vec<u64>>,
}

impl World {
    fn note_right(&mut self) {
        if self.off.is_some() {
            let clock = self.tablet.clock;
            self.right
                .entry(clock.boot)
                .or_default()
                .push(clock.uptime_ms);
        }
    }

    fn keep_right(&mut self) {
        if let Some(off) = self.off {
            self.tablet.clock.wall_ms = self.truth_ms + off;
        }
    }

    async fn send(&mut self, transit: i64, heard: bool) {
        self.keep_right();
        let first = self.acked + 1;
        let body = if first > self.tablet.records.len() {
            self.tablet.heartbeat()
        } else {
            self.tablet.send(first, 200)
        };
        self.note_right();
        self.centre.clock.set(self.truth_ms + transit);
        self.centre.exchange(&self.tablet, body).await;
        // The next one is signed later.
        self.pass(u64::try_from(transit).expect("positive"), 0);
        if heard {
            self.acked = self.tablet.records.len();
        }
    }

    fn pass(&mut self, ms: u64, ppm: i64) {
        let ms_i = i64::try_from(ms).expect("small");
        self.truth_ms += ms_i;
        let up = u64::try_from(ms_i + ms_i * ppm / 1_000_000).expect("positive");
        self.tablet.pass(up);
        self.keep_right();
    }

    fn open(&mut self) {
        self.acked = 0;
        self.keep_right();
        self.tablet.open_stream();
        self.note_right();
    }

    async fn happen(&mut self, step: &Step) {
        match *step {
            Step::Rate => {
                self.tablet.rate(Level::Satisfied);
                let stream = self.tablet.stream.to_string();
                let position = i64::try_from(self.tablet.records.len()).expect("small");
                let clock = self.tablet.clock;
                self.sealed.insert(
                    (stream, position),
                    (self.truth_ms, clock.boot, clock.uptime_ms),
                );
                self.note_right();
            }
            Step::Pass { ms, ppm } => self.pass(ms, ppm),
            Step::Jump { to } => {
                self.off = None;
                self.tablet.clock.wall_ms = to;
                self.tablet.clock.synchronised = false;
            }
            Step::Right { off } => {
                self.off = Some(off);
                self.tablet.clock.synchronised = true;
                self.keep_right();
                self.tablet.seal(RecordBody::ClockSet);
                self.note_right();
            }
            Step::Restart => {
                self.send(0, true).await;
                self.open();
            }
            Step::Reboot { wall } => {
                self.send(0, true).await;
                self.off = None;
                self.tablet.clock.boot = BootId::random();
                self.tablet.clock.uptime_ms = 20_000;
                self.tablet.clock.wall_ms = wall;
                self.tablet.clock.synchronised = false;
                self.open();
            }
            Step::Send { transit, heard } => self.send(transit, heard).await,
        }
    }
}

async fn the_truth_is_inside(steps: Vec<Step>) {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    tablet.clock.synchronised = false;
    tablet.clock.wall_ms = 0;
    tablet.open_stream();
    let mut world = World {
        centre,
        tablet,
        truth_ms: NOW,
        off: None,
        acked: 0,
        sealed: BTreeMap::new(),
        right: BTreeMap::new(),
    };
    for step in &steps {
        world.happen(step).await;
    }
    world.send(0, true).await;
    let db = world.centre.db();
    let mut statement = db
        .prepare(
            "SELECT stream_id, seq, earliest_ms, at_ms, latest_ms FROM record \
             WHERE outcome IS NOT NULL",
        )
        .expect("prepares");
    let mut rows = statement.query([]).expect("runs");
    let mut n = 0;
    while let Some(row) = rows.next().expect("reads") {
        let stream = manyi_shared::domain::StreamId::from_bytes(row.get(0).expect("bytes"));
        let position: i64 = row.get(1).expect("a number");
        let (earliest, at, latest): (i64, i64, i64) = (
            row.get(2).expect("a number"),
            row.get(3).expect("a number"),
            row.get(4).expect("a number"),
        );
        let (truth, boot, uptime) = *world
            .sealed
            .get(&(stream.to_string(), position))
            .expect("sealed");
        assert!(
            earliest <= truth && truth <= latest,
            "sealed at {truth}, placed in {earliest}..{latest}"
        );
        assert!(earliest <= at && at <= latest);
        // The first and the last time that the clock was right are what is remembered.
        let right = world.right.get(&boot).map(|right| {
            let (first, last) = (right.iter().min(), right.iter().max());
            let ends = [first, last].into_iter().flatten();
            ends.map(|end| end.abs_diff(uptime))
                .min()
                .unwrap_or(u64::MAX)
        });
        if let Some(way) = right {
            let off = 500 + i64::try_from(way).expect("small") / 10_000;
            let enough = (2 * off).max(2000);
            assert!(
                latest - earliest <= enough,
                "{} ms wide, {way} ms from a right clock",
                latest - earliest
            );
        }
        n += 1;
    }
    assert_eq!(n, world.sealed.len(), "every rating is accepted");
    drop(rows);
    crate::rules::in_order(&world.centre).await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: crate::support::cases(96), ..ProptestConfig::default() })]

    #[test]
    fn every_interval_holds_the_truth_and_is_narrow_near_a_right_clock(
        steps in prop::collection::vec(step(), 1..40)
    ) {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime")
            .block_on(the_truth_is_inside(steps));
    }
}

#[tokio::test]
async fn ratings_of_the_morning_are_placed_when_the_clock_is_set_at_noon() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    // Switched on without a clock, an hour before the network comes; restarted in between.
    tablet.clock.wall_ms = 0;
    tablet.clock.synchronised = false;
    tablet.open_stream();
    tablet.rate(Level::Satisfied);
    let first = tablet.send_all();
    centre.clock.set(NOW + 40_000);
    centre.exchange(&tablet, first).await;
    let width = "SELECT MAX(latest_ms - earliest_ms) FROM record WHERE outcome = 1";
    assert_eq!(centre.number(width), 60_000);
    assert_eq!(centre.number("SELECT unsure FROM boot WHERE unsure = 1"), 1);
    tablet.pass(3_600_000);
    tablet.open_stream();
    tablet.rate(Level::Satisfied);
    tablet.clock.wall_ms = NOW + 3_600_000;
    tablet.clock.synchronised = true;
    tablet.seal(RecordBody::ClockSet);
    centre.clock.set(NOW + 3_600_500);
    let body = tablet.send_all();
    centre.exchange(&tablet, body).await;
    assert!(centre.number(width) <= 2000);
    let first = "SELECT MIN(at_ms) FROM record WHERE outcome = 1";
    assert_eq!(centre.number(first), NOW);
    let second = "SELECT MAX(at_ms) FROM record WHERE outcome = 1";
    assert_eq!(centre.number(second), NOW + 3_600_000);
    assert_eq!(
        centre.number("SELECT COUNT(*) FROM boot WHERE unsure = 1"),
        0
    );
    crate::rules::in_order(&centre).await;
}
