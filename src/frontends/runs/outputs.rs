//! The files of two runs side by side.

use std::fs;
use std::path::{Path, PathBuf};

use crate::files::sha256_of;
use crate::report::{FirstDifference, RecordedFile, first_difference};
use crate::{Error, Result};

/// The files of one run: where it lies, and what its record says.
pub(super) struct Outputs<'a> {
    pub folder: &'a Path,
    pub files: &'a [RecordedFile],
}

impl Outputs<'_> {
    fn has(&self, name: &str) -> bool {
        self.files.iter().any(|file| file.path == name) && self.path(name).is_file()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// The comparison of a file of two runs.
pub(super) enum Compared {
    Same,
    OnlyFirst,
    OnlySecond,
    Differs(FirstDifference),
}

/// Names of all files of both, in the first one's order: tables first, then models and the like, then the
/// pictures of these. The log comes last: it repeats what differs.
pub(super) fn names(first: &Outputs<'_>, second: &Outputs<'_>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for file in first.files.iter().chain(second.files) {
        if !names.contains(&file.path) {
            names.push(file.path.clone());
        }
    }
    names.sort_by_key(|name| match name.rsplit('.').next().unwrap_or_default() {
        "tsv" => 0,
        "png" | "svg" => 2,
        _ if name == "log.txt" => 3,
        _ => 1,
    });
    names
}

/// Compares one file. In texts of the second run, `same_names` are replaced first: names of folders that
/// must differ, and what stands for them in the first run.
///
/// # Errors
/// If a file cannot be read.
pub(super) fn compare(
    name: &str,
    first: &Outputs<'_>,
    second: &Outputs<'_>,
    same_names: &[(String, String)],
) -> Result<Compared> {
    match (first.has(name), second.has(name)) {
        (false, false) => return Ok(Compared::Same),
        (true, false) => return Ok(Compared::OnlyFirst),
        (false, true) => return Ok(Compared::OnlySecond),
        (true, true) => {}
    }
    let (ours, theirs) = (first.path(name), second.path(name));
    if sha256_of(&ours)? == sha256_of(&theirs)? {
        return Ok(Compared::Same);
    }
    let read = |path: &Path| fs::read(path).map_err(|error| Error::file(path, error));
    let (ours, theirs) = (read(&ours)?, renamed(read(&theirs)?, same_names));
    Ok(first_difference(name, &ours, &theirs).map_or(Compared::Same, Compared::Differs))
}

/// A text with other names of folders; anything else as it is.
fn renamed(bytes: Vec<u8>, same_names: &[(String, String)]) -> Vec<u8> {
    match String::from_utf8(bytes) {
        Ok(text) => same_names
            .iter()
            // Records of earlier versions do not name their folder.
            .filter(|(theirs, _)| !theirs.is_empty())
            .fold(text, |text, (theirs, ours)| text.replace(theirs, ours))
            .into_bytes(),
        Err(error) => error.into_bytes(),
    }
}
