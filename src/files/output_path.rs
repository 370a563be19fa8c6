//! Paths of files that a user wants written.

use std::path::PathBuf;

use super::file_log::{check_no_input, is_input};
use super::user_path::user_path;
use crate::{Error, Result};

/// The path of a file that is to hold `what`, such as "a model", whose name ends in one of `endings`, such as ".tsv".
///
/// # Errors
/// As [`user_path`], if the name ends otherwise, or if an input of a study lies there.
pub(crate) fn output_path(given: &str, what: &str, endings: &[&str]) -> Result<PathBuf> {
    let path = path_with_ending(given, what, endings)?;
    check_no_input(&path)?;
    Ok(path)
}

/// The path of a file that is to hold `what`, which only such files end like, and a warning if it replaces one that was
/// loaded from there. Notebooks load a model, train it and save it in its place.
///
/// # Errors
/// As [`user_path`], and if the name ends otherwise.
pub(crate) fn saved_path(
    given: &str,
    what: &str,
    ending: &str,
) -> Result<(PathBuf, Option<String>)> {
    let path = path_with_ending(given, what, &[ending])?;
    let warning = is_input(&path).then(|| {
        format!(
            "{what} was loaded from {} and is replaced: whatever loads it again begins with the new one",
            path.display()
        )
    });
    Ok((path, warning))
}

fn path_with_ending(given: &str, what: &str, endings: &[&str]) -> Result<PathBuf> {
    let path = user_path(given)?;
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase());
    let name = name.unwrap_or_default();
    if !endings.iter().any(|ending| name.ends_with(ending)) {
        let known = endings.join(" or ");
        let reason = format!("{what} is written as {known}; end its name so");
        return Err(Error::file(path, reason));
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::{log_files, read_regular, write_whole};

    #[test]
    fn names_of_outputs_end_as_what_they_hold() {
        for given in ["x.json.gz", "made/X.JSON.GZ", "~/x.json.gz"] {
            let path = output_path(given, "an evaluation", &[".json.gz"]).unwrap();
            assert_eq!(path, user_path(given).unwrap());
        }
        for given in ["x.nii.gz", "x.json", "x", "..", "x.json.gz/y"] {
            let error = output_path(given, "an evaluation", &[".json.gz"]).unwrap_err().to_string();
            let expected =
                format!("{given}: an evaluation is written as .json.gz; end its name so");
            assert_eq!(error, expected);
        }
        let error = output_path("x.htm", "a page", &[".html", ".xhtml"]).unwrap_err().to_string();
        assert!(error.contains(".html or .xhtml"), "{error}");
    }

    #[test]
    fn inputs_are_not_replaced_by_any_way_to_them() {
        log_files();
        let folder = tempfile::tempdir().unwrap();
        let [given, own] = ["given.tsv", "own.tsv"].map(|name| folder.path().join(name));
        std::fs::write(&given, "abc").unwrap();
        write_whole(&own, b"abc").unwrap();
        for path in [&given, &own] {
            read_regular(path).unwrap();
        }
        let check = |name: &str| {
            output_path(&folder.path().join(name).display().to_string(), "a table", &[".tsv"])
        };
        let refused = |name: &str| {
            let error = check(name).unwrap_err().to_string();
            assert!(error.contains("is an input"), "{name}: {error}");
        };
        refused("given.tsv");
        check("own.tsv").unwrap();
        check("new.tsv").unwrap();
        let saved = |name: &str| {
            let path = folder.path().join(name).display().to_string();
            saved_path(&path, "a table", ".tsv").unwrap().1
        };
        assert!(saved("given.tsv").is_some_and(|warning| warning.contains("is replaced")));
        assert_eq!((saved("own.tsv"), saved("new.tsv")), (None, None));
        std::fs::create_dir(folder.path().join("inside")).unwrap();
        refused("inside/../given.tsv");
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(&given, folder.path().join("link.tsv")).unwrap();
            std::os::unix::fs::symlink(&own, folder.path().join("link-to-own.tsv")).unwrap();
            refused("link.tsv");
            check("link-to-own.tsv").unwrap();
        }
    }
}
