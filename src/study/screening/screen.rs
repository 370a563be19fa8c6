//! The loop over images.

use std::sync::Arc;

use super::Detector;
use crate::cohort::{Cohort, Subject};
use crate::context::Context;
use crate::detection::{Finding, Findings, detect};
use crate::scoring::Calibration;
use crate::segmentation::Segmenter;
use crate::volume::Volume;
use crate::{Error, Result};

/// What was found in one image.
#[derive(Clone, Debug)]
pub struct ScreenedImage {
    /// The subject's name in the cohort.
    pub name: String,
    /// Where its masks come from: "given", "found, confidence 0.93", "not usable".
    pub masks: String,
    /// Position of its finding in [`Screening::findings`], or a clause that says why there is none.
    pub finding: Result<usize, String>,
    /// Clauses on what to know about the image or its masks.
    pub remarks: Vec<String>,
}

/// What was found in some images.
#[derive(Clone, Debug)]
pub struct Screening {
    /// The images with the masks that were found in them.
    pub cohort: Cohort,
    /// In the order of the cohort; those that an interruption left out are missing at the end.
    pub images: Vec<ScreenedImage>,
    /// The findings of all images that have one; `None` where no image has.
    pub findings: Option<Findings>,
    /// Whether the user interrupted before the last image.
    pub interrupted: bool,
}

impl Screening {
    /// Names and reasons of the images without finding.
    pub fn failed(&self) -> impl Iterator<Item = (&str, &str)> {
        self.images
            .iter()
            .filter_map(|image| Some((&*image.name, &**image.finding.as_ref().err()?)))
    }

    /// What was found in an image.
    pub fn finding(&self, image: &ScreenedImage) -> Option<&Finding> {
        self.findings.as_ref()?.subjects.get(*image.finding.as_ref().ok()?)
    }

    /// What the method shows in healthy subjects, if it is calibrated with any.
    pub fn calibration(&self) -> Option<&Calibration> {
        self.findings.as_ref()?.calibration.as_deref()
    }
}

impl Detector {
    /// Examines the images of a cohort one after the other: finds masks where none are given, preprocesses,
    /// detects and scores.
    ///
    /// # Errors
    /// If the shipped segmentation is damaged, or the cohort came preprocessed in another grid than the
    /// method's. What one image lacks is no error: see [`ScreenedImage::finding`].
    pub fn screen(&self, cohort: &Cohort, context: &Context) -> Result<Screening> {
        let context = context.clone().telling_once();
        let mut cohort = self.on_grid(cohort)?;
        let progress = context.progress("screen", "image", cohort.len());
        let (mut images, mut all) = (Vec::new(), None);
        let mut interrupted = false;
        for position in 0..cohort.len() {
            let Some(found) = self.finding(&mut cohort, position, &context) else {
                interrupted = true;
                break;
            };
            images.push(screened(&cohort, position, found, &mut all)?);
            progress.advance(1, &[]);
        }
        Ok(Screening { cohort, images, findings: all, interrupted })
    }

    /// The same, but nothing of an image is kept except its scores and places, so that any number of images can
    /// be screened: `each` gets the findings of one image, and a cohort of that image alone, before they go.
    ///
    /// # Errors
    /// As [`Self::screen`].
    pub fn screen_each(
        &self,
        cohort: &Cohort,
        context: &Context,
        mut each: impl FnMut(&Findings, &Cohort),
    ) -> Result<Screening> {
        let context = context.clone().telling_once();
        let cohort = self.on_grid(cohort)?;
        let progress = context.progress("screen", "image", cohort.len());
        let (mut images, mut all) = (Vec::new(), None);
        let mut interrupted = false;
        for position in 0..cohort.len() {
            let mut alone = cohort.alone(position)?;
            let Some(mut found) = self.finding(&mut alone, 0, &context) else {
                interrupted = true;
                break;
            };
            if let Ok(found) = &mut found {
                each(found, &alone);
                found.subjects.iter_mut().for_each(without_maps);
            }
            images.push(screened(&alone, 0, found, &mut all)?);
            progress.advance(1, &[]);
        }
        Ok(Screening { cohort, images, findings: all, interrupted })
    }

    fn on_grid(&self, cohort: &Cohort) -> Result<Cohort> {
        match self.reconstructor().grid() {
            Some(grid) => cohort.on_grid(grid),
            None => Ok(cohort.clone()),
        }
    }

    /// The findings of one image, or a clause that says why there are none; `None` if the user interrupts.
    fn finding(
        &self,
        cohort: &mut Cohort,
        position: usize,
        context: &Context,
    ) -> Option<Result<Findings, String>> {
        match self.examine(cohort, position, context) {
            Err(Error::Cancelled) => None,
            Err(Error::Subject { reason, .. }) => Some(Err(reason)),
            Err(error) => Some(Err(error.to_string())),
            Ok(found) => Some(Ok(found)),
        }
    }

    /// The findings of one image: of one subject.
    fn examine(&self, cohort: &mut Cohort, position: usize, context: &Context) -> Result<Findings> {
        if cohort.entry(position)?.is_unsegmented() {
            let segmenter = Segmenter::shipped()?;
            let find = |_: &str, image: &Volume| segmenter.segment(image, None, &context.cancel);
            *cohort = cohort.segmented_at(position, &find, context)?;
        }
        let subject = cohort.subject(position, context)?;
        detect(self.reconstructor(), &[subject], None, context)
    }
}

/// The outcome of the image at a position; its finding is added to the others.
fn screened(
    cohort: &Cohort,
    position: usize,
    found: Result<Findings, String>,
    all: &mut Option<Findings>,
) -> Result<ScreenedImage> {
    let name = cohort.entry(position)?.name.to_string();
    let masks = cohort.mask_origins().swap_remove(position).1;
    let remarks = cohort.remarks(&name);
    let finding = found.map(|mut found| {
        let of_image = std::mem::take(&mut found.subjects);
        let subjects = &mut all.get_or_insert(found).subjects;
        subjects.extend(of_image);
        subjects.len() - 1
    });
    Ok(ScreenedImage { name, masks, finding, remarks })
}

/// Removes the maps and images of a finding; scores and segments stay.
fn without_maps(finding: &mut Finding) {
    finding.slices.clear();
    let subject = Subject { slices: Vec::new(), ..(*finding.subject).clone() };
    finding.subject = Arc::new(subject);
}
