//! Completion and inspection as a front end asks for them. `|` marks the cursor.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use proptest::prelude::*;

use super::*;
use crate::language::{completeness, question};
use crate::session::{Cell, Output, Page, Session, Settings, Sink};

struct Deaf;

impl Sink for Deaf {
    fn emit(&self, _: Output) {}
}

/// A session in which a study is under way.
static SESSION: LazyLock<Session> = LazyLock::new(|| {
    let session = Session::start(Settings::default(), Arc::new(Deaf)).unwrap();
    let source = "\
clinic = phantom_cohort(subjects = 2, pixel_spacing_mm = 2.0)
model = u2ad()
found = detect(intensity_threshold(), clinic)
count = 3
scores = {\"sub-a\": 1.0}
slices = clinic[0].slices
pair = struct(left = clinic[0], right = 2)
def score(subject, scale = 2.0):
    \"\"\"Scales a subject's score.

    Twice by default.
    \"\"\"
    return scale
";
    let cell = Cell { name: "cell".into(), source: source.into(), folder: PathBuf::new() };
    session.run(cell).unwrap();
    session
});

fn at_cursor(marked: &str) -> (String, usize) {
    let (before, after) = marked.split_once('|').unwrap();
    (format!("{before}{after}"), before.chars().count())
}

fn completions(marked: &str) -> Completions {
    let (source, cursor) = at_cursor(marked);
    SESSION.complete(&source, cursor)
}

fn texts(marked: &str) -> Vec<String> {
    completions(marked).candidates.into_iter().map(|candidate| candidate.text).collect()
}

fn page(marked: &str) -> Option<Page> {
    let (source, cursor) = at_cursor(marked);
    SESSION.inspect(&source, cursor)
}

#[track_caller]
fn offers(marked: &str, expected: &[&str]) {
    let texts = texts(marked);
    for text in expected {
        assert!(texts.iter().any(|offered| offered == text), "{text} of {marked}: {texts:?}");
    }
}

#[track_caller]
fn offers_exactly(marked: &str, expected: &[&str]) {
    assert_eq!(texts(marked), expected, "{marked}");
}

#[test]
fn names_are_completed_by_their_beginning() {
    offers_exactly("train_e|", &["train_epoch"]);
    offers_exactly("x = cou|", &["count"]);
    offers_exactly("enum|", &["enum", "enumerate"]);
    offers_exactly("if x:\n    retu|", &["return"]);
    offers("|", &["clinic", "score", "load_cohort", "len", "for", "None", "json"]);
    let of = |text: &str| completions(text).candidates.remove(0);
    assert_eq!(of("train_e|").kind, CandidateKind::Verb);
    assert!(of("train_e|").detail.unwrap().starts_with("train_epoch(model, cohort, "));
    assert_eq!(of("clin|").detail.as_deref(), Some("Cohort"));
    assert_eq!(of("sco|").detail.as_deref(), Some("score(subject, scale = 2.0)"));
}

#[test]
fn the_replaced_stretch_is_counted_in_characters() {
    let found = completions("name = \"Bürger 脊髄\"; clin|ic");
    assert_eq!((found.start, found.end), (20, 24));
    assert_eq!(found.candidates[0].text, "clinic");
    let found = completions("train_epoch(mod|");
    assert_eq!((found.start, found.end), (12, 15));
}

#[test]
fn members_of_live_values_are_completed_through_chains() {
    offers("clinic.|", &["healthy", "names", "where", "preprocess"]);
    offers("clinic[1].|", &["slices", "image", "discs"]);
    offers_exactly("clinic[\"a\"].sl|", &["slices"]);
    offers("clinic[3].slices[0].image.|", &["maximum"]);
    offers("clinic.healthy[0:2][0].middle.|", &["csf"]);
    offers("clinic[0].lesion.|", &[]);
    offers("phantom_cohort(subjects = 3).|", &["clinical"]);
    offers("(clinic).|", &["clinical"]);
    offers("slices[0].|", &["cord"]);
    offers("pair.|", &["left", "right"]);
    offers("pair.left.|", &["slices"]);
    offers("'a'.|", &["upper", "split"]);
    offers("f'{clinic.|", &["healthy"]);
    offers("model.config.|", &["keys"]);
    offers("json.|", &["encode"]);
    offers_exactly("count.|", &[]);
    offers_exactly("unheard_of.|", &[]);
    let upper = completions("'a'.upp|").candidates.remove(0);
    assert_eq!(upper.kind, CandidateKind::Method);
}

#[test]
fn what_the_text_itself_assigns_is_known() {
    offers("x = load_cohort('a')\nx.|", &["healthy"]);
    offers("x = load_cohort('a'); y = x[0]\ny.sl|", &["slices"]);
    offers("for s in clinic:\n    s.|", &["slices"]);
    offers("for i, s in enumerate(clinic):\n    s.|", &["slices"]);
    offers("[s.| for s in clinic]", &["slices"]);
    offers("[s for s in clinic if s.|", &["slices"]);
    offers("print([s.middle.| for s in clinic])", &["csf"]);
    offers("def draw(person: Subject, size):\n    person.|", &["slices"]);
    offers("def draw(person, size):\n    siz|", &["size"]);
    offers("def draw(person, size = 3):\n    pass\n\ndraw(|", &["person = ", "size = "]);
    offers("def first() -> Subject:\n    return clinic[0]\n\nfirst().|", &["slices"]);
    offers("load('a.star', 'helper')\nhel|", &["helper"]);
    // A name that is assigned anew is no longer what it was.
    offers_exactly("clinic = 3\nclinic.|", &[]);
    offers("x = 1\nx = clinic\nx.|", &["healthy"]);
}

#[test]
fn keyword_arguments_come_first_and_not_twice() {
    let all = texts("train_epoch(model, |");
    assert_eq!(all[..3], ["cohort = ", "masks = ", "learning_rate = "], "{all:?}");
    let all = texts("train_epoch(model, clinic, batch_size = 4, |");
    assert!(!all.iter().any(|text| text == "batch_size = " || text == "cohort = "), "{all:?}");
    offers_exactly("train_epoch(model, clinic, lea|", &["learning_rate = "]);
    offers("train_epoch(model,\n    clinic,\n    |", &["mask_ratio = "]);
    offers("clinic.preprocess(|", &["count"]);
    let argument = completions("train_epoch(model, clinic, lea|").candidates.remove(0);
    assert_eq!(argument.kind, CandidateKind::KeywordArgument);
    assert_eq!(argument.detail.as_deref(), Some("float | int, default 0.003"));
    // The values that fit come before the other names.
    assert_eq!(texts("detect(|")[..1], ["cohort = "].map(|_| "model = "));
    let fitting = texts("train_epoch(model, cohort = |");
    assert_eq!(fitting[0], "clinic", "{fitting:?}");
    offers("train_epoch(model, clinic, augment = |", &["True", "False"]);
    // In a list within the call, keywords do not fit.
    assert!(!texts("table([|").iter().any(|text| text.contains('=')));
}

#[test]
fn words_that_a_parameter_takes_are_completed() {
    let guides = ["random", "eu", "au", "eu-published", "au-published"];
    offers_exactly("regenerate_masks(uncertainty, strategy = \"|", &guides);
    offers_exactly("regenerate_masks(uncertainty, \"e|\")", &["eu", "eu-published"]);
    offers("regenerate_masks(uncertainty, strategy = |", &["\"eu\"", "\"random\""]);
    offers_exactly("u2ad('|", &["small", "paper"]);
    offers_exactly("device(name = '|", &["auto", "cpu", "cuda", "metal"]);
    offers_exactly("plot(found[0], kind = \"c|", &["curve"]);
    offers_exactly("estimate_uncertainty(model, clinic, passes = '|", &["balanced", "independent"]);
    offers_exactly("regenerate_masks(uncertainty, normalisation='r|", &["raw"]);
    let found = completions("u2ad(preset = \"pa|");
    assert_eq!((found.start, found.end), (15, 17));
}

#[test]
fn parts_of_a_value_are_completed_by_name() {
    let names = texts("clinic[\"|");
    assert_eq!(names.len(), 2, "{names:?}");
    assert_eq!(texts("found[\"|"), names);
    offers_exactly("scores['|", &["sub-a"]);
    offers("scores[|", &["\"sub-a\""]);
    offers_exactly("model.scores['|", &[]);
}

#[test]
fn paths_are_completed_where_a_path_is_meant() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().display().to_string();
    std::fs::create_dir(folder.path().join("clinic")).unwrap();
    for file in ["clinic.tsv", "helpers.star", ".hidden"] {
        std::fs::write(folder.path().join(file), "").unwrap();
    }
    offers_exactly(&format!("load_cohort(\"{at}/|"), &["clinic/", "clinic.tsv", "helpers.star"]);
    offers_exactly(&format!("load_cohort(path = '{at}/cl|"), &["clinic/", "clinic.tsv"]);
    offers_exactly(&format!("load('{at}/|"), &["clinic/", "helpers.star"]);
    offers_exactly(&format!("model.save(\"{at}/.|"), &[".hidden"]);
    offers_exactly(&format!("load_cohort(\"{at}/nowhere/|"), &[]);
    let found = completions(&format!("load_cohort(\"{at}/cl|"));
    assert_eq!(found.end - found.start, 2);
    // Other strings are the user's own business.
    offers_exactly(&format!("print(\"{at}/|"), &[]);
}

#[test]
fn nothing_is_offered_where_a_new_name_or_words_are_typed() {
    for marked in ["def tra|", "for tra|", "# tra|", "'tra|", "3|", "x = 1.|", "lambda tra|"] {
        offers_exactly(marked, &[]);
    }
}

#[test]
fn a_page_tells_about_what_the_cursor_touches() {
    for marked in ["train_ep|och(model)", "train_epoch|", "|train_epoch", "train_epoch(model, |)"] {
        let page = page(marked).unwrap_or_else(|| panic!("{marked}"));
        assert!(page.heading.starts_with("train_epoch(model, cohort, "), "{marked}");
        assert!(page.example.is_some());
    }
    let heading = |marked| page(marked).unwrap().heading;
    assert_eq!(heading("clin|ic[0]"), "clinic: Cohort");
    assert_eq!(heading("clinic[0]|"), "clinic[0]: Subject");
    assert_eq!(heading("clinic.hea|lthy"), "Cohort.healthy -> Cohort");
    assert_eq!(heading("clinic[0].slices[1].image|"), "Slice.image -> Image");
    assert_eq!(heading("clinic.where|"), "where(**columns) -> Cohort");
    assert_eq!(heading("Cohort|"), "Cohort");
    assert_eq!(heading("count|"), "count: int");
    assert_eq!(heading("print(train_epoch(model, [clinic[0]|"), "clinic[0]: Subject");
    assert_eq!(
        heading("regenerate_masks(uncertainty, strategy = \"|").split('(').next(),
        Some("regenerate_masks")
    );
    assert!(page("# train_epoch|").is_none() && page("unheard_of|").is_none());
    assert!(page("|").is_none() && page("x = \n|").is_none());
}

#[test]
fn pages_of_values_say_what_they_are_and_what_they_can_do() {
    let text = page("clinic|").unwrap().text(80);
    assert!(
        text.contains("<Cohort")
            && text.contains(".preprocess(size = None, fov_mm = None) -> Cohort"),
        "{text}"
    );
    assert!(page("count|").unwrap().text(80).contains("3"));
    let text = page("score|").unwrap().text(80);
    assert!(text.starts_with("score(subject, scale = 2.0)"), "{text}");
    assert!(text.contains("Scales a subject's score.") && text.contains("Twice"), "{text}");
    assert!(page("pair|").unwrap().text(80).contains(".left -> Subject"));
    assert!(page("train_epoch|").unwrap().markdown().contains("- `learning_rate`: "));
}

#[test]
fn questions_are_answered_or_say_what_was_meant() {
    let answer = |source: &str| SESSION.answer(&question(source).unwrap());
    assert!(answer("?").unwrap().text(80).contains("train_epoch"));
    assert_eq!(answer("clinic[3]?").unwrap().heading, "clinic[3]: Subject");
    assert!(answer("?train_epoch").unwrap().heading.starts_with("train_epoch("));
    let error = answer("train_epohc?").unwrap_err();
    assert_eq!(error.sentence(), "nothing is known about `train_epohc`; did you mean train_epoch?");
}

#[test]
fn nobody_waits_for_a_running_cell() {
    let session = Session::start(Settings::default(), Arc::new(Deaf)).unwrap();
    let cell =
        |source: &str| Cell { name: "cell".into(), source: source.into(), folder: PathBuf::new() };
    session.run(cell("before = 1")).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| session.run(cell("sleep(20)")));
        std::thread::sleep(std::time::Duration::from_millis(50));
        let started = std::time::Instant::now();
        assert_eq!(session.complete("bef", 3).candidates[0].text, "before");
        assert!(session.inspect("before", 3).is_some());
        assert!(started.elapsed() < std::time::Duration::from_secs(2));
        while !session.interrupter().interrupt() {}
    });
}

#[test]
fn a_huge_text_is_completed_in_time() {
    let started = std::time::Instant::now();
    for piece in ["(", "for ", "x = [", "a.", "f(x)", "\"a\n", "$", "if a: ", "a, "] {
        let source = piece.repeat(2_000_000 / piece.len()) + "\nclin";
        complete(&SESSION.names(), &source, usize::MAX);
        inspect(&SESSION.names(), &source, usize::MAX);
    }
    assert!(started.elapsed() < std::time::Duration::from_secs(20), "{:?}", started.elapsed());
}

/// Pieces of source, put together as no one would.
fn source() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "clinic",
        "model",
        ".",
        "[",
        "]",
        "(",
        ")",
        "{",
        "}",
        "\"",
        "'",
        "\"\"\"",
        "f\"",
        "r'",
        ",",
        "=",
        ":",
        "\n",
        "    ",
        "for ",
        " in ",
        "def ",
        "load(",
        "lambda ",
        "if ",
        "else",
        "train_epoch(",
        "strategy = ",
        "u2ad(",
        "\\",
        "#",
        "0",
        "1.5",
        "é脊",
        "\t",
        "\r\n",
        "*",
        "->",
        "?",
        "slices",
        "where",
        "|",
        "!",
        "import",
        "enumerate(",
        ";",
    ]);
    prop_oneof![prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat()), ".*",]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// The guard against panics is left out here, so that this test can fail.
    #[test]
    fn any_source_and_cursor_can_be_asked_about(source in source(), cursor in 0usize..200) {
        let names = SESSION.names();
        let found = complete(&names, &source, cursor);
        let length = source.chars().count();
        prop_assert!(found.start <= found.end && found.end <= length);
        prop_assert_eq!(found.end, cursor.min(length));
        let begun: String = source.chars().take(found.end).skip(found.start).collect();
        for candidate in &found.candidates {
            prop_assert!(candidate.text.starts_with(&begun), "{:?} of {begun:?}", candidate);
        }
        inspect(&names, &source, cursor);
        completeness(&source);
        if let Some(question) = question(&source) {
            answer(&names, &question).ok();
        }
        let mut end = 0;
        for (range, _) in highlight(&source) {
            prop_assert!(end <= range.start && source.get(range.clone()).is_some());
            end = range.end;
        }
    }
}

#[test]
fn many_names_are_completed_at_once() {
    let session = Session::start(Settings::default(), Arc::new(Deaf)).unwrap();
    let source: String = (0..50_000).map(|n| format!("value_{n} = {n}\n")).collect();
    session.run(Cell { name: "cell".into(), source, folder: PathBuf::new() }).unwrap();
    let started = std::time::Instant::now();
    let all = session.complete("value_", 6).candidates;
    let one = session.complete("x = value_49999", 15).candidates;
    session.complete("detect(va", 9);
    session.complete("detect(", 7);
    assert!(started.elapsed().as_secs_f64() < 5.0, "{:?}", started.elapsed());
    assert_eq!(all.len(), 300);
    assert_eq!(one.iter().map(|one| one.text.as_str()).collect::<Vec<_>>(), ["value_49999"]);
}
