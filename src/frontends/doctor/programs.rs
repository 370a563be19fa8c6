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

/// Where a program is that was installed beside this one, as into a Python environment.
pub(super) fn beside_this_one(name: &str) -> Option<PathBuf> {
    in_folders(env::current_exe().ok()?.parent()?.as_os_str(), name)
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

/// The output of a program.
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
    let said = [&*err, &*out].into_iter().find_map(|text| text.lines().next());
    let status = output.status.to_string();
    let said = said.unwrap_or(&status).trim_start_matches("error: ").trim_end_matches('.');
    Err(format!("{name} says: {said}"))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_only_if_it_can_be_started() {
        use std::os::unix::fs::PermissionsExt;
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("tool");
        std::fs::write(&path, "#!/bin/sh\n").unwrap();
        assert_eq!(in_folders(place.path().as_os_str(), "tool"), None);
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
        assert_eq!(in_folders(place.path().as_os_str(), "tool"), Some(path));
    }

    #[test]
    fn a_program_that_fails_is_quoted() {
        let shell = |script| answer(Path::new("/bin/sh"), &["-c", script]);
        assert_eq!(shell("echo ' 1.90 '").as_deref(), Ok("1.90"));
        let said = shell("echo 'error: no default.' >&2; exit 3");
        assert_eq!(said.unwrap_err(), "/bin/sh says: no default");
        assert!(shell("exit 3").unwrap_err().contains("exit status: 3"));
        assert!(answer(Path::new("/none"), &[]).unwrap_err().contains("/none cannot be started"));
    }
}
