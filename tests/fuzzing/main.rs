//! The kept corpus of the fuzz targets, and changed copies of it, on stable.
//!
//! A file that crashed a target is kept under `fuzz/corpus/TARGET/` and read here ever after. The changes are
//! drawn from a fixed seed. `U2AD_FUZZ_SECONDS=60` draws others for a minute per target, from a seed that
//! it prints (`just fuzz`).

mod mutation;
mod seeds;
#[path = "../../fuzz/targets.rs"]
mod targets;
mod watch;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use mutation::changed;
use watch::{Watch, memory};

/// Bytes that a target may take at its highest, whatever its input.
const MEMORY: u64 = 1 << 30;
/// Bytes of the whole corpus.
const CORPUS: u64 = 1 << 20;

fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let entries = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), path))
        .map(|(name, path)| (name, fs::read(path).unwrap()))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no corpus for {target}");
    files
}

/// Replays the corpus of a target and `changes` changed copies of it.
fn replay(name: &'static str, changes: usize) {
    let watch = Watch::begin(name);
    let target = targets::target(name);
    let corpus = corpus(name);
    let mut failures = Vec::new();
    let mut run = |of: &str, bytes: &[u8]| {
        watch.enter(bytes);
        let done = catch_unwind(AssertUnwindSafe(|| target(bytes)));
        let panics = watch.leave();
        if done.is_err() || !panics.is_empty() {
            let kept = watch.keep(bytes);
            failures.push(format!("{of}: {} ({})", panics.join("; "), kept.display()));
        }
    };
    memory();
    for (file, bytes) in &corpus {
        run(file, bytes);
    }
    let all: Vec<&[u8]> = corpus.iter().map(|(_, bytes)| bytes.as_slice()).collect();
    let mut draw = ChaCha8Rng::seed_from_u64(2026);
    for number in 0..changes {
        let (file, bytes) = &corpus[number % corpus.len()];
        run(&format!("{file}, change {number}"), &changed(bytes, &all, &mut draw));
    }
    if let Some(seconds) = std::env::var("U2AD_FUZZ_SECONDS").ok().and_then(|n| n.parse().ok()) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let seed = now.as_nanos() as u64;
        let mut draw = ChaCha8Rng::seed_from_u64(seed);
        let (begun, mut count) = (Instant::now(), 0usize);
        while begun.elapsed() < Duration::from_secs(seconds) {
            let (file, bytes) = &corpus[count % corpus.len()];
            run(
                &format!("{file}, change {count} of seed {seed}"),
                &changed(bytes, &all, &mut draw),
            );
            count += 1;
        }
        eprintln!("{name}: {count} changed inputs from the seed {seed}");
    }
    if let Some(highest) = memory() {
        assert!(highest < MEMORY, "{name} took {} MB", highest >> 20);
    }
    let count = failures.len();
    failures.truncate(10);
    assert!(count == 0, "{count} inputs of {name} failed:\n{}", failures.join("\n"));
}

macro_rules! replays {
    ($($target:ident: $changes:literal,)*) => {$(
        #[test]
        fn $target() {
            replay(stringify!($target), $changes);
        }
    )*};
}

replays! {
    checkpoint: 2000,
    dicom: 2000,
    journal: 1000,
    kernel_frames: 10000,
    nifti: 10000,
    notebook: 6000,
    npy: 6000,
    participants: 3000,
    starlark: 4000,
}

#[test]
fn the_corpus_is_small_and_every_target_has_one() {
    let mut total = 0;
    for (name, _) in targets::TARGETS {
        total += corpus(name).iter().map(|(_, bytes)| bytes.len() as u64).sum::<u64>();
    }
    assert!(total < CORPUS, "{total} bytes");
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/fuzz_targets");
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().replace(".rs", ""))
        .collect();
    names.sort();
    assert_eq!(names, targets::TARGETS.map(|(name, _)| name));
}

/// Writes the files that the corpus began with.
#[test]
#[ignore = "writes files of the repository"]
fn write_the_seeds() {
    for (target, files) in seeds::all() {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
        fs::create_dir_all(&folder).unwrap();
        for (name, bytes) in files {
            fs::write(folder.join(name), bytes).unwrap();
        }
    }
}
