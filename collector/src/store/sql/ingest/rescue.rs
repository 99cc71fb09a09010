//! Records saved from damaged journals: each takes its own place, once.

use std::borrow::Cow;
use std::collections::BTreeSet;

use manyi_shared::domain::{Channel, HallId, StreamId, TerminalId};
use manyi_shared::wire::{ChainHash, Record, RecordBody, RejectReason, StreamOpened};

use super::{Of, boots};
use crate::ingest::incident::Kind;
use crate::ingest::{
    DeadLetter, Delivery, Evidence, Incident, NotRead, Opening, Plan, Rescuing, Row, SURE_MS,
    Second, StreamState, Tested, kind_of, place_in_time, tells_time,
};
use crate::store::StoreError;
use crate::store::sql::{capped, values};

/// One record on its way to its own place.
pub(super) struct Saved {
    pub(super) stream: StreamId,
    pub(super) seq: u64,
    pub(super) bytes: Vec<u8>,
    /// The chain after it, as the damaged journal had it.
    pub(super) chain: ChainHash,
    /// The record that carries it.
    pub(super) carrier: (StreamId, u64),
}

/// Why a record is kept but not counted.
type Reason = (RejectReason, String);

/// What comes of placing them.
pub(super) struct Work<'w> {
    hall: &'w HallId,
    terminal: TerminalId,
    /// Where records of a stream that never opened count.
    window: &'w str,
    evidence: Evidence,
    incidents: Vec<Incident>,
    /// Streams that are no longer what they were.
    touched: BTreeSet<StreamId>,
    waiting: Vec<Saved>,
}

impl Of<'_> {
    /// Lets every rescued record of the plan take its place. Gives back what happened meanwhile.
    pub(super) fn rescue(
        &self,
        delivery: &Delivery,
        plan: &Plan<'_>,
        window: &str,
    ) -> Result<Vec<Incident>, StoreError> {
        let here = StreamId::from_bytes(*self.stream);
        let saved = plan.rescues.iter().rev().map(|one| Saved {
            stream: one.rescued.stream,
            seq: one.rescued.seq.get(),
            bytes: one.rescued.bytes.clone(),
            chain: one.rescued.hash,
            carrier: (here, one.carrier),
        });
        let evidence = plan.evidence.clone();
        let terminal = delivery.head.terminal;
        let mut work = Work::new(&delivery.hall, terminal, window, evidence);
        work.waiting.extend(saved);
        work.finish(self)
    }

    /// Another stream of the same terminal.
    fn beside<'b>(&'b self, stream: &'b StreamId) -> Of<'b> {
        Of {
            stream: stream.as_bytes(),
            ..*self
        }
    }

    pub(super) fn bytes_at(&self, seq: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.db.row(
            "SELECT bytes FROM record WHERE hall_id = ?1 AND terminal_id = ?2 \
             AND stream_id = ?3 AND seq = ?4",
            values![self.hall, self.terminal, self.stream, capped(seq)],
            |row| row.get(0),
        )
    }

    /// What a row that was no record says now.
    fn read_again(&self, row: &Row<'_>) -> Result<(), StoreError> {
        self.db.execute(
            "UPDATE record SET kind = ?5, at_ms = ?6, earliest_ms = ?7, latest_ms = ?8 \
                 WHERE hall_id = ?1 AND terminal_id = ?2 AND stream_id = ?3 AND seq = ?4",
            values![
                self.hall,
                self.terminal,
                self.stream,
                capped(row.seq),
                capped(row.kind),
                row.placed.map(|p| p.at_ms),
                row.placed.map(|p| p.earliest_ms),
                row.placed.map(|p| p.latest_ms)
            ],
        )?;
        Ok(())
    }

    fn note(&self, one: &Saved, judged: Rescuing) -> Result<(), StoreError> {
        self.db.execute(
            "INSERT INTO rescued (hall_id, terminal_id, stream_id, seq, carrier_stream, \
                 carrier_seq, state, received_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) \
                 ON CONFLICT DO NOTHING",
            values![
                self.hall,
                self.terminal,
                self.stream,
                capped(one.seq),
                one.carrier.0.as_bytes(),
                capped(one.carrier.1),
                judged.name(),
                self.received_ms
            ],
        )?;
        Ok(())
    }

    /// The clocks at the stream's opening. A stream of which nothing is held yet begins here, at
    /// its genesis.
    fn origin(&self, terminal: TerminalId, window: &str) -> Result<Option<Opening>, StoreError> {
        let genesis = ChainHash::genesis(terminal, StreamId::from_bytes(*self.stream));
        self.db.execute(
            "INSERT INTO stream (hall_id, terminal_id, stream_id, watermark, hash, window_id, \
                 channel, software, received_ms, last_ordinal) \
                 VALUES (?1, ?2, ?3, 0, ?4, ?5, ?6, '', ?7, 0) ON CONFLICT DO NOTHING",
            values![
                self.hall,
                self.terminal,
                self.stream,
                genesis.as_bytes(),
                window,
                Channel::Tablet.number(),
                self.received_ms
            ],
        )?;
        self.db.one(
            "SELECT opened_ms, uptime_ms, boot_id FROM stream WHERE hall_id = ?1 \
             AND terminal_id = ?2 AND stream_id = ?3",
            values![self.hall, self.terminal, self.stream],
            |row| super::held::opening(row, 0),
        )
    }

    pub(super) fn has_window(&self, window: &str) -> Result<bool, StoreError> {
        self.db.exists(
            "SELECT 1 FROM service_window WHERE hall_id = ?1 AND window_id = ?2",
            values![self.hall, window],
        )
    }
}

impl<'w> Work<'w> {
    pub(super) const fn new(
        hall: &'w HallId,
        terminal: TerminalId,
        window: &'w str,
        evidence: Evidence,
    ) -> Self {
        Self {
            hall,
            terminal,
            window,
            evidence,
            incidents: Vec::new(),
            touched: BTreeSet::new(),
            waiting: Vec::new(),
        }
    }

    /// Places all that waits, and whatever that brings. Gives back what happened meanwhile.
    pub(super) fn finish(mut self, of: &Of<'_>) -> Result<Vec<Incident>, StoreError> {
        while let Some(one) = self.waiting.pop() {
            self.take(&of.beside(&one.stream), &one)?;
        }
        for stream in &self.touched {
            of.beside(stream).settle()?;
        }
        Ok(self.incidents)
    }

    fn take(&mut self, of: &Of<'_>, one: &Saved) -> Result<(), StoreError> {
        let held = of.bytes_at(one.seq)?;
        let judged = Rescuing::of(&one.bytes, held.as_deref());
        of.note(one, judged)?;
        match judged {
            Rescuing::Held => Ok(()),
            Rescuing::Other => {
                let incident = Incident::at(Kind::RescuedOther, one.stream, one.seq, one.seq);
                self.incidents.push(incident);
                of.second_history(&[Second {
                    seq: one.seq,
                    bytes: Cow::Borrowed(&one.bytes),
                }])
            }
            Rescuing::Taken => {
                self.touched.insert(one.stream);
                let Some((reason, detail)) = self.read(of, one, false)? else {
                    return Ok(());
                };
                of.dead_letters(&[DeadLetter {
                    seq: one.seq,
                    reason,
                    detail,
                }])
            }
        }
    }

    /// Puts the record at its own place, where its bytes may lie already. What it counts follows
    /// from the whole stream. Gives the reason when it is kept but not counted.
    pub(super) fn read(
        &mut self,
        of: &Of<'_>,
        one: &Saved,
        there: bool,
    ) -> Result<Option<Reason>, StoreError> {
        let mut opening = of.origin(self.terminal, self.window)?;
        let record = Record::decode(&one.bytes).map_err(NotRead::Malformed);
        let mut letter = None;
        if let Err(error) = &record {
            letter = Some((error.reason(), error.to_string()));
        }
        let body = record.as_ref().ok().map(|record| &record.body);
        match body {
            Some(RecordBody::StreamOpened(opened)) if one.seq == 1 && opening.is_none() => {
                letter = self.open(of, one, opened)?;
                opening = of.origin(self.terminal, self.window)?;
            }
            Some(body) if one.seq == 1 && !matches!(body, RecordBody::StreamOpened(_)) => {
                let detail = "the first record does not open the stream".to_owned();
                letter = Some((RejectReason::Opening, detail));
            }
            _ => {}
        }
        let placed = match &record {
            Ok(record) if tells_time(one.seq, &record.body) => {
                let placed = self.place(of, opening, record)?;
                Some(placed)
            }
            _ => None,
        };
        let row = Row {
            seq: one.seq,
            bytes: &one.bytes,
            chain: one.chain,
            kind: body.map_or(0, kind_of),
            placed,
            outcome: None,
        };
        if there {
            of.read_again(&row)?;
        } else {
            of.rows(&[row])?;
        }
        let at_ms = placed.map_or(of.received_ms, |placed| placed.at_ms);
        if letter.is_none()
            && let Some(body) = body
        {
            self.beside(of, one, at_ms, body)?;
        }
        Ok(letter)
    }

    /// What a record means beside outcomes.
    fn beside(
        &mut self,
        of: &Of<'_>,
        one: &Saved,
        at_ms: i64,
        body: &RecordBody,
    ) -> Result<(), StoreError> {
        match body {
            RecordBody::SelfTest(test) => of.self_tests(&[Tested {
                seq: one.seq,
                day: test.day,
                at_ms,
                level: test.level,
                window: self.window,
            }]),
            RecordBody::Loss(loss) => {
                let incident = Incident::loss(loss, (one.stream, one.seq));
                self.incidents.push(incident);
                Ok(())
            }
            // What a saved record carried itself, saved from a journal before that.
            RecordBody::Rescued(rescued) if rescued.stream != one.stream => {
                self.waiting.push(Saved {
                    stream: rescued.stream,
                    seq: rescued.seq.get(),
                    bytes: rescued.bytes.clone(),
                    chain: rescued.hash,
                    carrier: (one.stream, one.seq),
                });
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn place(
        &mut self,
        of: &Of<'_>,
        opening: Option<Opening>,
        record: &Record,
    ) -> Result<crate::ingest::Placed, StoreError> {
        if let Some(opening) = opening {
            boots::add(of, opening.boot, &mut self.evidence)?;
        }
        let placed = place_in_time(opening, record.at, &self.evidence, of.received_ms);
        let movable = !matches!(record.body, RecordBody::SelfTest(_));
        if let Some(opening) = opening.filter(|_| movable && placed.width() > SURE_MS) {
            boots::unsure(of, opening.boot)?;
        }
        Ok(placed)
    }

    /// A stream is opened by its own first record; what came of it before is placed anew.
    fn open(
        &mut self,
        of: &Of<'_>,
        one: &Saved,
        opened: &StreamOpened,
    ) -> Result<Option<Reason>, StoreError> {
        if opened.terminal != self.terminal || opened.stream != one.stream {
            let detail = "the opening names another terminal or stream".to_owned();
            return Ok(Some((RejectReason::Opening, detail)));
        }
        let told = opened.window.as_str();
        let known = opened.hall == *self.hall && of.has_window(told)?;
        of.opening(&StreamState {
            new: false,
            watermark: 0,
            hash: ChainHash::genesis(self.terminal, one.stream),
            window: if known { told } else { self.window },
            channel: opened.channel.number(),
            opening: Some(Opening {
                wall_ms: opened.wall_ms,
                uptime_ms: opened.uptime_ms,
                boot: opened.boot,
            }),
            opened: true,
            previous: opened.previous,
            software: &opened.software,
            last_ordinal: 0,
        })?;
        boots::add(of, opened.boot, &mut self.evidence)?;
        boots::refine(of, opened.boot, &self.evidence)?;
        let detail = || format!("hall {} has no window {told}", opened.hall);
        Ok((!known).then(|| (RejectReason::UnknownWindow, detail())))
    }
}
