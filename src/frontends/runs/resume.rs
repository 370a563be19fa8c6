//! `u2ad run --resume`: a run that was interrupted or killed goes on.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use super::inputs;
use super::recorded::{run_folder, script_source, working_folder};
use crate::context::{Checkpoints, OneRank, Ranks};
use crate::files::{file_name, note_resumed, sha256};
use crate::frontends::record::{Record, Recorded};
use crate::frontends::{Options, script};
use crate::ops::InstructionSet;
use crate::options::Choice;
use crate::report::{ClaimedRun, RunRecord, RunStatus};
use crate::{Error, Result};

/// Runs the script of a run again, in its folder and with its parameters and seed. Its trainings go on from
/// their checkpoints, and leave new ones this often. `memory` is the budget in gigabytes, as the user wrote it;
/// `ranks` share the work, any number of them if the run was shared before.
///
/// The exit code is that of [`script::run`].
///
/// # Errors
/// If the run still goes on or ended well, if it could not give the same bits any more (another version or
/// instruction set, changed inputs), and as [`script::run`].
pub fn resume(
    folder: &Path,
    checkpoint_every: Duration,
    memory: Option<String>,
    ranks: Option<Arc<dyn Ranks>>,
) -> Result<ExitCode> {
    let folder = &*run_folder(folder);
    let claimed = ClaimedRun::new(folder)?;
    let record = claimed.record().clone();
    if record.status == RunStatus::Completed {
        // A process may be killed before it removes them.
        fs::remove_dir_all(claimed.folder().join(script::CHECKPOINTS)).ok();
        return Err(Error::file(folder, "this run ended well; there is nothing to go on with"));
    }
    let source = script_source(folder, &record)?;
    let working = working_folder(folder, &record)?;
    let differing = machine_differences(&record);
    if !differing.is_empty() {
        return Err(Error::file(
            folder,
            format!(
                "cannot go on with the same bits: {}; run the script anew",
                differing.join("; ")
            ),
        ));
    }
    let ranks = match (record.ranks, ranks) {
        (None, Some(_)) => {
            return Err(Error::file(
                folder,
                "cannot go on with the same bits: one process began it, without `mpirun`; go on without it",
            ));
        }
        (None, None) => None,
        (Some(_), ranks) => Some(ranks.unwrap_or_else(|| Arc::new(OneRank))),
    };
    let changed = inputs::changed(&record.inputs, &working);
    if !changed.is_empty() {
        return Err(Error::file(
            folder,
            format!(
                "cannot go on, because inputs changed since: {}; run the script anew",
                changed.join("; ")
            ),
        ));
    }
    let path = folder_of_record(&claimed, &record, &working);
    env::set_current_dir(&working).map_err(|error| Error::file(&working, error))?;
    tell_changed_script(&record, &path);
    let from = Checkpoints::last_place(&claimed.folder().join(script::CHECKPOINTS));
    let from = from.unwrap_or_else(|| "the start of the script".to_owned());
    eprintln!("going on with {} from {from}", path.display());

    let options = Options {
        out: None,
        seed: record.seed_at_start(),
        device: record.device.clone(),
        parameters: record
            .parameters
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect(),
        memory,
        ranks,
    };
    let cell = script::cell(Path::new(&record.script_path), source.clone());
    let name = file_name(&path);
    let recorded = Recorded {
        runs: path.parent(),
        name: &name,
        copy: &record.script,
        script_path: &record.script_path,
        source: &source,
    };
    let settings = options.settings()?;
    let record = Record::new(&recorded, &settings);
    note_resumed(claimed.folder());
    let record = record.again(claimed, &path, from)?;
    script::run_recorded(cell, record, settings, Some(checkpoint_every))
}

/// In what this program or machine computes otherwise than that of the record.
fn machine_differences(record: &RunRecord) -> Vec<String> {
    let now = RunRecord::new("", "", 0, "");
    let mut all = Vec::new();
    if record.version != now.version {
        all.push(format!("version {} of u2ad began it, this is {}", record.version, now.version));
    } else if record.commit != now.commit {
        let name = |commit: &Option<String>| commit.clone().unwrap_or("an unknown one".to_owned());
        let (then, now) = (name(&record.commit), name(&now.commit));
        all.push(format!("a build of commit {then} began it, this is one of {now}"));
    }
    let set = InstructionSet::detect();
    // Both sets with fused multiply-adds give the same bits.
    let is_fused = |name: &str| {
        InstructionSet::from_name(name).is_ok_and(|set| set != InstructionSet::Baseline)
    };
    if record.instruction_set != set.name()
        && !(is_fused(&record.instruction_set) && is_fused(set.name()))
    {
        let then = &record.instruction_set;
        all.push(format!("it began with instruction set {then}, this machine has {}", set.name()));
    }
    all
}

/// The run folder as the record names it, so that everything that tells its name is the same; its absolute
/// path if it was moved since.
fn folder_of_record(claimed: &ClaimedRun, record: &RunRecord, working: &Path) -> PathBuf {
    let is_there = fs::canonicalize(working.join(&record.folder))
        .is_ok_and(|folder| folder == claimed.folder());
    if is_there { PathBuf::from(&record.folder) } else { claimed.folder().to_path_buf() }
}

/// Says so if the script that the user has is another one by now.
fn tell_changed_script(record: &RunRecord, path: &Path) {
    let is_other = |source: Vec<u8>| sha256(&source) != record.script_sha256;
    if record.script_path != "-" && fs::read(&record.script_path).is_ok_and(is_other) {
        let copy = path.join(&record.script);
        eprintln!(
            "{} has changed since; the run goes on with its copy {}",
            record.script_path,
            copy.display()
        );
    }
}
