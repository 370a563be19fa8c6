//! The record of a run: the content of `run.json`.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::RecordedFile;
use crate::files::{read_regular_unlogged, sha256};
use crate::{Error, Result};

pub(super) const RECORD: &str = "run.json";

/// The status of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunStatus {
    /// Not ended yet; if its process no longer exists, it was killed.
    Running,
    #[serde(alias = "finished")]
    Completed,
    /// The user or the system stopped it with a signal.
    Interrupted,
    /// It ended with this message.
    Failed(String),
}

/// One resumption of a run that was killed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resumption {
    /// UTC, such as `2026-03-01T12:00:00Z`.
    pub resumed: String,
    /// In words: "training 2 (adapt), epoch 7, after 3 batches".
    pub from: String,
}

/// What the user typed when the script asked; hidden answers are not recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The question.
    pub prompt: String,
    /// SHA-256 of the answer in hexadecimal digits: enough to notice another one, and no name that was typed.
    pub sha256: String,
}

/// What ran, what it read and which files it wrote. Clock times are recorded only here, so that every
/// other file of two equal runs is equal byte by byte. Fields that earlier versions did not write are
/// empty when their records are read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// File name of the script's copy in the folder.
    pub script: String,
    /// The script's path as it was given; `-` for standard input, empty for a shell.
    #[serde(default)]
    pub script_path: String,
    /// SHA-256 of the script's copy; empty while a shell has yet to write it.
    #[serde(default)]
    pub script_sha256: String,
    /// The run folder as it was given, relative to `working_folder` unless absolute.
    #[serde(default)]
    pub folder: String,
    /// The absolute path of the folder that the run was started in.
    #[serde(default)]
    pub working_folder: String,
    /// As given on the command line.
    pub arguments: Vec<String>,
    /// Parameters that the command line set.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// Parameters that the script asked for and the command line did not set, with the values that the script took.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameter_defaults: BTreeMap<String, String>,
    /// The seed in force: that of the command line until the script sets another one.
    pub seed: u64,
    /// The seed of the command line; records of earlier versions have it in `seed`.
    #[serde(default)]
    pub first_seed: Option<u64>,
    /// Seeds that the script set, in their order.
    #[serde(default)]
    pub seed_changes: Vec<u64>,
    /// The device at the start: "cpu", "cuda", "metal".
    pub device: String,
    /// The processor's name.
    #[serde(default)]
    pub processor: String,
    /// The instruction set that the kernels use.
    #[serde(default)]
    pub instruction_set: String,
    /// Number of threads that compute.
    #[serde(default)]
    pub threads: usize,
    /// Number of processes that shared the work, if it was shared: the micro-batches of trainings then differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ranks: Option<usize>,
    /// Version of this program.
    pub version: String,
    /// The git commit that this program was built from, if the build knew it.
    #[serde(default)]
    pub commit: Option<String>,
    pub status: RunStatus,
    /// Number of the process that runs or ran it.
    #[serde(default)]
    pub process: Option<u32>,
    /// UTC, such as `2026-03-01T12:00:00Z`.
    pub started: String,
    pub ended: Option<String>,
    /// Each resumption after the run was killed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resumptions: Vec<Resumption>,
    /// In the order in which the script asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<Answer>,
    /// From start to end; of a run that went on later, of its last part.
    #[serde(default)]
    pub seconds: Option<f64>,
    /// Files that the run read, without those that it had written itself.
    #[serde(default)]
    pub inputs: Vec<RecordedFile>,
    /// Files in the folder, in the order they were first written.
    pub files: Vec<RecordedFile>,
    /// Files that the run wrote elsewhere, as it gave their paths.
    #[serde(default)]
    pub files_elsewhere: Vec<RecordedFile>,
}

/// The commit that this program was built from, where the build told it.
pub fn program_commit() -> Option<&'static str> {
    option_env!("U2AD_COMMIT").filter(|commit| !commit.is_empty())
}

impl RunRecord {
    /// The record of a run that starts now. `script` is the name of the copy of `source`.
    pub fn new(script: &str, source: &str, seed: u64, device: &str) -> Self {
        Self {
            script: script.to_string(),
            script_path: String::new(),
            script_sha256: sha256(source.as_bytes()),
            folder: String::new(),
            working_folder: String::new(),
            arguments: Vec::new(),
            parameters: BTreeMap::new(),
            parameter_defaults: BTreeMap::new(),
            seed,
            first_seed: Some(seed),
            seed_changes: Vec::new(),
            device: device.to_string(),
            processor: String::new(),
            instruction_set: String::new(),
            threads: 0,
            ranks: None,
            version: env!("CARGO_PKG_VERSION").to_string(),
            commit: program_commit().map(str::to_owned),
            status: RunStatus::Running,
            process: Some(std::process::id()),
            started: utc(SystemTime::now()),
            ended: None,
            resumptions: Vec::new(),
            answers: Vec::new(),
            seconds: None,
            inputs: Vec::new(),
            files: Vec::new(),
            files_elsewhere: Vec::new(),
        }
    }

    /// The record of the run in a folder.
    ///
    /// # Errors
    /// If there is none, or it is damaged.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(RECORD);
        let json = read_regular_unlogged(&path)?;
        serde_json::from_slice(&json).map_err(|error| {
            Error::file(
                &path,
                format!(
                    "is not the record of a run, or is damaged: it cannot be read from line {} on",
                    error.line()
                ),
            )
        })
    }

    /// The seed of the command line.
    pub fn seed_at_start(&self) -> u64 {
        self.first_seed.unwrap_or(self.seed)
    }

    /// Notes which seeds the script has set so far.
    pub(super) fn set_seeds(&mut self, changes: &[u64]) {
        self.seed_changes = changes.to_vec();
        self.seed = changes.last().copied().unwrap_or(self.seed_at_start());
    }

    /// This process's record when it resumes the run of `earlier`, from `from`.
    pub(super) fn going_on_with(mut self, earlier: &Self, from: String) -> Self {
        let Self { started, arguments, resumptions, answers, .. } = earlier.clone();
        let resumed = std::mem::replace(&mut self.started, started);
        (self.arguments, self.resumptions, self.answers) = (arguments, resumptions, answers);
        self.resumptions.push(Resumption { resumed, from });
        self
    }

    /// Marks the run as running again, in this process.
    pub(super) fn go_on(&mut self) {
        self.status = RunStatus::Running;
        self.process = Some(std::process::id());
        self.ended = None;
        self.seconds = None;
    }

    /// Notes that the run ends now.
    pub(super) fn end(&mut self, status: RunStatus, seconds: f64) {
        self.status = status;
        self.ended = Some(utc(SystemTime::now()));
        self.seconds = Some((seconds * 1000.0).round() / 1000.0);
    }
}

/// A time to the second in ISO 8601.
fn utc(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (year, month, day) = civil_date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Year, month and day of a day counted from 1 January 1970 (H. Hinnant, "chrono-Compatible
/// Low-Level Date Algorithms", `civil_from_days`).
fn civil_date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let era_day = days % 146_097;
    let era_year = (era_day - era_day / 1_460 + era_day / 36_524 - era_day / 146_096) / 365;
    let year_day = era_day - (365 * era_year + era_year / 4 - era_year / 100);
    let shifted_month = (5 * year_day + 2) / 153;
    let day = year_day - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era_year + days / 146_097 * 400 + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn times_are_written_in_utc() {
        let at = |seconds| utc(UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(0), "1970-01-01T00:00:00Z");
        assert_eq!(at(951_782_399), "2000-02-28T23:59:59Z");
        assert_eq!(at(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(at(1_772_366_400), "2026-03-01T12:00:00Z");
    }

    #[test]
    fn a_record_survives_json() {
        let mut record = RunRecord::new("paper.star", "print(1)\n", 7, "cpu");
        record.set_seeds(&[3, 2026]);
        record.inputs.push(RecordedFile::named("image.nii"));
        record.end(RunStatus::Failed("no subjects".into()), 1.5);
        let json = serde_json::to_string(&record).unwrap();
        assert_eq!(serde_json::from_str::<RunRecord>(&json).unwrap(), record);
        assert!(json.contains("\"status\":{\"failed\":\"no subjects\"}"), "{json}");
        assert_eq!((record.seed, record.seed_at_start()), (2026, 7));
    }

    #[test]
    fn a_record_of_an_earlier_version_is_read() {
        let json = r#"{"script":"a.star","arguments":["run","a.star"],"seed":3,"device":"cpu",
            "version":"0.1.0","status":"finished","started":"2026-03-01T12:00:00Z",
            "ended":"2026-03-01T12:00:09Z","files":["log.txt","a.star","01-maps.png"]}"#;
        let record: RunRecord = serde_json::from_str(json).unwrap();
        assert_eq!((record.status.clone(), record.seed_at_start()), (RunStatus::Completed, 3));
        assert_eq!(record.files[2], RecordedFile::named("01-maps.png"));
        assert!(record.inputs.is_empty() && record.process.is_none());
    }
}
