//! Files and folders as completions of a path.

use std::fs;
use std::path::{MAIN_SEPARATOR, Path};

use super::candidate::{Candidate, CandidateKind};

/// Entries of a folder that are looked at.
const MOST: usize = 2000;

/// Completions of the path `content`, which begins at byte `from` of the source: the entries of its
/// folder that begin as its last part does, folders first; of files only those with `extension`,
/// if there is one. Also where the last part begins.
pub(super) fn paths(
    from: usize,
    content: &str,
    extension: Option<&str>,
) -> (usize, Vec<Candidate>) {
    let is_separator = |c: char| c == '/' || c == MAIN_SEPARATOR;
    let part = content.rfind(is_separator).map_or(0, |separator| separator + 1);
    let (folder, beginning) = content.split_at(part);
    let folder = if folder.is_empty() { Path::new(".") } else { Path::new(folder) };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().take(MOST);
    let mut found: Vec<_> = entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let hidden = name.starts_with('.') && !beginning.starts_with('.');
            // What would have to be escaped in a string is left to the user.
            let plain = !name.contains(['"', '\'', '\\']) && !name.contains(char::is_control);
            if hidden || !plain || !name.starts_with(beginning) {
                return None;
            }
            let is_folder = entry.path().is_dir();
            let wanted = |wanted| Path::new(&name).extension().is_some_and(|have| have == wanted);
            (is_folder || extension.is_none_or(wanted)).then_some((!is_folder, name))
        })
        .collect();
    found.sort();
    let candidate = |(is_file, name): (bool, String)| Candidate {
        text: if is_file { name } else { name + "/" },
        kind: CandidateKind::Path,
        detail: None,
    };
    (from + part, found.into_iter().map(candidate).collect())
}
