//! Random histories of a terminal and its daemon, run against the real journal and against the
//! plainest model there is: a list of lists.

use std::path::Path;

use manyi_shared::domain::{Level, StreamId, Watermark};
use manyi_shared::journal::{Backlog, Reader, Writer};
use manyi_shared::wire::{ChainHash, Suite};
use proptest::prelude::*;

use super::{opening_in, rating, reading};

#[derive(Debug, Clone)]
enum Step {
    /// The terminal seals a rating.
    Append(Level),
    /// The program ends in order and starts again.
    Reopen,
    /// The program ends at once: files are taken as they lie, with the WAL and without closing.
    Crash,
    /// The daemon reads a run of at most so many records, and the centre acknowledges a part.
    Send {
        at_most: usize,
        acknowledged_of_run: usize,
    },
    /// The daemon prunes down to so many acknowledged records.
    Prune { keep: u64 },
}

#[derive(Debug, Default)]
struct Model {
    streams: Vec<ModelStream>,
}

#[derive(Debug)]
struct ModelStream {
    id: StreamId,
    /// Every record ever sealed, and the chain after it.
    sealed: Vec<(Vec<u8>, ChainHash)>,
    acknowledged: usize,
    pruned: usize,
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => prop::sample::select(Level::ALL.to_vec()).prop_map(Step::Append),
        1 => Just(Step::Reopen),
        1 => Just(Step::Crash),
        3 => (1_usize..6, 0_usize..6)
            .prop_map(|(at_most, acknowledged_of_run)| Step::Send { at_most, acknowledged_of_run }),
        1 => (0_u64..8).prop_map(|keep| Step::Prune { keep }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_journal_is_a_list_of_lists(steps in prop::collection::vec(any_step(), 1..40)) {
        run(&steps);
    }
}

fn run(steps: &[Step]) {
    let mut folder = tempfile::tempdir().unwrap();
    let mut model = Model::default();
    let mut writer = start(folder.path(), &mut model);
    let mut ordinal = 0;
    for step in steps {
        match *step {
            Step::Append(level) => {
                ordinal += 1;
                let appended = writer
                    .append(rating(ordinal, level), &reading(u64::from(ordinal)))
                    .unwrap();
                let bytes = last_record(folder.path(), writer.stream());
                let stream = model.streams.last_mut().unwrap();
                stream.sealed.push((bytes, appended.hash));
                assert_eq!(appended.seq.get() as usize, stream.sealed.len());
            }
            Step::Reopen => {
                drop(writer);
                writer = start(folder.path(), &mut model);
            }
            Step::Crash => {
                // What a killed process leaves: the files as they lie, copied while it still runs.
                let after = tempfile::tempdir().unwrap();
                for file in std::fs::read_dir(folder.path()).unwrap() {
                    let file = file.unwrap();
                    std::fs::copy(file.path(), after.path().join(file.file_name())).unwrap();
                }
                drop(writer);
                folder = after;
                writer = start(folder.path(), &mut model);
            }
            Step::Send {
                at_most,
                acknowledged_of_run,
            } => {
                send(folder.path(), &mut model, at_most, acknowledged_of_run);
            }
            Step::Prune { keep } => prune(folder.path(), &mut model, keep),
        }
        compare(folder.path(), &model);
    }
}

fn journal(folder: &Path) -> std::path::PathBuf {
    folder.join("journal.sqlite")
}

fn start(folder: &Path, model: &mut Model) -> Writer {
    // A terminal that is enrolled anew may have another suite: its streams keep theirs.
    let suite = Suite::ALL[model.streams.len() % Suite::ALL.len()];
    let writer = Writer::open(&journal(folder), &opening_in(suite), reading(0)).unwrap();
    assert!(
        model.streams.iter().all(|s| s.id != writer.stream()),
        "a stream id was used again"
    );
    let first = last_record(folder, writer.stream());
    let genesis = suite.genesis(opening_in(suite).terminal, writer.stream());
    let hash = genesis.extend(&first);
    model.streams.push(ModelStream {
        id: writer.stream(),
        sealed: vec![(first, hash)],
        acknowledged: 0,
        pruned: 0,
    });
    writer
}

fn last_record(folder: &Path, stream: StreamId) -> Vec<u8> {
    let reader = Reader::open(&journal(folder)).unwrap();
    let stream = reader
        .streams()
        .unwrap()
        .into_iter()
        .find(|s| s.id == stream)
        .unwrap();
    let mut last = Vec::new();
    reader
        .for_each_record(&stream, |record| last = record.bytes)
        .unwrap();
    last
}

fn send(folder: &Path, model: &mut Model, at_most: usize, acknowledged_of_run: usize) {
    let mut backlog = Backlog::open(&journal(folder)).unwrap();
    let run = backlog.next_run(at_most, usize::MAX, &[]).unwrap();
    let expected = model
        .streams
        .iter_mut()
        .find(|s| s.acknowledged < s.sealed.len());
    let (run, stream) = match (run, expected) {
        (None, None) => return,
        (Some(run), Some(stream)) => (run, stream),
        (run, stream) => panic!("journal says {run:?}, model says {stream:?}"),
    };
    let unsent = &stream.sealed[stream.acknowledged..];
    let wanted: Vec<_> = unsent
        .iter()
        .take(at_most)
        .map(|(bytes, _)| bytes.clone())
        .collect();
    assert_eq!(
        (run.stream, run.first.get() as usize),
        (stream.id, stream.acknowledged + 1)
    );
    assert_eq!(run.records, wanted);
    assert_eq!(run.more, unsent.len() > at_most);
    assert_eq!(
        run.head(),
        stream.sealed[stream.acknowledged + wanted.len() - 1].1
    );
    let taken = acknowledged_of_run.min(wanted.len());
    if taken > 0 {
        stream.acknowledged += taken;
        let (_, hash) = stream.sealed[stream.acknowledged - 1];
        let watermark = Watermark::new(stream.acknowledged as u64);
        backlog.acknowledge(stream.id, watermark, hash).unwrap();
    }
}

fn prune(folder: &Path, model: &mut Model, keep: u64) {
    let mut backlog = Backlog::open(&journal(folder)).unwrap();
    let pruned = backlog.prune(keep).unwrap();
    let kept: usize = model
        .streams
        .iter()
        .map(|s| s.acknowledged - s.pruned)
        .sum();
    let mut excess = kept.saturating_sub(keep as usize);
    assert_eq!(pruned.records as usize, excess);
    for stream in &mut model.streams {
        let removed = excess.min(stream.acknowledged - stream.pruned);
        stream.pruned += removed;
        excess -= removed;
    }
}

fn compare(folder: &Path, model: &Model) {
    let reader = Reader::open(&journal(folder)).unwrap();
    let streams = reader.streams().unwrap();
    let ids: Vec<_> = streams.iter().map(|s| s.id).collect();
    assert_eq!(ids, model.streams.iter().map(|s| s.id).collect::<Vec<_>>());
    for (stored, expected) in streams.iter().zip(&model.streams) {
        let mut records = Vec::new();
        reader
            .for_each_record(stored, |r| {
                records.push((r.seq.get() as usize, r.bytes, r.hash))
            })
            .unwrap();
        let wanted: Vec<_> = expected
            .sealed
            .iter()
            .enumerate()
            .skip(expected.pruned)
            .map(|(i, (bytes, hash))| (i + 1, bytes.clone(), *hash))
            .collect();
        assert_eq!(records, wanted);
        assert_eq!(stored.acknowledged as usize, expected.acknowledged);
        assert!(reader.verify(stored).unwrap().verdict.is_good());
    }
    let unsent: usize = model
        .streams
        .iter()
        .map(|s| s.sealed.len() - s.acknowledged)
        .sum();
    let backlog = Backlog::open(&journal(folder)).unwrap();
    assert_eq!(backlog.unacknowledged().unwrap() as usize, unsent);
}
