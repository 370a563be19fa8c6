//! Tutorials: scripts that come with the program.

use std::ffi::OsStr;
use std::path::Path;

use super::Manual;
use crate::report::{List, Page, file_stem};
use crate::{Error, Result};

/// A script to read and run.
#[derive(Clone, Copy, Debug)]
pub struct Tutorial {
    /// How it is called here: "quickstart".
    pub name: &'static str,
    /// What one wants to do with it; tutorials with one task stand together.
    pub task: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// Name of its file: "01-quickstart.star".
    pub file: &'static str,
    source: &'static str,
}

/// A tutorial and the text of its file.
macro_rules! tutorial {
    ($task:expr, $name:literal, $file:literal, $summary:literal) => {
        Tutorial {
            name: $name,
            task: $task,
            summary: $summary,
            file: $file,
            source: include_str!(concat!("../../../tutorials/", $file)),
        }
    };
}

const FIRST: &str = "First steps, on synthetic spines";
const STEPS: &str = "One step at a time, on synthetic spines; each is a notebook as well";
const STUDIES: &str = "Studies of your own data, or of synthetic spines";

/// All tutorials, those with one task together.
pub const TUTORIALS: &[Tutorial] = &[
    tutorial!(
        FIRST,
        "quickstart",
        "01-quickstart.star",
        "From volumes to findings and their evaluation, in some minutes."
    ),
    tutorial!(
        STEPS,
        "cohort",
        "03-cohort.star",
        "What a cohort holds: subjects, slices, regions, ground truth."
    ),
    tutorial!(
        STEPS,
        "masks",
        "04-masks.star",
        "Which patches are hidden, and how they are reconstructed."
    ),
    tutorial!(
        STEPS,
        "uncertainty",
        "05-uncertainty.star",
        "The two kinds of uncertainty, and their maps."
    ),
    tutorial!(
        STEPS,
        "adaptation",
        "06-adaptation.star",
        "Adapting a pretrained model to a clinic's own subjects."
    ),
    tutorial!(
        STEPS,
        "findings",
        "07-findings.star",
        "Anomaly curves, scores and the comparison with a threshold."
    ),
    tutorial!(
        STUDIES,
        "clinical-cohort",
        "02-clinical-cohort.star",
        "A complete study: pretraining, adaptation, scorer, findings, maps to export."
    ),
    tutorial!(
        STUDIES,
        "study",
        "08-study.star",
        "Methods and seeds on the same patients, with intervals, paired tests and an ablation."
    ),
    tutorial!(
        STUDIES,
        "methods",
        "09-methods.star",
        "All methods to compare with, on the same subjects."
    ),
];

impl Tutorial {
    /// The tutorial of that name, which may also be that of its file.
    ///
    /// # Errors
    /// If there is none.
    pub fn named(name: &str) -> Result<Self> {
        let is_meant = |one: &&Self| {
            one.name == name || one.file == name || one.file.strip_suffix(".star") == Some(name)
        };
        TUTORIALS.iter().find(is_meant).copied().ok_or_else(|| {
            let names: Vec<_> = TUTORIALS.iter().map(|one| one.name).collect();
            Error::input(format!("there is no tutorial \"{name}\"; choose {}", names.join(", ")))
        })
    }

    /// The script, whose comments tell how to run it as `file`, and where its results are then.
    pub fn text(&self, file: &str) -> String {
        let runs = |file: &str| {
            let stem = Path::new(file).file_stem().and_then(OsStr::to_str);
            format!("runs/{}/", file_stem(stem.unwrap_or_default()))
        };
        let text = self.source.replace(&format!("tutorials/{}", self.file), file);
        text.replace(&runs(self.file), &runs(file)).replace("tutorials/", "")
    }
}

impl Manual {
    /// The tutorials by task, and how to run them.
    pub fn tutorials(&self) -> Page {
        let entry = |one: &Tutorial| (one.name.to_owned(), one.summary.to_owned());
        let list = |same: &[Tutorial]| List {
            title: same[0].task.to_owned(),
            entries: same.iter().map(entry).collect(),
        };
        let lists = TUTORIALS.chunk_by(|a, b| a.task == b.task).map(list).collect();
        let here = "`examples(\"quickstart\")` shows one; `examples(\"quickstart\", \"quickstart.star\")` writes it to \
                    a file, to be changed and run with `u2ad run quickstart.star`.";
        let outside = "On the command line, `u2ad new quickstart.star --tutorial quickstart` writes it. `u2ad convert \
                       cohort.star cohort.ipynb` makes a notebook of a script.";
        Page { paragraphs: vec![here.to_owned(), outside.to_owned()], lists, ..Page::default() }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn every_script_of_the_folder_is_a_tutorial() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tutorials");
        let files = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut files: Vec<_> = files.filter(|name| name.ends_with(".star")).collect();
        files.sort();
        let mut known: Vec<_> = TUTORIALS.iter().map(|tutorial| tutorial.file).collect();
        known.sort_unstable();
        assert_eq!(files, known);
    }

    #[test]
    fn a_written_tutorial_says_how_it_is_run() {
        for tutorial in TUTORIALS {
            let text = tutorial.text("mine.star");
            assert!(
                !text.contains("cargo run") && !text.contains("tutorials/"),
                "{}",
                tutorial.file
            );
            assert!(
                crate::language::dialect::parse(tutorial.file, &text).is_ok(),
                "{}",
                tutorial.file
            );
        }
        let text = Tutorial::named("quickstart").unwrap().text("mine.star");
        assert!(text.contains("    u2ad run mine.star\n"), "{text}");
        assert!(text.contains(" runs/mine/.\n"), "{text}");
        assert_eq!(Tutorial::named("08-study").unwrap().name, "study");
        let error = Tutorial::named("quick").unwrap_err().to_string();
        assert!(
            error.starts_with("there is no tutorial \"quick\"; choose quickstart, "),
            "{error}"
        );
    }
}
