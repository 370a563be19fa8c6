//! `u2ad run --resume`: a run that is killed at any instant goes on and ends with the same bits.
#![cfg(unix)]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use common::{Ended, Place, ended};

/// Every kind of training, ways back, figures, tables, files in the run folder and elsewhere.
const STUDY: &str = "
load('more.star', 'factor')
seed(2026)
people = phantom_cohort(subjects = 4, pixel_spacing_mm = 2, size = 64)
model = u2ad(image = 64, depth = 1, decoder_depth = 1)
print('begun')
pretrain(model, people.healthy, epochs = parameter('epochs', 8), batch_size = 4)
plot(model.history)
print(file_exists(output_dir() + '/model.safetensors'))
print(train_epoch(model, people, batch_size = 4))
adapt(model, people.clinical, epochs = 10, refresh = 3, samples = 2, batch_size = 4)
rewind(model, 16)
calibrate(model, people.healthy, samples = 2)
masks = regenerate_masks(estimate_uncertainty(model, people, samples = 2))
train_epoch(model, people, masks, batch_size = 4)
print(model.snapshots, model.epochs)
train_scorer(model, clinical = people.clinical, members = 2, epochs = 5, rounds = 2, samples = 2)
found = detect(model, people, samples = 2)
table([{'subject': one.subject, 'score': factor * one.score} for one in found])
plot(found)
save_model(model, output_dir() + '/model.safetensors')
rewind(model, 3)
save_model(model, 'elsewhere.safetensors')
";

/// A folder with the study, which has not run.
fn place() -> Place {
    let place = Place::new();
    place.write("more.star", "factor = 2\n");
    place.write("study.star", STUDY);
    place
}

fn start(place: &Place, arguments: &[&str]) -> Child {
    let mut command = place.command(&["run", "--checkpoint-every", "0"]);
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn run(place: &Place, arguments: &[&str]) -> Ended {
    ended(place.command(&["run", "--checkpoint-every", "0"]).args(arguments))
}

fn resume(place: &Place) -> Ended {
    run(place, &["--resume", "runs/study"])
}

/// What a run left, by its path: all files but `run.json`, hidden ones too. What a killed process was writing
/// outside of its run folder stays there under another name.
fn outputs(place: &Place) -> BTreeMap<String, Vec<u8>> {
    fn list(folder: &Path, base: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                list(&path, base, files);
            } else if !path.ends_with("run.json") {
                let name = path.strip_prefix(base).unwrap().display().to_string();
                if name.starts_with(".unfinished-") {
                    continue;
                }
                files.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    let mut files = BTreeMap::new();
    list(&place.path(""), &place.path(""), &mut files);
    files
}

fn record(place: &Place) -> serde_json::Value {
    serde_json::from_slice(&fs::read(place.path("runs/study/run.json")).unwrap()).unwrap()
}

/// A run that was never killed.
struct Whole {
    out: String,
    files: BTreeMap<String, Vec<u8>>,
    took: Duration,
}

impl Whole {
    fn new() -> Self {
        let place = place();
        let began = Instant::now();
        let ended = run(&place, &["study.star"]);
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        Self { out: ended.out, files: outputs(&place), took: began.elapsed() }
    }

    fn assert_same(&self, place: &Place, ended: &Ended) {
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        self.assert_same_files(place, &ended.err);
        assert_eq!(ended.out, self.out);
    }

    fn assert_same_files(&self, place: &Place, after: &str) {
        let files = outputs(place);
        let names: Vec<_> = files.keys().collect();
        assert_eq!(names, self.files.keys().collect::<Vec<_>>());
        for (name, bytes) in &self.files {
            assert!(files[name] == *bytes, "{name} differs after: {after}");
        }
    }
}

/// Numbers below `below` from a seed (Marsaglia's xorshift).
fn random(state: &mut u64, below: u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state % below
}

/// Kills runs at `kills` instants in all, most of them without warning. After each the run goes on; each that
/// ends is compared with the one that was never killed, and another begins.
fn kill_at_random(kills: usize, seed: u64) {
    let whole = Whole::new();
    let mut state = seed;
    let mut killed = 0;
    let mut went_on = 0;
    while killed < kills {
        let place = place();
        let ended = loop {
            let has_begun = place.path("runs/study/run.json").exists();
            let arguments: &[&str] =
                if has_begun { &["--resume", "runs/study"] } else { &["study.star"] };
            // Without a record there is nothing to go on with; the folder would be in the way.
            if !has_begun {
                fs::remove_dir_all(place.path("runs")).ok();
            }
            if killed == kills {
                break run(&place, arguments);
            }
            let mut child = start(&place, arguments);
            let micros = u64::try_from(whole.took.as_micros()).unwrap();
            let until = Instant::now() + Duration::from_micros(random(&mut state, micros));
            while Instant::now() < until && child.try_wait().unwrap().is_none() {
                sleep(Duration::from_millis(1));
            }
            if child.try_wait().unwrap().is_some() {
                break of(child);
            }
            let signal = if random(&mut state, 4) == 0 { "-TERM" } else { "-KILL" };
            signal_to(&child, signal);
            let ended = of(child);
            killed += 1;
            if ended.code == Some(143) && ended.err.contains("interrupted") {
                assert!(
                    ended.err.contains("go on with: u2ad run --resume runs/study"),
                    "{}",
                    ended.err
                );
            }
            went_on += usize::from(ended.err.contains("taken from its checkpoint"));
            if ended.code == Some(0) {
                break ended;
            }
            // Killed when it had nothing to do any more.
            if place.path("runs/study/run.json").exists() && record(&place)["status"] == "completed"
            {
                let over = resume(&place);
                assert!(over.err.contains("this run ended well"), "{}", over.err);
                whole.assert_same_files(&place, &over.err);
                break Ended { code: Some(0), out: whole.out.clone(), err: ended.err };
            }
        };
        whole.assert_same(&place, &ended);
    }
    assert!(went_on > 0 || kills < 4, "no run went on from a checkpoint");
}

fn of(child: Child) -> Ended {
    let output = child.wait_with_output().unwrap();
    Ended {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn signal_to(child: &Child, signal: &str) {
    // It may have ended in the meantime.
    Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
}

/// Waits until the run is in its training of this number.
fn wait_for_training(place: &Place, child: &mut Child, number: usize) {
    let folder = place.path("runs/study/.checkpoints");
    let begin = format!("training-{number:04}-");
    let has_checkpoint = || {
        let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
        entries
            .map(|entry| entry.file_name())
            .any(|name| name.to_string_lossy().starts_with(&begin))
    };
    let deadline = Instant::now() + Duration::from_secs(300);
    while !has_checkpoint() {
        assert!(Instant::now() < deadline && child.try_wait().unwrap().is_none());
        sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_run_killed_at_random_instants_ends_with_the_same_bits() {
    kill_at_random(12, 0x9e37_79b9_7f4a_7c15);
}

#[test]
#[ignore = "takes minutes: `just kills`"]
fn a_run_killed_a_hundred_times_ends_with_the_same_bits() {
    kill_at_random(100, 0x2545_f491_4f6c_dd1d);
}

#[test]
fn a_killed_run_says_where_it_goes_on_and_records_it() {
    let whole = Whole::new();
    let place = place();
    let mut child = start(&place, &["study.star"]);
    wait_for_training(&place, &mut child, 3);
    // Neither while it runs, nor by a second process.
    let refused = resume(&place);
    assert_eq!(refused.code, Some(1));
    assert!(refused.err.contains("this run is still running, as process "), "{}", refused.err);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(record(&place)["status"], "running");

    // A script that changed since does not matter: the run has its copy.
    place.write("study.star", "print('other')\n");
    let ended = resume(&place);
    place.write("study.star", STUDY);
    whole.assert_same(&place, &ended);
    for expected in [
        "study.star has changed since; the run goes on with its copy runs/study/study.star",
        "going on with runs/study from training 3 (adapt), epoch ",
        "training 1 (pretrain): taken from its checkpoint",
        "training 2 (train_epoch): taken from its checkpoint",
        "training 3 (adapt) goes on at epoch ",
    ] {
        assert!(ended.err.contains(expected), "{expected} in {}", ended.err);
    }
    let record = record(&place);
    assert_eq!(record["status"], "completed");
    assert_eq!(record["resumptions"].as_array().unwrap().len(), 1);
    let from = record["resumptions"][0]["from"].as_str().unwrap();
    assert!(from.starts_with("training 3 (adapt), epoch "), "{from}");
    assert!(!place.path("runs/study/.checkpoints").exists());
    let over = resume(&place);
    assert_eq!(over.code, Some(1));
    assert!(
        over.err.contains("this run ended well; there is nothing to go on with"),
        "{}",
        over.err
    );
    let verified = ended_verify(&place);
    assert_eq!(verified.code, Some(0), "{}{}", verified.out, verified.err);
}

fn ended_verify(place: &Place) -> Ended {
    ended(&mut place.command(&["verify", "runs/study"]))
}

#[test]
fn a_run_that_would_not_give_the_same_bits_does_not_go_on() {
    let place = place();
    let mut child = start(&place, &["study.star", "-p", "epochs=100000"]);
    wait_for_training(&place, &mut child, 1);
    signal_to(&child, "-TERM");
    let stopped = of(child);
    assert_eq!(stopped.code, Some(143), "{}", stopped.err);
    assert!(stopped.err.contains("go on with: u2ad run --resume runs/study"), "{}", stopped.err);
    assert_eq!(record(&place)["status"], "interrupted");
    let log = fs::read(place.path("runs/study/log.txt")).unwrap();
    let refused = |expected: &str| {
        let ended = resume(&place);
        assert_eq!(ended.code, Some(1), "{}", ended.err);
        assert!(ended.err.contains(expected), "{}", ended.err);
        // Nothing was touched.
        assert_eq!(fs::read(place.path("runs/study/log.txt")).unwrap(), log);
    };

    place.write("more.star", "factor = 3\n");
    refused("inputs changed since: more.star has another content now; run the script anew");
    place.write("more.star", "factor = 2\n");

    let json = fs::read_to_string(place.path("runs/study/run.json")).unwrap();
    let version = format!("\"version\": \"{}\"", env!("CARGO_PKG_VERSION"));
    place.write("runs/study/run.json", &json.replace(&version, "\"version\": \"0.0.1\""));
    refused("version 0.0.1 of u2ad began it, this is ");
    let set = record(&place)["instruction_set"].as_str().unwrap().to_owned();
    let other = if set == "baseline" { "avx2" } else { "baseline" };
    let set = format!("\"instruction_set\": \"{set}\"");
    let other = format!("\"instruction_set\": \"{other}\"");
    place.write("runs/study/run.json", &json.replace(&set, &other));
    refused("it began with instruction set ");
    place.write("runs/study/run.json", &json);

    let copy = fs::read_to_string(place.path("runs/study/study.star")).unwrap();
    place.write("runs/study/study.star", "print('other')\n");
    refused("is no longer the script that ran");
    place.write("runs/study/study.star", &copy);

    fs::remove_file(place.path("runs/study/run.json")).unwrap();
    let ended = resume(&place);
    assert!(ended.code == Some(1) && ended.err.contains("run.json"), "{}", ended.err);
}

/// Baselines that are trained and kept.
const BASELINES: &str = "
people = phantom_cohort(subjects = 4, pixel_spacing_mm = 3)
healthy = people.healthy
denoising = denoising_autoencoder(healthy, epochs = 4, batch_size = 4)
save_method(denoising, output_dir() + '/denoising.safetensors')
print('one is kept')
plain = convolutional_autoencoder(healthy, epochs = 6, batch_size = 4, bottleneck = 8)
save_method(plain, output_dir() + '/plain.safetensors')
for method in [denoising, load_method(output_dir() + '/plain.safetensors'), intensity_threshold()]:
    table([{'subject': one.subject, 'score': one.score} for one in detect(method, people)])
";

#[test]
fn a_killed_run_with_baselines_goes_on_at_the_epoch_of_its_checkpoint() {
    let whole = place();
    whole.write("study.star", BASELINES);
    let ended = run(&whole, &["study.star"]);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let whole = Whole { out: ended.out, files: outputs(&whole), took: Duration::ZERO };
    for number in [1, 2] {
        let place = place();
        place.write("study.star", BASELINES);
        let mut child = start(&place, &["study.star"]);
        wait_for_training(&place, &mut child, number);
        child.kill().unwrap();
        child.wait().unwrap();
        let ended = resume(&place);
        whole.assert_same(&place, &ended);
        let goes_on = match number {
            1 => "training 1 (denoising autoencoder) goes on at network, epoch ",
            _ => "training 2 (convolutional autoencoder) goes on at network, epoch ",
        };
        assert!(ended.err.contains(goes_on), "{goes_on} in {}", ended.err);
    }
}

#[test]
fn the_command_line_takes_a_script_or_a_run() {
    let place = place();
    let both = run(&place, &["study.star", "--resume", "runs/study"]);
    let seed = run(&place, &["--resume", "runs/study", "--seed", "3"]);
    let neither = run(&place, &[]);
    for refused in [&both, &seed, &neither] {
        assert_eq!(refused.code, Some(2), "{}", refused.err);
    }
    assert!(seed.err.contains("cannot be used with"), "{}", seed.err);
}

#[test]
fn another_answer_to_a_resumed_run_is_said() {
    use std::io::Write;

    let place = Place::new();
    let source = "name = ask('Who reads? ')\nsecret = ask('Password? ', hidden = True)\nif name == 'A':\n    \
                  fail('stopped')\nprint(name, secret)";
    place.write("study.star", source);
    let answered = |arguments: &[&str], answers: &str| {
        let mut command = place.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(answers.as_bytes()).unwrap();
        String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap()
    };
    let report = answered(&["run", "study.star"], "A\nx\n");
    assert!(report.contains("stopped") && !report.contains("another answer"), "{report}");
    let recorded = record(&place).to_string();
    assert!(recorded.contains("Who reads?") && !recorded.contains("Password"), "{recorded}");
    let resume = ["run", "--resume", "runs/study"];
    let report = answered(&resume, "A\ny\n");
    assert!(!report.contains("another answer"), "{report}");
    let report = answered(&resume, "B\nx\n");
    let said = "\"Who reads?\" got another answer before this run was resumed";
    assert!(report.contains(said), "{report}");
}
