//! `u2ad new`: scripts that run from start to end on the data that they were written for.

mod common;

use std::fs;
use std::path::Path;

use common::{Ended, Place, ended};
use u2ad::context::Context;
use u2ad::phantom::{PhantomOptions, write_bids};

/// A place with four phantoms in `bids`: two healthy, two clinical, one of them with lesions.
fn place() -> Place {
    let place = Place::new();
    let options =
        PhantomOptions { subjects: 4, pixel_spacing_mm: 2.0, ..PhantomOptions::default() };
    write_bids(&place.path("bids"), &options, &Context::new(0)).unwrap();
    place
}

fn new(place: &Place, arguments: &[&str]) -> Ended {
    ended(place.command(&["new", "study.star"]).args(arguments))
}

/// Writes the script for `bids` and runs it shortly.
fn run(place: &Place, arguments: &[&str]) -> (String, Ended) {
    let written = new(place, &[&["--data", "bids"], arguments].concat());
    assert_eq!(written.code, Some(0), "{}", written.err);
    let script = fs::read_to_string(place.path("study.star")).unwrap();
    let ran = ended(&mut place.command(&["run", "study.star", "-p", "quick=true"]));
    assert_eq!(ran.code, Some(0), "{script}\n{}", ran.err);
    for file in ["qc.html", "findings.html", "model.safetensors", "derivatives/scores.tsv"] {
        assert!(place.path("runs/study").join(file).exists(), "{file}\n{script}");
    }
    (script, ran)
}

fn remove_lesions(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            remove_lesions(&path);
        } else if path.to_string_lossy().contains("label-lesion") {
            fs::remove_file(path).unwrap();
        }
    }
}

#[test]
fn a_study_with_groups_masks_and_ground_truth_is_evaluated() {
    let place = place();
    let (script, ran) = run(&place, &[]);
    assert!(script.contains("bids: 4 subjects, 2 healthy and 2 clinical"), "{script}");
    assert!(!script.contains("segment("), "{script}");
    assert!(ran.out.contains("AUROC"), "{}", ran.out);
    let again = new(&place, &["--data", "bids"]);
    assert_eq!(again.code, Some(1));
    assert!(again.err.contains("study.star: exists already and is not replaced"), "{}", again.err);
    assert_eq!(fs::read_to_string(place.path("study.star")).unwrap(), script);
}

#[test]
fn a_study_without_masks_groups_and_ground_truth_segments_and_measures_nothing() {
    let place = place();
    fs::remove_dir_all(place.path("bids/derivatives")).unwrap();
    fs::remove_file(place.path("bids/participants.tsv")).unwrap();
    let (script, _) = run(&place, &[]);
    assert!(script.contains("everyone = segment(everyone)"), "{script}");
    assert!(script.contains("learn_from = everyone\n"), "{script}");
    assert!(!script.contains("evaluate(found)"), "{script}");
}

#[test]
fn unknown_groups_are_asked_for() {
    let place = place();
    let table = fs::read_to_string(place.path("bids/participants.tsv")).unwrap();
    let table = table.replace("\tpublic\t", "\tG0\t").replace("\tclinical\t", "\tG1\t");
    fs::write(place.path("bids/participants.tsv"), table).unwrap();
    remove_lesions(&place.path("bids/derivatives"));
    let refused = new(&place, &["--data", "bids"]);
    assert_eq!(refused.code, Some(1), "{}", refused.out);
    assert!(refused.err.contains("say neither healthy nor clinical"), "{}", refused.err);
    assert!(refused.err.contains("--healthy RULE"), "{}", refused.err);
    assert!(!place.path("study.star").exists());
    let written = new(&place, &["--data", "bids", "--healthy", "dataset == 'G0'"]);
    assert_eq!(written.code, Some(0), "{}", written.err);
    assert!(written.out.contains("2 healthy and 2 clinical"), "{}", written.out);
    let script = fs::read_to_string(place.path("study.star")).unwrap();
    assert!(script.contains(r#"healthy = "dataset == 'G0'""#), "{script}");
}

#[test]
fn what_cannot_be_written_is_said_in_one_sentence() {
    let place = Place::new();
    let refused = |arguments: &[&str]| {
        let ended = ended(&mut place.command(arguments));
        assert_ne!(ended.code, Some(0), "{}", ended.out);
        ended.err
    };
    let error = refused(&["new", "study.txt", "--tutorial", "quickstart"]);
    assert!(error.contains("a script has a name that ends in .star"), "{error}");
    let error = refused(&["new", "study.star", "--tutorial", "nothing"]);
    assert!(error.contains("there is no tutorial \"nothing\"; choose quickstart"), "{error}");
    let error = refused(&["new", "study.star", "--data", "nowhere"]);
    assert!(error.contains("nowhere: "), "{error}");
    let error = refused(&["new", "study.star"]);
    assert!(error.contains("--data <FOLDER>|--tutorial <NAME>"), "{error}");
    assert!(!place.path("study.star").exists());
}
