//! Follows one stream's chain and tells where it is broken.
//!
//! The terminal signs the chain's end only. The value beside each record says nothing by itself
//! (whoever changes a record can change it, too), but it splits the blame: a record that does not fit
//! between its neighbours' values is the one that was touched.

use manyi_shared::wire::ChainHash;

use super::finding::What;

/// Broken places that are looked at together; a stream with more is beyond attribution.
const MOST_BROKEN: usize = 64;

/// A record that does not lead from the value before it to its own.
#[derive(Debug)]
struct Broken {
    seq: u64,
    bytes: Vec<u8>,
    /// The value beside it.
    own: ChainHash,
    /// The value beside the record before.
    before: ChainHash,
    /// The value before that one.
    two_before: ChainHash,
}

impl Broken {
    /// Whether it would fit after this value.
    fn fits_after(&self, value: ChainHash) -> bool {
        value.extend(&self.bytes) == self.own
    }
}

/// Follows a chain.
#[derive(Debug)]
pub(super) struct Chain {
    /// Over the bytes alone.
    real: ChainHash,
    /// Over the bytes, taken up again from the stored value after each broken place.
    local: ChainHash,
    before_local: ChainHash,
    /// Whether `real` and `local` are the same: one hash is computed, not two.
    together: bool,
    broken: Vec<Broken>,
    more_broken: u64,
    /// Positions that are not there.
    gaps: Vec<(u64, u64)>,
    /// Nothing is known of the value before the next record.
    blind: bool,
}

impl Chain {
    pub(super) const fn new(genesis: ChainHash) -> Self {
        Self {
            real: genesis,
            local: genesis,
            before_local: genesis,
            together: true,
            broken: Vec::new(),
            more_broken: 0,
            gaps: Vec::new(),
            blind: false,
        }
    }

    /// The chain over the bytes so far.
    pub(super) const fn real(&self) -> ChainHash {
        self.real
    }

    /// Positions `first..=last` are not there.
    pub(super) fn gap(&mut self, first: u64, last: u64) {
        if self.gaps.len() < MOST_BROKEN {
            self.gaps.push((first, last - first + 1));
        }
        self.together = false;
        self.blind = true;
    }

    /// Counts that the terminal signed stand for the next positions, between these two values.
    pub(super) fn fold(&mut self, base: ChainHash, head: ChainHash) {
        // With another value before it, what is computed stays wrong to the end.
        let head = head.in_suite(self.local.suite());
        if self.real == base {
            self.real = head;
        }
        self.before_local = self.local;
        self.local = head;
        self.together = self.real == head;
        self.blind = false;
    }

    /// The next record and the value stored beside it.
    pub(super) fn record(&mut self, seq: u64, bytes: &[u8], stored: Option<ChainHash>) {
        let before = self.local;
        let computed = before.extend(bytes);
        self.real = if self.together {
            computed
        } else {
            self.real.extend(bytes)
        };
        // The values beside records are bytes; they go on with the stream's own hash function.
        let own = stored.map_or(computed, |own| own.in_suite(computed.suite()));
        if own != computed && !self.blind {
            self.together = false;
            if self.broken.len() < MOST_BROKEN {
                self.broken.push(Broken {
                    seq,
                    bytes: bytes.to_vec(),
                    own,
                    before,
                    two_before: self.before_local,
                });
            } else {
                self.more_broken += 1;
            }
        }
        self.blind = self.blind && stored.is_none();
        self.before_local = before;
        self.local = own;
    }

    /// What was done, each with its position, when the bytes do not lead to what was signed.
    /// `lacking` is how many records fewer there are than were signed; negative: more.
    pub(super) fn attribute(mut self, lacking: i64) -> Vec<(u64, What)> {
        let gaps = self.gaps.iter();
        let mut told: Vec<_> = gaps
            .map(|&(first, count)| (first, What::Missing { count }))
            .collect();
        self.reordered(&mut told);
        self.inserted(&mut told);
        // What is left fits nowhere: it was changed, or what stood before it was taken away and the
        // rest moved up.
        let mut lacking = u64::try_from(lacking).unwrap_or(0);
        for broken in &self.broken {
            if lacking > 0 {
                told.push((broken.seq, What::Missing { count: lacking }));
                lacking = 0;
            } else {
                told.push((broken.seq, What::Changed));
            }
        }
        told.sort_by_key(|(seq, _)| *seq);
        told
    }

    /// The stored values that were changed beside records that are as they were signed: a value
    /// breaks at its own record and at the next.
    pub(super) fn values(self) -> Vec<(u64, What)> {
        let mut last = None;
        let mut told = Vec::new();
        for broken in self.broken {
            let follows = last.is_some_and(|last: u64| last + 1 == broken.seq);
            if !follows {
                told.push((broken.seq, What::ChainValue));
            }
            last = (!follows).then_some(broken.seq);
        }
        told
    }

    /// Whether any place is broken.
    pub(super) fn is_broken(&self) -> bool {
        !self.broken.is_empty() || self.more_broken > 0
    }

    fn reordered(&mut self, told: &mut Vec<(u64, What)>) {
        while let Some((a, b)) = self.pair() {
            let (Some(y), Some(x)) = (take(&mut self.broken, b), take(&mut self.broken, a)) else {
                return;
            };
            // The records after them fit again once the two are where they belong.
            let values = [x.own, y.own, x.before, y.before];
            self.broken
                .retain(|other| !values.iter().any(|value| other.fits_after(*value)));
            told.push((x.seq, What::Reordered { with: y.seq }));
        }
    }

    /// Two broken records that would fit in each other's place.
    fn pair(&self) -> Option<(usize, usize)> {
        let numbered = || self.broken.iter().enumerate();
        numbered().find_map(|(a, x)| {
            let mut others = numbered().skip(a + 1);
            let other = others.find(|(_, y)| changed_places(x, y));
            other.map(|(b, _)| (a, b))
        })
    }

    /// The broken place in front of which a record would fit.
    fn home_of(&self, moved: &Broken) -> Option<u64> {
        let home = self
            .broken
            .iter()
            .find(|place| moved.fits_after(place.before) && place.fits_after(moved.own));
        home.map(|place| place.seq)
    }

    fn inserted(&mut self, told: &mut Vec<(u64, What)>) {
        // With a value that fits: only the record after it is broken, and would fit before it.
        // With any other value: it is broken itself, and the one after would fit in its place.
        let mut index = 0;
        while let Some(broken) = self.broken.get(index) {
            let next = self.broken.get(index + 1);
            let next = next.filter(|next| next.seq == broken.seq + 1);
            if next.is_some_and(|next| next.fits_after(broken.before)) {
                let (seq, home) = (broken.seq, self.home_of(broken));
                drop(self.broken.drain(index..index + 2));
                // A record that fits elsewhere was moved here from there.
                told.push(match home {
                    Some(home) => {
                        self.broken.retain(|other| other.seq != home);
                        (seq, What::Reordered { with: home - 1 })
                    }
                    None => (seq, What::Inserted),
                });
            } else if broken.fits_after(broken.two_before) {
                told.push((broken.seq - 1, What::Inserted));
                drop(take(&mut self.broken, index));
            } else {
                index += 1;
            }
        }
    }
}

fn take(list: &mut Vec<Broken>, index: usize) -> Option<Broken> {
    (index < list.len()).then(|| list.remove(index))
}

/// Whether two records, the earlier first, stand in each other's place: their bytes alone, their
/// whole rows, or the second moved in front of the first.
fn changed_places(x: &Broken, y: &Broken) -> bool {
    let bytes = x.before.extend(&y.bytes) == x.own && y.before.extend(&x.bytes) == y.own;
    let rows = y.fits_after(x.before) && (x.fits_after(y.before) || x.fits_after(y.own));
    bytes || rows
}
