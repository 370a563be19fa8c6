//! Reading files that must be regular ones: opening a pipe or reading a device can wait for ever, and
//! no interrupt ends that wait.

use std::fs::{self, File};
use std::path::Path;

use serde::de::DeserializeOwned;

use super::file_log::note_read;
use crate::{Error, Result};

/// Opens a file for reading.
///
/// # Errors
/// If there is none, it is a folder, a device, a pipe or a socket, or it cannot be opened.
pub(crate) fn open_regular(path: &Path) -> Result<File> {
    let failed = |error| Error::file(path, error);
    // Before it is opened: opening a pipe waits for somebody to write.
    let kind = fs::metadata(path).map_err(failed)?.file_type();
    if kind.is_dir() {
        return Err(Error::file(path, "is a folder; give a file"));
    }
    if !kind.is_file() {
        return Err(Error::file(path, "is a device, a pipe or a socket; give a regular file"));
    }
    File::open(path).map_err(failed)
}

/// All bytes of a file.
///
/// # Errors
/// As [`open_regular`], and if it cannot be read.
pub(crate) fn read_regular(path: &Path) -> Result<Vec<u8>> {
    open_regular(path)?;
    note_read(path);
    read_regular_unlogged(path)
}

/// As [`read_regular`], for files that are no input of what is computed, such as records of runs.
///
/// # Errors
/// As [`read_regular`].
pub(crate) fn read_regular_unlogged(path: &Path) -> Result<Vec<u8>> {
    open_regular(path)?;
    fs::read(path).map_err(|error| Error::file(path, error))
}

/// What a file of JSON holds that the program wrote itself and that is no input, as for
/// [`read_regular_unlogged`].
///
/// # Errors
/// As [`read_regular`], and if it is damaged: with the line, and `remedy`, what to do then.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path, remedy: &str) -> Result<T> {
    serde_json::from_slice(&read_regular_unlogged(path)?).map_err(|error| {
        let line = error.line();
        Error::file(path, format!("is damaged: it cannot be read from line {line} on; {remedy}"))
    })
}

/// The text of a file in UTF-8, without the byte order mark that editors on Windows put before it.
///
/// # Errors
/// As [`read_regular`], and if it is not UTF-8.
#[cfg(feature = "shell")]
pub(crate) fn read_regular_text(path: &Path) -> Result<String> {
    let bytes = read_regular(path)?;
    let bytes = match bytes.strip_prefix("\u{feff}".as_bytes()) {
        Some(text) => text.to_vec(),
        None => bytes,
    };
    String::from_utf8(bytes).map_err(|_| Error::file(path, "is not text in UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_regular_file_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "tissue").unwrap();
        assert_eq!(read_regular(&path).unwrap(), b"tissue");
        #[cfg(feature = "shell")]
        {
            assert_eq!(read_regular_text(&path).unwrap(), "tissue");
            fs::write(&path, "\u{feff}tissue").unwrap();
            assert_eq!(read_regular_text(&path).unwrap(), "tissue");
            fs::write(&path, [0xff]).unwrap();
            let error = read_regular_text(&path).unwrap_err().to_string();
            assert!(error.ends_with("is not text in UTF-8"), "{error}");
        }
    }

    #[test]
    fn what_is_not_a_regular_file_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let error = open_regular(folder.path()).unwrap_err().to_string();
        assert!(error.ends_with("is a folder; give a file"), "{error}");
        assert!(open_regular(&folder.path().join("none")).is_err());
        #[cfg(unix)]
        {
            let pipe = folder.path().join("pipe");
            assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
            for path in [pipe.as_path(), Path::new("/dev/zero")] {
                let error = read_regular(path).unwrap_err().to_string();
                assert!(error.ends_with("a pipe or a socket; give a regular file"), "{error}");
            }
        }
    }
}
