//! Files that an earlier version wrote still load and give the same numbers.
//!
//! `fixtures/old_files/model.safetensors` was written by the commit "Shapes of a block in one place" of
//! version 0.1, before parameters and settings got their present names.

use std::fs;
use std::process::Command;

/// Mean variance that the version that wrote the checkpoint printed for it: `estimate_uncertainty(model,
/// people, samples = 3).variance` with the seed 5, on two cores with AVX-512.
const VARIANCE: f64 = 4.879056908594663e-5;

#[test]
fn a_checkpoint_of_before_the_renaming_gives_the_same_uncertainty() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("old.star");
    let files = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/old_files");
    let source = format!(
        "people = load_cohort(\"{files}/slices\", size = 32, fov_mm = 32)\n\
         model = load_model(\"{files}/model.safetensors\")\n\
         seed(5)\n\
         print(estimate_uncertainty(model, people, samples = 3).variance)\n"
    );
    fs::write(&script, source).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_u2ad"))
        .arg("run")
        .arg(&script)
        .arg("--out")
        .arg(folder.path().join("runs"))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let variance = text.lines().find_map(|line| line.trim().parse::<f64>().ok()).expect(&text);
    // Instruction sets round differently.
    assert!((variance / VARIANCE - 1.0).abs() < 1e-4, "{variance:e}");
}
