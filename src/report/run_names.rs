//! Names of run folders and of the files in them.

use std::fs;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use crate::{Error, Result};

/// Makes the first folder of `name`, `name-2`, `name-3` … that does not exist.
pub(super) fn claim(runs: &Path, name: &str) -> Result<PathBuf> {
    for number in 1.. {
        let path = match number {
            1 => runs.join(name),
            _ => runs.join(format!("{name}-{number}")),
        };
        // Making it is the test, so that two runs at once never share a folder.
        match fs::create_dir(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(Error::file(path, error)),
        }
    }
    Err(Error::file(
        runs.join(name),
        "no free folder name is left; remove earlier runs, or choose another name",
    ))
}

/// Rejects names that would lead out of the folder.
pub(super) fn check_plain(name: &str) -> Result<()> {
    let mut parts = Path::new(name).components();
    match (parts.next(), parts.next()) {
        (Some(Component::Normal(part)), None) if part == name => Ok(()),
        _ => {
            Err(Error::input(format!("\"{name}\" is not a plain name: leave out slashes and dots")))
        }
    }
}

/// A title as part of a file name: lower case, words joined by hyphens, at most 80 characters;
/// `untitled` if nothing is left.
pub fn file_stem(title: &str) -> String {
    let mut stem = String::new();
    for character in title.chars().flat_map(char::to_lowercase) {
        let kept = match character {
            '²' => '2',
            '³' => '3',
            c if c.is_alphanumeric() => c,
            _ => '-',
        };
        if kept != '-' || !(stem.is_empty() || stem.ends_with('-')) {
            stem.push(kept);
        }
    }
    let short: String = stem.chars().take(80).collect();
    let short = short.trim_end_matches('-');
    if short.is_empty() { "untitled".into() } else { short.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_become_plain_file_names() {
        assert_eq!(file_stem("Anomaly curve: sub-clinic02"), "anomaly-curve-sub-clinic02");
        assert_eq!(file_stem("U²AD: sub-01, slice 7"), "u2ad-sub-01-slice-7");
        assert_eq!(file_stem(" ../..\n "), "untitled");
        assert_eq!(file_stem(&"word ".repeat(60)).len(), 79);
    }
}
