//! Whether the files that a run read are still the same, and its folders of images hold no others.

use std::path::Path;

use crate::cohort::listed_files;
use crate::files::sha256_of;
use crate::report::RecordedFile;

/// One sentence for every input that is no longer what it was. Relative paths begin at `working`.
pub(super) fn changed(inputs: &[RecordedFile], working: &Path) -> Vec<String> {
    inputs.iter().filter_map(|input| change(input, working)).collect()
}

fn change(input: &RecordedFile, working: &Path) -> Option<String> {
    let path = working.join(&input.path);
    let name = &input.path;
    let Ok(found) = std::fs::metadata(&path) else {
        return Some(format!("{name} is no longer there"));
    };
    if found.is_dir() {
        return match (listed_files(&path), input.sha256.as_ref()) {
            (Ok((_, now)), Some(recorded)) => {
                (now != *recorded).then(|| format!("{name} has other images or masks now"))
            }
            (Err(error), _) => Some(error.to_string()),
            (Ok(_), None) => None,
        };
    }
    if let Some(bytes) = input.bytes.filter(|bytes| *bytes != found.len()) {
        return Some(format!("{name} has {} bytes now, it had {bytes}", found.len()));
    }
    let recorded = input.sha256.as_ref()?;
    match sha256_of(&path) {
        Ok((_, now)) => (now != *recorded).then(|| format!("{name} has another content now")),
        Err(error) => Some(error.to_string()),
    }
}
