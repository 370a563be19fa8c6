//! Other programs: where they are, and what they say.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a program may take to answer: a driver that hangs must not hang the report.
const PATIENCE: Duration = Duration::from_secs(10);
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Where a program is on the search path.
pub(super) fn on_path(name: &str) -> Option<PathBuf> {
    in_folders(&env::var_os("PATH").unwrap_or_default(), name)
}

/// Where a program is in a list of folders such as the search path.
pub(super) fn in_folders(folders: &OsStr, name: &str) -> Option<PathBuf> {
    let name = format!("{name}{}", env::consts::EXE_SUFFIX);
    env::split_paths(folders).map(|folder| folder.join(&name)).find(|path| is_program(path))
}

/// Whether a file is there that can be started.
pub(super) fn is_program(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
    }
    #[cfg(not(unix))]
    path.is_file()
}

/// What a program prints.
///
/// # Errors
/// Why there is no answer: the program's own words, if it has any.
pub(super) fn answer(program: &Path, arguments: &[&str]) -> Result<String, String> {
    let name = program.display();
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{name} cannot be started ({error})"))?;
    let started = Instant::now();
    while matches!(child.try_wait(), Ok(None)) {
        if started.elapsed() > PATIENCE {
            child.kill().ok();
            child.wait().ok();
            return Err(format!("{name} did not answer within {} s", PATIENCE.as_secs()));
        }
        sleep(POLL_INTERVAL);
    }
    let output = child.wait_with_output().map_err(|error| format!("{name}: {error}"))?;
    let out = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if output.status.success() {
        return Ok(out);
    }
    let err = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let said = [err, out].into_iter().find_map(|text| Some(text.lines().next()?.to_owned()));
    Err(format!("{name} says: {}", said.unwrap_or_else(|| output.status.to_string())))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_only_if_it_can_be_started() {
        use std::os::unix::fs::PermissionsExt;
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("tool");
        std::fs::write(&path, "#!/bin/sh\necho \"$1\"\nexit $1\n").unwrap();
        assert_eq!(in_folders(place.path().as_os_str(), "tool"), None);
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
        assert_eq!(in_folders(place.path().as_os_str(), "tool"), Some(path.clone()));
        assert_eq!(answer(&path, &["0"]).as_deref(), Ok("0"));
        assert_eq!(answer(&path, &["3"]), Err(format!("{} says: 3", path.display())));
        assert!(answer(&place.path().join("none"), &[]).is_err());
    }
}
