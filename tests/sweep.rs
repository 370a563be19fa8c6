//! `u2ad sweep`: a script with every combination of some parameters.

mod common;

use std::fs;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use common::{Ended, Place, ended};

/// A table with an AUROC that depends on the parameters, as `evaluate` makes one.
const STUDY: &str = "
rate = parameter('rate', 0.5)
number = parameter('seed', 0)
if rate > 2:
    fail('this rate is too high')
table([{'method': 'demo', 'patient_auroc': rate / 10 + number / 100.0}])
";

fn sweep(place: &Place, arguments: &[&str]) -> Ended {
    ended(place.command(&["sweep", "study.star"]).args(arguments))
}

fn row(text: &str, from: &str) -> Vec<String> {
    let line = text.lines().find(|line| line.trim_start().starts_with(from));
    let line = line.unwrap_or_else(|| panic!("no row {from} in {text}"));
    line.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn every_combination_runs_once_and_seeds_are_averaged() {
    let place = Place::new();
    place.write("study.star", STUDY);
    let arguments = ["-p", "rate=1.0,2.0", "-p", "seed=1..3", "--jobs", "2"];
    let first = sweep(&place, &arguments);
    assert_eq!(first.code, Some(0), "{}{}", first.out, first.err);
    assert_eq!(row(&first.out, "1.0"), ["1.0", "3", "0.120", "±", "0.010"]);
    assert_eq!(row(&first.out, "2.0"), ["2.0", "3", "0.220", "±", "0.010"]);
    let folder = place.path("runs/study-sweep");
    let record = fs::read(folder.join("rate=2.0_seed=3/run.json")).unwrap();
    let record: serde_json::Value = serde_json::from_slice(&record).unwrap();
    assert_eq!((&record["seed"], &record["status"]), (&3.into(), &"completed".into()));
    let table = fs::read_to_string(folder.join("sweep.tsv")).unwrap();
    assert!(table.starts_with("rate\truns\t"), "{table}");
    let each = fs::read_to_string(folder.join("sweep-runs.tsv")).unwrap();
    assert!(each.starts_with("rate\tseed\t") && each.lines().count() == 7, "{each}");

    // Other values: the table of the first ones stays.
    let others = sweep(&place, &["-p", "rate=1.5", "-p", "seed=1..2"]);
    assert!(others.err.contains("sweep.tsv holds other runs and stays"), "{}", others.err);
    assert_eq!(fs::read_to_string(folder.join("sweep.tsv")).unwrap(), table);
    let other = fs::read_to_string(folder.join("sweep-2.tsv")).unwrap();
    assert!(other.lines().nth(1).unwrap().starts_with("1.5\t2\t"), "{other}");

    // More values: only those are run.
    let more = sweep(&place, &["-p", "rate=1.0,2.0", "-p", "seed=1..4"]);
    assert_eq!(more.code, Some(0), "{}", more.err);
    assert!(more.err.contains("8 runs: 6 done before, 2 to run"), "{}", more.err);
    assert_eq!(row(&more.out, "1.0")[1], "4");
    let misspelt = sweep(&place, &["-p", "rat=1.0,2.0", "--out", "misspelt"]);
    assert_eq!(misspelt.err.matches("never asks for a parameter called \"rat\"").count(), 1);

    // Another script is another study.
    place.write("study.star", &STUDY.replace("/ 10", "/ 5"));
    let other = sweep(&place, &arguments);
    assert!(other.err.contains("0 done before, 6 to run"), "{}", other.err);
    assert!(folder.join("rate=1.0_seed=1-2").is_dir());
}

#[test]
fn a_parameter_that_the_script_does_not_ask_for_ends_the_sweep_before_any_run() {
    let place = Place::new();
    place.write("study.star", STUDY);
    let swept = sweep(&place, &["-p", "rat=1.0,2.0,3.0"]);
    assert_eq!(swept.code, Some(1), "{}{}", swept.out, swept.err);
    let sentence =
        "never asks for a parameter called \"rat\"; it asks for rate, seed; no run is started";
    assert!(swept.err.contains(sentence), "{}", swept.err);
    assert!(!place.path("runs").exists());
    // The runs lie one level below.
    assert_eq!(sweep(&place, &["-p", "rate=1.0"]).code, Some(0));
    let listed = ended(&mut place.command(&["runs"]));
    assert!(listed.out.contains("u2ad runs runs/study-sweep"), "{}", listed.out);
}

#[test]
fn a_run_that_fails_is_named_and_the_others_go_on() {
    let place = Place::new();
    place.write("study.star", STUDY);
    let ended = sweep(&place, &["-p", "rate=1.0,3.0"]);
    assert_eq!(ended.code, Some(1), "{}", ended.err);
    assert!(ended.err.contains("error: rate=3.0: "), "{}", ended.err);
    assert!(ended.err.contains("this rate is too high"), "{}", ended.err);
    assert_eq!(row(&ended.out, "3.0")[1], "0");
    for (parameter, refusal) in [
        ("rate", "a parameter is written name=value"),
        ("seed=5..1", "is no range"),
        ("rate=1,1", "has the value 1 twice"),
    ] {
        let refused = sweep(&place, &["-p", parameter]);
        assert_eq!(refused.code, Some(1));
        assert!(refused.err.contains(refusal), "{}", refused.err);
    }
    assert_eq!(sweep(&place, &[]).code, Some(2));
}

#[cfg(unix)]
#[test]
fn a_sweep_that_is_stopped_goes_on_at_its_checkpoints() {
    use rustix::process::{Pid, Signal, kill_process};
    let place = Place::new();
    place.write(
        "study.star",
        "people = phantom_cohort(subjects = 2, pixel_spacing_mm = 2, size = 32)\n\
         pretrain(u2ad(image = 32, depth = 1, decoder_depth = 1), people, \
         epochs = parameter('epochs', 1))\n",
    );
    let arguments = ["sweep", "study.star", "-p", "epochs=200", "-p", "seed=1,2"];
    let mut command = place.command(&arguments);
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let folder = place.path("runs/study-sweep/seed=1");
    let deadline = Instant::now() + Duration::from_secs(120);
    while !folder.join("run.json").is_file() {
        assert!(Instant::now() < deadline);
        sleep(Duration::from_millis(20));
    }
    sleep(Duration::from_millis(500));
    kill_process(Pid::from_raw(child.id().try_into().unwrap()).unwrap(), Signal::TERM).unwrap();
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(143), "{told}");
    let again = ended(&mut place.command(&arguments));
    assert_eq!(again.code, Some(0), "{}", again.err);
    assert!(again.err.contains("0 done before, 2 to run"), "{}", again.err);
    let record = fs::read_to_string(folder.join("run.json")).unwrap();
    assert!(record.contains("\"completed\"") && record.contains("\"resumptions\""), "{record}");
    assert!(!place.path("runs/study-sweep/seed=1-2").exists());
}

/// Both runs write the same file before either reads it.
const SHARED: &str = "n = parameter(\"n\", 1)
save_method(intensity_threshold(local_mm = 20.0 * n), \"shared.safetensors\")
save_method(intensity_threshold(), f\"written-{n}.safetensors\")
for _ in range(600):
    if file_exists(\"written-1.safetensors\") and file_exists(\"written-2.safetensors\"):
        break
    sleep(0.1)
load_method(\"shared.safetensors\")
";

#[test]
fn a_run_that_reads_back_what_another_one_wrote_fails() {
    let place = Place::new();
    place.write("study.star", SHARED);
    let swept = sweep(&place, &["-p", "n=1,2", "--jobs", "2"]);
    assert_eq!(swept.code, Some(1), "{}{}", swept.out, swept.err);
    let sentence = "shared.safetensors: something else changed it after this run wrote it";
    assert_eq!(swept.err.matches(sentence).count(), 1, "{}", swept.err);
}
