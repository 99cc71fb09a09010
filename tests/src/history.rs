//! A hall with a past: weeks of ratings at the windows of a hall, sent the way tablets send them.
//!
//! Each window gets a tablet that is enrolled by the real request; each day of it is one program
//! start with a stream of signed records at that day's times. Everything goes through the
//! collector's own router, in this process, so no running collector may use the data directory.
//! The same seed gives the same citizens; identities are new every time.

use std::path::Path;

use anyhow::{Context as _, ensure};
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use manyi_collector::clock::{Clock as _, SystemClock};
use manyi_collector::store::scores::Column;
use manyi_collector::store::{IngestStore as _, ScoreStore as _};
use manyi_shared::domain::{
    BootId, Call, Channel, ClockReading, Outcome, Seq, ServiceEvent, StreamId, TagSetId, Watermark,
};
use manyi_shared::wire::{
    ChainHash, ExchangeHead, Health, OutcomeRecord, Record, RecordBody, RecordTime, Reply, Run,
    StreamOpened, Suite, digest,
};

use crate::citizens::plan::{Answer, Citizen, Habits, draw};
use crate::dice::Dice;
use crate::fleet::{Member, gate, muster_at};

/// What is made up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Past {
    /// How many days, ending yesterday.
    pub days: u32,
    /// Citizens at a window on a working day, on average. Half as many come on Saturdays, nobody on
    /// Sundays.
    pub citizens: u32,
    /// What everything is drawn from.
    pub seed: u64,
}

/// One day in milliseconds.
const DAY_MS: i64 = 86_400_000;

/// A working day as the made-up halls have it: from 9:00, for eight hours.
const OPEN_MS: i64 = 9 * 3_600_000;
const OPEN_FOR_MS: u64 = 8 * 3_600_000;

/// Tablets start half an hour before.
const START_BEFORE_MS: i64 = 1_800_000;

/// Gives a hall its past. How many citizens came, counted by what the collector acknowledged.
///
/// # Errors
/// When the hall is not there or the collector refuses something.
pub async fn make(
    data_dir: &Path,
    hall: &str,
    past: Past,
    mut told: impl FnMut(&str),
) -> anyhow::Result<u64> {
    let (router, store) = gate(data_dir)?;
    let known = store.names(Column::Window).await?;
    let windows: Vec<String> = known
        .into_keys()
        .filter_map(|(at, window)| (at == hall).then_some(window))
        .collect();
    ensure!(!windows.is_empty(), "hall `{hall}` has no windows");
    let halls = store.halls().await?;
    let of_hall = halls.iter().find(|h| h.id.as_str() == hall);
    let zone = of_hall.context("the hall is gone")?.time_zone.clone();
    let mut came = 0;
    for (n, window) in (0_u64..).zip(&windows) {
        let member = muster_at(&store, &router, hall, window).await?;
        let mut tablet = Tablet::new(&router, member, hall, Dice::of(past.seed, n));
        came += tablet.live(&past, &zone).await?;
        told(window);
    }
    Ok(came)
}

/// One tablet and where it stands.
struct Tablet<'r> {
    router: &'r Router,
    member: Member,
    hall: String,
    dice: Dice,
    number: u64,
}

/// A stream before it is sent.
struct Day {
    stream: StreamId,
    records: Vec<Vec<u8>>,
    chain: Vec<ChainHash>,
}

impl<'r> Tablet<'r> {
    fn new(router: &'r Router, member: Member, hall: &str, dice: Dice) -> Self {
        let hall = hall.to_owned();
        Self {
            router,
            member,
            hall,
            dice,
            number: 1,
        }
    }

    /// Lives through all days and sends each at its end, as one exchange.
    async fn live(&mut self, past: &Past, zone: &str) -> anyhow::Result<u64> {
        let now_ms = SystemClock.now_ms();
        let offset_ms = offset_ms(zone, now_ms)?;
        // Midnight of today in the hall, and its weekday: 1970-01-01 was a Thursday.
        let today = (now_ms + offset_ms).div_euclid(DAY_MS);
        let mut came = 0;
        for back in (1..=i64::from(past.days)).rev() {
            let day = today - back;
            let often = match (day + 3).rem_euclid(7) {
                5 => past.citizens / 2,
                6 => 0,
                _ => past.citizens,
            };
            // Between half as many and half as many again.
            let count = often / 2 + self.dice.below(often.max(1));
            if count == 0 || often == 0 {
                continue;
            }
            let opened_ms = day * DAY_MS - offset_ms + OPEN_MS - START_BEFORE_MS;
            let seed = self.dice.word();
            let citizens = draw(count, seed, &self.member.profile, Habits { timeouts: true });
            let made = self.day(opened_ms, &citizens)?;
            self.send(&made, now_ms).await?;
            came += u64::from(count);
        }
        Ok(came)
    }

    fn day(&mut self, opened_ms: i64, citizens: &[Citizen]) -> anyhow::Result<Day> {
        let stream = StreamId::random();
        let mut day = Day {
            stream,
            records: Vec::new(),
            chain: vec![ChainHash::genesis(self.member.terminal, stream)],
        };
        let opened = StreamOpened {
            terminal: self.member.terminal,
            stream,
            previous: None,
            wall_ms: opened_ms,
            uptime_ms: 20_000,
            boot: BootId::random(),
            software: "manyi-history".to_owned(),
            hall: self.hall.parse()?,
            window: self.member.window.parse()?,
            channel: Channel::Tablet,
            suite: Suite::Ed25519Sha256,
        };
        day.add(0, RecordBody::StreamOpened(opened))?;
        let between = OPEN_FOR_MS / (citizens.len() as u64 + 1);
        let mut at_ms = START_BEFORE_MS.unsigned_abs();
        for (ordinal, citizen) in (1..).zip(citizens) {
            at_ms += between / 2 + u64::from(self.dice.below(u32::try_from(between)?.max(1)));
            let response_ms = 1500 + self.dice.below(12_000);
            day.add(at_ms, self.outcome(ordinal, citizen, response_ms)?)?;
        }
        Ok(day)
    }

    fn outcome(
        &self,
        ordinal: u32,
        citizen: &Citizen,
        response_ms: u32,
    ) -> anyhow::Result<RecordBody> {
        let (outcome, tag_set) = match &citizen.answer {
            Answer::Rate { level, tags } => {
                let set = TagSetId(self.member.profile.tag_set.clone());
                let (level, mut tags) = (*level, tags.clone());
                tags.sort_unstable();
                let set = (!tags.is_empty()).then_some(set);
                (Outcome::Rated { level, tags }, set)
            }
            Answer::Decline => (Outcome::Declined, None),
            Answer::LeaveIt => (Outcome::TimedOut, None),
        };
        let item = citizen.item.as_ref().map(|(code, _)| code.parse());
        let event = ServiceEvent {
            staff: citizen.staff.as_deref().map(str::parse).transpose()?,
            item: item.transpose()?,
            case_number: Some(citizen.case_number.parse()?),
        };
        Ok(RecordBody::Outcome(OutcomeRecord {
            ordinal,
            outcome,
            tag_set,
            response_ms: Some(response_ms),
            event,
            call: Call::default(),
        }))
    }

    /// Sends a day, in runs of at most 500 records, and checks that all of it was taken.
    async fn send(&mut self, day: &Day, now_ms: i64) -> anyhow::Result<()> {
        let mut sent = 0;
        for records in day.records.chunks(500) {
            let head = ExchangeHead {
                terminal: self.member.terminal,
                number: self.number,
                clock: ClockReading {
                    wall_ms: now_ms,
                    uptime_ms: 60_000,
                    boot: BootId::random(),
                    synchronised: true,
                },
                health: health(),
                profile_version: self.member.profile.version,
                run: Some(Run {
                    stream: day.stream,
                    first: Seq::FIRST.plus(sent as u64),
                    count: u32::try_from(records.len())?,
                    base: day.chain_at(sent),
                    head: day.chain_at(sent + records.len()),
                }),
                prompts: Vec::new(),
                fold: None,
                claims: Vec::new(),
                unread: false,
            };
            self.number += 1;
            sent += records.len();
            let request = head.seal(records, &self.member.key)?;
            let post = Request::post("/device/v1/exchange")
                .header("content-type", "application/vnd.manyi.exchange+cbor");
            let post = post.body(Body::from(request.clone()))?;
            let (status, body) = crate::fleet::ask(self.router.clone(), post).await?;
            ensure!(
                status.is_success(),
                "{status} {}",
                String::from_utf8_lossy(&body)
            );
            let reply = Reply::open(
                &body,
                &self.member.collector,
                self.member.terminal,
                &digest(&request),
            )?;
            let taken = reply.acknowledgement.map(|known| known.watermark);
            ensure!(
                taken == Some(Watermark::new(sent as u64)),
                "{} of {sent} records were taken",
                taken.map_or(0, Watermark::get)
            );
        }
        Ok(())
    }
}

impl Day {
    fn chain_at(&self, position: usize) -> ChainHash {
        let first = self.chain.first().copied();
        let at = self.chain.get(position).copied().or(first);
        // The genesis is there from the beginning.
        at.unwrap_or_else(|| unreachable!("a chain without a beginning"))
    }

    fn add(&mut self, elapsed_ms: u64, body: RecordBody) -> anyhow::Result<()> {
        let at = RecordTime {
            elapsed_ms,
            wall_step_ms: 0,
            synchronised: true,
        };
        let bytes = Record { at, body }.encode()?;
        self.chain
            .push(self.chain_at(self.records.len()).extend(&bytes));
        self.records.push(bytes);
        Ok(())
    }
}

fn health() -> Health {
    Health {
        software: "manyi-history".to_owned(),
        backlog: 0,
        oldest_unsent_ms: None,
        disk_free_bytes: None,
        profile_problem: None,
        journal_problem: None,
        ..Health::default()
    }
}

/// How far a zone's wall clocks are ahead of UTC at a moment.
fn offset_ms(zone: &str, at_ms: i64) -> anyhow::Result<i64> {
    let zone = jiff::tz::TimeZone::get(zone)?;
    let at = jiff::Timestamp::from_millisecond(at_ms)?;
    Ok(i64::from(zone.to_offset(at).seconds()) * 1000)
}
