//! What was found as files: BIDS derivatives and a page.

use std::path::Path;

use super::{Detector, Screening};
use crate::cohort::{Cohort, Entry};
use crate::context::{Context, counted};
use crate::detection::Findings;
use crate::evaluation::{Threshold, default_lesion_threshold};
use crate::export::html_report::FindingsReport;
use crate::export::{Export, FindingsExport, export};
use crate::{Error, Result};

impl Screening {
    /// From where on a pixel of the anomaly map is a detected lesion; `None` where the method's scale has no
    /// natural threshold and no calibration gives one.
    pub fn lesion_threshold(&self) -> Option<Threshold> {
        self.findings.as_ref().and_then(default_lesion_threshold)
    }

    /// Writes the findings as BIDS derivatives, and says so. Without any, nothing is written.
    ///
    /// # Errors
    /// As [`export`].
    pub fn export(&self, folder: &Path, context: &Context) -> Result<()> {
        let Some(findings) = &self.findings else {
            context.warn(format!("no image was screened, so {} is not written", folder.display()));
            return Ok(());
        };
        let threshold = self.lesion_threshold();
        let written = export(findings, &self.cohort, threshold.as_ref(), folder, context)?;
        tell(&written, context);
        Ok(())
    }

    /// Writes the findings as a page, and says so. Without any, nothing is written.
    ///
    /// # Errors
    /// As [`FindingsReport::write`].
    pub fn report(&self, path: &Path, detector: &Detector, context: &Context) -> Result<()> {
        let Some(findings) = &self.findings else {
            context.warn(format!("no image was screened, so {} is not written", path.display()));
            return Ok(());
        };
        let threshold = self.lesion_threshold();
        // Images that an interruption left out are no subjects that cannot be used.
        let screened = match self.interrupted {
            true => self.cohort.slice(0..self.images.len()),
            false => self.cohort.clone(),
        };
        let report = FindingsReport {
            findings,
            cohort: &screened,
            model: detector.model(),
            lesion_threshold: threshold.as_ref(),
        };
        let page = report.write(path, context)?;
        let subjects = counted(page.subjects, "subject");
        context.note(format!("page of {subjects} written to {}", page.path.display()));
        Ok(())
    }
}

/// The derivatives of images that are screened one after the other, each written before the next.
#[derive(Default)]
pub struct GrowingExport {
    export: Option<FindingsExport>,
    failure: Option<Error>,
}

impl GrowingExport {
    /// Adds what was found in one image, which is in `cohort`. `all` are the images that are screened. Once
    /// something could not be written, nothing more is, and [`Self::finish`] says why.
    pub fn push(&mut self, folder: &Path, found: &Findings, cohort: &Cohort, all: &Cohort) {
        if self.failure.is_none() {
            self.failure = self.write(folder, found, cohort, all).err();
        }
    }

    fn write(
        &mut self,
        folder: &Path,
        found: &Findings,
        cohort: &Cohort,
        all: &Cohort,
    ) -> Result<()> {
        let mut export = match self.export.take() {
            Some(export) => export,
            None => {
                let threshold = default_lesion_threshold(found);
                let images = all.entries().filter_map(Entry::image);
                FindingsExport::begin(folder, found, threshold.as_ref(), images)?
            }
        };
        for finding in &found.subjects {
            export.push(found, finding, cohort)?;
        }
        self.export = Some(export);
        Ok(())
    }

    /// Puts the export in its place, and says so. Without any findings, nothing is written.
    ///
    /// # Errors
    /// If something could not be written.
    pub fn finish(self, folder: &Path, context: &Context) -> Result<()> {
        match (self.failure, self.export) {
            (Some(failure), _) => Err(failure),
            (None, Some(export)) => {
                tell(&export.finish(context)?, context);
                Ok(())
            }
            (None, None) => {
                context
                    .warn(format!("no image was screened, so {} is not written", folder.display()));
                Ok(())
            }
        }
    }
}

fn tell(written: &Export, context: &Context) {
    let lesions = match written.lesions {
        Some(lesions) => counted(lesions, "detected lesion"),
        None => "no lesions, since the method has no threshold".to_owned(),
    };
    let (subjects, folder) = (counted(written.subjects, "subject"), written.folder.display());
    context.note(format!("exported to {folder}: maps of {subjects}, {lesions}"));
}
