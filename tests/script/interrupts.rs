//! Signals that stop a script.

use std::fs;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::common::{Place, files};

#[test]
fn ctrl_c_and_termination_stop_training_and_keep_what_was_made() {
    for (signal, code) in [("-INT", 130), ("-TERM", 143), ("-HUP", 143)] {
        stop_training(&[signal], code);
    }
}

/// `timeout` and cluster managers signal a process and its group, so that a signal comes twice.
#[test]
fn a_signal_that_comes_twice_at_once_is_one_wish() {
    stop_training(&["-TERM", "-TERM", "-HUP"], 143);
}

fn stop_training(signals: &[&str], code: i32) {
    let place = Place::new();
    let source = "
people = phantom_cohort(subjects = 2, pixel_spacing_mm = 2, size = 32)
plot(people)
print('training')
pretrain(u2ad(image = 32, depth = 1, decoder_depth = 1), people, epochs = 1000000)
print('never')
";
    place.write("study.star", source);
    let mut command = place.command(&["run", "study.star"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let log = place.path("runs/study/log.txt");
    let deadline = Instant::now() + Duration::from_secs(120);
    while !fs::read_to_string(&log).is_ok_and(|log| log.contains("training")) {
        assert!(Instant::now() < deadline && child.try_wait().unwrap().is_none());
        sleep(Duration::from_millis(20));
    }
    sleep(Duration::from_millis(300));
    let child_id = child.id().to_string();
    for signal in signals {
        // The last ones may find it gone.
        let sent = Command::new("kill").args([*signal, &child_id]).stderr(Stdio::null()).status();
        assert!(sent.unwrap().success() || *signal != signals[0]);
        sleep(Duration::from_millis(10));
    }
    let output = child.wait_with_output().unwrap();
    let report = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{report}");
    assert!(report.contains("interrupted") && report.contains("kept: epoch"), "{report}");
    let names: Vec<_> =
        files(&place.path("runs/study")).into_iter().map(|(name, _)| name).collect();
    assert!(names.iter().any(|name| name.ends_with(".png")), "{names:?}");
    let record = fs::read_to_string(place.path("runs/study/run.json")).unwrap();
    assert!(record.contains("\"status\": \"interrupted\""), "{record}");
}
