//! What `help` says is true: every example in it runs.

mod common;

use std::fs::File;

use common::Place;
use u2ad::phantom::{PhantomOptions, write_bids};
use u2ad::session::manual;

#[test]
fn the_overview_lists_every_verb_by_task() {
    let ended = Place::new().run("help()", &[]);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    for verb in manual().verbs() {
        assert!(ended.out.contains(&format!("  {} ", verb.name)), "{} is missing", verb.name);
    }
}

#[test]
fn a_page_shows_signature_parameters_and_example() {
    let ended = Place::new().run("help(train_epoch)", &[]);
    let page = ended.out;
    assert!(page.starts_with("train_epoch(model, cohort, masks = None, "), "{page}");
    for words in ["learning_rate  at the start of a stage.", "Example\n  model = u2ad()"] {
        assert!(page.contains(words), "{words} in {page}");
    }
    let ended = Place::new().run("help(phantom_cohort(subjects = 2))", &[]);
    assert!(
        ended.out.contains(".where(") && ended.out.contains(".healthy -> Cohort"),
        "{}",
        ended.out
    );
}

#[test]
fn every_example_runs() {
    let place = Place::new();
    let options =
        PhantomOptions { subjects: 1, pixel_spacing_mm: 2.0, ..PhantomOptions::default() };
    std::fs::create_dir(place.path("bids")).unwrap();
    write_bids(&place.path("bids/clinic"), &options, &u2ad::context::Context::new(0)).unwrap();
    // An image without masks.
    std::fs::create_dir(place.path("images")).unwrap();
    let image = place.path("bids/clinic/sub-clinic01/anat/sub-clinic01_T2w.nii.gz");
    std::fs::copy(image, place.path("images/clinic01.nii.gz")).unwrap();
    let mut script = "save_model(u2ad(), 'runs/study/model.safetensors')\n".to_owned();
    for verb in manual().verbs() {
        script += &format!("print('{}')\n", verb.name);
        script += &verb.example.clone().unwrap();
        script += "\n";
    }
    place.write("study.star", &script);
    let answers = File::open(place.write("answers.txt", "a radiologist\na physicist\n")).unwrap();
    let ended = common::ended(place.command(&["run", "study.star"]).stdin(answers));
    assert_eq!(ended.code, Some(0), "{}\n{}", ended.out, ended.err);
}
