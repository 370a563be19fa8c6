//! Screening of one session of one participant: claimed, compared with what is there, written at once.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::BidsApp;
use super::place::Place;
use super::record::{
    ImageRecord, RECORD, SessionProvenance, SessionRecord, inputs, program_version, relative,
};
use super::tsv::Tsv;
use crate::cohort::{Cohort, LoadOptions};
use crate::context::Context;
use crate::evaluation::SubjectCases;
use crate::export::export;
use crate::export::html_report::FindingsReport;
use crate::files::{Claim, LazyFolder, WholeFolder, WorkLock, remove_unfinished, write_json};
use crate::study::screening::{Detector, ScreenedImage, Screening};
use crate::{Error, Result};

/// How the names of the cases end.
pub(super) const CASES: &str = "_cases.json";

/// The outcome of screening one session.
#[derive(Clone, Debug, PartialEq)]
pub enum SessionOutcome {
    /// It was screened; `because` says why again, such as "with another model or method".
    Screened { record: Box<SessionRecord>, because: Option<String> },
    /// It was finished before, from the same inputs and with the same method.
    Finished(Box<SessionRecord>),
    /// Another process works on it: such as "process 123 on node7".
    Busy(String),
    /// Nothing could be read or written, and why.
    Failed(String),
}

/// A session and its outcome.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionResult {
    /// `sub-01`, or `sub-01_ses-1`.
    pub name: String,
    pub outcome: SessionOutcome,
}

impl SessionResult {
    /// Whether there are findings of all its images.
    pub fn is_complete(&self) -> bool {
        match &self.outcome {
            SessionOutcome::Screened { record, .. } | SessionOutcome::Finished(record) => {
                !record.has_failures()
            }
            SessionOutcome::Busy(_) | SessionOutcome::Failed(_) => false,
        }
    }
}

/// How participants are screened.
pub struct ParticipantLevel<'a> {
    pub app: &'a BidsApp,
    pub detector: &'a Detector,
    pub seed: u64,
    /// Sessions to screen, with or without `ses-`; all if there is none.
    pub sessions: &'a [String],
    /// Whether finished sessions are screened again.
    pub force: bool,
    /// A folder for files in the making; `None`: hidden in the output folder.
    pub work: Option<&'a Path>,
}

impl ParticipantLevel<'_> {
    /// Screens the sessions of one participant. `each` is told what became of each session, as soon as it is known.
    ///
    /// # Errors
    /// If there is no such participant or session, and [`Error::Cancelled`] if the user interrupts: finished
    /// sessions are kept, of the others nothing.
    pub fn screen(
        &self,
        participant: &str,
        context: &Context,
        mut each: impl FnMut(SessionResult),
    ) -> Result<()> {
        let options = LoadOptions::default();
        let cohort =
            Cohort::of_participant(&self.app.bids, participant, self.sessions, &options, context)?;
        for (session, images) in cohort.by_session() {
            let place = Place { participant: participant.to_owned(), session };
            let outcome = match self.screen_session(&place, &images, context) {
                Ok(outcome) => outcome,
                Err(Error::Cancelled) => return Err(Error::Cancelled),
                Err(error) => SessionOutcome::Failed(error.to_string()),
            };
            each(SessionResult { name: place.stem(), outcome });
        }
        Ok(())
    }

    fn screen_session(
        &self,
        place: &Place,
        images: &Cohort,
        context: &Context,
    ) -> Result<SessionOutcome> {
        let lock = match WorkLock::claim(&place.lock(&self.app.output))? {
            Claim::Busy(who) => return Ok(SessionOutcome::Busy(who)),
            Claim::Held(lock) => lock,
        };
        let folder = place.folder(&self.app.output);
        let earlier = SessionRecord::read(place, &self.app.output)?;
        refuse_foreign_files(&folder, place, earlier.as_ref())?;
        let making = SessionProvenance {
            version: program_version(),
            method: self.detector.name(),
            method_sha256: self.detector.digest().to_owned(),
            seed: self.seed,
            inputs: inputs(images, &self.app.bids)?,
            participant: images.entry(0)?.participant.clone(),
        };
        let because = earlier.as_ref().and_then(|earlier| {
            let change = making.change(&earlier.making).map(str::to_owned);
            let damage = || earlier.damage(place, &self.app.output);
            change.or_else(|| damage().map(|damage| format!("because {damage}")))
        });
        let is_finished = because.is_none() && !self.force;
        if let Some(earlier) =
            earlier.as_ref().filter(|earlier| is_finished && !earlier.has_failures())
        {
            return Ok(SessionOutcome::Finished(Box::new(earlier.clone())));
        }
        if let Some(above) = folder.parent() {
            remove_unfinished(above);
        }
        let screening = self.detector.screen(images, context)?;
        if screening.interrupted {
            return Err(Error::Cancelled);
        }
        // A copy that was cut off, for example, must not replace what was found in the whole image.
        if let (None, Some(_), Some((name, reason))) = (
            &screening.findings,
            earlier.as_ref().and_then(|earlier| earlier.scoring),
            screening.failed().next(),
        ) {
            return Ok(SessionOutcome::Failed(format!(
                "{name}: {reason}; the findings of the earlier screening stay as they are"
            )));
        }
        let record = self.write(place, &screening, making, context)?;
        drop(lock);
        Ok(SessionOutcome::Screened { record: Box::new(record), because })
    }

    /// Writes everything at once, then the report. Until that is written, the session is not finished.
    fn write(
        &self,
        place: &Place,
        screening: &Screening,
        making: SessionProvenance,
        context: &Context,
    ) -> Result<SessionRecord> {
        let temporary = LazyFolder::temporary(Some(self.app.temporary(self.work)?));
        let threshold = screening.lesion_threshold();
        let growing = WholeFolder::begin(&place.folder(&self.app.output))?;
        let mut files = BTreeSet::new();
        if let Some(findings) = &screening.findings {
            let exported = temporary.path()?.join("export");
            export(findings, &screening.cohort, threshold.as_ref(), &exported, context)?;
            move_export(&exported, growing.path(), &place.stem(), &mut files)?;
            let cases: Vec<SubjectCases> = findings.subjects.iter().map(SubjectCases::of).collect();
            let name = format!("{}{CASES}", place.stem());
            write_json(&growing.path().join(&name), &cases)?;
            files.insert(name);
        }
        let lesions = Tsv::read(&growing.path().join(format!("{}_lesions.tsv", place.stem())))?;
        let images = screening
            .images
            .iter()
            .map(|image| self.image_record(image, screening, lesions.as_ref()))
            .collect::<Result<_>>()?;
        let record = SessionRecord {
            making,
            scoring: screening.findings.as_ref().map(|findings| findings.scoring),
            calibration: screening.calibration().cloned(),
            images,
            sizes: sizes(growing.path(), &files)?,
            files: files.into_iter().collect(),
        };
        write_json(&growing.path().join(format!("{}{RECORD}", place.stem())), &record)?;
        let report = place.report(&self.app.output);
        // Remove the earlier report: it no longer matches.
        if let Err(error) = fs::remove_file(&report)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            return Err(Error::file(&report, error));
        }
        growing.finish()?;
        if let Some(findings) = &screening.findings {
            FindingsReport {
                findings,
                cohort: &screening.cohort,
                model: self.detector.model(),
                lesion_threshold: threshold.as_ref(),
            }
            .write(&report, context)?;
        }
        Ok(record)
    }

    fn image_record(
        &self,
        image: &ScreenedImage,
        screening: &Screening,
        lesions: Option<&Tsv>,
    ) -> Result<ImageRecord> {
        let entry = screening.cohort.entry(screening.cohort.find(&image.name)?)?;
        let finding = screening.finding(image);
        let score = screening.score(image);
        let volumes = lesions.filter(|_| finding.is_some()).map(|lesions| {
            let names = lesions.column("participant_id");
            let of_image = names.into_iter().zip(lesions.column("volume_mm3"));
            let of_image = of_image.filter(|(name, _)| *name == image.name);
            of_image.filter_map(|(_, volume)| volume.parse::<f64>().ok()).collect::<Vec<f64>>()
        });
        Ok(ImageRecord {
            name: image.name.clone(),
            image: entry.found_at().map(|path| relative(path, &self.app.bids)),
            masks: image.masks.clone(),
            score,
            level: screening.level(image),
            p_value: score.and_then(|score| Some(screening.calibration()?.p_value(score))),
            lesions: volumes.as_ref().map(Vec::len),
            // The sum of nothing would be -0.
            lesion_volume_mm3: volumes
                .map(|volumes| volumes.iter().fold(0.0, |all: f64, one| all + *one)),
            has_lesion: finding.and_then(|finding| finding.subject.has_lesion()),
            remarks: image.remarks.clone(),
            failure: image.finding.as_ref().err().cloned(),
        })
    }
}

/// Sizes of files in a folder, bytes.
fn sizes(folder: &Path, names: &BTreeSet<String>) -> Result<Vec<u64>> {
    let size = |name: &String| {
        let path = folder.join(name);
        fs::metadata(&path).map(|found| found.len()).map_err(|error| Error::file(path, error))
    };
    names.iter().map(size).collect()
}

/// Refuses to replace a folder with files that no screening wrote: they would be lost.
fn refuse_foreign_files(
    folder: &Path,
    place: &Place,
    record: Option<&SessionRecord>,
) -> Result<()> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    let own = format!("{}{RECORD}", place.stem());
    let is_own = |name: &str| {
        record.is_some_and(|record| name == own || record.files.iter().any(|file| file == name))
    };
    for entry in entries {
        let name = entry.map_err(|error| Error::file(folder, error))?.file_name();
        let name = name.to_string_lossy();
        // Hidden files are those of file systems and file managers.
        if !name.starts_with('.') && !is_own(&name) {
            return Err(Error::file(
                folder,
                format!(
                    "holds {name}, which u2ad did not write and would be lost; move it elsewhere"
                ),
            ));
        }
    }
    Ok(())
}

/// Moves the maps of an export and its tables, which get the session's name in front, into one folder.
fn move_export(from: &Path, to: &Path, stem: &str, files: &mut BTreeSet<String>) -> Result<()> {
    let mut below = vec![from.to_path_buf()];
    while let Some(folder) = below.pop() {
        let failed = |error| Error::file(&folder, error);
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.file_type().map_err(failed)?.is_dir() {
                below.push(entry.path());
                continue;
            }
            let name = match folder == from {
                true if name.ends_with(".tsv") || is_dictionary(&name) => format!("{stem}_{name}"),
                // Skip the description of a dataset: a session is no dataset.
                true => continue,
                false => name,
            };
            move_file(&entry.path(), &to.join(&name))?;
            files.insert(name);
        }
    }
    Ok(())
}

fn is_dictionary(name: &str) -> bool {
    name.ends_with(".json") && name != "dataset_description.json"
}

/// Moves a file, also to another disk.
fn move_file(from: &Path, to: &Path) -> Result<()> {
    if fs::rename(from, to).is_ok() {
        return Ok(());
    }
    fs::copy(from, to).map(drop).map_err(|error| Error::file(to, error))
}
