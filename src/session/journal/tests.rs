//! A session that comes back.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::context::Context;
use crate::files::LazyFolder;
use crate::phantom::{PhantomOptions, write_bids};
use crate::session::{Cell, Output, Session, Settings, Sink};

/// Remembers what was warned of.
#[derive(Default)]
struct Warnings(Mutex<Vec<String>>);

impl Sink for Warnings {
    fn emit(&self, output: Output) {
        if let Output::Event(crate::context::Event::Warning(warning)) = output {
            self.0.lock().unwrap().push(warning);
        }
    }
}

fn session(folder: &Path) -> Session {
    let path = folder.to_path_buf();
    let keep = LazyFolder::new(move || {
        std::fs::create_dir_all(&path).unwrap();
        Ok(path.clone())
    });
    let settings = Settings { keep, journal: true, seed: 3, ..Settings::default() };
    Session::start(settings, Arc::new(Warnings::default())).unwrap()
}

fn shown(session: &Session, source: &str) -> String {
    let cell = Cell { name: "cell".into(), source: source.into(), folder: PathBuf::new() };
    let value = session.run(cell).unwrap();
    value.map(|display| display.to_text()).unwrap_or_default()
}

/// Runs cells, forgets the session without an end, and brings it back.
fn crashed_and_back(cells: &[&str]) -> (tempfile::TempDir, Session, String) {
    let home = tempfile::tempdir().unwrap();
    let before = session(&home.path().join("before"));
    cells.iter().for_each(|cell| drop(shown(&before, cell)));
    // The journal is written behind the reply to a cell: the next reply shows that it is.
    shown(&before, "1");
    // A crash at this moment leaves what the folder holds now.
    let after = home.path().join("after");
    copy(&home.path().join("before"), &after);
    drop(before);
    let back = session(&after);
    let summary = back.resume().unwrap().unwrap().to_text();
    (home, back, summary)
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).into_iter().flatten().flatten() {
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        // What is being written at this moment gets its name when it is whole.
        if entry.file_name().to_string_lossy().starts_with(".unfinished-") {
            continue;
        }
        match path.is_dir() {
            true => copy(&path, &to),
            false => drop(std::fs::copy(&path, &to).unwrap()),
        }
    }
}

/// A network and a cohort that train in a moment.
const SMALL: &str = "\
people = phantom_cohort(subjects = 4, pixel_spacing_mm = 3.0)
model = u2ad(image = 64, embed_dim = 16, depth = 1, heads = 2, decoder_embed_dim = 16, decoder_depth = 1, \
    decoder_heads = 2)";

#[test]
fn plain_values_containers_and_functions_come_back() {
    let (_home, back, summary) = crashed_and_back(&[
        "people = phantom_cohort(subjects = 4, pixel_spacing_mm = 3.0)",
        "nested = {\"a\": [1, 2.5, None, True], (1, \"b\"): struct(x = \"z\", inf = float(\"inf\"))}",
        "huge = [1 << 80, -(1 << 80)]\nseen = set([3, \"x\", (1, 2)])\nsteps = range(7, 1, -2)",
        "def half(x):\n    return x / 2\n\ndef quarter(x):\n    return half(half(x))",
        "nameless = lambda x: x",
        "healthy = people.healthy\none = people[1]",
    ]);
    assert_eq!(
        shown(&back, "str(huge) + str(seen) + str(steps)"),
        "\"[1208925819614629174706176, -1208925819614629174706176]set([3, \\\"x\\\", (1, 2)])range(7, 1, -2)\""
    );
    assert_eq!(shown(&back, "seen.add(4)\nlen(seen)"), "4");
    let reprs = "str(nested) + str(quarter(8)) + str(healthy) + str(one)";
    assert_eq!(
        shown(&back, reprs),
        "\"{\\\"a\\\": [1, 2.5, None, True], (1, \\\"b\\\"): struct(x=\\\"z\\\", inf=inf)}2.0\
         <Cohort phantoms [healthy], 2 subjects><Subject sub-healthy02>\""
    );
    assert!(summary.contains("could not be restored: nameless: no cell defines it"), "{summary}");
    // Six cells, and three now; whether the one that was waited for is among them is chance.
    assert!([9, 10].contains(&back.transcript().cells.len()));
}

#[test]
fn a_model_trains_on_bit_by_bit_as_if_nothing_had_happened() {
    let train = "train_epoch(model, people)";
    let (_home, back, summary) = crashed_and_back(&[SMALL, train, train]);
    assert!(summary.contains("model, people"), "{summary}");
    assert_eq!(back.unsaved_models(), ["model"]);
    let uninterrupted = session(&tempfile::tempdir().unwrap().path().join("other"));
    [SMALL, train, train].iter().for_each(|cell| drop(shown(&uninterrupted, cell)));
    let losses = "train_epoch(model, people)\nmodel.history.losses";
    assert_eq!(shown(&back, losses), shown(&uninterrupted, losses));
    let maps = "estimate_uncertainty(model, people, samples = 2).variance";
    assert_eq!(shown(&back, maps), shown(&uninterrupted, maps));
}

#[test]
fn rewinding_goes_back_and_on_bit_by_bit() {
    let home = tempfile::tempdir().unwrap();
    let session = session(&home.path().join("one"));
    shown(&session, SMALL);
    let first = shown(&session, "pretrain(model, people, epochs = 4)\nmodel.history.losses");
    assert_eq!(shown(&session, "model.snapshots"), "[0, 1, 2, 3, 4]");
    shown(&session, "rewind(model, epoch = 2)");
    assert_eq!(shown(&session, "model.epochs"), "2");
    let again = shown(&session, "pretrain(model, people, epochs = 2)\nmodel.history.losses");
    assert_eq!(first, again);
    let maps = "estimate_uncertainty(model, people, samples = 2).variance";
    let maps_now = shown(&session, maps);
    shown(&session, "rewind(model, epoch = 4)");
    assert_eq!(shown(&session, maps), maps_now, "estimations are counted from the snapshot on");
}

#[test]
fn maps_masks_findings_and_evaluations_come_back() {
    let cells = [
        SMALL,
        "train_epoch(model, people)",
        "uncertainty = estimate_uncertainty(model, people, samples = 2)",
        "masks = regenerate_masks(uncertainty, strategy = \"au\")",
        "found = detect(model, people, samples = 2, name = \"mine\")\nfirst = found[0]",
        "evaluated = evaluate(found)\nbaseline = detect(intensity_threshold(local_mm = 20.0), people)",
    ];
    let facts = "str([uncertainty.variance, uncertainty.error, uncertainty[0].passes, found.scores, found.method, \
                 first.segments, evaluated.auroc, baseline.scores, str(masks)])";
    let (_home, back, summary) = crashed_and_back(&cells);
    assert!(!summary.contains("could not be restored"), "{summary}");
    let uninterrupted = session(&tempfile::tempdir().unwrap().path().join("other"));
    cells.iter().for_each(|cell| drop(shown(&uninterrupted, cell)));
    assert_eq!(shown(&back, facts), shown(&uninterrupted, facts));
    let go_on = "train_epoch(model, people, masks = masks).loss";
    assert_eq!(shown(&back, go_on), shown(&uninterrupted, go_on));
}

#[test]
fn a_scorer_and_what_it_found_survive_a_crash() {
    let cells = [
        SMALL,
        "train_scorer(model, people, members = 1, epochs = 1, rounds = 1, samples = 2)",
        "found = detect(model, people, samples = 2)",
    ];
    let (_home, back, summary) = crashed_and_back(&cells);
    assert!(!summary.contains("could not be restored"), "{summary}");
    let uninterrupted = session(&tempfile::tempdir().unwrap().path().join("other"));
    cells.iter().for_each(|cell| drop(shown(&uninterrupted, cell)));
    let facts = "str([found.scoring, found.scores])";
    assert_eq!(shown(&back, facts), shown(&uninterrupted, facts));
    let again = "detect(model, people, samples = 2, scoring = \"learned\").scores";
    assert_eq!(shown(&back, again), shown(&uninterrupted, again));
}

#[test]
fn trained_methods_and_what_they_found_survive_a_crash() {
    let cells = [
        SMALL,
        "uncertain = autoencoder_with_uncertainty(people, epochs = 1)\nsame = uncertain",
        "memory = feature_memory(model, people)",
        "found = detect(uncertain, people)\nfar = detect(memory, people)",
    ];
    let (_home, back, summary) = crashed_and_back(&cells);
    assert!(!summary.contains("could not be restored"), "{summary}");
    let uninterrupted = session(&tempfile::tempdir().unwrap().path().join("other"));
    cells.iter().for_each(|cell| drop(shown(&uninterrupted, cell)));
    let facts = "str([found.scoring, found.scores, far.scoring, far.scores, same.losses, \
                 detect(same, people).scores, detect(memory, people).scores])";
    assert_eq!(shown(&back, facts), shown(&uninterrupted, facts));
}

#[test]
fn two_names_for_one_model_stay_two_names_for_one_model() {
    let (_home, back, _) = crashed_and_back(&[SMALL, "other = model\nboth = [model, other]"]);
    shown(&back, "train_epoch(model, people)");
    assert_eq!(shown(&back, "[other.epochs, both[1].epochs]"), "[1, 1]");
}

#[test]
fn a_session_of_nothing_but_sums_leaves_no_folder() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("sums");
    let session = session(&folder);
    shown(&session, "x = 1\ny = 'a'");
    drop(session);
    assert!(!folder.exists());
}

#[test]
fn a_session_of_functions_and_lists_comes_back() {
    let (_home, back, summary) = crashed_and_back(&[
        "k = 5\nvalues = [1, 2]",
        "def scale(x): return 2 * x",
        "def total(values): return sum([scale(x) for x in values])",
        "def more(x, by = k): return x + by",
        // Defined anew after what needs it.
        "def scale(x): return 3 * x",
        "k = 6",
    ]);
    assert!(!summary.contains("could not be restored"), "{summary}");
    assert!(summary.ends_with("computed again: the default values of more"), "{summary}");
    assert_eq!(shown(&back, "[total(values), k]"), "[9, 6]");
}

#[test]
fn a_regular_end_keeps_of_each_named_model_what_resuming_takes() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("one");
    let ended = session(&folder);
    shown(&ended, SMALL);
    shown(
        &ended,
        "pretrain(model, people, epochs = 2)\nadapt(model, people, epochs = 2, samples = 2)",
    );
    shown(&ended, "u2ad().epochs");
    drop(ended);
    let names = |folder: PathBuf| {
        let entries = std::fs::read_dir(folder).unwrap().flatten();
        let mut names: Vec<_> =
            entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(names(folder.join("models")), ["model-1"]);
    let back = session(&folder);
    back.resume().unwrap();
    assert_eq!(shown(&back, "[model.epochs, model.snapshots]"), "[4, [0, 1, 2, 3, 4]]");
    shown(&back, "rewind(model, 3)");
    assert_eq!(shown(&back, "model.epochs"), "3");
}

#[test]
fn findings_in_images_that_have_changed_do_not_come_back() {
    let home = tempfile::tempdir().unwrap();
    let bids = home.path().join("bids");
    let made = PhantomOptions { subjects: 2, pixel_spacing_mm: 3.0, ..PhantomOptions::default() };
    write_bids(&bids, &made, &Context::new(3)).unwrap();
    let before = session(&home.path().join("before"));
    shown(&before, &format!("people = load_cohort({:?}, size = 64)", bids.display().to_string()));
    shown(&before, "found = detect(intensity_threshold(), people)");
    shown(&before, "1");
    let name = shown(&before, "people.names[0]").trim_matches('"').to_owned();
    for changes in [false, true] {
        let after = home.path().join(format!("after-{changes}"));
        copy(&home.path().join("before"), &after);
        if changes {
            let image = bids.join(format!("{name}/anat/{name}_T2w.nii.gz"));
            let mut volume = crate::volume::Volume::read(&image).unwrap();
            volume.voxels.invert_axis(ndarray::Axis(1));
            volume.write(&image, None).unwrap();
        }
        let summary = session(&after).resume().unwrap().unwrap().to_text();
        assert_eq!(
            summary.contains("masks or participants table of its cohort"),
            changes,
            "{summary}"
        );
    }
}

#[test]
fn a_session_that_still_runs_is_not_taken_over() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("one");
    let running = session(&folder);
    shown(&running, "people = phantom_cohort(subjects = 2)");
    shown(&running, "1");
    let error = session(&folder).resume().unwrap_err();
    assert!(error.message.contains("the session there is still running"), "{}", error.message);
}

#[test]
fn damage_is_named_and_the_rest_comes_back() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("one");
    let ended = session(&folder);
    shown(&ended, SMALL);
    shown(&ended, "def trained(epochs = model.epochs): return epochs");
    drop(ended);
    let snapshot = folder.join("models/model-1/epoch-0000.safetensors");
    let whole = std::fs::read(&snapshot).unwrap();
    std::fs::write(&snapshot, "junk").unwrap();
    let back = session(&folder);
    let summary = back.resume().unwrap().unwrap().to_text();
    assert!(
        summary
            .starts_with("restored a session of 2 cells: people\ncould not be restored: model: "),
        "{summary}"
    );
    // Working on and leaving keeps what the lost model takes; a new model does not take its place.
    shown(&back, "x = 1");
    shown(&back, "other = u2ad(image = 64, depth = 1, decoder_depth = 1)");
    drop(back);
    std::fs::write(&snapshot, whole).unwrap();
    let back = session(&folder);
    let summary = back.resume().unwrap().unwrap().to_text();
    assert!(!summary.contains("could not be restored"), "{summary}");
    assert_eq!(shown(&back, "[model.epochs, other.epochs, x, trained()]"), "[0, 0, 1, 0]");
}

/// Files below a folder with their content.
fn content(folder: &Path) -> std::collections::BTreeMap<PathBuf, Vec<u8>> {
    let mut files = std::collections::BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(content(&path));
        } else {
            files.insert(path.clone(), std::fs::read(&path).unwrap());
        }
    }
    files
}

#[test]
fn a_session_that_cannot_be_read_is_left_as_it_is() {
    for spoil in [
        (|_: &str| "{}".to_owned()) as fn(&str) -> String,
        |json| json[..json.len() / 2].to_owned(),
        |json| json.replacen("\"version\":1", "\"version\":99", 1),
    ] {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("one");
        let ended = session(&folder);
        shown(&ended, SMALL);
        drop(ended);
        let journal = folder.join("journal.json");
        let spoiled = spoil(&std::fs::read_to_string(&journal).unwrap());
        std::fs::write(&journal, spoiled).unwrap();
        let before = content(&folder);
        assert!(super::check_resumable(&folder).is_err());
        let failed = session(&folder);
        failed.resume().unwrap_err();
        shown(&failed, "y = phantom_cohort(subjects = 2)");
        shown(&failed, "y = 3");
        drop(failed);
        assert_eq!(content(&folder), before);
    }
}

#[test]
fn a_damaged_last_snapshot_gives_way_to_the_one_before() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("one");
    let ended = session(&folder);
    shown(&ended, SMALL);
    shown(&ended, "pretrain(model, people, epochs = 1)");
    shown(&ended, "adapt(model, people, epochs = 1, samples = 2)");
    drop(ended);
    std::fs::write(folder.join("models/model-1/epoch-0002.safetensors"), "junk").unwrap();
    let back = session(&folder);
    let summary = back.resume().unwrap().unwrap().to_text();
    assert!(!summary.contains("could not be restored"), "{summary}");
    assert_eq!(shown(&back, "model.epochs"), "1");
}
