//! `u2ad new`: writes a script to begin with.

mod data_folder;
mod study_script;

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use self::data_folder::DataFolder;
use crate::files::write_new;
use crate::frontends::documentation::print_whole;
use crate::session::Tutorial;
use crate::{Error, Result};

/// Writes a study of the data in `data` to `file`. `healthy` is a rule about the participants table that says who
/// is healthy, as `load_cohort` takes it.
///
/// # Errors
/// If the folder holds nothing that can be studied, it is ambiguous who is healthy, or `file` exists, is not
/// named as a script, or cannot be written.
pub fn study(file: &Path, data: &Path, healthy: Option<&str>) -> Result<ExitCode> {
    check_name(file)?;
    let folder = DataFolder::look_at(data, healthy)?;
    let shown = file.display();
    write_new(file, study_script::text(&folder, &shown.to_string()).as_bytes())?;
    let said = format!(
        "{}\nwrote {shown}; try it with `u2ad run {shown} -p quick=true`, then run it without the parameter\n",
        folder.summary().join("\n")
    );
    print_whole(said.as_bytes())
}

/// Writes a tutorial to `file`.
///
/// # Errors
/// If there is no tutorial of that name, or `file` exists, is not named as a script, or cannot be written.
pub fn tutorial(file: &Path, name: &str) -> Result<ExitCode> {
    check_name(file)?;
    let shown = file.display().to_string();
    write_new(file, Tutorial::named(name)?.text(&shown).as_bytes())?;
    print_whole(format!("wrote {shown}; `u2ad run {shown}` runs it\n").as_bytes())
}

/// Says early what would stop the writing in the end.
fn check_name(file: &Path) -> Result<()> {
    if file.extension().and_then(OsStr::to_str) != Some("star") {
        return Err(Error::file(
            file,
            "a script has a name that ends in .star, such as study.star",
        ));
    }
    if fs::symlink_metadata(file).is_ok() {
        return Err(Error::file(file, "exists already and is not replaced; choose another name"));
    }
    Ok(())
}
