//! `u2ad screen` and `u2ad bids`: from images to findings, by one process and by many at once.

mod common;
#[path = "common/folders.rs"]
mod folders;

use std::fs;
use std::process::Stdio;

use common::{Ended, Place, ended};
use folders::files;
use u2ad::context::Context;
use u2ad::phantom::{PhantomOptions, write_bids};

/// A BIDS tree `bids` of so many participants, without any masks.
fn tree(subjects: usize) -> (Place, Vec<String>) {
    let place = Place::new();
    let root = place.path("bids");
    let options = PhantomOptions { subjects, pixel_spacing_mm: 1.4, ..PhantomOptions::default() };
    write_bids(&root, &options, &Context::new(3)).unwrap();
    fs::remove_dir_all(root.join("derivatives")).unwrap();
    let names = fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = names
        .map(|name| name.to_string_lossy().into_owned())
        .filter(|name| name.starts_with("sub-"))
        .collect();
    names.sort();
    (place, names)
}

fn image(name: &str) -> String {
    format!("bids/{name}/anat/{name}_T2w.nii.gz")
}

fn call(place: &Place, arguments: &[&str]) -> Ended {
    ended(&mut place.command(arguments))
}

#[test]
fn a_damaged_model_is_refused_in_one_sentence() {
    let place = Place::new();
    place.write("image.nii.gz", "no image");
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/checkpoint/damaged-pickle.pth");
    let refused = call(&place, &["screen", "image.nii.gz", "--model", model]);
    assert_eq!(refused.code, Some(1), "{}", refused.err);
    assert!(refused.err.contains("is damaged: its pickle makes no sense"), "{}", refused.err);
    assert!(
        refused.err.lines().count() < 3 && !refused.err.contains("panicked"),
        "{}",
        refused.err
    );
}

#[test]
fn screen_prints_a_table_writes_derivatives_and_a_page_and_names_bad_images() {
    let (place, names) = tree(2);
    place.write("bad.nii.gz", "no image");
    let (first, second) = (image(&names[0]), image(&names[1]));
    let mut arguments = vec!["screen", first.as_str(), "bad.nii.gz", second.as_str()];
    arguments.extend(["--out", "found", "--report", "found.html"]);
    let screened = call(&place, &arguments);
    assert_eq!(screened.code, Some(1), "{}{}", screened.out, screened.err);
    for words in ["found, confidence 0.", "not usable", names[0].as_str(), names[1].as_str()] {
        assert!(screened.out.contains(words), "{words} in {}", screened.out);
    }
    assert!(
        screened.err.contains("method: intensity threshold (local, 40 mm)"),
        "{}",
        screened.err
    );
    assert!(screened.err.contains("no model is given and none is shipped"), "{}", screened.err);
    assert!(screened.err.contains("error: bad: "), "{}", screened.err);
    let scores = fs::read_to_string(place.path("found/scores.tsv")).unwrap();
    assert!(scores.contains("patient") && !scores.contains("bad"), "{scores}");
    assert!(fs::read_to_string(place.path("found.html")).unwrap().contains(&names[1]));

    let whole = call(&place, &["screen", "bids"]);
    assert_eq!(whole.code, Some(0), "{}{}", whole.out, whole.err);
    let row = |text: &str| text.lines().find(|line| line.contains(&names[1])).unwrap().to_owned();
    let words = |line: String| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(row(&whole.out)), words(row(&screened.out)));

    for (arguments, refusal) in [
        (vec!["screen", "bids", "--report", "page.txt"], "ends in .html"),
        (vec!["screen", "bids", "--out", "bids"], "holds something else than an export"),
        (vec!["screen", "bids", "bad.nii.gz"], "is a folder beside other arguments"),
        (vec!["screen", "bids", "--model", "bad.nii.gz"], "is not a model checkpoint"),
        (vec!["screen", &second, "--out", "found"], "holds the findings of "),
        (vec!["screen", "gone"], "is not a NIfTI image by its name"),
    ] {
        let refused = call(&place, &arguments);
        assert_eq!(refused.code, Some(1), "{arguments:?}");
        assert!(refused.err.contains(refusal), "{arguments:?}: {}", refused.err);
    }
}

#[test]
fn an_image_that_cannot_be_exported_stops_no_other_and_one_that_is_given_again_counts_once() {
    let (place, names) = tree(1);
    let first = image(&names[0]);
    fs::copy(place.path(&first), place.path("患者.nii.gz")).unwrap();
    fs::copy(place.path(&first), place.path(&format!("{}_T2w.nii.gz", names[0]))).unwrap();
    let other = format!("./bids/../{first}");
    let clash = format!("{}_T2w.nii.gz", names[0]);
    let screened =
        call(&place, &["screen", "患者.nii.gz", &first, &other, &clash, "--out", "found"]);
    assert_eq!(screened.code, Some(1), "{}{}", screened.out, screened.err);
    for words in [
        "1 of the files are given more than once",
        "error: 患者: it cannot be exported: BIDS labels take the letters",
        "it cannot be exported: another subject is exported as",
    ] {
        assert!(screened.err.contains(words), "{words} in {}", screened.err);
    }
    let scores = fs::read_to_string(place.path("found/scores.tsv")).unwrap();
    assert!(scores.contains(&names[0]), "{scores}");
    assert!(place.path(&format!("found/{}/anat", names[0])).is_dir());
}

#[test]
fn two_processes_on_the_same_output_do_each_participant_once() {
    let (place, names) = tree(3);
    let arguments =
        ["bids", "bids", "out", "participant", "--skip-bids-validation", "--n_cpus", "1"];
    let start = || {
        let mut command = place.command(&arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let (first, second) = (start(), start());
    let outputs = [first, second].map(|child| child.wait_with_output().unwrap());
    let told: Vec<String> =
        outputs.iter().map(|out| String::from_utf8_lossy(&out.stderr).into_owned()).collect();
    // Done, or left to the other one.
    assert!(outputs.iter().all(|out| [Some(0), Some(75)].contains(&out.status.code())), "{told:?}");
    for name in &names {
        let screened =
            told.iter().filter(|text| text.contains(&format!("{name}: AnaScore"))).count();
        assert_eq!(screened, 1, "{name}: {told:?}");
        assert!(place.path(&format!("out/{name}/anat/{name}_u2ad.json")).is_file());
        assert!(place.path(&format!("out/{name}.html")).is_file());
    }
    let hidden = fs::read_dir(place.path("out/.u2ad")).unwrap().count();
    assert_eq!(hidden, 0, "locks or files in the making are left");

    // Nothing is done again, and one participant by itself gives the same files.
    let before = files(&place.path("out"));
    let again = call(&place, &arguments);
    assert_eq!(again.code, Some(0), "{}", again.err);
    assert_eq!(again.err.matches("finished before").count(), 3, "{}", again.err);
    assert!(files(&place.path("out")) == before);
    let label = &names[2][4..];
    let alone =
        ["bids", "bids", "alone", "participant", "--participant_label", label, "-w", "work"];
    assert_eq!(call(&place, &alone).code, Some(0));
    assert_eq!(fs::read_dir(place.path("work")).unwrap().count(), 0);
    let below = |folder: &str| files(&place.path(&format!("{folder}/{}/anat", names[2])));
    assert!(below("out").into_values().eq(below("alone").into_values()));
}

#[test]
fn the_group_is_gathered_and_arguments_are_checked() {
    let (place, names) = tree(2);
    let early = call(&place, &["bids", "bids", "out", "group"]);
    assert_eq!(early.code, Some(1));
    assert!(early.err.contains("run the level participant first"), "{}", early.err);
    assert_eq!(call(&place, &["bids", "bids", "out", "participant"]).code, Some(0));
    let group = call(&place, &["bids", "bids", "out", "group"]);
    assert_eq!(group.code, Some(0), "{}{}", group.out, group.err);
    assert!(group.out.contains(&names[0]) && group.out.contains(&names[1]), "{}", group.out);
    for name in ["group_findings.tsv", "group_findings.json", "group_scores.tsv", "group.html"] {
        assert!(place.path(&format!("out/{name}")).is_file(), "{name}");
    }
    let own = format!("{}.html", names[0]);
    for (name, count) in [("group_findings.tsv", 2), ("group.html", 2), (own.as_str(), 1)] {
        let text = fs::read_to_string(place.path(&format!("out/{name}"))).unwrap();
        assert_eq!(text.matches("its masks were found by the program").count(), count, "{name}");
    }
    let version = call(&place, &["bids", "--version"]);
    assert!(version.code == Some(0) && version.out.contains(env!("CARGO_PKG_VERSION")));
    assert_eq!(call(&place, &["bids", "bids", "out", "subject"]).code, Some(2));
    let unknown = call(&place, &["bids", "bids", "out", "participant", "--participant-label", "x"]);
    assert!(unknown.code == Some(2) && unknown.err.contains("has no participant sub-x"));
    let small = ["bids", "bids", "out", "participant", "--force", "--mem-mb", "1"];
    let small = call(&place, &small);
    assert_eq!(small.code, Some(1), "{}", small.err);
    assert!(small.err.contains("and --mem-mb allows 1;"), "{}", small.err);
    assert!(place.path(&format!("out/{}/anat", names[0])).is_dir());
}

#[cfg(unix)]
#[test]
fn a_signal_stops_the_work_and_the_next_run_goes_on() {
    let (place, names) = tree(3);
    let mut command = place.command(&["bids", "bids", "out", "participant"]);
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let first = place.path(&format!("out/{}/anat", names[0]));
    while !first.is_dir() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let number = i32::try_from(child.id()).unwrap();
    let process = rustix::process::Pid::from_raw(number).unwrap();
    rustix::process::kill_process(process, rustix::process::Signal::USR1).unwrap();
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    // It may have been faster than the signal.
    assert!([Some(0), Some(143)].contains(&output.status.code()), "{told}");
    let next = call(&place, &["bids", "bids", "out", "participant"]);
    assert_eq!(next.code, Some(0), "{}", next.err);
    assert!(next.err.contains(&format!("{}: finished before", names[0])), "{}", next.err);
    assert!(names.iter().all(|name| place.path(&format!("out/{name}.html")).is_file()));
}
