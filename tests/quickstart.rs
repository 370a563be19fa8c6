//! The quickstart, shortened: it runs from start to end, and twice gives the same tables, weights
//! and pictures, whatever the thread count.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// Files of a run by name, without the two that tell times.
fn run(out: &Path, threads: &str) -> BTreeMap<String, Vec<u8>> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tutorials/01-quickstart.star");
    let short =
        ["subjects=4", "pretrain_epochs=1", "rounds=2", "epochs_per_round=1"].map(|p| ["-p", p]);
    let output = Command::new(env!("CARGO_BIN_EXE_u2ad"))
        .args(["run", script, "--out"])
        .arg(out)
        .args(short.concat())
        .env("RAYON_NUM_THREADS", threads)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert!(!errors.contains("never ask"), "{errors}");
    let folder = out.join("01-quickstart");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| {
        let entry = entry.unwrap();
        (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap())
    });
    files.filter(|(name, _)| name != "run.json" && name != "log.txt").collect()
}

#[test]
fn the_quickstart_runs_and_gives_the_same_bytes_twice() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (one, two) = (run(one.path(), "2"), run(two.path(), "1"));
    assert_eq!(one.keys().collect::<Vec<_>>(), two.keys().collect::<Vec<_>>());
    for (name, bytes) in &one {
        assert!(two[name] == *bytes, "{name} differs between two runs");
    }
    for kind in [".png", ".svg", ".tsv", ".safetensors", ".star"] {
        assert!(one.keys().any(|name| name.ends_with(kind)), "no {kind} among {:?}", one.keys());
    }
}
