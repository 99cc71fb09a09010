//! The forger's hand: one mutation of the database, and what must be said of it.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "test support: a panic is a failed test"
)]

use manyi_shared::domain::{Level, Outcome, ServiceEvent, StreamId};
use manyi_shared::wire::{ChainHash, Record, RecordBody, RecordTime, Run, SecretKey};
use rusqlite::{Connection, params};

use crate::days::Dice;
use crate::support::{Tablet, seq};

/// What was done and how it must be told.
#[derive(Debug)]
pub(super) struct Expected {
    pub(super) what: &'static str,
    /// One of these findings.
    pub(super) names: Vec<&'static str>,
    /// In this stream.
    pub(super) stream: Option<StreamId>,
    /// At one of these positions; empty: at none in particular.
    pub(super) seqs: Vec<u64>,
}

/// How many ways there are.
pub(super) const KINDS: usize = 27;

pub(super) struct Forger<'a> {
    db: &'a Connection,
    tablets: &'a [Tablet],
}

/// One stream under the forger's hand.
struct Stream<'a> {
    db: &'a Connection,
    tablet: &'a Tablet,
    /// How many records it has.
    n: u64,
}

impl<'a> Forger<'a> {
    pub(super) const fn new(db: &'a Connection, tablets: &'a [Tablet]) -> Self {
        Self { db, tablets }
    }

    pub(super) fn touch(&mut self, dice: &mut Dice) -> Expected {
        let which = usize::try_from(dice.below(self.tablets.len() as u64)).unwrap();
        let tablet = &self.tablets[which];
        let stream = Stream {
            db: self.db,
            tablet,
            n: tablet.records.len() as u64,
        };
        let k = 1 + dice.below(stream.n);
        match dice.below(KINDS as u64) {
            0 => stream.flip(k, dice),
            1 => stream.drop_row(k),
            2 => stream.drop_and_close_ranks(k),
            3 => stream.truncate(k),
            4 => stream.truncate_with_tip(k),
            5 => stream.insert(k, false),
            6 => stream.insert(k, true),
            7 => stream.append(),
            8 => stream.swap_bytes(k, dice),
            9 => stream.swap_rows(k, dice),
            10 => stream.move_row(dice),
            11 => stream.sign_with_another_key(),
            12 => stream.make_anew(k, false),
            13 => stream.make_anew(k, true),
            14 => stream.head_of_another(self.tablets),
            15 => stream.column(k, dice),
            16 => stream.suppress(dice),
            17 => stream.forget_signature(),
            18 => stream.chain_value(k),
            19 => stream.tip(dice),
            20 => stream.forget_row(),
            21 => stream.receive_on_another_day(k),
            22 => stream.count(dice),
            23 => self.dead_letter(dice),
            24 => self.conflict(),
            25 => self.day(dice),
            _ => self.beside(dice),
        }
    }

    fn first(&self) -> Stream<'a> {
        let tablet = &self.tablets[0];
        Stream {
            db: self.db,
            tablet,
            n: tablet.records.len() as u64,
        }
    }

    /// A dead letter's row goes, or says another reason; or one comes to a sound record.
    fn dead_letter(&self, dice: &mut Dice) -> Expected {
        let stream = self.first();
        let (sql, at) = match dice.below(3) {
            0 => ("DELETE FROM dead_letter WHERE seq = 9", 9),
            1 => (
                "UPDATE dead_letter SET reason = 'no_target' WHERE seq = 9",
                9,
            ),
            _ => (
                "INSERT INTO dead_letter (hall_id, terminal_id, stream_id, seq, reason, detail, \
                 received_ms) SELECT hall_id, terminal_id, stream_id, 8, 'no_target', '', 1 \
                 FROM dead_letter WHERE seq = 9",
                8,
            ),
        };
        stream.run(sql, []);
        stream.expect("dead letter", &["beside"], &[at])
    }

    fn conflict(&self) -> Expected {
        let changed =
            "UPDATE conflict SET bytes = x'a0' WHERE rowid = (SELECT MIN(rowid) FROM conflict)";
        let stream = &self.tablets[3];
        assert_eq!(self.db.execute(changed, []).unwrap(), 1);
        Expected {
            what: "conflict",
            names: vec!["conflict"],
            stream: Some(stream.stream),
            seqs: vec![5],
        }
    }

    /// A published root is touched or replaced by one of another collector.
    fn day(&self, dice: &mut Dice) -> Expected {
        use manyi_shared::wire::SignedDayRoot;
        let day = 20_260_324 + dice.below(2);
        let sql = "SELECT signed FROM day_root WHERE day = ?1";
        let mut signed: Vec<u8> = self.db.query_row(sql, [day], |row| row.get(0)).unwrap();
        if dice.below(2) == 0 {
            let at = signed.len() - 1 - usize::try_from(dice.below(60)).unwrap();
            signed[at] ^= 1;
        } else {
            let parsed = SignedDayRoot::parse(&signed).unwrap();
            let root = parsed.open(&parsed.claimed_key()).unwrap();
            signed = root.seal(&SecretKey::from_seed(&[66; 32]));
        }
        let sql = "UPDATE day_root SET signed = ?1 WHERE day = ?2";
        assert_eq!(self.db.execute(sql, params![signed, day]).unwrap(), 1);
        Expected {
            what: "day root",
            names: vec!["day"],
            stream: None,
            seqs: Vec::new(),
        }
    }

    /// Messages and self-tests.
    fn beside(&self, dice: &mut Dice) -> Expected {
        let stream = self.first();
        let (sql, at) = match dice.below(5) {
            0 => ("DELETE FROM message", 7),
            1 => ("UPDATE message SET sealed = x'a0'", 7),
            2 => ("UPDATE message SET target_seq = 2", 7),
            3 => ("UPDATE self_test SET level = 1", 8),
            _ => ("UPDATE message SET seq = 99", 99),
        };
        stream.run(sql, []);
        stream.expect("beside", &["beside"], &[at])
    }
}

impl Stream<'_> {
    fn run(&self, sql: &str, values: impl rusqlite::Params) {
        let changed = self.db.execute(sql, values).expect(sql);
        assert!(changed > 0, "nothing was touched: {sql}");
    }

    fn expect(&self, what: &'static str, names: &[&'static str], seqs: &[u64]) -> Expected {
        Expected {
            what,
            names: names.to_vec(),
            stream: Some(self.tablet.stream),
            seqs: seqs.to_vec(),
        }
    }

    fn id(&self) -> &[u8; 16] {
        self.tablet.stream.as_bytes()
    }

    fn set_bytes(&self, k: u64, bytes: &[u8]) {
        let sql = "UPDATE record SET bytes = ?1 WHERE stream_id = ?2 AND seq = ?3";
        self.run(sql, params![bytes, self.id(), k]);
    }

    fn set_chain(&self, k: u64, chain: ChainHash) {
        let sql = "UPDATE record SET chain = ?1 WHERE stream_id = ?2 AND seq = ?3";
        self.run(sql, params![chain.as_bytes(), self.id(), k]);
    }

    fn set_tip(&self, watermark: u64, hash: ChainHash) {
        let sql = "UPDATE stream SET watermark = ?1, hash = ?2 WHERE stream_id = ?3";
        self.run(sql, params![watermark, hash.as_bytes(), self.id()]);
    }

    fn record(&self, k: u64) -> &[u8] {
        &self.tablet.records[usize::try_from(k).unwrap() - 1]
    }

    fn chain(&self, k: u64) -> ChainHash {
        self.tablet.chain(usize::try_from(k).unwrap())
    }

    /// Moves the positions of all rows from `k` on by one.
    fn shift(&self, k: u64, by: i64) {
        // Through negative positions: two rows never meet.
        for sql in [
            "UPDATE record SET seq = -(seq + ?1) WHERE stream_id = ?2 AND seq >= ?3",
            "UPDATE dead_letter SET seq = -(seq + ?1) WHERE stream_id = ?2 AND seq >= ?3",
            "UPDATE message SET seq = -(seq + ?1) WHERE stream_id = ?2 AND seq >= ?3",
        ] {
            self.db.execute(sql, params![by, self.id(), k]).expect(sql);
        }
        for table in ["record", "dead_letter", "message"] {
            let sql = format!("UPDATE {table} SET seq = -seq WHERE seq < 0");
            self.db.execute(&sql, []).expect("moved");
        }
    }

    fn flip(&self, k: u64, dice: &mut Dice) -> Expected {
        let mut bytes = self.record(k).to_vec();
        let bit = usize::try_from(dice.below(bytes.len() as u64 * 8)).unwrap();
        bytes[bit / 8] ^= 1 << (bit % 8);
        self.set_bytes(k, &bytes);
        self.expect("flip", &["changed"], &[k])
    }

    fn drop_row(&self, k: u64) -> Expected {
        let sql = "DELETE FROM record WHERE stream_id = ?1 AND seq = ?2";
        self.run(sql, params![self.id(), k]);
        if k == self.n {
            return self.expect("drop", &["cut_short"], &[k]);
        }
        self.expect("drop", &["missing"], &[k])
    }

    fn drop_and_close_ranks(&self, k: u64) -> Expected {
        self.drop_row(k);
        self.shift(k + 1, -1);
        self.set_tip(self.n - 1, self.chain(self.n));
        if k == self.n {
            return self.expect("drop and close ranks", &["cut_short"], &[k]);
        }
        self.expect("drop and close ranks", &["missing"], &[k])
    }

    fn truncate(&self, k: u64) -> Expected {
        let sql = "DELETE FROM record WHERE stream_id = ?1 AND seq >= ?2";
        self.run(sql, params![self.id(), k]);
        self.expect("truncate", &["cut_short"], &[k])
    }

    fn truncate_with_tip(&self, k: u64) -> Expected {
        self.truncate(k);
        self.set_tip(k - 1, self.chain(k - 1));
        self.expect("truncate with tip", &["cut_short"], &[k])
    }

    /// A rating that nobody gave, its chain value made to fit or not.
    fn insert(&self, k: u64, fitting: bool) -> Expected {
        let at = k.max(2);
        let bytes = invented(1000);
        self.shift(at, 1);
        let chain = if fitting {
            self.chain(at - 1).extend(&bytes)
        } else {
            ChainHash::from_bytes([5; 32])
        };
        self.put(at, &bytes, chain);
        self.set_tip(self.n + 1, self.chain(self.n));
        let what = if fitting { "insert, fitting" } else { "insert" };
        self.expect(what, &["inserted"], &[at])
    }

    fn put(&self, at: u64, bytes: &[u8], chain: ChainHash) {
        self.run(
            "INSERT INTO record (hall_id, terminal_id, stream_id, seq, bytes, chain, received_ms, \
             kind) SELECT hall_id, terminal_id, stream_id, ?1, ?2, ?3, received_ms, 2 FROM record \
             WHERE stream_id = ?4 AND seq = 1",
            params![at, bytes, chain.as_bytes(), self.id()],
        );
    }

    fn append(&self) -> Expected {
        let bytes = invented(1000);
        let chain = self.chain(self.n).extend(&bytes);
        self.put(self.n + 1, &bytes, chain);
        self.set_tip(self.n + 1, chain);
        self.expect("append", &["beyond_signature"], &[self.n + 1])
    }

    fn pair(&self, k: u64, dice: &mut Dice) -> (u64, u64) {
        let other = 1 + (k + dice.below(self.n - 1)) % self.n;
        (k.min(other), k.max(other))
    }

    fn swap_bytes(&self, k: u64, dice: &mut Dice) -> Expected {
        let (a, b) = self.pair(k, dice);
        let (one, other) = (self.record(a).to_vec(), self.record(b).to_vec());
        if one == other {
            return self.flip(k, dice);
        }
        self.set_bytes(a, &other);
        self.set_bytes(b, &one);
        self.expect("swap bytes", &["reordered"], &[a, b])
    }

    fn swap_rows(&self, k: u64, dice: &mut Dice) -> Expected {
        let (a, b) = self.pair(k, dice);
        for (from, to) in [(a, -1), (b, i64::try_from(a).unwrap())] {
            let sql = "UPDATE record SET seq = ?1 WHERE stream_id = ?2 AND seq = ?3";
            self.run(sql, params![to, self.id(), from]);
        }
        let sql = "UPDATE record SET seq = ?1 WHERE stream_id = ?2 AND seq = -1";
        self.run(sql, params![b, self.id()]);
        self.expect("swap rows", &["reordered"], &[a, b])
    }

    /// A record goes to the stream's end, those after it move up.
    fn move_row(&self, dice: &mut Dice) -> Expected {
        let k = 2 + dice.below(self.n - 2);
        let sql = "UPDATE record SET seq = -1 WHERE stream_id = ?1 AND seq = ?2";
        self.run(sql, params![self.id(), k]);
        let sql = "UPDATE record SET seq = -(seq - 1) - 1 WHERE stream_id = ?1 AND seq > ?2";
        self.run(sql, params![self.id(), k]);
        let sql = "UPDATE record SET seq = CASE seq WHEN -1 THEN ?1 ELSE -seq - 1 END \
             WHERE stream_id = ?2 AND seq < 0";
        self.run(sql, params![self.n, self.id()]);
        self.expect("move", &["reordered"], &[k, self.n])
    }

    /// A head over the stream as it would be with these records.
    fn signed_head(&self, records: &[Vec<u8>], key: &SecretKey) -> Vec<u8> {
        let base = ChainHash::genesis(self.tablet.terminal, self.tablet.stream);
        let run = Run {
            stream: self.tablet.stream,
            first: seq(1),
            count: u32::try_from(records.len()).unwrap(),
            base,
            head: base.extend_all(records.iter().map(Vec::as_slice)),
        };
        let mut tablet = super::copy(self.tablet);
        let body = tablet.head(Some(run)).seal(records, key).unwrap();
        let exchange = manyi_shared::wire::SignedExchange::parse(&body).unwrap();
        exchange.open(&key.public()).unwrap().signed_head
    }

    fn set_head(&self, head: Option<&[u8]>) {
        let sql = "UPDATE stream SET signed_head = ?1 WHERE stream_id = ?2";
        self.run(sql, params![head, self.id()]);
    }

    fn sign_with_another_key(&self) -> Expected {
        let key = SecretKey::from_seed(&[66; 32]);
        let head = self.signed_head(&self.tablet.records, &key);
        self.set_head(Some(&head));
        self.expect("sign with another key", &["foreign_signature"], &[])
    }

    /// A record is changed and everything after it made to fit, but for the terminal's key.
    fn make_anew(&self, k: u64, sign: bool) -> Expected {
        let k = k.max(2);
        let mut records = self.tablet.records.clone();
        let bytes = invented(u32::try_from(k).unwrap());
        records[usize::try_from(k).unwrap() - 1].clone_from(&bytes);
        self.set_bytes(k, &bytes);
        let mut hash = ChainHash::genesis(self.tablet.terminal, self.tablet.stream);
        for (at, record) in (1..).zip(&records) {
            hash = hash.extend(record);
            self.set_chain(at, hash);
        }
        self.set_tip(self.n, hash);
        if sign {
            let head = self.signed_head(&records, &SecretKey::from_seed(&[66; 32]));
            self.set_head(Some(&head));
            return self.expect("make anew and sign", &["foreign_signature"], &[]);
        }
        self.expect("make anew", &["made_anew"], &[])
    }

    fn head_of_another(&self, tablets: &[Tablet]) -> Expected {
        let same = |tablet: &&Tablet| {
            tablet.terminal == self.tablet.terminal && tablet.stream != self.tablet.stream
        };
        let other = tablets.iter().find(same).expect("two streams each");
        let sql = "SELECT signed_head FROM stream WHERE stream_id = ?1";
        let head: Vec<u8> = self
            .db
            .query_row(sql, [other.stream.as_bytes()], |row| row.get(0))
            .unwrap();
        self.set_head(Some(&head));
        self.expect("head of another stream", &["wrong_signature"], &[])
    }

    /// One column of a record that counts.
    fn column(&self, k: u64, dice: &mut Dice) -> Expected {
        let sql = "SELECT seq FROM record WHERE stream_id = ?1 AND outcome IS NOT NULL \
             ORDER BY (seq + ?2) % 17 LIMIT 1";
        let at: u64 = self
            .db
            .query_row(sql, params![self.id(), k], |row| row.get::<_, i64>(0))
            .unwrap()
            .unsigned_abs();
        let changes = [
            "level = COALESCE(level, 0) % 5 + 1",
            "outcome = outcome % 5 + 1",
            "outcome = NULL",
            "ordinal = ordinal + 1",
            "tags = '111'",
            "staff_id = 'X1'",
            "item_code = 'X1'",
            "case_number = 'X1'",
            "window_id = 'C03'",
            "channel = 3",
            "response_ms = 1",
            "amended_by = 77",
            "at_ms = at_ms + 86400000, latest_ms = latest_ms + 86400000",
            "at_ms = latest_ms + 1",
            "kind = 3",
            "trigger = trigger + 1",
            "misuse_kinds = 2, misuse_touches = 9, misuse_span_ms = 5",
        ];
        let change = changes[usize::try_from(dice.below(changes.len() as u64)).unwrap()];
        let sql = format!("UPDATE record SET {change} WHERE stream_id = ?1 AND seq = ?2");
        self.run(&sql, params![self.id(), at]);
        self.expect("column", &["columns", "counting"], &[at])
    }

    /// A bad rating is made a dead letter, and its count is taken away.
    fn suppress(&self, _dice: &mut Dice) -> Expected {
        let sql = "SELECT MAX(seq) FROM record WHERE stream_id = ?1 AND outcome = 1";
        let at: i64 = self
            .db
            .query_row(sql, [self.id()], |row| row.get(0))
            .unwrap();
        for sql in [
            "INSERT INTO dead_letter (hall_id, terminal_id, stream_id, seq, reason, detail, \
             received_ms) SELECT hall_id, terminal_id, stream_id, seq, 'malformed', '', 1 \
             FROM record WHERE stream_id = ?1 AND seq = ?2",
            "UPDATE record SET outcome = NULL, level = NULL WHERE stream_id = ?1 AND seq = ?2",
        ] {
            self.run(sql, params![self.id(), at]);
        }
        self.expect("suppress", &["counting"], &[at.unsigned_abs()])
    }

    /// The end is cut off and the signature with it.
    fn forget_signature(&self) -> Expected {
        self.truncate_with_tip(self.n.saturating_sub(1).max(2));
        self.set_head(None);
        self.expect("forget signature", &["signature_gone"], &[])
    }

    fn chain_value(&self, k: u64) -> Expected {
        self.set_chain(k, ChainHash::from_bytes([6; 32]));
        self.expect("chain value", &["chain_value"], &[k])
    }

    fn tip(&self, dice: &mut Dice) -> Expected {
        let changes = [
            "watermark = watermark + 1",
            "watermark = watermark - 1",
            "hash = zeroblob(32)",
            "last_ordinal = last_ordinal + 1",
        ];
        let change = changes[usize::try_from(dice.below(4)).unwrap()];
        self.run(
            &format!("UPDATE stream SET {change} WHERE stream_id = ?1"),
            [self.id()],
        );
        self.expect("tip", &["tip"], &[])
    }

    fn forget_row(&self) -> Expected {
        self.run("DELETE FROM stream WHERE stream_id = ?1", [self.id()]);
        self.expect("forget stream", &["no_stream"], &[1])
    }

    fn receive_on_another_day(&self, k: u64) -> Expected {
        let sql = "UPDATE record SET received_ms = received_ms - 86400000 WHERE stream_id = ?1 \
             AND seq = ?2";
        self.run(sql, params![self.id(), k]);
        Expected {
            stream: None,
            ..self.expect("another day", &["day"], &[])
        }
    }

    fn count(&self, dice: &mut Dice) -> Expected {
        let changes = [
            "UPDATE tally SET n = n + 1",
            "UPDATE tally SET level = level + 10",
            "UPDATE tally SET slot = slot + 96",
            "DELETE FROM tally",
        ];
        let change = changes[usize::try_from(dice.below(4)).unwrap()];
        let sql = format!(
            "{change} WHERE window_id = ?1 AND slot = (SELECT MAX(slot) FROM tally \
             WHERE window_id = ?1)"
        );
        self.run(&sql, [self.tablet.window.as_str()]);
        Expected {
            stream: None,
            ..self.expect("count", &["counts"], &[])
        }
    }
}

/// A rating that nobody gave.
fn invented(ordinal: u32) -> Vec<u8> {
    let outcome = Outcome::Rated {
        level: Level::VerySatisfied,
        tags: Vec::new(),
    };
    let record = Record {
        at: RecordTime::default(),
        body: RecordBody::Outcome(manyi_shared::wire::OutcomeRecord {
            ordinal,
            outcome,
            tag_set: None,
            response_ms: Some(ordinal + 40),
            event: ServiceEvent::default(),
            call: manyi_shared::domain::Call::default(),
        }),
    };
    record.encode().expect("encodes")
}
