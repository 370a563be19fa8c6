//! Folders that are complete or absent.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::confinement::check_inside;
use super::file_log::note_moved;
use super::whole_file::{UNFINISHED, sync_folder};
use crate::{Error, Result};

/// A folder that grows beside its place until it is complete. Dropped before that, it leaves nothing.
pub(crate) struct WholeFolder {
    growing: TempDir,
    target: PathBuf,
}

impl WholeFolder {
    /// Begins a folder that will stand at `target`. Folders above it are made.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn begin(target: &Path) -> Result<Self> {
        check_inside(target)?;
        let parent = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let failed = |error| Error::file(target, format!("cannot be written ({error})"));
        fs::create_dir_all(parent).map_err(failed)?;
        Ok(Self { growing: beside(parent).map_err(failed)?, target: target.to_path_buf() })
    }

    /// Where it grows.
    pub fn path(&self) -> &Path {
        self.growing.path()
    }

    /// Puts it in its place, instead of what is there. That is moved aside first and removed last, so that
    /// it is not lost if the process dies in between.
    ///
    /// # Errors
    /// If the disk refuses; what was there is still there then.
    pub fn finish(self) -> Result<()> {
        let Self { growing, target } = self;
        let failed = |error| Error::file(&target, format!("cannot be replaced ({error})"));
        if fs::symlink_metadata(&target).is_err() {
            fs::rename(growing.path(), &target).map_err(failed)?;
            sync_folder(growing.path().parent().unwrap_or(Path::new(".")));
            note_moved(growing.path(), &target);
            return Ok(());
        }
        let aside = beside(growing.path().parent().unwrap_or(Path::new("."))).map_err(failed)?;
        let earlier = aside.path().join("earlier");
        fs::rename(&target, &earlier).map_err(failed)?;
        fs::rename(growing.path(), &target).map_err(|error| {
            // Back, so that the failure costs nothing.
            fs::rename(&earlier, &target).ok();
            failed(error)
        })?;
        // Before the earlier one is removed.
        sync_folder(growing.path().parent().unwrap_or(Path::new(".")));
        note_moved(growing.path(), &target);
        Ok(())
    }
}

/// A hidden folder, which everybody may read whom the umask lets.
fn beside(parent: &Path) -> std::io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(UNFINISHED);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777));
    builder.tempdir_in(parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(target: &Path, text: &str) {
        let folder = WholeFolder::begin(target).unwrap();
        fs::write(folder.path().join("file"), text).unwrap();
        folder.finish().unwrap();
    }

    #[test]
    fn a_complete_folder_replaces_the_earlier_one_and_an_unfinished_one_leaves_nothing() {
        let place = tempfile::tempdir().unwrap();
        let target = place.path().join("above/target");
        write(&target, "one");
        fs::write(target.join("stale"), "").unwrap();
        write(&target, "two");
        let unfinished = WholeFolder::begin(&target).unwrap();
        fs::write(unfinished.path().join("file"), "three").unwrap();
        drop(unfinished);
        let names = |folder: &Path| -> Vec<String> {
            let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
            entries.map(|name| name.to_string_lossy().into_owned()).collect()
        };
        assert_eq!(
            (names(&place.path().join("above")), names(&target)),
            (vec!["target".into()], vec!["file".into()])
        );
        assert_eq!(fs::read_to_string(target.join("file")).unwrap(), "two");
    }
}
