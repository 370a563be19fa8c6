//! Where compiled code is kept from session to session.

use std::env;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use crate::files::make_folder;
use crate::{Error, Result};

/// Another place for it.
const VARIABLE: &str = "U2AD_RUST_CELLS";
/// Maximum number of sessions that may use Rust at once.
const MOST: usize = 32;

/// A folder that no other session uses as long as this lives.
#[derive(Debug)]
pub(super) struct CellFolder {
    pub path: PathBuf,
    /// Whether cells were compiled there before.
    pub warm: bool,
    /// The system unlocks it with the last handle.
    _lock: File,
}

impl CellFolder {
    /// The user's folder: `$U2AD_RUST_CELLS`, else one in the folder for caches. If another
    /// session uses it, the next free one of its siblings, numbered from 2.
    ///
    /// # Errors
    /// If there is no such folder, or a file cannot be written.
    pub fn claim() -> Result<Self> {
        Self::claim_at(&place()?)
    }

    fn claim_at(first: &Path) -> Result<Self> {
        for number in 1..=MOST {
            let mut path = first.as_os_str().to_owned();
            if number > 1 {
                path.push(format!("-{number}"));
            }
            let path = PathBuf::from(path);
            make_folder(&path)?;
            let file = path.join("lock");
            let lock = File::create(&file).map_err(|error| Error::file(&file, error))?;
            match lock.try_lock() {
                Ok(()) => {
                    let warm = path.join("target").is_dir();
                    return Ok(Self { path, warm, _lock: lock });
                }
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(Error::file(&file, error)),
            }
        }
        Err(Error::file(first, format!("it and its {} siblings are all in use", MOST - 1)))
    }
}

fn place() -> Result<PathBuf> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(path) = set(VARIABLE) {
        return std::path::absolute(&path).map_err(|error| Error::file(&path, error));
    }
    let caches = set("XDG_CACHE_HOME").filter(|path| path.is_absolute());
    let caches = caches.or_else(|| Some(env::home_dir()?.join(".cache")));
    let caches = caches.ok_or_else(|| {
        Error::input(format!("there is no home folder to compile in; set {VARIABLE} to a folder"))
    })?;
    Ok(caches.join("u2ad").join("rust-cells"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_sessions_get_two_folders_and_a_closed_one_gives_its_own_back() {
        let parent = tempfile::tempdir().unwrap();
        let place = parent.path().join("cells");
        let first = CellFolder::claim_at(&place).unwrap();
        let second = CellFolder::claim_at(&place).unwrap();
        assert_eq!(first.path, place);
        assert_eq!(second.path, parent.path().join("cells-2"));
        assert!(!first.warm);
        drop(first);
        std::fs::create_dir(place.join("target")).unwrap();
        let third = CellFolder::claim_at(&place).unwrap();
        assert!(third.path == place && third.warm);
    }
}
