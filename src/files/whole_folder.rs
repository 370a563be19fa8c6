//! Folders that are complete or absent.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::confinement::check_inside;
use super::file_log::note_moved;
use super::growing::Growing;
use super::whole_file::{UNFINISHED, is_unfinished, sync_folder, unnamed};
use crate::{Error, Result};

/// How often a folder is put in a place where other processes put theirs.
const TRIES: usize = 50;
/// First characters of the names of folders that hold what stood in a place, moved aside, under its own name.
const ASIDE: &str = ".unfinished-earlier-";

/// A folder that grows beside its place until it is complete. Dropped before that, it leaves nothing.
pub(crate) struct WholeFolder {
    growing: TempDir,
    target: PathBuf,
    /// Until it is gone, errors about files inside name the place where they will stand.
    _named: Growing,
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
        let failed = |error: io::Error| {
            Error::file(target, format!("cannot be written ({})", unnamed(&error)))
        };
        fs::create_dir_all(parent).map_err(failed)?;
        let (growing, target) = (beside(parent, UNFINISHED).map_err(failed)?, target.to_path_buf());
        let named = Growing::new(growing.path(), &target);
        Ok(Self { growing, target, _named: named })
    }

    /// Where it grows.
    pub fn path(&self) -> &Path {
        self.growing.path()
    }

    /// Puts it in its place, instead of what is there. That is moved aside first and removed last, so that
    /// it is not lost if the process dies in between. Of several processes that put a folder in the same place
    /// at once, the last one's stays.
    ///
    /// # Errors
    /// If the disk refuses; what was there is still there then.
    pub fn finish(self) -> Result<()> {
        let mut put = self.put();
        for _ in 0..TRIES {
            match &put {
                Err(Refused::ByDisk(error)) if is_met(error) => put = self.put(),
                _ => break,
            }
        }
        put.map_err(|refused| {
            Error::file(
                &self.target,
                match refused {
                    Refused::ByDisk(error) => format!("cannot be replaced ({})", unnamed(&error)),
                    Refused::Aside(error, kept) => format!(
                        "cannot be replaced ({}); what was there is now {}",
                        unnamed(&error),
                        kept.display()
                    ),
                },
            )
        })
    }

    /// Tries once to put it in its place.
    fn put(&self) -> Result<(), Refused> {
        let (growing, target) = (self.growing.path(), &self.target);
        let parent = growing.parent().unwrap_or(Path::new("."));
        let aside = moved_aside(target, parent).map_err(Refused::ByDisk)?;
        let Err(error) = fs::rename(growing, target) else {
            // Before the earlier one is removed.
            sync_folder(parent);
            note_moved(growing, target);
            return Ok(());
        };
        // Move the old folder back, so that the failure costs nothing.
        match aside {
            Some((aside, earlier))
                if fs::rename(&earlier, target).is_err()
                    && fs::symlink_metadata(target).is_err() =>
            {
                let _ = aside.keep();
                Err(Refused::Aside(error, earlier))
            }
            _ => Err(Refused::ByDisk(error)),
        }
    }
}

/// Whether a folder can be made at `path`, or be replaced there: before a long computation, so that it is not in
/// vain. Leaves nothing.
///
/// # Errors
/// If the disk refuses.
pub(crate) fn check_folder_place(path: &Path) -> Result<()> {
    check_inside(path)?;
    let above = path.ancestors().skip(1).map(|above| match above.as_os_str().is_empty() {
        true => Path::new("."),
        false => above,
    });
    let Some(parent) = above.into_iter().find(|above| fs::symlink_metadata(above).is_ok()) else {
        return Ok(());
    };
    let tried = beside(parent, UNFINISHED);
    tried.map(drop).map_err(|error| {
        let reason = format!(
            "cannot be written: {} takes no folder ({})",
            parent.display(),
            unnamed(&error)
        );
        Error::file(path, reason)
    })
}

/// Why a folder is not in its place.
enum Refused {
    /// What was there still is.
    ByDisk(io::Error),
    /// What was there is now here.
    Aside(io::Error, PathBuf),
}

/// Whether this is what another process does meanwhile: it puts its folder there, or moves aside what was there.
fn is_met(error: &io::Error) -> bool {
    use ErrorKind::{AlreadyExists, DirectoryNotEmpty, NotFound};
    matches!(error.kind(), NotFound | AlreadyExists | DirectoryNotEmpty)
}

/// Moves what is at `target` into a hidden folder of `parent`, and says where it is then; `None` where nothing is.
fn moved_aside(target: &Path, parent: &Path) -> io::Result<Option<(TempDir, PathBuf)>> {
    let Some(name) = target.file_name().filter(|_| fs::symlink_metadata(target).is_ok()) else {
        return Ok(None);
    };
    let aside = beside(parent, ASIDE)?;
    let earlier = aside.path().join(name);
    fs::rename(target, &earlier)?;
    Ok(Some((aside, earlier)))
}

/// Removes what killed processes were writing in a folder. What one had moved aside, and put nothing in its place, comes
/// back.
pub(crate) fn remove_unfinished(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        if !is_unfinished(&name) {
            continue;
        }
        // What cannot be moved stays where it is, and what cannot be removed only takes space.
        if name.to_string_lossy().starts_with(ASIDE) {
            for earlier in fs::read_dir(&path).into_iter().flatten().flatten() {
                let place = folder.join(earlier.file_name());
                let is_back = fs::symlink_metadata(&place).is_ok()
                    || fs::rename(earlier.path(), place).is_ok();
                if is_back {
                    fs::remove_dir_all(&path).ok();
                }
            }
        } else if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            fs::remove_dir_all(path).ok();
        } else {
            fs::remove_file(path).ok();
        }
    }
}

/// A hidden folder, readable as the umask allows.
fn beside(parent: &Path, prefix: &str) -> io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix);
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
    fn errors_about_a_file_inside_name_its_place() {
        let place = tempfile::tempdir().unwrap();
        let target = place.path().join("target");
        let folder = WholeFolder::begin(&target).unwrap();
        let missing = folder.path().join("none/file");
        let error = crate::files::write_whole(&missing, b"").unwrap_err().to_string();
        let expected = format!("{}: cannot be written", target.join("none/file").display());
        assert!(error.starts_with(&expected), "{error}");
    }

    #[test]
    fn what_a_killed_process_had_moved_aside_comes_back() {
        let place = tempfile::tempdir().unwrap();
        let (lost, replaced) = (place.path().join("lost"), place.path().join("replaced"));
        for target in [&lost, &replaced] {
            write(target, "earlier");
            // As if the process died now.
            let _ = moved_aside(target, place.path()).unwrap().unwrap().0.keep();
        }
        write(&replaced, "new");
        fs::write(place.path().join(".unfinished-file"), "half").unwrap();
        remove_unfinished(place.path());
        assert_eq!(fs::read_to_string(lost.join("file")).unwrap(), "earlier");
        assert_eq!(fs::read_to_string(replaced.join("file")).unwrap(), "new");
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 2, "something unfinished is left");
    }

    #[test]
    fn writers_at_the_same_time_leave_the_whole_folder_of_one() {
        let place = tempfile::tempdir().unwrap();
        let target = place.path().join("target");
        for _ in 0..20 {
            std::thread::scope(|scope| {
                for text in ["one", "two", "three", "four"] {
                    let target = &target;
                    scope.spawn(move || write(target, text));
                }
            });
            let text = fs::read_to_string(target.join("file")).unwrap();
            assert!(["one", "two", "three", "four"].contains(&&*text), "{text}");
        }
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1, "a temporary folder is left");
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
