//! The one folder in which a rerun may write, so that it never replaces a result that it checks.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::{Error, Result};

static ROOT: OnceLock<PathBuf> = OnceLock::new();

/// From now on this process writes in `root` only. Only the first call counts.
///
/// # Errors
/// If there is no such folder.
#[cfg(feature = "shell")]
pub(crate) fn confine_writes(root: &Path) -> Result<()> {
    let root = fs::canonicalize(root).map_err(|error| Error::file(root, error))?;
    ROOT.get_or_init(|| root);
    Ok(())
}

/// Refuses a path outside of the folder, behind all links. Folders above it may be missing.
///
/// # Errors
/// If it lies outside.
pub(super) fn check_inside(path: &Path) -> Result<()> {
    match ROOT.get() {
        Some(root) if !is_inside(path, root) => Err(Error::file(
            path,
            "is not written: this is a rerun, which writes in a temporary folder only",
        )),
        _ => Ok(()),
    }
}

/// Whether the existing part of a path lies in `root`, and no `..` after it leads out.
fn is_inside(path: &Path, root: &Path) -> bool {
    let Ok(path) = std::path::absolute(path) else { return false };
    let Some(existing) = path.ancestors().find(|above| fs::symlink_metadata(above).is_ok()) else {
        return false;
    };
    let rest = path.strip_prefix(existing).unwrap_or(&path);
    let leads_up = rest.components().any(|part| part == std::path::Component::ParentDir);
    !leads_up && fs::canonicalize(existing).is_ok_and(|found| found.starts_with(root))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn links_and_dots_do_not_lead_out() {
        let (place, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let root = fs::canonicalize(place.path()).unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), root.join("link")).unwrap();
        for (name, inside) in [("file", true), ("new/new/file", true), ("link/file", false)] {
            assert_eq!(is_inside(&root.join(name), &root), inside, "{name}");
        }
        assert!(!is_inside(&root.join("new/../../file"), &root));
        assert!(!is_inside(&root.join("../file"), &root));
    }
}
