//! Snapshots are kept, removed and gone back to.

use super::*;
use crate::context::Context;
use crate::masking::MaskingStrategy;
use crate::model::Config;
use crate::training::adam::Adam;
use crate::training::{EpochRecord, Model, Stage};

fn model() -> Model {
    let config = Config { image: 32, embed_dim: 16, depth: 1, heads: 2, ..Config::small() };
    let config = Config { decoder_embed_dim: 16, decoder_depth: 1, decoder_heads: 2, ..config };
    Model::new(config, &Context::new(1)).unwrap()
}

fn pass_epoch(model: &mut Model, stage: Stage) {
    model.history.epochs.push(EpochRecord {
        epoch: model.history.epochs.len() + 1,
        stage,
        masking: MaskingStrategy::Random,
        loss: 0.1,
        reconstruction: 0.1,
        edge: 0.1,
        learning_rate: 0.1,
        variance: None,
        error: None,
    });
}

fn snapshots() -> Snapshots {
    Snapshots::new(LazyFolder::temporary(None))
}

#[test]
fn another_way_drops_what_was_gone_back_on() {
    let (mut snapshots, mut model) = (snapshots(), model());
    snapshots.keep(&model).unwrap();
    for _ in 0..4 {
        pass_epoch(&mut model, Stage::Pretrain);
        snapshots.keep(&model).unwrap();
    }
    let mut model = snapshots.go_to(2, &Device::Cpu).unwrap();
    assert_eq!(snapshots.epochs().collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    // A calibration is no training.
    snapshots.keep(&model).unwrap();
    assert_eq!(snapshots.epochs().collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    pass_epoch(&mut model, Stage::Pretrain);
    snapshots.keep(&model).unwrap();
    assert_eq!(snapshots.epochs().collect::<Vec<_>>(), [0, 1, 2, 3]);
    let mut reopened = Snapshots::open(snapshots.folder().clone()).unwrap();
    assert_eq!(reopened.index, snapshots.index);
    assert_eq!(reopened.current::<Model>(&Device::Cpu).unwrap().0.history.epochs.len(), 3);
}

#[test]
fn an_interrupted_epoch_leaves_the_end_of_the_one_before() {
    let (mut snapshots, mut model) = (snapshots(), model());
    snapshots.keep(&model).unwrap();
    pass_epoch(&mut model, Stage::Pretrain);
    model.adam = Adam::from_tensors(5, &mut BTreeMap::new()).unwrap();
    snapshots.keep(&model).unwrap();
    assert!(snapshots.holds(&model));
    // Two batches of the next epoch, and then a calibration.
    model.adam = Adam::from_tensors(7, &mut BTreeMap::new()).unwrap();
    model.estimations = 3;
    assert!(!snapshots.holds(&model));
    snapshots.keep(&model).unwrap();
    assert!(snapshots.holds(&model));
    let reopened = || Snapshots::open(snapshots.folder().clone()).unwrap();
    let (now, note) = reopened().current::<Model>(&Device::Cpu).unwrap();
    assert_eq!((now.adam.steps(), now.estimations, note), (7, 3, None));
    let mut back = reopened();
    let earlier: Model = back.go_to(1, &Device::Cpu).unwrap();
    assert_eq!((earlier.adam.steps(), earlier.estimations), (5, 0));
    assert_eq!(reopened().current::<Model>(&Device::Cpu).unwrap().0.adam.steps(), 5);
    // The state in between is gone.
    assert_eq!(checkpoints(&back), 2);
}

/// How many files of snapshots there are.
fn checkpoints(snapshots: &Snapshots) -> usize {
    let files = fs::read_dir(snapshots.folder().path().unwrap()).unwrap().flatten();
    files.filter(|file| file.path().extension().is_some_and(|e| e == "safetensors")).count()
}

#[test]
fn a_full_budget_keeps_the_newest_the_first_and_the_ends_of_stages() {
    let (mut snapshots, mut model) = (snapshots(), model());
    snapshots.keep(&model).unwrap();
    let size = snapshots.index.epochs[&0].bytes;
    // The history grows the files a little.
    snapshots.budget = 18 * size + 18 * 40 * 300;
    for epoch in 0..40 {
        let stage = if epoch < 13 { Stage::Pretrain } else { Stage::Adapt };
        pass_epoch(&mut model, stage);
        snapshots.keep(&model).unwrap();
    }
    let kept: Vec<usize> = snapshots.epochs().collect();
    assert!(kept.len() < 30, "{kept:?}");
    for epoch in [0, 13].into_iter().chain(31..=40) {
        assert!(kept.contains(&epoch), "{epoch} of {kept:?}");
    }
    assert_eq!(checkpoints(&snapshots), kept.len(), "one file per snapshot");
}

#[test]
fn a_missing_snapshot_names_its_neighbours() {
    let mut snapshots = snapshots();
    snapshots.keep(&model()).unwrap();
    let error = snapshots.go_to::<Model>(7, &Device::Cpu).err().unwrap().to_string();
    assert_eq!(error, "there is no snapshot of epoch 7; the nearest is 0");
}

#[test]
fn a_numbered_file_outlives_a_second_way_to_the_same_epoch() {
    let (mut snapshots, mut model) = (snapshots().numbered(), model());
    snapshots.keep(&model).unwrap();
    pass_epoch(&mut model, Stage::Pretrain);
    snapshots.keep(&model).unwrap();
    let index = snapshots.index().clone();
    let folder = snapshots.folder().clone();
    // What a run did after that, before it was killed.
    pass_epoch(&mut model, Stage::Pretrain);
    snapshots.keep(&model).unwrap();
    let at = Snapshots::new(folder).at(index.clone());
    assert_eq!(at.epochs().collect::<Vec<_>>(), [0, 1]);
    let mut at = at;
    let mut model: Model = at.go_to(0, &Device::Cpu).unwrap();
    pass_epoch(&mut model, Stage::Adapt);
    at.keep(&model).unwrap();
    assert_eq!(at.epochs().collect::<Vec<_>>(), [0, 1]);
    let again: Model = at.go_to(1, &Device::Cpu).unwrap();
    assert_eq!(again.history.epochs[0].stage, Stage::Adapt);
    let files = fs::read_dir(at.folder().path().unwrap()).unwrap().flatten();
    let mut names: Vec<_> = files.map(|f| f.file_name().into_string().unwrap()).collect();
    names.retain(|name| name != "owner.lock");
    names.sort();
    let expected = [
        "epoch-0000-1.safetensors",
        "epoch-0001-3.safetensors",
        "epoch-0002-3.safetensors",
        "snapshots.json",
    ];
    assert_eq!(names, expected);
}

#[test]
fn a_bound_for_all_models_removes_the_oldest_and_says_so() {
    let mut first = snapshots();
    let (mut trained, mut other) = (model(), model());
    first.keep(&trained).unwrap();
    let size = first.index.epochs[&0].bytes;
    // The history grows the files a little.
    let bound = SnapshotBound::new(6 * size + size / 2);
    let mut first = first.within(&bound);
    for _ in 0..4 {
        pass_epoch(&mut trained, Stage::Pretrain);
        first.keep(&trained).unwrap();
    }
    assert_eq!(first.epochs().collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    let mut second = snapshots().within(&bound);
    for _ in 0..3 {
        second.keep(&other).unwrap();
        pass_epoch(&mut other, Stage::Pretrain);
    }
    assert_eq!(first.epochs().collect::<Vec<_>>(), [0, 3, 4]);
    assert_eq!(second.epochs().collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!((checkpoints(&first), checkpoints(&second)), (3, 3));
    let error = first.go_to::<Model>(1, &Device::Cpu).err().unwrap().to_string();
    assert!(error.starts_with("there is no snapshot of epoch 1; the nearest are 0 and 3; "));
    assert!(error.contains("the oldest are removed"), "{error}");
    first.go_to::<Model>(3, &Device::Cpu).unwrap();
    // A model that is gone makes room first.
    drop(first);
    for _ in 0..2 {
        pass_epoch(&mut other, Stage::Pretrain);
        second.keep(&other).unwrap();
    }
    assert_eq!(second.epochs().collect::<Vec<_>>(), [0, 1, 2, 4, 5]);
}
