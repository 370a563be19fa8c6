//! What is offered at places in a source; `|` marks the cursor.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use u2ad::session::{Cell, Output, Session, Settings, Sink};

use super::common::Place;
use super::snapshot::check;

struct Deaf;

impl Sink for Deaf {
    fn emit(&self, _: Output) {}
}

static SESSION: LazyLock<Session> = LazyLock::new(|| {
    let session = Session::start(Settings::default(), Arc::new(Deaf)).unwrap();
    let source = "\
clinic = phantom_cohort(subjects = 2, pixel_spacing_mm = 2)
found = detect(intensity_threshold(), clinic)
model = u2ad()
settings = {\"epochs\": 3}
pair = struct(left = clinic[0], right = 2)
def rescale(subject, factor = 2.0):
    \"\"\"Multiplies the score of a subject.\"\"\"
    return factor
";
    let cell = Cell { name: "cell".into(), source: source.into(), folder: PathBuf::new() };
    session.run(cell).unwrap();
    session
});

/// The candidates at the cursor, one a line with their kind and what is said about them.
fn offered(marked: &str) -> String {
    let (before, after) = marked.split_once('|').unwrap();
    let cursor = before.chars().count();
    let completions = SESSION.complete(&format!("{before}{after}"), cursor);
    let replaced: String =
        before.chars().skip(completions.start).take(completions.end - completions.start).collect();
    let candidates = completions.candidates.iter().map(|candidate| {
        let detail = candidate.detail.as_deref().unwrap_or_default();
        let line = format!("{:<24}  {:<16}  {detail}", candidate.text, candidate.kind.name());
        line.trim_end().to_owned()
    });
    let lines: Vec<String> = candidates.collect();
    let list = if lines.is_empty() { "nothing".to_owned() } else { lines.join("\n") };
    format!("{marked}\nreplacing {replaced:?}:\n\n{list}\n")
}

#[test]
fn candidates_at_the_cursor() {
    for (name, marked) in [
        ("empty_line", "|"),
        ("beginning_of_a_verb", "tra|"),
        ("user_names", "print(cli|)"),
        ("first_argument", "detect(|)"),
        ("keyword_arguments", "detect(model, clinic, s|)"),
        ("value_of_a_keyword", "report(found, \"study.html\", model = |)"),
        ("choices_in_quotes", "detect(model, clinic, scoring = \"|\")"),
        ("attributes_of_a_cohort", "clinic.|"),
        ("attributes_of_findings", "found[0].|"),
        ("attributes_of_an_image", "clinic[0].image.m|"),
        ("fields_of_a_structure", "pair.|"),
        ("names_of_subjects", "clinic[\"|\"]"),
        ("keys_of_a_dictionary", "settings[\"|\"]"),
        ("own_function", "rescale(clinic[0], |)"),
        (
            "inside_a_function",
            "def study(patients, repeats):\n    for one in patients:\n        print(re|)",
        ),
        ("group_of_functions", "json.|"),
        ("inside_a_comment", "# tra|"),
    ] {
        check("completions", name, &offered(marked));
    }
}

#[test]
fn candidates_of_paths() {
    let place = Place::new();
    std::fs::create_dir(place.path("clinic")).unwrap();
    std::fs::create_dir(place.path("clinic 2")).unwrap();
    place.write("classifier.safetensors", "");
    place.write("notes.txt", "");
    let folder = place.path("").display().to_string();
    let shown = offered(&format!("load_cohort(\"{folder}cl|\")"));
    check("completions", "paths", &shown.replace(&folder, "FOLDER/"));
}
