//! Whether this machine can compile Rust.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::Command;

use crate::{Error, Result};

/// The search path with which `cargo` and `rustc` are found: the user's own, with rustup's folder
/// where it is missing (programs that were started from a menu often lack it).
///
/// # Errors
/// If there is no Rust on this machine.
pub(super) fn search_path() -> Result<OsString> {
    let mut folders: Vec<PathBuf> =
        env::var_os("PATH").map(|path| env::split_paths(&path).collect()).unwrap_or_default();
    let has = |folders: &[PathBuf], tool: &str| {
        let name = format!("{tool}{}", env::consts::EXE_SUFFIX);
        folders.iter().any(|folder| folder.join(&name).is_file())
    };
    let complete = |folders: &[PathBuf]| has(folders, "cargo") && has(folders, "rustc");
    if !complete(&folders) {
        let own = env::var_os("CARGO_HOME").map(PathBuf::from);
        let own = own.or_else(|| Some(env::home_dir()?.join(".cargo")));
        folders.extend(own.map(|folder| folder.join("bin")));
    }
    if !complete(&folders) {
        return Err(Error::input(
            "Rust cells need a Rust toolchain, and there is no cargo and rustc on this machine; \
             https://rustup.rs installs one",
        ));
    }
    env::join_paths(folders)
        .map_err(|error| Error::input(format!("the search path cannot be used: {error}")))
}

/// The folders in which the toolchain of this search path keeps its libraries; none if it does not say so.
pub(super) fn libraries(search_path: &OsStr) -> Vec<PathBuf> {
    let mut rustc = Command::new("rustc");
    rustc.env("PATH", search_path).args(["--print", "sysroot", "--print", "target-libdir"]);
    let told = rustc.output().map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let told = told.unwrap_or_default();
    let folders = told.lines().enumerate().map(|(line, folder)| match line {
        0 => PathBuf::from(folder).join("lib"),
        _ => PathBuf::from(folder),
    });
    folders.filter(|folder| folder.is_dir()).collect()
}
