//! Marks on ratings that look odd.

use std::collections::BTreeMap;
use std::ops::Range;

use async_trait::async_trait;
use manyi_shared::domain::{HallId, Level, StreamId, TerminalId, Trigger};

use super::{Db, Row, values};
use crate::marks::{Found, Place, Rule, Seen};
use crate::store::marks::{
    Decision, Kept, Mark, MarkFilter, MarkState, MarkStore, NewMarks, Unmarked,
};
use crate::store::scores::{Tally, TallyQuery};
use crate::store::{Database, StoreError};

/// What was received in the last so many milliseconds is looked at again the next time: another
/// collector may be about to commit something that it received before.
const SETTLE_MS: i64 = 120_000;

/// A rating is received after it was given; a tablet's clock may be off by less than this.
const CLOCK_SLACK_MS: i64 = 86_400_000;

#[async_trait]
impl MarkStore for Database {
    async fn unmarked(&self, hall: HallId, now_ms: i64) -> Result<Option<Unmarked>, StoreError> {
        self.read(move |db| unmarked(db, &hall, now_ms)).await
    }

    async fn seen(&self, hall: HallId, range: Range<i64>) -> Result<Vec<Seen>, StoreError> {
        self.read(move |db| seen(db, &hall, &range)).await
    }

    async fn keep_marks(&self, marks: NewMarks) -> Result<Kept, StoreError> {
        self.write(move |db| keep(db, &marks)).await
    }

    async fn marks(&self, filter: MarkFilter) -> Result<(Vec<Mark>, u64), StoreError> {
        self.read(move |db| list(db, &filter)).await
    }

    async fn mark_counts(&self, hall: HallId) -> Result<Vec<(Rule, MarkState, u64)>, StoreError> {
        let sql = "SELECT rule, state, CAST(COUNT(*) AS BIGINT) FROM mark WHERE hall_id = ?1 \
                   GROUP BY rule, state ORDER BY rule, state";
        self.read(move |db| {
            db.rows(sql, values![hall.as_str()], |row| {
                Ok((rule(row.get(0)?)?, state(row.get(1)?)?, row.get(2)?))
            })
        })
        .await
    }

    async fn decide_mark(&self, decision: Decision) -> Result<Option<Mark>, StoreError> {
        self.write(move |db| decide(db, &decision)).await
    }

    async fn marked_tally(&self, query: TallyQuery) -> Result<Tally, StoreError> {
        self.read(move |db| super::marked::tally(db, &query)).await
    }
}

fn rule(name: &str) -> Result<Rule, StoreError> {
    let column = "mark.rule";
    Rule::from_name(name).ok_or(StoreError::Corrupt { column })
}

fn state(name: &str) -> Result<MarkState, StoreError> {
    let column = "mark.state";
    MarkState::from_name(name).ok_or(StoreError::Corrupt { column })
}

fn place(row: &Row<'_>) -> Result<Place, StoreError> {
    Ok(Place {
        terminal: TerminalId::from_bytes(row.get("terminal_id")?),
        stream: StreamId::from_bytes(row.get("stream_id")?),
        seq: row.get("seq")?,
    })
}

fn unmarked(db: &Db<'_>, hall: &HallId, now_ms: i64) -> Result<Option<Unmarked>, StoreError> {
    let sql = "SELECT received_ms FROM mark_watermark WHERE hall_id = ?1";
    let before = db.row(sql, values![hall.as_str()], |row| row.get::<i64>(0))?;
    let before = before.unwrap_or(-1);
    let (first, last, received) = db.one(
        "SELECT MIN(at_ms), MAX(at_ms), MAX(received_ms) FROM record \
         WHERE hall_id = ?1 AND received_ms > ?2",
        values![hall.as_str(), before],
        |row| {
            let moment = |at: usize| row.get::<Option<i64>>(at);
            Ok((moment(0)?, moment(1)?, moment(2)?))
        },
    )?;
    let Some(received) = received else {
        return Ok(None);
    };
    let range = match (first, last) {
        (Some(first), Some(last)) => first..last + 1,
        // Nothing of it has a place in time.
        _ => 0..0,
    };
    Ok(Some(Unmarked {
        range,
        watermark: received.min(now_ms - SETTLE_MS).max(before),
    }))
}

fn seen(db: &Db<'_>, hall: &HallId, range: &Range<i64>) -> Result<Vec<Seen>, StoreError> {
    let corrupt = |column| StoreError::Corrupt { column };
    let sql = format!(
        "SELECT terminal_id, stream_id, seq, window_id, staff_id, item_code, case_number, trigger, \
         level, response_ms, at_ms FROM record {} \
         WHERE hall_id = ?1 AND received_ms >= ?2 AND outcome = 1 AND at_ms >= ?3 AND at_ms < ?4",
        db.by_index("record_by_reception")
    );
    let received = range.start.saturating_sub(CLOCK_SLACK_MS);
    db.rows(
        &sql,
        values![hall.as_str(), received, range.start, range.end],
        |row| {
            let level: u8 = row.get("level")?;
            let trigger: Option<u8> = row.get("trigger")?;
            let case: Option<&str> = row.get("case_number")?;
            let item: &str = row.get("item_code")?;
            Ok(Seen {
                place: place(row)?,
                window: row.get("window_id")?,
                staff: row.get("staff_id")?,
                has_matter: !item.is_empty() || case.is_some_and(|case| !case.is_empty()),
                trigger: trigger.and_then(Trigger::from_number),
                level: Level::try_from(level).map_err(|_| corrupt("record.level"))?,
                response_ms: row.get("response_ms")?,
                at_ms: row.get("at_ms")?,
            })
        },
    )
}

type Key = (Place, Rule);

fn keep(db: &Db<'_>, new: &NewMarks) -> Result<Kept, StoreError> {
    let hall = new.hall.as_str();
    db.lock_name("mark")?;
    let mut known: BTreeMap<Key, MarkState> = BTreeMap::new();
    db.each(
        "SELECT terminal_id, stream_id, seq, rule, state FROM mark \
         WHERE hall_id = ?1 AND at_ms >= ?2 AND at_ms < ?3",
        values![hall, new.range.start, new.range.end],
        |row| {
            let key = (place(row)?, rule(row.get("rule")?)?);
            known.insert(key, state(row.get("state")?)?);
            Ok(())
        },
    )?;
    let mut kept = Kept::default();
    for found in &new.found {
        match known.remove(&(found.place, found.rule)) {
            None | Some(MarkState::Lapsed) => {
                open(db, hall, found, new)?;
                kept.opened += 1;
            }
            Some(MarkState::Open | MarkState::Confirmed | MarkState::Dismissed) => {}
        }
    }
    for ((place, rule), _) in known.iter().filter(|(_, state)| **state == MarkState::Open) {
        db.execute(
            "UPDATE mark SET state = 'lapsed' WHERE hall_id = ?1 AND terminal_id = ?2 \
             AND stream_id = ?3 AND seq = ?4 AND rule = ?5",
            values![
                hall,
                place.terminal.as_bytes(),
                place.stream.as_bytes(),
                place.seq,
                rule.name()
            ],
        )?;
        kept.lapsed += 1;
    }
    if let Some(watermark) = new.watermark {
        db.execute(
            "INSERT INTO mark_watermark (hall_id, received_ms) VALUES (?1, ?2) \
             ON CONFLICT (hall_id) DO UPDATE SET received_ms = excluded.received_ms \
             WHERE mark_watermark.received_ms < excluded.received_ms",
            values![hall, watermark],
        )?;
    }
    Ok(kept)
}

fn open(db: &Db<'_>, hall: &str, found: &Found, new: &NewMarks) -> Result<(), StoreError> {
    db.execute(
        "INSERT INTO mark (hall_id, terminal_id, stream_id, seq, rule, version, reason, window_id, \
         at_ms, made_ms, state) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 'open') \
         ON CONFLICT (hall_id, terminal_id, stream_id, seq, rule) DO UPDATE SET \
         version = excluded.version, reason = excluded.reason, at_ms = excluded.at_ms, \
         made_ms = excluded.made_ms, state = 'open' WHERE mark.state = 'lapsed'",
        values![
            hall,
            found.place.terminal.as_bytes(),
            found.place.stream.as_bytes(),
            found.place.seq,
            found.rule.name(),
            new.version,
            &found.reason,
            &found.window,
            found.at_ms,
            new.now_ms
        ],
    )?;
    Ok(())
}

const MARK: &str = "hall_id, terminal_id, stream_id, seq, rule, version, reason, window_id, at_ms, \
                    made_ms, state, decided_ms, decided_by, decided_why";

fn mark(row: &Row<'_>) -> Result<Mark, StoreError> {
    let by: Option<String> = row.get("decided_by")?;
    let why: Option<String> = row.get("decided_why")?;
    let decided: Option<i64> = row.get("decided_ms")?;
    Ok(Mark {
        hall: row.get("hall_id")?,
        place: place(row)?,
        rule: rule(row.get("rule")?)?,
        version: row.get("version")?,
        reason: row.get("reason")?,
        window: row.get("window_id")?,
        at_ms: row.get("at_ms")?,
        made_ms: row.get("made_ms")?,
        state: state(row.get("state")?)?,
        decided: decided.map(|at| (at, by.unwrap_or_default(), why.unwrap_or_default())),
    })
}

fn list(db: &Db<'_>, filter: &MarkFilter) -> Result<(Vec<Mark>, u64), StoreError> {
    // An empty text stands for every rule, or every state.
    let rule = filter.rule.map_or("", Rule::name);
    let state = filter.state.map_or("", MarkState::name);
    let which =
        "FROM mark WHERE hall_id = ?1 AND (?2 = '' OR rule = ?2) AND (?3 = '' OR state = ?3)";
    let all = db.one(
        &format!("SELECT CAST(COUNT(*) AS BIGINT) {which}"),
        values![filter.hall.as_str(), rule, state],
        |row| row.get(0),
    )?;
    let marks = db.rows(
        &format!(
            "SELECT {MARK} {which} ORDER BY at_ms DESC, terminal_id, stream_id, seq, rule \
             LIMIT ?4 OFFSET ?5"
        ),
        values![filter.hall.as_str(), rule, state, filter.limit, filter.skip],
        mark,
    )?;
    Ok((marks, all))
}

fn decide(db: &Db<'_>, decision: &Decision) -> Result<Option<Mark>, StoreError> {
    db.lock_name("mark")?;
    let (terminal, stream) = (decision.place.terminal, decision.place.stream);
    let key = values![
        decision.hall.as_str(),
        terminal.as_bytes(),
        stream.as_bytes(),
        decision.place.seq,
        decision.rule.name()
    ];
    let which = "hall_id = ?1 AND terminal_id = ?2 AND stream_id = ?3 AND seq = ?4 AND rule = ?5";
    let mut with = key.to_vec();
    with.extend_from_slice(values![
        decision.state.name(),
        decision.now_ms,
        &decision.who,
        &decision.why
    ]);
    let changed = db.execute(
        &format!(
            "UPDATE mark SET state = ?6, decided_ms = ?7, decided_by = ?8, decided_why = ?9 \
             WHERE {which}"
        ),
        &with,
    )?;
    if changed == 0 {
        return Ok(None);
    }
    let sql = format!("SELECT COALESCE(MAX(number), 0) FROM mark_decision WHERE {which}");
    let last: i64 = db.one(&sql, key, |row| row.get(0))?;
    with.push((last + 1).into());
    db.execute(
        "INSERT INTO mark_decision (hall_id, terminal_id, stream_id, seq, rule, state, at_ms, who, \
         why, number) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        &with,
    )?;
    db.row(&format!("SELECT {MARK} FROM mark WHERE {which}"), key, mark)
}
