//! Files that are never visible half-written.

use std::ffi::OsStr;
use std::fmt::Display;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use tempfile::{Builder, NamedTempFile};

use super::confinement::check_inside;
use super::file_log::note_written;
use super::growing::final_path;
use super::places::make_folder;
use crate::{Error, Result};

/// Symbolic links that may lead to a file, as many as Linux follows.
const MOST_LINKS: usize = 40;

/// First characters of the names of files and folders that grow beside their place.
pub(super) const UNFINISHED: &str = ".unfinished-";

/// Whether a file or folder of this name is one that a killed process did not finish.
pub(super) fn is_unfinished(name: &OsStr) -> bool {
    name.to_string_lossy().starts_with(UNFINISHED)
}

/// Writes a file so that it is never visible half-written. As [`write_whole_with`].
///
/// # Errors
/// As [`write_whole_with`].
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    write_whole_with(path, "", |file| file.write_all(bytes))
}

/// As [`write_whole`], in a folder that is made where there is none.
///
/// # Errors
/// As [`write_whole_with`], and if the folder cannot be made.
pub(crate) fn write_whole_making_folder(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        make_folder(folder)?;
    }
    write_whole(path, bytes)
}

/// Writes JSON that people can read, too. As [`write_whole_with`].
///
/// # Errors
/// As [`write_whole_with`].
pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let mut text = serde_json::to_vec_pretty(value)
        .map_err(|error| Error::file(final_path(path), error.to_string()))?;
    text.push(b'\n');
    write_whole(path, &text)
}

/// Writes a file that does not exist yet, so that it is never visible half-written.
///
/// # Errors
/// If there is something at `path`, or the file cannot be written.
#[cfg(feature = "shell")]
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<()> {
    // A link that leads nowhere is something, too.
    if fs::symlink_metadata(path).is_ok() {
        return Err(exists(path));
    }
    place(path, "", |file| file.write_all(bytes), Ending::New)
}

/// Whether a file can be written to `path`: before a long computation, so that it is not in vain. Leaves nothing.
///
/// # Errors
/// As [`write_whole`].
pub(crate) fn check_file_place(path: &Path) -> Result<()> {
    place(path, "", |_| Ok::<(), io::Error>(()), Ending::Discarded)
}

fn exists(path: &Path) -> Error {
    Error::file(path, "exists already and is not replaced; choose another name")
}

/// Lets `write` fill a temporary file in the same folder, whose name ends in `suffix`, and renames
/// it to `path` once it is on the disk. An existing file keeps its mode, and a symbolic link keeps
/// leading to the file that is replaced.
///
/// # Errors
/// If `path` is a folder, a device or a pipe, if `write` fails, or if the file cannot be written.
/// An existing file at `path` is then kept.
pub(crate) fn write_whole_with<E: Display>(
    path: &Path,
    suffix: &str,
    write: impl FnOnce(&mut NamedTempFile) -> Result<(), E>,
) -> Result<()> {
    place(path, suffix, write, Ending::Replacing)
}

/// What becomes of a file that was written beside its place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// It takes its place, whatever is there.
    Replacing,
    /// It takes its place if nothing is there.
    #[cfg_attr(not(feature = "shell"), allow(dead_code))]
    New,
    /// It goes again.
    Discarded,
}

/// As [`write_whole_with`]; `ending` says what becomes of the file.
fn place<E: Display>(
    path: &Path,
    suffix: &str,
    write: impl FnOnce(&mut NamedTempFile) -> Result<(), E>,
    ending: Ending,
) -> Result<()> {
    // The reason may name the temporary file.
    let failed = |error: &dyn Display| {
        Error::file(final_path(path), format!("cannot be written ({})", unnamed(error)))
    };
    let (target, existing) = target(path)?;
    check_inside(&target)?;
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut builder = Builder::new();
    builder.prefix(UNFINISHED).suffix(suffix);
    // The default hides the file from other users; the umask still applies to this.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut temporary = builder.tempfile_in(folder).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound if folder.is_dir() => {
            failed(&format!("no file can be made in the folder {}", folder.display()))
        }
        io::ErrorKind::NotFound => failed(&format!("there is no folder {}", folder.display())),
        _ => failed(&error),
    })?;
    if ending == Ending::Discarded {
        return Ok(());
    }
    write(&mut temporary).map_err(|error| failed(&error))?;
    keep_mode(temporary.as_file(), existing.as_ref()).map_err(|error| failed(&error))?;
    // Without this, a power failure soon after the renaming could leave an empty file.
    temporary.as_file().sync_all().map_err(|error| failed(&error))?;
    let persisted = match ending {
        Ending::New => temporary.persist_noclobber(&target),
        Ending::Replacing | Ending::Discarded => temporary.persist(&target),
    };
    let persisted = persisted.map_err(|error| match error.error.kind() {
        io::ErrorKind::AlreadyExists if ending == Ending::New => exists(path),
        _ => failed(&error.error),
    })?;
    // Log our own file, even if another process replaces it now.
    note_written(path, &persisted);
    sync_folder(folder);
    Ok(())
}

/// The reason of an error without the temporary path that it names, which means nothing to the user.
pub(super) fn unnamed(error: &dyn Display) -> String {
    let reason = error.to_string();
    match reason.split_once(" at path \"") {
        Some((reason, _)) => reason.to_owned(),
        None => reason,
    }
}

/// The file to be replaced, behind all symbolic links, and its metadata if it exists.
fn target(path: &Path) -> Result<(PathBuf, Option<fs::Metadata>)> {
    let named = final_path(path);
    let refuse = |reason: &str| Err(Error::file(&named, reason));
    let mut target = path.to_path_buf();
    for _ in 0..=MOST_LINKS {
        let found = match fs::symlink_metadata(&target) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((target, None)),
            Err(error) => return Err(Error::file(&named, format!("cannot be written ({error})"))),
        };
        if found.is_file() {
            return Ok((target, Some(found)));
        }
        if found.is_dir() {
            return refuse("is a folder; choose another name");
        }
        if !found.is_symlink() {
            return refuse("is a device, a pipe or a socket; choose another name");
        }
        let link = fs::read_link(&target).map_err(|error| Error::file(&named, error))?;
        target = target.parent().unwrap_or(Path::new("")).join(link);
    }
    refuse("is a symbolic link that leads in a circle; choose another name")
}

/// Gives a file the mode of the one that it replaces.
#[cfg(unix)]
fn keep_mode(file: &fs::File, existing: Option<&fs::Metadata>) -> io::Result<()> {
    match existing.map(fs::Metadata::permissions) {
        // Some file systems refuse every change of mode, even an empty one.
        Some(mode) if mode != file.metadata()?.permissions() => file.set_permissions(mode),
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
fn keep_mode(_file: &fs::File, _existing: Option<&fs::Metadata>) -> io::Result<()> {
    Ok(())
}

/// Brings the renaming itself to the disk. The file is in its place already, and not every file
/// system can do this, so a refusal is not an error.
pub(super) fn sync_folder(folder: &Path) {
    #[cfg(unix)]
    if let Ok(folder) = fs::File::open(folder) {
        folder.sync_all().ok();
    }
    #[cfg(not(unix))]
    let _ = folder;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writers_at_the_same_time_leave_the_whole_file_of_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let contents = [vec![b'a'; 100_000], vec![b'b'; 200_000]];
        for _ in 0..50 {
            std::thread::scope(|scope| {
                for bytes in &contents {
                    scope.spawn(|| write_whole(&path, bytes).unwrap());
                }
            });
            assert!(contents.contains(&fs::read(&path).unwrap()));
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "a temporary file is left");
    }

    #[test]
    fn a_failure_leaves_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write_whole(&path, b"old").unwrap();
        let error = write_whole_with(&path, "", |file| {
            file.write_all(b"half")?;
            Err(io::Error::other("the disk is full"))
        });
        let error = error.unwrap_err().to_string();
        assert!(error.ends_with("file: cannot be written (the disk is full)"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "a temporary file is left");
    }

    #[test]
    fn a_place_is_tried_without_leaving_anything() {
        let folder = tempfile::tempdir().unwrap();
        check_file_place(&folder.path().join("page.html")).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        let missing = folder.path().join("none").join("page.html");
        let error = check_file_place(&missing).unwrap_err().to_string();
        assert!(error.contains("there is no folder"), "{error}");
    }

    #[test]
    fn a_name_that_is_too_long_is_that_of_its_final_place() {
        use super::super::whole_folder::WholeFolder;
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("export");
        let growing = WholeFolder::begin(&target).unwrap();
        let name = "x".repeat(300);
        let error = write_whole(&growing.path().join(&name), b"").unwrap_err().to_string();
        assert!(error.starts_with(&target.join(&name).display().to_string()), "{error}");
        assert!(error.contains("is too long") && !error.contains(UNFINISHED), "{error}");
    }

    #[cfg(feature = "shell")]
    #[test]
    fn a_new_file_replaces_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write_new(&path, b"old").unwrap();
        let error = write_new(&path, b"new").unwrap_err().to_string();
        assert!(
            error.ends_with("exists already and is not replaced; choose another name"),
            "{error}"
        );
        assert_eq!(fs::read(&path).unwrap(), b"old");
    }

    #[test]
    fn a_folder_that_does_not_exist_and_a_folder_in_the_way_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("none").join("file");
        let error = write_whole(&missing, b"").unwrap_err().to_string();
        assert!(error.contains("cannot be written (there is no folder"), "{error}");
        assert!(!error.contains("unfinished"), "{error}");
        let error = write_whole(folder.path(), b"").unwrap_err().to_string();
        assert!(error.ends_with("is a folder; choose another name"), "{error}");
    }

    #[cfg(unix)]
    mod unix {
        use std::os::unix::fs::{PermissionsExt, symlink};
        use std::process::Command;

        use super::*;

        fn mode(path: &Path) -> u32 {
            fs::metadata(path).unwrap().permissions().mode() & 0o777
        }

        #[test]
        fn a_new_file_has_the_usual_mode_and_an_existing_one_keeps_its_own() {
            let folder = tempfile::tempdir().unwrap();
            let [usual, path] = ["usual", "file"].map(|name| folder.path().join(name));
            fs::write(&usual, "").unwrap();
            write_whole(&path, b"new").unwrap();
            assert_eq!(mode(&path), mode(&usual));
            for kept in [0o600, 0o664] {
                fs::set_permissions(&path, fs::Permissions::from_mode(kept)).unwrap();
                write_whole(&path, b"newer").unwrap();
                assert_eq!(mode(&path), kept);
            }
            assert_eq!(fs::read(&path).unwrap(), b"newer");
        }

        #[test]
        fn the_file_behind_a_link_is_replaced() {
            let folder = tempfile::tempdir().unwrap();
            let [inner, link, chain] =
                ["inner", "link", "chain"].map(|name| folder.path().join(name));
            fs::create_dir(&inner).unwrap();
            symlink("inner/file", &link).unwrap();
            symlink("link", &chain).unwrap();
            // First the link leads nowhere, then to the file that was written.
            for bytes in [b"one", b"two"] {
                write_whole(&chain, bytes).unwrap();
                assert_eq!(fs::read(inner.join("file")).unwrap(), bytes);
            }
            assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
            assert!(fs::symlink_metadata(&chain).unwrap().is_symlink());
        }

        #[test]
        fn links_in_a_circle_are_refused() {
            let folder = tempfile::tempdir().unwrap();
            let [a, b] = ["a", "b"].map(|name| folder.path().join(name));
            symlink(&b, &a).unwrap();
            symlink(&a, &b).unwrap();
            let error = write_whole(&a, b"").unwrap_err().to_string();
            assert!(error.contains("leads in a circle"), "{error}");
        }

        #[test]
        fn a_pipe_is_refused_and_stays() {
            let folder = tempfile::tempdir().unwrap();
            let pipe = folder.path().join("pipe");
            assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
            let error = write_whole(&pipe, b"").unwrap_err().to_string();
            assert!(error.ends_with("is a device, a pipe or a socket; choose another name"));
            assert!(!fs::metadata(&pipe).unwrap().is_file());
        }
    }
}
