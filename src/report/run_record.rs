//! The record of a run: the content of `run.json`.

use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

pub(super) const RECORD: &str = "run.json";

/// The status of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunStatus {
    /// Not ended yet; if its process no longer exists, it was killed.
    Running,
    Finished,
    /// The user stopped it.
    Interrupted,
    /// It ended with this message.
    Failed(String),
}

/// What ran and which files it saved. Clock times are recorded only here, so that every other file
/// of two equal runs is equal byte by byte.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// File name of the script's copy in the folder.
    pub script: String,
    /// As given on the command line.
    pub arguments: Vec<String>,
    pub seed: u64,
    /// "cpu", "cuda:0", ….
    pub device: String,
    /// Version of this program.
    pub version: String,
    pub status: RunStatus,
    /// UTC, such as `2026-03-01T12:00:00Z`.
    pub started: String,
    pub ended: Option<String>,
    /// Names of the files in the folder, in the order they were first written.
    pub files: Vec<String>,
}

impl RunRecord {
    /// The record of a run that starts now.
    pub fn new(script: &str, arguments: &[String], seed: u64, device: &str) -> Self {
        Self {
            script: script.to_string(),
            arguments: arguments.to_vec(),
            seed,
            device: device.to_string(),
            version: env!("CARGO_PKG_VERSION").to_string(),
            status: RunStatus::Running,
            started: utc(SystemTime::now()),
            ended: None,
            files: Vec::new(),
        }
    }

    /// The record of the run in a folder.
    ///
    /// # Errors
    /// If there is none, or it is damaged.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(RECORD);
        let json = fs::read(&path).map_err(|error| Error::file(&path, error))?;
        serde_json::from_slice(&json).map_err(|error| Error::file(&path, error))
    }

    /// Notes that the run is not over after all.
    pub(super) fn go_on(&mut self) {
        self.status = RunStatus::Running;
        self.ended = None;
    }

    /// Notes that the run ends now.
    pub(super) fn end(&mut self, status: RunStatus) {
        self.status = status;
        self.ended = Some(utc(SystemTime::now()));
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
        let mut record = RunRecord::new("paper.star", &["--quick".into()], 7, "cpu");
        record.end(RunStatus::Failed("no subjects".into()));
        let json = serde_json::to_string(&record).unwrap();
        assert_eq!(serde_json::from_str::<RunRecord>(&json).unwrap(), record);
        assert!(json.contains("\"status\":{\"failed\":\"no subjects\"}"), "{json}");
    }
}
