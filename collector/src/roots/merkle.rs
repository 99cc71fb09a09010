//! The Merkle tree of RFC 9162 (the one of RFC 6962) with SHA-256.
//!
//! Own code: it is thirty lines of arithmetic under a published root that must still be checkable in
//! ten years, and the crates there are bring a whole transparency log with them. The tests hold the
//! vectors of RFC 6962's reference implementation.
//!
//! **Invariants**
//! 1. A leaf never hashes like a node: they have different first bytes.
//! 2. Adding a leaf keeps one hash for each complete subtree, so a tree over n leaves needs
//!    log2(n) hashes of memory.

use manyi_shared::wire::digest;
use sha2::{Digest, Sha256};

/// A hash in the tree.
pub type Hash = [u8; 32];

/// The hash of a leaf.
#[must_use]
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    Sha256::new()
        .chain_update([0])
        .chain_update(leaf)
        .finalize()
        .into()
}

fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let node = Sha256::new().chain_update([1]);
    node.chain_update(left)
        .chain_update(right)
        .finalize()
        .into()
}

/// A tree that grows leaf by leaf and knows its root at every moment.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    /// One hash for each bit of `leaves` that is set, the largest subtree first.
    complete: Vec<Hash>,
    leaves: u64,
}

impl Tree {
    /// Adds the hash of the next leaf.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        // Each trailing one of the count is a subtree of the same size as what is being added.
        for _ in 0..self.leaves.trailing_ones() {
            let left = self.complete.pop().unwrap_or_default();
            hash = node_hash(&left, &hash);
        }
        self.complete.push(hash);
        self.leaves += 1;
    }

    /// How many leaves there are.
    #[must_use]
    pub const fn leaves(&self) -> u64 {
        self.leaves
    }

    /// The root; of no leaves, the digest of nothing.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut smallest_first = self.complete.iter().rev();
        let Some(first) = smallest_first.next() else {
            return digest(&[]);
        };
        smallest_first.fold(*first, |right, left| node_hash(left, &right))
    }
}

/// The root over these leaf hashes.
fn root_of(leaves: &[Hash]) -> Hash {
    let mut tree = Tree::default();
    leaves.iter().for_each(|leaf| tree.push(*leaf));
    tree.root()
}

/// What must be hashed in, from the leaf upwards, to come from leaf `index` to the root (RFC 9162
/// §2.1.3.1); empty when there is no such leaf.
#[must_use]
pub fn path(leaves: &[Hash], index: usize) -> Vec<Hash> {
    let n = leaves.len();
    if n < 2 || index >= n {
        return Vec::new();
    }
    // The largest power of two below n.
    let split = 1_usize << (n - 1).ilog2();
    let Some((left, right)) = leaves.split_at_checked(split) else {
        return Vec::new();
    };
    let (mut way, beside) = if index < split {
        (path(left, index), root_of(right))
    } else {
        (path(right, index - split), root_of(left))
    };
    way.push(beside);
    way
}

/// The root that a leaf and its path lead to (RFC 9162 §2.1.3.2); none when a path of this length
/// cannot belong to leaf `index` of `leaves`.
#[must_use]
pub fn root_from(leaf: Hash, index: u64, leaves: u64, path: &[Hash]) -> Option<Hash> {
    if index >= leaves {
        return None;
    }
    let (mut at, mut last) = (index, leaves - 1);
    let mut hash = leaf;
    for beside in path {
        if last == 0 {
            return None;
        }
        if at & 1 == 1 || at == last {
            hash = node_hash(beside, &hash);
            // A rightmost node without a sibling goes up unchanged.
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, beside);
        }
        at >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(hash)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hex(hash: &[u8]) -> String {
        hash.iter().map(|b| format!("{b:02x}")).collect()
    }

    fn unhex(text: &str) -> Vec<u8> {
        let byte = |i: usize| u8::from_str_radix(&text[i..i + 2], 16).expect("hex");
        (0..text.len()).step_by(2).map(byte).collect()
    }

    /// The leaves and roots of RFC 6962's reference implementation (certificate-transparency,
    /// `merkle_tree_test`): the root over the first n leaves.
    const VECTORS: [(&str, &str); 8] = [
        (
            "",
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        ),
        (
            "00",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        ),
        (
            "10",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        ),
        (
            "2021",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ),
        (
            "3031",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        ),
        (
            "40414243",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        ),
        (
            "5051525354555657",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        ),
        (
            "606162636465666768696a6b6c6d6e6f",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ),
    ];

    #[test]
    fn the_roots_are_those_of_the_reference_implementation() {
        let mut tree = Tree::default();
        assert_eq!(
            hex(&tree.root()),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        for (leaf, root) in VECTORS {
            tree.push(leaf_hash(&unhex(leaf)));
            assert_eq!(hex(&tree.root()), root, "{} leaves", tree.leaves());
        }
    }

    /// Audit paths of the same reference: leaf, size, path from the leaf upwards.
    #[rstest::rstest]
    #[case(0, 1, &[])]
    #[case(0, 8, &[
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ])]
    #[case(5, 8, &[
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ])]
    #[case(2, 3, &["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"])]
    #[case(1, 5, &[
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ])]
    fn the_paths_are_those_of_the_reference_implementation(
        #[case] index: usize,
        #[case] size: usize,
        #[case] wanted: &[&str],
    ) {
        let leaves: Vec<_> = VECTORS[..size]
            .iter()
            .map(|(leaf, _)| leaf_hash(&unhex(leaf)))
            .collect();
        let found: Vec<_> = path(&leaves, index).iter().map(|h| hex(h)).collect();
        assert_eq!(found, wanted);
    }

    proptest! {
        #[test]
        fn every_leaf_leads_to_the_root_by_its_own_path_only(
            n in 1_usize..70, index in 0_usize..70, other in 0_usize..70, bit in 0_usize..256
        ) {
            let leaves: Vec<_> = (0..n).map(|i| leaf_hash(&[u8::try_from(i).unwrap()])).collect();
            let (index, other) = (index % n, other % n);
            let (way, size) = (path(&leaves, index), n as u64);
            let root = Some(root_of(&leaves));
            prop_assert_eq!(root_from(leaves[index], index as u64, size, &way), root);
            if other != index {
                prop_assert_ne!(root_from(leaves[other], index as u64, size, &way), root);
                prop_assert_ne!(root_from(leaves[index], other as u64, size, &way), root);
            }
            let mut forged = leaves[index];
            forged[bit / 8] ^= 1 << (bit % 8);
            prop_assert_ne!(root_from(forged, index as u64, size, &way), root);
            if let Some(short) = way.get(1..) {
                prop_assert_eq!(root_from(leaves[index], index as u64, size, short), None);
            }
            prop_assert_eq!(root_from(leaves[index], size, size, &way), None);
        }
    }
}
