//! What `help` says is true: every example in it runs, and the reference shows what they show.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use clap::CommandFactory;
use common::Place;
use u2ad::context::CancelToken;
use u2ad::frontends::command_line::CommandLine;
use u2ad::frontends::reference;
use u2ad::phantom::{PhantomOptions, write_bids};
use u2ad::session::{Cell, Output, Session, Settings, Sink, manual};

#[test]
fn the_overview_lists_every_verb_by_task() {
    let ended = Place::new().run("help()", &[]);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    for verb in manual().verbs() {
        assert!(ended.out.contains(&format!("  {} ", verb.name)), "{} is missing", verb.name);
    }
}

#[test]
fn commands_and_pages_that_help_finds_are_those_that_there_are() {
    let program = CommandLine::command();
    let visible = program.get_subcommands().filter(|command| !command.is_hide_set());
    let expected: Vec<(String, String)> = visible
        .map(|one| (one.get_name().to_owned(), one.get_about().unwrap_or_default().to_string()))
        .collect();
    let known: Vec<(String, String)> =
        manual().commands().map(|(name, summary)| (name.to_owned(), summary.to_owned())).collect();
    assert_eq!(known, expected);
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    for (path, title) in manual().documents() {
        let text = fs::read_to_string(root.join(path)).unwrap();
        assert_eq!(text.lines().next(), Some(&*format!("# {title}")), "{path}");
    }
    let summary = fs::read_to_string(root.join("docs/SUMMARY.md")).unwrap();
    let pages = summary.matches(".md)").count();
    assert_eq!(manual().documents().count(), pages);
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

/// Verbs whose outputs are left out: pages that stand elsewhere in the reference, and numbers of networks, which
/// depend on how the processor rounds.
const WITHOUT_OUTPUT: &[&str] = &[
    "help",
    "examples",
    "adapt",
    "pretrain",
    "train_epoch",
    "train_scorer",
    "calibrate",
    "estimate_uncertainty",
    "autoencoder_with_uncertainty",
    "convolutional_autoencoder",
    "denoising_autoencoder",
    "diffusion_model",
    "feature_memory",
    "variational_autoencoder",
];

/// Lines of an output that are shown in the reference.
const MOST_LINES: usize = 16;
/// Letters of a line that are shown.
const MOST_LETTERS: usize = 100;
/// Decimals of a number that are shown: those behind depend on the system's mathematical library.
const MOST_DECIMALS: usize = 4;

/// Keeps what cells show, as text, and answers questions.
#[derive(Default)]
struct Listener {
    shown: Mutex<String>,
}

impl Sink for Listener {
    fn emit(&self, output: Output) {
        let mut shown = self.shown.lock().unwrap();
        match output {
            Output::Text(text) => shown.push_str(&text),
            Output::Display(display) => *shown += &(display.to_text() + "\n"),
            Output::ErrorText(_) | Output::Clear { .. } | Output::Update(_) | Output::Event(_) => {}
        }
    }

    fn ask(&self, prompt: &str, _: bool, _: &CancelToken) -> u2ad::Result<String> {
        *self.shown.lock().unwrap() += &format!("{prompt}a radiologist\n");
        Ok("a radiologist".to_owned())
    }
}

/// Runs the examples of all verbs, one after another in one session, in this folder. Returns what each shows.
fn run_examples(place: &Place) -> BTreeMap<String, String> {
    let options =
        PhantomOptions { subjects: 1, pixel_spacing_mm: 2.0, ..PhantomOptions::default() };
    fs::create_dir(place.path("bids")).unwrap();
    write_bids(&place.path("bids/clinic"), &options, &u2ad::context::Context::new(0)).unwrap();
    // An image without masks.
    fs::create_dir(place.path("images")).unwrap();
    let image = place.path("bids/clinic/sub-clinic01/anat/sub-clinic01_T2w.nii.gz");
    fs::copy(image, place.path("images/clinic01.nii.gz")).unwrap();
    // The other tests of this file give their programs a folder of their own.
    std::env::set_current_dir(place.path("")).unwrap();
    fs::create_dir_all("runs/study").unwrap();
    let listener = Arc::new(Listener::default());
    let settings = Settings { folder: "runs/study".into(), ..Settings::default() };
    let session = Session::start(settings, listener.clone()).unwrap();
    let run = |name: &str, source: &str| {
        let cell = Cell { name: name.into(), source: source.into(), folder: PathBuf::new() };
        let last = session.run(cell).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut shown = std::mem::take(&mut *listener.shown.lock().unwrap());
        last.into_iter().for_each(|last| shown += &(last.to_text() + "\n"));
        shown
    };
    run("before", "save_model(u2ad(), 'runs/study/model.safetensors')");
    let examples = manual().verbs().map(|verb| {
        let example = verb.example.as_deref().unwrap();
        (verb.name.clone(), run(&verb.name, example))
    });
    examples.collect()
}

/// An output as the reference shows it, if it does. An ellipsis stands for what is cut.
fn shown_output((verb, output): (String, String)) -> Option<(String, String)> {
    if WITHOUT_OUTPUT.contains(&verb.as_str()) || output.trim().is_empty() {
        return None;
    }
    let mut lines: Vec<String> = output.lines().map(shown_line).collect();
    if lines.len() > MOST_LINES {
        lines.truncate(MOST_LINES);
        lines.push("…".to_owned());
    }
    Some((verb, lines.join("\n")))
}

fn shown_line(line: &str) -> String {
    let mut shown = String::new();
    let mut decimals = None;
    for letter in line.trim_end().chars() {
        decimals = match (letter, decimals) {
            ('.', _) => Some(0),
            ('0'..='9', Some(count)) => Some(count + 1),
            _ => None,
        };
        match decimals {
            Some(count) if count > MOST_DECIMALS => {
                if count == MOST_DECIMALS + 1 {
                    shown.push('…');
                }
            }
            _ => shown.push(letter),
        }
    }
    match shown.char_indices().nth(MOST_LETTERS) {
        Some((end, _)) => format!("{}…", &shown[..end].trim_end_matches('…')),
        None => shown,
    }
}

#[test]
fn outputs_are_cut() {
    assert_eq!(shown_line("{\"a\": 0.740951599784959, 1.5}  "), "{\"a\": 0.7409…, 1.5}");
    assert_eq!(shown_line(&"x".repeat(101)), "x".repeat(100) + "…");
}

#[test]
fn help_finds_verbs_by_words() {
    let ended = Place::new().run("help('exporting a map')", &[]);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.out.contains("match \"exporting a map\", the best first"), "{}", ended.out);
    let first = ended.out.lines().find(|line| line.starts_with("  ")).unwrap();
    assert!(first.starts_with("  export "), "{first}");
    let ended = Place::new().run("help('detcet')", &[]);
    assert!(ended.err.contains("did you mean detect?"), "{}", ended.err);
}

#[test]
fn a_tutorial_is_written_and_never_replaces_a_file() {
    let place = Place::new();
    let ended = place.run("examples()\nexamples('findings', 'findings.star')", &[]);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.out.contains("  quickstart  From volumes to findings"), "{}", ended.out);
    let written = fs::read_to_string(place.path("findings.star")).unwrap();
    assert!(written.contains("found = detect(model, clinic)"), "{written}");
    place.write("findings.star", "# mine\n");
    let ended = place.run("examples('findings', 'findings.star')", &[]);
    assert!(ended.err.contains("exists already and is not replaced"), "{}", ended.err);
    assert_eq!(fs::read_to_string(place.path("findings.star")).unwrap(), "# mine\n");
}

/// Every example runs, and `docs/reference.md` holds the documentation of today with what they show.
/// `just accept-snapshots` writes the page.
#[test]
fn every_example_runs_and_the_reference_is_up_to_date() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reference.md");
    let outputs = run_examples(&Place::new()).into_iter().filter_map(shown_output).collect();
    let now = reference::markdown(&CommandLine::command(), &outputs);
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        fs::write(page, now).unwrap();
        return;
    }
    let stored = fs::read_to_string(page).unwrap_or_default();
    let mut lines = stored.lines().zip(now.lines()).enumerate();
    if let Some((number, (stored, now))) = lines.find(|(_, (stored, now))| stored != now) {
        panic!(
            "docs/reference.md is out of date from line {}: it has\n  {stored}\ninstead of\n  {now}\n`just \
             accept-snapshots` writes it anew",
            number + 1
        );
    }
    assert!(
        stored == now,
        "docs/reference.md is out of date; `just accept-snapshots` writes it anew"
    );
}
