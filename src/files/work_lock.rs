//! Work that only one process may do at a time, also on file systems that several machines share.
//!
//! The process that works holds a file: it makes the file, locks it, and says in it who it is. The file is
//! removed when the work is done. What a killed process left behind is told from what a running one holds:
//!
//! - On the same machine the system releases the lock with the process, so a free lock is an abandoned one.
//! - Of another machine a free lock means little, because some file systems keep locks on each machine for
//!   itself. So the holder touches the file every few seconds, and only one that was not touched for
//!   [`ABANDONED`] is taken over. Its age is measured against a new file beside it: clocks of machines differ.

use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};

use super::confinement::check_inside;
use super::whole_file::UNFINISHED;
use crate::{Error, Result};

/// How often a holder touches its file.
const TOUCHED: Duration = Duration::from_secs(10);
/// Time without a touch after which another machine's lock counts as abandoned.
const ABANDONED: Duration = Duration::from_secs(90);
/// Retries while another process releases the lock.
const TRIES: usize = 20;

/// A piece of work that this process does; dropping it lets others do it.
#[derive(Debug)]
pub(crate) struct WorkLock {
    path: PathBuf,
    /// Locked, where the file system has locks.
    file: File,
    /// Dropping the sender ends the thread.
    touching: Option<(Sender<()>, JoinHandle<()>)>,
}

/// What an attempt to take hold of some work gave.
#[derive(Debug)]
pub(crate) enum Claim {
    Held(WorkLock),
    /// Another process does it: such as "process 123 on node7".
    Busy(String),
}

impl WorkLock {
    /// Takes hold of the work that the file at `path` stands for. Folders above it are made.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn claim(path: &Path) -> Result<Claim> {
        Self::claim_as(path, &machine())
    }

    fn claim_as(path: &Path, machine: &str) -> Result<Claim> {
        check_inside(path)?;
        let failed = |error| Error::file(path, error);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        for _ in 0..TRIES {
            // Making the file is the test that holds everywhere.
            match File::options().read(true).write(true).create_new(true).open(path) {
                Ok(file) => {
                    // Others look into a new file for a moment only. A file system without locks is no error.
                    file.lock().ok();
                    return Self::begin(path, file, machine).map(Claim::Held).map_err(failed);
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(failed(error)),
            }
            let mut file = match File::options().read(true).write(true).open(path) {
                Ok(file) => file,
                // Its holder has just finished.
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(failed(error)),
            };
            let (is_free, has_locks) = match file.try_lock() {
                Ok(()) => (true, true),
                Err(TryLockError::WouldBlock) => (false, true),
                // A file system without locks: the touches decide.
                Err(TryLockError::Error(_)) => (true, false),
            };
            let mut holder = String::new();
            file.read_to_string(&mut holder).map_err(failed)?;
            let (of, process) = holder.trim().split_once(' ').unwrap_or_default();
            let is_here = !of.is_empty() && of == machine && has_locks;
            if !is_free || !(is_here || is_old(path, &file).map_err(failed)?) {
                return Ok(Claim::Busy(match of {
                    "" => "another process".to_owned(),
                    of => format!("process {process} on {of}"),
                }));
            }
            if !is_same_file(path, &file) {
                continue;
            }
            return Self::begin(path, file, machine).map(Claim::Held).map_err(failed);
        }
        Ok(Claim::Busy("other processes that come and go".to_owned()))
    }

    /// Says who holds the file, and begins to touch it.
    fn begin(path: &Path, mut file: File, machine: &str) -> std::io::Result<Self> {
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{machine} {}", std::process::id())?;
        file.sync_all()?;
        let touched = file.try_clone()?;
        let (sender, ended) = channel::<()>();
        let touch = move || {
            while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(TOUCHED) {
                // One that cannot be touched looks abandoned after a while, and no more can be done here.
                touched.set_modified(SystemTime::now()).ok();
            }
        };
        let thread = thread::Builder::new().name("work lock".to_owned()).spawn(touch)?;
        Ok(Self { path: path.to_path_buf(), file, touching: Some((sender, thread)) })
    }
}

impl Drop for WorkLock {
    fn drop(&mut self) {
        if let Some((sender, thread)) = self.touching.take() {
            drop(sender);
            thread.join().ok();
        }
        // Removed before it is unlocked, so that whoever locks it next sees that it is gone.
        if is_same_file(&self.path, &self.file) {
            fs::remove_file(&self.path).ok();
        }
    }
}

/// Whether the file was not touched for [`ABANDONED`], by the clock of the file system.
fn is_old(path: &Path, file: &File) -> std::io::Result<bool> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let now = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder)?;
    let age = now.as_file().metadata()?.modified()?.duration_since(file.metadata()?.modified()?);
    Ok(age.is_ok_and(|age| age >= ABANDONED))
}

/// Whether the open file still is the one at the path.
#[cfg(unix)]
fn is_same_file(path: &Path, file: &File) -> bool {
    use std::os::unix::fs::MetadataExt;
    let (Ok(there), Ok(open)) = (fs::metadata(path), file.metadata()) else { return false };
    (there.dev(), there.ino()) == (open.dev(), open.ino())
}

#[cfg(not(unix))]
fn is_same_file(path: &Path, _: &File) -> bool {
    path.exists()
}

/// The machine's name, without spaces; empty if it is not known.
pub(super) fn machine() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname")
        .or_else(|_| fs::read_to_string("/etc/hostname"))
        .or_else(|_| std::env::var("HOSTNAME"))
        .unwrap_or_default();
    name.split_whitespace().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(path: &Path, machine: &str) -> Result<WorkLock, String> {
        match WorkLock::claim_as(path, machine).unwrap() {
            Claim::Held(lock) => Ok(lock),
            Claim::Busy(who) => Err(who),
        }
    }

    #[test]
    fn one_process_holds_the_work_until_it_is_done() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("locks/sub-01.lock");
        let held = claim(&path, "node1").unwrap();
        let number = std::process::id();
        for other in ["node1", "node2"] {
            assert_eq!(claim(&path, other).unwrap_err(), format!("process {number} on node1"));
        }
        drop(held);
        assert!(!path.exists());
        drop(claim(&path, "node2").unwrap());
        assert_eq!(fs::read_dir(folder.path().join("locks")).unwrap().count(), 0);
    }

    #[test]
    fn many_at_once_hold_it_one_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let (path, inside) = (folder.path().join("lock"), std::sync::Mutex::new(()));
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        if let Ok(held) = claim(&path, "node1") {
                            let alone = inside.try_lock();
                            assert!(alone.is_ok(), "two hold it at once");
                            drop((alone, held));
                        }
                    }
                });
            }
        });
    }

    #[test]
    fn what_a_killed_process_left_is_taken_over_here_at_once_and_elsewhere_when_it_is_old() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        fs::write(&path, "node1 999999\n").unwrap();
        assert_eq!(claim(&path, "node2").unwrap_err(), "process 999999 on node1");
        let old = SystemTime::now() - ABANDONED - Duration::from_secs(1);
        File::options().write(true).open(&path).unwrap().set_modified(old).unwrap();
        drop(claim(&path, "node2").unwrap());
        fs::write(&path, "node1 999999\n").unwrap();
        drop(claim(&path, "node1").unwrap());
        // One that says nothing may have been made just now.
        fs::write(&path, "").unwrap();
        assert_eq!(claim(&path, "node1").unwrap_err(), "another process");
    }
}
