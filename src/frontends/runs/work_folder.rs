//! A copy of the working folder for a second run. What the first run wrote is missing in it; everything
//! else is a link, so that relative paths lead to the same inputs and nothing is copied.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::files::make_folder;
use crate::{Error, Result};

/// Makes a copy of `working` somewhere below `root`; gives its path. `paths` are all paths that the
/// run used, to know how far above `working` they lead; `outputs` those that must be missing.
///
/// # Errors
/// If a folder or link cannot be made.
pub(super) fn copy_with_links(
    root: &Path,
    working: &Path,
    paths: &[&str],
    outputs: &[&str],
) -> Result<PathBuf> {
    let levels = paths.iter().map(|path| levels_up(Path::new(path))).max().unwrap_or(0);
    let base = working.ancestors().nth(levels).unwrap_or(Path::new("/"));
    let missing: BTreeSet<PathBuf> =
        outputs.iter().map(|path| plain(&working.join(path))).collect();
    copy(base, root, working, &missing)?;
    // Joined with nothing, a path ends in a separator, and its text stands for no path below it.
    let below = working.strip_prefix(base).ok().filter(|below| !below.as_os_str().is_empty());
    let copied = below.map_or_else(|| root.to_path_buf(), |below| root.join(below));
    make_folder(&copied)?;
    Ok(copied)
}

/// How many folders above its beginning a relative path leads.
fn levels_up(path: &Path) -> usize {
    let (mut depth, mut highest) = (0_isize, 0_isize);
    if path.is_relative() {
        for part in path.components() {
            match part {
                Component::ParentDir => depth -= 1,
                Component::Normal(_) => depth += 1,
                _ => {}
            }
            highest = highest.max(-depth);
        }
    }
    highest.unsigned_abs()
}

/// A path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

/// Fills `to` with links to what is in `from`. Folders that hold an output, and those above the working
/// folder, are folders of their own.
fn copy(from: &Path, to: &Path, working: &Path, missing: &BTreeSet<PathBuf>) -> Result<()> {
    make_folder(to)?;
    // A folder above the working folder may be closed to this user; its other entries were never read.
    for entry in fs::read_dir(from).into_iter().flatten().flatten() {
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if missing.contains(&source) {
            continue;
        }
        let holds_output = missing.iter().any(|output| output.starts_with(&source));
        let leads_down = working.starts_with(&source);
        if (holds_output || leads_down) && source.is_dir() {
            copy(&source, &target, working, missing)?;
            if !leads_down {
                // The run itself made a folder that holds nothing else. This only removes an empty one.
                fs::remove_dir(&target).ok();
            }
        } else {
            link(&source, &target)?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn link(source: &Path, target: &Path) -> Result<()> {
    std::os::unix::fs::symlink(source, target).map_err(|error| Error::file(target, error))
}

#[cfg(not(unix))]
fn link(source: &Path, _target: &Path) -> Result<()> {
    Err(Error::file(
        source,
        "a run is verified with symbolic links, which this system does not have",
    ))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_missing_and_the_rest_leads_to_the_originals() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        for folder in ["data", "study/runs/old", "study/runs/new", "study/out"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        for file in ["data/image", "study/out/map", "study/runs/new/log.txt", "study/notes"] {
            fs::write(at(file), file).unwrap();
        }
        let root = tempfile::tempdir().unwrap();
        let paths = ["../data/image", "notes"];
        let outputs = ["runs/new", "out/map"];
        let copied = copy_with_links(root.path(), &at("study"), &paths, &outputs).unwrap();
        assert_eq!(copied, root.path().join("study"));
        assert_eq!(fs::read_to_string(copied.join("../data/image")).unwrap(), "data/image");
        assert_eq!(fs::read_to_string(copied.join("notes")).unwrap(), "study/notes");
        assert!(copied.join("runs/old").is_dir() && !copied.join("runs/new").exists());
        assert!(!copied.join("out").exists());
    }

    #[test]
    fn a_copy_of_the_top_has_a_path_without_a_separator_at_its_end() {
        let [place, root] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let copied = copy_with_links(root.path(), place.path(), &["bids"], &["bids/out"]).unwrap();
        assert_eq!(copied.display().to_string(), root.path().display().to_string());
    }

    #[test]
    fn levels_are_counted() {
        for (path, levels) in [("a/b", 0), ("../a", 1), ("a/../../../b", 2), ("/x/../y", 0)] {
            assert_eq!(levels_up(Path::new(path)), levels, "{path}");
        }
    }
}
