//! What was found as files: BIDS derivatives and a page.

use std::path::Path;

use super::{Detector, Screening};
use crate::Result;
use crate::context::{Context, counted};
use crate::evaluation::{Threshold, default_lesion_threshold};
use crate::export::export;
use crate::export::html_report::FindingsReport;

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
        let lesions = match written.lesions {
            Some(lesions) => counted(lesions, "detected lesion"),
            None => "no lesions, since the method has no threshold".to_owned(),
        };
        let (subjects, folder) = (counted(written.subjects, "subject"), folder.display());
        context.note(format!("exported to {folder}: maps of {subjects}, {lesions}"));
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
        let report = FindingsReport {
            findings,
            cohort: &self.cohort,
            model: detector.model(),
            lesion_threshold: threshold.as_ref(),
        };
        let page = report.write(path, context)?;
        let subjects = counted(page.subjects, "subject");
        context.note(format!("page of {subjects} written to {}", page.path.display()));
        Ok(())
    }
}
