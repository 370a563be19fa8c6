//! Where trainings leave their checkpoints.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::checkpoint_file::{Header, read_header};
use crate::error::locked;

/// Upper bound of a header, bytes; the notes of a training are a few sentences.
const LONGEST_HEADER: u64 = 1 << 20;
/// Bytes that all finished trainings may take.
const BUDGET: u64 = 4 << 30;

/// Where trainings leave their checkpoints; by default nowhere. Clones share the count of trainings.
#[derive(Clone, Debug, Default)]
pub struct Checkpoints(pub(super) Option<Arc<Store>>);

#[derive(Debug)]
pub(super) struct Store {
    folder: PathBuf,
    /// The shortest time between two checkpoints of a training.
    pub every: Duration,
    /// Trainings begun so far.
    begun: AtomicUsize,
    /// Checkpoints of earlier processes that no training has taken yet.
    earlier: Mutex<Vec<PathBuf>>,
    pub budget: u64,
}

impl Checkpoints {
    /// Checkpoints in a folder, which is made when there is the first; a training writes one every so
    /// often.
    pub fn inside(folder: &Path, every: Duration) -> Self {
        let earlier = files(folder).into_iter().map(|(_, path)| path).collect();
        Self(Some(Arc::new(Store {
            folder: folder.to_path_buf(),
            every,
            begun: AtomicUsize::new(0),
            earlier: Mutex::new(earlier),
            budget: BUDGET,
        })))
    }

    /// The checkpoints of a job, in a folder of its own. It counts its own trainings, so that their
    /// numbers do not depend on other jobs.
    pub fn of_job(&self, number: usize) -> Self {
        let Some(store) = &self.0 else { return Self::default() };
        Self::inside(&store.folder.join(job_folder(number)), store.every)
    }

    /// Whether trainings leave any.
    pub fn are_kept(&self) -> bool {
        self.0.is_some()
    }

    /// Where the run can go on, in words; `None` if there is no checkpoint in the folder.
    pub fn last_place(folder: &Path) -> Option<String> {
        let of_jobs = || {
            let last = job_folders(folder).pop();
            last.and_then(|(job, path)| Some(format!("job {job}: {}", place_in(&path)?)))
        };
        place_in(folder).or_else(of_jobs)
    }
}

/// The last checkpoint of a folder, in words.
fn place_in(folder: &Path) -> Option<String> {
    let (number, path) = files(folder).pop()?;
    let header = header_of(&path)?;
    let Header { training, place, finished, .. } = header;
    Some(match finished {
        true => format!("training {number} ({training}), which is complete"),
        false => format!("training {number} ({training}), {place}"),
    })
}

impl Store {
    /// Number and file of the next training: its own, or that of the same training in an earlier process, which may
    /// have had another number, because a script that finds the results of trainings in files skips these.
    pub fn next(&self, fingerprint: &str) -> (usize, PathBuf) {
        let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let own = self.folder.join(file_name(number, fingerprint));
        let mut earlier = locked(&self.earlier);
        let place = earlier.iter().position(|path| *path == own);
        let place = place.or_else(|| earlier.iter().position(|path| ends_with(path, fingerprint)));
        (number, place.map_or(own, |place| earlier.remove(place)))
    }

    /// Whether a training of this number has left a checkpoint.
    pub fn has(&self, number: usize) -> bool {
        files(&self.folder).iter().any(|(known, _)| *known == number)
    }

    /// Removes checkpoints that save the least time for their size, if all take too much space: never `kept`.
    pub fn make_room(&self, kept: &Path) {
        let mut all: Vec<(PathBuf, u64)> = Vec::new();
        for (_, path) in files(&self.folder) {
            if let Ok(found) = fs::metadata(&path) {
                all.push((path, found.len()));
            }
        }
        while all.iter().map(|(_, bytes)| bytes).sum::<u64>() > self.budget {
            let worth = |(path, bytes): &(PathBuf, u64)| {
                header_of(path).map_or(0.0, |header| match header.is_essential {
                    true => f64::INFINITY,
                    false => header.seconds / *bytes as f64,
                })
            };
            let others = (0..all.len()).filter(|at| all[*at].0 != kept);
            let others =
                others.map(|at| (at, worth(&all[at]))).filter(|(_, worth)| worth.is_finite());
            let Some((least, _)) = others.min_by(|a, b| a.1.total_cmp(&b.1)) else {
                return;
            };
            fs::remove_file(&all.remove(least).0).ok();
        }
    }
}

/// The header of a checkpoint, without reading its parts.
fn header_of(path: &Path) -> Option<Header> {
    let mut beginning = Vec::new();
    fs::File::open(path).ok()?.take(LONGEST_HEADER).read_to_end(&mut beginning).ok()?;
    Some(read_header(&beginning)?.0)
}

fn job_folder(number: usize) -> String {
    format!("job-{number:04}")
}

/// The folders of jobs, in their order.
fn job_folders(folder: &Path) -> Vec<(usize, PathBuf)> {
    numbered(folder, |name| name.strip_prefix("job-")?.parse().ok())
}

fn file_name(number: usize, fingerprint: &str) -> String {
    format!("training-{number:04}{}", ending(fingerprint))
}

/// How the name of a training's checkpoint ends.
fn ending(fingerprint: &str) -> String {
    let part: String = fingerprint.chars().take(16).collect();
    format!("-{part}.checkpoint")
}

fn ends_with(path: &Path, fingerprint: &str) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    name.is_some_and(|name| name.ends_with(&ending(fingerprint)))
}

/// The checkpoints in a folder, in the order of their trainings.
fn files(folder: &Path) -> Vec<(usize, PathBuf)> {
    numbered(folder, |name| {
        let name = name.strip_prefix("training-")?.strip_suffix(".checkpoint")?;
        name.split('-').next()?.parse().ok()
    })
}

/// The entries of a folder whose name holds a number, in the order of the numbers.
fn numbered(folder: &Path, number: impl Fn(&str) -> Option<usize>) -> Vec<(usize, PathBuf)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut all: Vec<_> =
        entries.filter_map(|path| Some((number(path.file_name()?.to_str()?)?, path))).collect();
    all.sort();
    all
}
