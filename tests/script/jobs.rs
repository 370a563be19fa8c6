//! Jobs of a script.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::common::{Place, ended, files};

const STUDY: &str = "
people = phantom_cohort(subjects = 2, pixel_spacing_mm = 2, size = 32)
model = u2ad(image = 32, depth = 1, decoder_depth = 1)
other = u2ad(image = 32, depth = 1, decoder_depth = 1)
";

#[test]
fn a_script_waits_for_its_jobs_and_gives_the_files_of_the_foreground() {
    let study = |how: &str| {
        format!(
            "{STUDY}
def both():
    pretrain(model, people, epochs = 2)
    save_model(model, output_dir() + '/model.safetensors')
{how}
pretrain(other, people, epochs = 1)
save_model(other, output_dir() + '/other.safetensors')
"
        )
    };
    let place = Place::new();
    let run = place.run(&study("start(both)"), &[]);
    assert_eq!(run.code, Some(0), "{}", run.err);
    assert!(run.err.contains("job 1 (pretrain, save_model): done in "), "{}", run.err);
    let models = |folder: &str| -> Vec<_> {
        let all = files(&place.path(folder)).into_iter();
        all.filter(|(name, _)| name.ends_with(".safetensors")).collect()
    };
    let in_background = models("runs/study");
    assert_eq!(in_background.len(), 2);
    let run = place.run(&study("both()"), &["--out", "foreground"]);
    assert_eq!(run.code, Some(0), "{}", run.err);
    assert!(in_background == models("foreground/study"));
}

#[test]
fn a_job_that_fails_makes_the_run_fail() {
    let source =
        format!("{STUDY}start(lambda: pretrain(model, people, mask_ratio = 3.0))\nsleep(0.5)");
    let run = Place::new().run(&source, &[]);
    assert_eq!(run.code, Some(1));
    let sentence = "error: job 1 (pretrain): mask_ratio must lie between 0 and 1, not 3";
    assert!(run.err.contains(sentence), "{}", run.err);
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_the_jobs_and_the_run_goes_on_from_there() {
    let place = Place::new();
    let script = format!(
        "{STUDY}start(lambda: pretrain(model, people, epochs = parameter('epochs', 40)))\nprint('begun')"
    );
    place.write("study.star", &script);
    let mut command = place.command(&["run", "study.star"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(120);
    let log = place.path("runs/study/log.txt");
    while !fs::read_to_string(&log).is_ok_and(|log| log.contains("begun")) {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(300));
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let output = child.wait_with_output().unwrap();
    let report = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{report}");
    assert!(report.contains("kept: epoch") && report.contains("--resume"), "{report}");
    let checkpoints = place.path("runs/study/.checkpoints/job-0001");
    let mut names = fs::read_dir(checkpoints).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(names.any(|name| name.to_string_lossy().starts_with("training-0001-")));
    let run = ended(&mut place.command(&["run", "--resume", "runs/study"]));
    assert_eq!(run.code, Some(0), "{}", run.err);
    assert!(run.err.contains("job 1 (pretrain): done in "), "{}", run.err);
    assert!(run.err.contains("goes on at epoch"), "{}", run.err);
}
