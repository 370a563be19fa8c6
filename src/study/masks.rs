//! Masks for training, with a slice that shows them.

use std::sync::Arc;

use ndarray::Array2;

use crate::Result;
use crate::cohort::{Cohort, Slice, Subject};
use crate::context::{Streams, counted};
use crate::figures::{Figure, PatchMask, masking_strategies};
use crate::masking::{MaskSampler, MaskingStrategy};
use crate::model::patch_counts;
use crate::options::Choice;
use crate::report::{Display, Part, Show};

/// A sampler with the slice that shows it best. Cheap to clone.
#[derive(Clone)]
pub struct Masks {
    pub sampler: MaskSampler,
    /// A subject and the position of one of its slices.
    pub example: (Arc<Subject>, usize),
    /// The subjects of the masks, at the size of the example.
    pub cohort: Cohort,
    pub streams: Streams,
}

/// Share of the region's patches that an example mask hides.
const EXAMPLE_RATIO: f64 = 0.75;

impl Masks {
    /// Random and guided masks side by side on the example slice.
    ///
    /// # Errors
    /// If a mask cannot be drawn.
    pub fn figure(&self) -> Result<Figure> {
        let random = MaskSampler::random(self.sampler.patch);
        let masks = [self.drawn(&random)?, self.drawn(&self.sampler)?];
        Ok(masking_strategies(self.slice(), "patch sum of the variance (intensity²)", &masks))
    }

    fn slice(&self) -> &Slice {
        &self.example.0.slices[self.example.1]
    }

    fn drawn(&self, sampler: &MaskSampler) -> Result<PatchMask> {
        let slice = self.slice();
        let grid = slice.size() / sampler.patch;
        let mut stream = self.streams.stream("mask figure", &[]);
        let order = sampler.draw(&[slice], EXAMPLE_RATIO, 0, &mut stream)?;
        let mut hidden = Array2::from_elem((grid, grid), false);
        order.hidden(0).for_each(|patch| hidden[(patch / grid, patch % grid)] = true);
        let region = patch_counts(slice.region.view(), sampler.patch);
        let is_guided = sampler.strategy != MaskingStrategy::Random;
        let heat = sampler.slice(slice).filter(|_| is_guided).map(|sampler| {
            Array2::from_shape_fn((grid, grid), |(row, column)| {
                let patch = row * grid + column;
                if region[patch] > 0 { sampler.variance[patch] } else { f32::NAN }
            })
        });
        Ok(PatchMask { strategy: sampler.strategy.name().to_owned(), heat, hidden })
    }
}

impl Show for Masks {
    fn show(&self) -> Result<Display> {
        let text = format!(
            "masks guided by {} for {}, drawn anew for every batch",
            self.sampler.strategy.name(),
            counted(self.sampler.len(), "slice")
        );
        Ok(Display::of([Part::Text(text), Part::Figure(self.figure()?)]))
    }
}
