//! `u2ad runs`, `verify` and `diff`: what a run records, and what is said about it later.

mod common;

use std::fs;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use common::{Ended, Place, ended};

/// Reads a table and a loaded script, trains, writes into its folder and elsewhere.
const STUDY: &str = "
load('more.star', 'factor')
seed(2026)
people = phantom_cohort(subjects = 2, pixel_spacing_mm = 2, size = 32)
model = u2ad(image = 32, depth = 1, decoder_depth = 1)
pretrain(model, people, epochs = parameter('epochs', 1))
table([{'subject': s.name, 'mean': factor * s.image.mean} for s in people])
plot(people)
save_model(model, output_dir() + '/model.safetensors')
save_model(model, 'elsewhere.safetensors')
";

/// A place in which the study ran once.
fn studied() -> Place {
    let place = Place::new();
    place.write("more.star", "factor = 2\n");
    let ended = place.run(STUDY, &[]);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    place
}

fn call(place: &Place, arguments: &[&str]) -> Ended {
    ended(&mut place.command(arguments))
}

fn record(place: &Place, run: &str) -> serde_json::Value {
    let json = fs::read(place.path(&format!("runs/{run}/run.json"))).unwrap();
    serde_json::from_slice(&json).unwrap()
}

/// The file of the run whose name ends so.
fn output(place: &Place, ending: &str) -> std::path::PathBuf {
    let mut entries = fs::read_dir(place.path("runs/study")).unwrap().map(|e| e.unwrap().path());
    entries.find(|path| path.to_str().unwrap().ends_with(ending)).expect("the run wrote it")
}

#[test]
fn a_record_tells_what_ran_and_verify_repeats_it_on_any_threads() {
    let place = studied();
    let record = record(&place, "study");
    assert_eq!((&record["seed"], &record["first_seed"]), (&2026.into(), &0.into()));
    assert_eq!(record["status"], "completed");
    assert_eq!(record["inputs"][0]["path"], "more.star");
    assert_eq!(record["inputs"][0]["bytes"], 11);
    assert_eq!(record["files_elsewhere"][0]["path"], "elsewhere.safetensors");
    let files = record["files"].as_array().unwrap();
    assert!(files.len() > 4 && files.iter().all(|file| file["sha256"].is_string()), "{record}");
    for known in ["processor", "instruction_set", "script_sha256", "working_folder"] {
        assert!(record[known].as_str().is_some_and(|text| !text.is_empty()), "{known}");
    }
    let model = fs::metadata(place.path("elsewhere.safetensors")).unwrap().modified().unwrap();
    for threads in ["1", "2"] {
        let ended = call(&place, &["verify", "runs/study", "--threads", threads]);
        assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.err);
        assert!(ended.out.contains("runs/study: the same, all"), "{}", ended.out);
    }
    // The second run wrote neither here nor beside the first one.
    let later = fs::metadata(place.path("elsewhere.safetensors")).unwrap().modified().unwrap();
    assert_eq!((model, place.path("runs/study-2").exists()), (later, false));
}

#[test]
fn verify_of_a_run_that_failed_says_so() {
    let place = Place::new();
    let ran = place.run("table([{'a': 1}])\nfail('no subjects')\n", &[]);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    let ended = call(&place, &["verify", "runs/study"]);
    assert_eq!(ended.code, Some(1), "{}{}", ended.out, ended.err);
    assert!(ended.out.contains("runs/study: the same, all"), "{}", ended.out);
    assert!(ended.out.contains("the recorded run itself failed ("), "{}", ended.out);
    assert!(ended.out.contains("no subjects"), "{}", ended.out);
}

#[test]
fn verify_names_the_cell_the_pixel_and_the_input_that_changed() {
    let place = studied();
    let table = output(&place, ".tsv");
    let text = fs::read_to_string(&table).unwrap();
    fs::write(&table, text.replacen('.', ".9", 1)).unwrap();
    let found = call(&place, &["verify", "runs/study"]);
    assert_eq!(found.code, Some(1), "{}{}", found.out, found.err);
    assert!(found.out.contains(".tsv, row 1 (sub-"), "{}", found.out);
    assert!(found.out.contains("this file was changed after the run"), "{}", found.out);
    fs::write(&table, text).unwrap();

    let picture = output(&place, ".png");
    let bytes = fs::read(&picture).unwrap();
    let mut pixels = image::load_from_memory(&bytes).unwrap().to_rgba8();
    pixels.get_pixel_mut(3, 2).0 = [1, 2, 3, 255];
    pixels.save(&picture).unwrap();
    let found = call(&place, &["verify", "runs/study"]);
    assert_eq!(found.code, Some(1), "{}", found.err);
    assert!(found.out.contains(".png, pixel at column 3, row 2: #010203"), "{}", found.out);
    fs::write(&picture, bytes).unwrap();

    place.write("more.star", "factor = 3\n");
    let found = call(&place, &["verify", "runs/study"]);
    assert_eq!(found.code, Some(2), "{}", found.out);
    assert!(found.err.contains("more.star has another content now"), "{}", found.err);
}

#[test]
fn a_file_that_two_runs_wrote_is_said_to_be_overwritten() {
    let place = studied();
    let again = place.run(STUDY, &[]);
    // The same content: nothing is lost.
    assert!(!again.err.contains("was an output of the run"), "{}", again.err);
    let other = place.run(STUDY, &["-p", "epochs=2"]);
    let said = "elsewhere.safetensors was an output of the run study-2 and has another content now";
    assert!(other.err.contains(said), "{}", other.err);
    let found = call(&place, &["verify", "runs/study"]);
    assert_eq!(found.code, Some(0), "{}{}", found.out, found.err);
    let said = "elsewhere.safetensors: the run study-3 has overwritten it; the second run gave the recorded content";
    assert!(found.out.contains(said), "{}", found.out);
    fs::write(place.path("elsewhere.safetensors"), "mine").unwrap();
    let found = call(&place, &["verify", "runs/study"]);
    assert_eq!(found.code, Some(1), "{}", found.err);
    assert!(found.out.contains("this file was changed after the run"), "{}", found.out);
}

#[test]
fn diff_tells_parameters_and_results_apart() {
    let place = studied();
    assert_eq!(place.run(STUDY, &[]).code, Some(0));
    let same = call(&place, &["diff", "runs/study", "runs/study-2"]);
    assert_eq!(same.code, Some(0), "{}", same.out);
    place.write("more.star", "factor = 30\n");
    assert_eq!(place.run(STUDY, &["-p", "epochs=2", "--seed", "4"]).code, Some(0));
    let found = call(&place, &["diff", "runs/study", "runs/study-3"]);
    assert_eq!(found.code, Some(1), "{}", found.err);
    for expected in [
        "parameter epochs: not set → 2",
        "seed: 0, then 2026 → 4, then 2026",
        "input more.star: 11 → 12 bytes",
        "column mean: ",
        "model.safetensors, tensor ",
    ] {
        assert!(found.out.contains(expected), "{expected} in {}", found.out);
    }
    let place_of = |part: &str| found.out.find(part).unwrap();
    assert!(place_of("column mean: ") < place_of("model.safetensors, tensor "), "{}", found.out);
    if let Some(picture) = found.out.find(".png") {
        assert!(place_of("model.safetensors, tensor ") < picture, "{}", found.out);
    }
    assert_eq!(call(&place, &["diff", "runs/study", "runs/none"]).code, Some(2));
}

#[test]
fn a_killed_run_and_a_damaged_record_are_named() {
    let place = studied();
    let endless = "print('training')\nseed(7)\nprint('on')\npretrain(u2ad(image = 32, depth = 1, \
        decoder_depth = 1), phantom_cohort(subjects = 2, pixel_spacing_mm = 2, size = 32), \
        epochs = 1000000)";
    place.write("endless.star", endless);
    let mut command = place.command(&["run", "endless.star"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(120);
    let log = place.path("runs/endless/log.txt");
    while !fs::read_to_string(&log).is_ok_and(|log| log.contains("on\n")) {
        assert!(Instant::now() < deadline && child.try_wait().unwrap().is_none());
        sleep(Duration::from_millis(20));
    }
    let status = |name: &str| {
        let ended = call(&place, &["runs", "--json"]);
        let runs: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
        let run = runs.as_array().unwrap().iter().find(|run| run["name"] == name).cloned();
        run.map(|run| run["status"].as_str().unwrap().to_owned())
    };
    assert_eq!(status("endless").as_deref(), Some("running"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(status("endless").as_deref(), Some("killed"));
    assert_eq!(record(&place, "endless")["seed"], 7);
    let refused = call(&place, &["verify", "runs/endless"]);
    assert!(refused.code == Some(2) && refused.err.contains("was killed"), "{}", refused.err);

    fs::create_dir(place.path("runs/broken")).unwrap();
    place.write("runs/broken/run.json", "{");
    let listed = call(&place, &["runs"]);
    assert_eq!(listed.code, Some(0), "{}", listed.err);
    for expected in ["damaged", "killed", "completed"] {
        assert!(listed.out.contains(expected), "{expected} in {}", listed.out);
    }
    assert_eq!(status("broken").as_deref(), Some("damaged"));
}

#[test]
fn several_writers_to_one_folder_of_runs_get_folders_of_their_own() {
    let place = Place::new();
    place.write(
        "quick.star",
        "print('a')\nplot(phantom_cohort(subjects = 2, pixel_spacing_mm = 2, size = 32))\n",
    );
    let start = || {
        let mut command = place.command(&["run", "quick.star", "--out", "results"]);
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let children: Vec<_> = (0..4).map(|_| start()).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{errors}");
    }
    let runs: Vec<_> = ["quick", "quick-2", "quick-3", "quick-4"]
        .map(|name| common::files(&place.path(&format!("results/{name}"))))
        .into();
    assert!(runs[0].len() > 2);
    assert!(runs.iter().all(|files| *files == runs[0]));
}
