//! Monte-Carlo uncertainty of a cohort.

use std::path::Path;
use std::sync::Arc;

use ndarray::Array2;

use super::Masks;
use crate::cohort::{Cohort, Slice, Subject};
use crate::context::{Context, counted};
use crate::export::{Export, SubjectUncertainty, export_uncertainty};
use crate::figures::uncertainty_panels;
use crate::masking::{MaskSampler, MaskingStrategy, Normalisation};
use crate::report::{Display, Part, Show};
use crate::uncertainty::Uncertainty;
use crate::{Error, Result};

/// Maps of all slices of some subjects, in their order. Cheap to clone.
#[derive(Clone)]
pub struct CohortUncertainty {
    pub slices: Arc<Vec<SliceUncertainty>>,
    /// Edge of the patches with which the maps were estimated, pixels.
    pub patch: usize,
    /// The subjects of the slices, at the size of the maps.
    pub cohort: Cohort,
}

/// Maps of one slice. Cheap to clone.
#[derive(Clone)]
pub struct SliceUncertainty {
    pub subject: Arc<Subject>,
    /// Position in [`Subject::slices`].
    pub position: usize,
    pub maps: Arc<Uncertainty>,
}

impl CohortUncertainty {
    /// The maps of the preprocessed subjects' slices, one per slice, in order.
    pub fn new(
        cohort: Cohort,
        subjects: &[Arc<Subject>],
        maps: Vec<Uncertainty>,
        patch: usize,
    ) -> Self {
        let places = subjects
            .iter()
            .flat_map(|subject| (0..subject.slices.len()).map(move |position| (subject, position)));
        let slices = places.zip(maps).map(|((subject, position), maps)| SliceUncertainty {
            subject: subject.clone(),
            position,
            maps: Arc::new(maps),
        });
        Self { slices: Arc::new(slices.collect()), patch, cohort }
    }

    /// The slice with the highest mean variance in its region, the first of equals.
    fn most_uncertain(&self) -> Option<&SliceUncertainty> {
        let variance = |one: &&SliceUncertainty| one.mean_in_region(|maps| &maps.variance);
        self.slices.iter().rev().max_by(|a, b| variance(a).total_cmp(&variance(b)))
    }

    /// Mean of a map over all pixels of all regions.
    pub fn mean(&self, map: impl Fn(&Uncertainty) -> &Array2<f32>) -> f64 {
        let (sum, pixels) = self.slices.iter().fold((0.0, 0), |(sum, pixels), one| {
            let (more, count) = one.sum_in_region(&map);
            (sum + more, pixels + count)
        });
        sum / pixels.max(1) as f64
    }

    /// Writes the maps as BIDS derivatives, as [`export_uncertainty`].
    ///
    /// # Errors
    /// As [`export_uncertainty`].
    pub fn export(&self, folder: &Path, context: &Context) -> Result<Export> {
        let mut subjects: Vec<SubjectUncertainty> = Vec::new();
        for one in self.slices.iter() {
            let slice = (one.position, &*one.maps);
            match subjects.last_mut() {
                Some(last) if std::ptr::eq(last.subject, &*one.subject) => last.slices.push(slice),
                _ => {
                    subjects.push(SubjectUncertainty { subject: &one.subject, slices: vec![slice] })
                }
            }
        }
        export_uncertainty(&subjects, &self.cohort, folder, context)
    }

    /// Masks for the epochs that follow. `context` gives the example in its figure
    /// its random draws.
    ///
    /// # Errors
    /// If there is no slice, or the temperature is not positive.
    pub fn masks(
        &self,
        strategy: MaskingStrategy,
        normalisation: Normalisation,
        temperature: f64,
        context: &Context,
    ) -> Result<Masks> {
        let maps = self.slices.iter().map(|one| (one.slice(), &*one.maps));
        let sampler = MaskSampler::from_uncertainty(strategy, maps, self.patch)
            .with_normalisation(normalisation)
            .with_temperature(temperature)?;
        let example = self
            .most_uncertain()
            .ok_or_else(|| Error::input("regenerate_masks: there is no slice to make masks for"))?;
        Ok(Masks {
            sampler,
            example: (example.subject.clone(), example.position),
            cohort: self.cohort.clone(),
            streams: context.streams,
        })
    }
}

impl SliceUncertainty {
    /// The slice itself.
    pub fn slice(&self) -> &Slice {
        &self.subject.slices[self.position]
    }

    fn sum_in_region(&self, map: impl Fn(&Uncertainty) -> &Array2<f32>) -> (f64, usize) {
        let inside =
            map(&self.maps).iter().zip(&self.slice().region).filter(|(_, inside)| **inside);
        inside.fold((0.0, 0), |(sum, pixels), (value, _)| (sum + f64::from(*value), pixels + 1))
    }

    fn mean_in_region(&self, map: impl Fn(&Uncertainty) -> &Array2<f32>) -> f64 {
        let (sum, pixels) = self.sum_in_region(map);
        sum / pixels.max(1) as f64
    }
}

/// A number with four significant digits, however small it is.
fn significant(number: f64) -> String {
    let scientific = format!("{number:.3e}");
    let exponent =
        scientific.split_once('e').and_then(|(_, exponent)| exponent.parse::<i32>().ok());
    match exponent {
        Some(exponent @ -3..=3) => format!("{number:.*}", (3 - exponent) as usize),
        _ => scientific,
    }
}

/// The means, and the panels of the slice with the highest variance.
impl Show for CohortUncertainty {
    fn show(&self) -> Result<Display> {
        let mut display = Display::text(format!(
            "uncertainty of {}: mean variance {}, mean error {} inside the regions of interest",
            counted(self.slices.len(), "slice"),
            significant(self.mean(|maps| &maps.variance)),
            significant(self.mean(|maps| &maps.error)),
        ));
        if let Some(one) = self.most_uncertain() {
            display.parts.extend(one.show()?.parts);
        }
        Ok(display)
    }
}

impl Show for SliceUncertainty {
    fn show(&self) -> Result<Display> {
        Ok(Display::of([Part::Figure(uncertainty_panels(self.slice(), &self.maps))]))
    }
}

#[cfg(test)]
mod tests {
    use super::significant;

    #[test]
    fn a_small_number_keeps_its_digits() {
        assert_eq!(significant(0.000002345678), "2.346e-6");
        assert_eq!(significant(0.204325), "0.2043");
        assert_eq!(significant(0.00204325), "0.002043");
        assert_eq!(significant(12.34567), "12.35");
        assert_eq!(significant(0.0), "0.000");
        assert_eq!(significant(f64::NAN), "NaN");
    }
}
