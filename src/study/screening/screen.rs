//! The loop over images.

use super::Detector;
use crate::cohort::Cohort;
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
        let mut cohort = match self.reconstructor().grid() {
            Some(grid) => cohort.on_grid(grid)?,
            None => cohort.clone(),
        };
        let progress = context.progress("screen", "image", cohort.len());
        let (mut images, mut all) = (Vec::new(), None::<Findings>);
        let mut interrupted = false;
        for position in 0..cohort.len() {
            let found = match self.examine(&mut cohort, position, &context) {
                Err(Error::Cancelled) => {
                    interrupted = true;
                    break;
                }
                Err(Error::Subject { reason, .. }) => Err(reason),
                Err(error) => Err(error.to_string()),
                Ok(found) => Ok(found),
            };
            let entry = cohort.entry(position)?;
            let name = entry.name.to_string();
            let masks = cohort.mask_origins().swap_remove(position).1;
            let remarks = cohort.notes(&name).iter().map(ToString::to_string).collect();
            let finding = found.map(|mut found| {
                let of_image = std::mem::take(&mut found.subjects);
                let subjects = &mut all.get_or_insert(found).subjects;
                subjects.extend(of_image);
                subjects.len() - 1
            });
            images.push(ScreenedImage { name, masks, finding, remarks });
            progress.advance(1, &[]);
        }
        Ok(Screening { cohort, images, findings: all, interrupted })
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
