//! A folder that is created when something is first put there.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::places::make_folder;
use super::process_folder::ProcessFolder;
use crate::Result;
use crate::error::locked;

/// Clones mean the same folder.
#[derive(Clone)]
pub struct LazyFolder {
    make: Arc<dyn Fn() -> Result<PathBuf> + Send + Sync>,
    made: Arc<Mutex<Option<PathBuf>>>,
}

impl LazyFolder {
    /// A folder that `make` creates, once.
    pub fn new(make: impl Fn() -> Result<PathBuf> + Send + Sync + 'static) -> Self {
        Self { make: Arc::new(make), made: Arc::default() }
    }

    /// A folder that exists already.
    pub fn at(path: &Path) -> Self {
        let path = path.to_path_buf();
        Self::new(move || Ok(path.clone()))
    }

    /// A temporary folder inside `parent`, or else where the system keeps such folders. It is
    /// removed with the last clone, or at the latest with the process.
    pub fn temporary(parent: Option<PathBuf>) -> Self {
        let kept: Mutex<Option<ProcessFolder>> = Mutex::default();
        Self::new(move || {
            let folder = ProcessFolder::create(parent.as_deref())?;
            let path = folder.path().to_path_buf();
            *locked(&kept) = Some(folder);
            Ok(path)
        })
    }

    /// The folder, created now if it was not yet.
    ///
    /// # Errors
    /// If it cannot be created; the next call tries again.
    pub fn path(&self) -> Result<PathBuf> {
        let mut made = locked(&self.made);
        if made.is_none() {
            *made = Some((self.make)()?);
        }
        Ok(made.clone().expect("it was just made"))
    }

    /// The folder, if it was created.
    pub fn made(&self) -> Option<PathBuf> {
        locked(&self.made).clone()
    }

    /// A folder inside this one, created as lazily.
    pub fn inside(&self, name: impl AsRef<Path>) -> Self {
        let (outer, name) = (self.clone(), name.as_ref().to_path_buf());
        Self::new(move || {
            let path = outer.path()?.join(&name);
            make_folder(&path)?;
            Ok(path)
        })
    }
}

impl std::fmt::Debug for LazyFolder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LazyFolder({:?})", self.made())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temporary_folder_is_created_when_asked_for_and_removed_with_its_last_clone() {
        let folder = LazyFolder::temporary(None);
        assert_eq!(folder.made(), None);
        let inside = folder.inside("models");
        let path = inside.path().unwrap();
        assert!(path.is_dir() && path.starts_with(folder.made().unwrap()));
        assert_eq!(inside.path().unwrap(), path);
        drop((folder, inside));
        assert!(!path.exists());
    }
}
