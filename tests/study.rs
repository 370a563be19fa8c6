//! The study, shortened: it runs from start to end, and goes on where it stopped.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

/// Tables of a run by name, and what it printed.
fn run(out: &Path, kept: &Path) -> (BTreeMap<String, String>, String) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tutorials/08-study.star");
    let short = [
        "subjects=8",
        "seeds=1",
        "pretrain_epochs=1",
        "rounds=2",
        "epochs_per_round=1",
        "scorer_epochs=2",
        "samples=2",
    ];
    let output = Command::new(env!("CARGO_BIN_EXE_u2ad"))
        .args(["run", script, "--out"])
        .arg(out)
        .args(short.map(|one| ["-p", one]).concat())
        .args(["-p", &format!("folder={}", kept.display())])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert!(!errors.contains("never ask") && !errors.contains("calibrate it again"), "{errors}");
    let files = std::fs::read_dir(out.join("08-study")).unwrap().map(|entry| {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let is_table = name.ends_with(".tsv");
        (
            name,
            if is_table { std::fs::read_to_string(entry.path()).unwrap() } else { String::new() },
        )
    });
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (files.filter(|(name, _)| name != "run.json" && name != "log.txt").collect(), text)
}

/// The kept files with the time of their last change.
fn kept_files(folder: &Path) -> BTreeMap<String, SystemTime> {
    let settings = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    let entries = std::fs::read_dir(settings).unwrap().map(|entry| entry.unwrap());
    entries
        .map(|entry| {
            let changed = entry.metadata().unwrap().modified().unwrap();
            (entry.path().display().to_string(), changed)
        })
        .collect()
}

#[test]
fn a_study_goes_on_where_it_stopped_and_gives_the_same_tables() {
    let place = tempfile::tempdir().unwrap();
    let kept = place.path().join("kept");
    let (first, printed) = run(&place.path().join("one"), &kept);
    assert_eq!(printed.matches("trained: ").count(), 6, "{printed}");
    let tables = |of: &BTreeMap<String, String>, what: &str| {
        of.iter().filter(|(name, text)| name.ends_with(".tsv") && text.contains(what)).count()
    };
    assert!(tables(&first, "\tintensity threshold\t") >= 1, "{:?}", first.keys());
    assert!(tables(&first, "\trandom\t") == 1 && tables(&first, "DeLong") == 1);
    assert!(tables(&first, "healthy subjects: above all of them") >= 1);
    let before = kept_files(&kept);
    // Five of the ablation, nine methods, two thresholds; six models.
    assert_eq!(before.len(), 22, "{before:?}");

    // As if it had been interrupted before the last evaluation of a model.
    let lost = before.keys().find(|path| path.contains("U²AD with a scorer")).unwrap();
    std::fs::remove_file(lost).unwrap();
    let (again, printed) = run(&place.path().join("two"), &kept);
    assert_eq!(printed.matches("trained: ").count(), 0, "{printed}");
    assert_eq!(first, again);
    for (path, changed) in kept_files(&kept) {
        assert_eq!(changed == before[&path], path != *lost, "{path}");
    }
}
