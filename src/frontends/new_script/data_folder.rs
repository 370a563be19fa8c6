//! What a script about the data in a folder depends on.

use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::cohort::{Cohort, Entry, HealthRule, LoadOptions};
use crate::context::{Context, Event, Reporter, counted};
use crate::error::locked;
use crate::{Error, Result};

/// The fewest healthy subjects of which half are held back for thresholds: nine promise 0.1 false positives.
const ENOUGH_TO_CALIBRATE: usize = 18;

/// A folder with a cohort, looked at without reading voxels.
#[derive(Clone, Debug, Default)]
pub(super) struct DataFolder {
    /// The folder as it was given.
    pub path: String,
    /// The rule about who is healthy that was given.
    pub healthy_rule: Option<String>,
    pub healthy: usize,
    pub clinical: usize,
    /// Subjects that cannot be used, whatever the script does.
    pub unusable: usize,
    /// Subjects without a cord mask.
    pub without_mask: usize,
    /// Whether the subjects are those of a BIDS tree.
    pub is_bids: bool,
    /// Clinical subjects that have a lesion mask, or a lesion by the participants table.
    pub with_lesion: usize,
    /// Clinical subjects that are known to have none.
    pub without_lesion: usize,
    /// Notes and warnings given while the cohort was loaded.
    pub notes: Vec<String>,
}

impl DataFolder {
    /// Finds the subjects of a folder and what is known of them. Warnings go to standard error.
    ///
    /// # Errors
    /// If there are no images that can be used, if it is ambiguous who is healthy, or if all subjects are one
    /// healthy person.
    pub fn look_at(path: &Path, healthy: Option<&str>) -> Result<Self> {
        let options = LoadOptions {
            healthy: healthy.map(HealthRule::parse).transpose()?,
            ..LoadOptions::default()
        };
        let listener = Arc::new(Listener::default());
        let context = Context::new(0).with_reporter(listener.clone());
        let cohort = Cohort::load(path, &options, &context)?;
        if let Some(sentence) = cohort.unknown_health() {
            let here = "`u2ad new` takes such a rule, too: --healthy RULE";
            return Err(Error::file(path, format!("{sentence}; {here}")));
        }
        let usable = cohort.usable();
        let is_usable = |(position, entry): &(usize, &Entry)| {
            usable.contains(position) || entry.is_unsegmented()
        };
        let entries: Vec<&Entry> =
            cohort.entries().enumerate().filter(is_usable).map(|(_, entry)| entry).collect();
        if entries.iter().all(|entry| entry.image().is_none()) {
            let reason = "holds slices that were preprocessed elsewhere; `u2ad new` writes scripts for images (NIfTI). \
                          help(load_cohort) tells how to load the slices";
            return Err(Error::file(path, reason));
        }
        let count =
            |wanted: &dyn Fn(&Entry) -> bool| entries.iter().filter(|entry| wanted(entry)).count();
        let is_clinical = |entry: &Entry| !entry.is_healthy();
        let has_lesion =
            |entry: &Entry| entry.has_lesion_mask() || entry.has_lesion() == Some(true);
        let folder = Self {
            path: path.display().to_string(),
            healthy_rule: healthy.map(str::to_owned),
            healthy: count(&Entry::is_healthy),
            clinical: count(&is_clinical),
            unusable: cohort.len() - entries.len(),
            without_mask: count(&Entry::is_unsegmented),
            is_bids: entries.iter().all(|entry| entry.name.starts_with("sub-")),
            with_lesion: count(&|entry| is_clinical(entry) && has_lesion(entry)),
            without_lesion: count(&|entry| {
                is_clinical(entry) && !has_lesion(entry) && entry.has_lesion() == Some(false)
            }),
            notes: listener.notes(),
        };
        if folder.clinical == 0 && folder.healthy < 2 {
            let reason = "holds one healthy subject and nobody to examine; a study needs at least two subjects";
            return Err(Error::file(path, reason));
        }
        Ok(folder)
    }

    pub fn subjects(&self) -> usize {
        self.healthy + self.clinical
    }

    /// Whether half of the healthy subjects are held back to get thresholds from them.
    pub fn can_calibrate(&self) -> bool {
        self.clinical > 0 && self.healthy >= ENOUGH_TO_CALIBRATE
    }

    /// Whether there is something to measure detection by.
    pub fn has_ground_truth(&self) -> bool {
        self.with_lesion > 0
    }

    /// A summary of the folder, one sentence a line.
    pub fn summary(&self) -> Vec<String> {
        let mut lines = vec![format!(
            "{}: {}, {} healthy and {} clinical",
            self.path,
            counted(self.subjects(), "subject"),
            self.healthy,
            self.clinical
        )];
        if self.healthy == 0 {
            lines.push(
                "nobody is known to be healthy, so the model will learn from all; if a column of participants.tsv tells, \
                 give a rule: --healthy \"column == 'value'\""
                    .to_owned(),
            );
        }
        if self.unusable > 0 {
            lines.push(format!(
                "left out: {} that cannot be used",
                counted(self.unusable, "subject")
            ));
        }
        lines.push(match self.without_mask {
            0 => "spinal cord masks: all given".to_owned(),
            all if all == self.subjects() => {
                "spinal cord masks: none given; `segment` finds them".to_owned()
            }
            some => format!(
                "spinal cord masks: missing for {}; `segment` finds them",
                counted(some, "subject")
            ),
        });
        let unknown = self.clinical - self.with_lesion - self.without_lesion;
        lines.push(match (self.clinical, self.with_lesion) {
            (0, _) => "ground truth: nobody is clinical, so there is nothing to evaluate".to_owned(),
            (_, 0) => "ground truth: no lesion is known, so there is nothing to evaluate".to_owned(),
            _ => format!(
                "ground truth: of the clinical subjects {} with a lesion, {} without, {unknown} unknown",
                self.with_lesion, self.without_lesion
            ),
        });
        lines
    }
}

/// Keeps notes, and tells warnings at once.
#[derive(Default)]
struct Listener(Mutex<Vec<String>>);

impl Listener {
    fn notes(&self) -> Vec<String> {
        locked(&self.0).clone()
    }
}

impl Reporter for Listener {
    fn report(&self, event: Event) {
        match event {
            Event::Note(text) => locked(&self.0).push(text),
            Event::Warning(text) => eprintln!("warning: {text}"),
            Event::Started { .. }
            | Event::Advanced { .. }
            | Event::Finished { .. }
            | Event::Remark(_) => {}
        }
    }
}
