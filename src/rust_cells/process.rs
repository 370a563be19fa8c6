//! The host as a process.

use std::env;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
#[cfg(unix)]
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};

#[cfg(unix)]
use rustix::process::{Pid, Signal, kill_process_group};

use super::folder::CellFolder;
use super::protocol::{FromHost, ToHost};
use super::toolchain;
use crate::exchange::FOLDER_VARIABLE;
use crate::{Error, Result};

/// A host that runs. Ends with its processes when dropped.
pub(super) struct Host {
    child: Child,
    stdin: Option<ChildStdin>,
    /// What it sends; `None` once it has ended.
    pub messages: Receiver<Option<FromHost>>,
}

impl Host {
    /// Starts one that compiles in `folder`; values go through the folder `exchange`.
    ///
    /// # Errors
    /// If there is no Rust on this machine, or the system cannot start a process.
    pub fn start(folder: &CellFolder, exchange: &Path) -> Result<Self> {
        let failed = |error: std::io::Error| {
            Error::input(format!("the process for Rust cells cannot be started: {error}"))
        };
        let program = env::current_exe().map_err(failed)?;
        let search_path = toolchain::search_path()?;
        let mut command = Command::new(program);
        command
            .arg("rust-host")
            .env("PATH", &search_path)
            .env("EVCXR_TMPDIR", &folder.path)
            // The user's own settings of evcxr are for their notebooks.
            .env("EVCXR_CONFIG_DIR", &folder.path)
            .env(FOLDER_VARIABLE, exchange)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let libraries = toolchain::libraries(&search_path);
        for (variable, folders) in library_paths(|name| env::var_os(name), &libraries) {
            command.env(variable, folders);
        }
        // The terminal's Ctrl-C is for the session to pass on.
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn().map_err(failed)?;
        let (sender, messages) = channel();
        let stdin = child.stdin.take();
        if let (Some(out), Some(err)) = (child.stdout.take(), child.stderr.take()) {
            let compiling = sender.clone();
            std::thread::spawn(move || watch_compiler(BufReader::new(err), &compiling));
            std::thread::spawn(move || listen(BufReader::new(out), &sender));
        }
        Ok(Self { child, stdin, messages })
    }

    /// Sends it a message. If it has ended, `messages` reports that soon.
    pub fn send(&mut self, message: &ToHost) {
        let Ok(mut line) = serde_json::to_string(message) else { return };
        line.push('\n');
        if let Some(stdin) = &mut self.stdin {
            stdin.write_all(line.as_bytes()).and_then(|()| stdin.flush()).ok();
        }
    }

    /// Stops the compiler, if it runs.
    pub fn interrupt(&self) {
        #[cfg(unix)]
        self.signal(Signal::INT);
    }

    #[cfg(unix)]
    fn signal(&self, signal: Signal) {
        // A group that is gone needs no signal.
        kill_process_group(Pid::from_child(&self.child), signal).ok();
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.stdin = None;
        // Its children too: a cell that never ends must not outlive the session.
        #[cfg(unix)]
        self.signal(Signal::KILL);
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The variable that names the folders in which the system looks for libraries.
const LIBRARY_VARIABLE: &str =
    if cfg!(target_os = "macos") { "DYLD_FALLBACK_LIBRARY_PATH" } else { "LD_LIBRARY_PATH" };

/// Where the system looks for libraries first, without the folders that hold another build of this
/// one: cells must load the one that they were compiled against. (cargo adds such folders for what
/// it runs.) Behind them come the folders of the toolchain, whose standard library the cells need: the
/// path to it that the linker wrote into this library is wrong where the toolchain lies elsewhere.
fn library_paths(
    set: impl Fn(&str) -> Option<OsString>,
    toolchain: &[PathBuf],
) -> Vec<(&'static str, OsString)> {
    let own = format!("{}u2ad{}", env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX);
    let variables = ["LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"];
    let paths = variables.into_iter().filter_map(|name| {
        let given = set(name);
        let more: &[PathBuf] = if name == LIBRARY_VARIABLE { toolchain } else { &[] };
        if given.is_none() && more.is_empty() {
            return None;
        }
        let given = given.unwrap_or_default();
        let others = env::split_paths(&given).filter(|folder| !folder.as_os_str().is_empty());
        let others = others.filter(|folder| !folder.join(&own).exists());
        let folders = others.chain(more.iter().cloned());
        Some((name, env::join_paths(folders).unwrap_or_default()))
    });
    paths.collect()
}

fn listen(lines: impl BufRead, sender: &Sender<Option<FromHost>>) {
    for line in lines.lines().map_while(std::io::Result::ok) {
        // Other lines, such as what a library prints, are ignored.
        if let Ok(message) = serde_json::from_str(&line)
            && sender.send(Some(message)).is_err()
        {
            return;
        }
    }
    sender.send(None).ok();
}

/// evcxr repeats cargo's lines about crates that it compiles.
fn watch_compiler(lines: impl BufRead, sender: &Sender<Option<FromHost>>) {
    for line in lines.lines().map_while(std::io::Result::ok) {
        if let Some(name) = line.trim_start().strip_prefix("Compiling ") {
            let name = name.split_whitespace().next().unwrap_or_default().to_owned();
            sender.send(Some(FromHost::Compiling { name })).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_of_the_toolchain_are_found_and_other_builds_of_this_one_are_not() {
        let [build, toolchain] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let own = format!("{}u2ad{}", env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX);
        std::fs::write(build.path().join(own), "").unwrap();
        let libraries = [toolchain.path().to_path_buf()];
        let found = library_paths(|_| None, &libraries);
        assert_eq!(found, [(LIBRARY_VARIABLE, toolchain.path().as_os_str().to_owned())]);
        let set = env::join_paths([build.path(), Path::new("/opt/lib")]).unwrap();
        let found =
            library_paths(|name| (name == LIBRARY_VARIABLE).then(|| set.clone()), &libraries);
        let both = env::join_paths([Path::new("/opt/lib"), toolchain.path()]).unwrap();
        assert_eq!(found, [(LIBRARY_VARIABLE, both)]);
        assert!(library_paths(|_| None, &[]).is_empty());
    }

    #[test]
    fn the_toolchain_says_where_its_standard_library_lies() {
        let Ok(path) = toolchain::search_path() else { return };
        let libraries = toolchain::libraries(&path);
        let holds_std = |folder: &PathBuf| {
            let names = std::fs::read_dir(folder).into_iter().flatten().flatten();
            names
                .into_iter()
                .any(|entry| entry.file_name().to_string_lossy().starts_with("libstd-"))
        };
        assert!(libraries.iter().any(holds_std), "{libraries:?}");
    }
}
