//! What the terminal believes that the centre holds, against what it does.

use std::collections::BTreeMap;

use manyi_shared::domain::{StreamId, Watermark};
use manyi_shared::wire::{ChainHash, Claim, ExchangeHead};

/// Of the claims, those where less is held: what is held. An unknown stream stands at its genesis.
///
/// A stream of which as much or more is held is left out, whatever its chain: another past shows
/// itself when the terminal goes on with it.
pub(super) fn behind(
    head: &ExchangeHead,
    tips: &BTreeMap<StreamId, (u64, ChainHash)>,
) -> Vec<Claim> {
    let behind = |claim: &Claim| {
        let suite = claim.hash.suite();
        let genesis = || (0, suite.genesis(head.terminal, claim.stream));
        let held = tips.get(&claim.stream).copied();
        let begun = held.filter(|(watermark, _)| *watermark > 0);
        let (watermark, hash) = begun.unwrap_or_else(genesis);
        (watermark < claim.watermark.get()).then_some(Claim {
            stream: claim.stream,
            watermark: Watermark::new(watermark),
            hash,
        })
    };
    head.claims.iter().filter_map(behind).collect()
}
