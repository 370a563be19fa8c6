//! The baseline without a model: bright pixels are abnormal.

use serde::{Deserialize, Serialize};

use crate::cohort::Slice;
use crate::context::Context;
use crate::detection::{AxisProfile, CordAxis, Reconstruction, Reconstructor};
use crate::{Error, Result};

/// Reconstructs the cord as its typical intensity; the error is how much brighter the image is.
///
/// T2 hyperintensities are bright, so a useful method has to do better than this one: on
/// brain FLAIR a threshold on intensity outperformed most autoencoders (Meissen et al. 2021, "Challenging
/// current semi-supervised anomaly segmentation methods for brain MRI"). The typical intensity is
/// taken over the scoring pixels of the same slice:
///
/// - by default their median, one number per slice;
/// - with `local_mm`, at each place along the cord's axis the mean of those within `local_mm / 2`
///   of arc length to both sides, which follows the coil's uneven gain. Slices too short to have
///   an axis keep the median.
///
/// Outside the scoring region the reconstruction is the image and the error 0. There is no
/// variance and no randomness.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntensityThreshold {
    /// Length along the cord over which intensity is averaged, mm.
    pub local_mm: Option<f64>,
}

impl Reconstructor for IntensityThreshold {
    fn name(&self) -> String {
        match self.local_mm {
            None => "intensity threshold".into(),
            Some(length) => format!("intensity threshold (local, {length} mm)"),
        }
    }

    fn reconstructs(&self) -> bool {
        false
    }

    /// # Errors
    /// If `local_mm` is not a positive length, and if the user interrupts.
    fn reconstruct(&self, slices: &[&Slice], context: &Context) -> Result<Vec<Reconstruction>> {
        if let Some(length) = self.local_mm
            && !(length > 0.0 && length.is_finite())
        {
            return Err(Error::input(format!(
                "local_mm of the intensity threshold must be a positive length, not {length}"
            )));
        }
        slices
            .iter()
            .map(|slice| {
                context.check()?;
                Ok(self.reconstruct_slice(slice))
            })
            .collect()
    }
}

impl IntensityThreshold {
    fn reconstruct_slice(&self, slice: &Slice) -> Reconstruction {
        let scored: Vec<(usize, usize)> = slice
            .scoring
            .indexed_iter()
            .filter_map(|(pixel, scored)| scored.then_some(pixel))
            .collect();
        let local = self.local_mm.and_then(|length| local_means(slice, &scored, length));
        let typical = local.unwrap_or_else(|| vec![median(slice, &scored); scored.len()]);
        let mut reconstruction = slice.image.clone();
        for (pixel, typical) in scored.into_iter().zip(typical) {
            reconstruction[pixel] = typical;
        }
        let error = (&slice.image - &reconstruction).mapv(|brighter| brighter.max(0.0));
        Reconstruction { reconstruction, error, variance: None, probability: None, anomaly: None }
    }
}

/// Median of the image over pixels; of an even number the mean of the middle two, of none 0.
fn median(slice: &Slice, pixels: &[(usize, usize)]) -> f32 {
    let mut values: Vec<f32> = pixels.iter().map(|pixel| slice.image[*pixel]).collect();
    values.sort_unstable_by(f32::total_cmp);
    match values.len() {
        0 => 0.0,
        count => (values[(count - 1) / 2] + values[count / 2]) / 2.0,
    }
}

/// For each pixel the mean over scoring pixels within half a length along the axis; `None` where
/// the slice has no axis.
fn local_means(slice: &Slice, pixels: &[(usize, usize)], length_mm: f64) -> Option<Vec<f32>> {
    let axis = CordAxis::new(&slice.cord, slice.pixel_spacing_mm)?;
    let profile = AxisProfile::new(&axis, &slice.scoring, &slice.image);
    let within = |away: f64| if away <= length_mm / 2.0 { 1.0 } else { 0.0 };
    let means: Vec<Option<f64>> =
        (0..profile.bins()).map(|bin| profile.mean_around(bin, within)).collect();
    pixels
        .iter()
        .map(|pixel| {
            let position = axis.position_mm(pixel.0 as f64, pixel.1 as f64);
            means[profile.bin(position)].map(|mean| mean as f32)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;

    /// A straight cord of 100 mm that gets brighter downwards, with a bright spot of 3 × 3 pixels.
    fn slice(gain: f32) -> Slice {
        let size = (128, 128);
        let within = |edge: usize| {
            Array2::from_shape_fn(size, |(row, column)| {
                (10 + edge..110 - edge).contains(&row) && (60 + edge..70 - edge).contains(&column)
            })
        };
        let image = Array2::from_shape_fn(size, |(row, column)| {
            let spot = row.abs_diff(30) <= 1 && column.abs_diff(65) <= 1;
            0.3 + gain * row as f32 / 128.0 + if spot { 0.2 } else { 0.0 }
        });
        Slice {
            subject: "sub-01".into(),
            index: 0,
            voxels: None,
            image,
            cord: within(0),
            csf: Array2::from_elem(size, false),
            region: within(0),
            scoring: within(1),
            lesion: None,
            pixel_spacing_mm: (1.0, 1.0),
        }
    }

    fn reconstruct(method: IntensityThreshold, slice: &Slice) -> Reconstruction {
        let mut reconstructions =
            method.reconstruct(&[slice], &Context::new(0)).expect("a positive length");
        reconstructions.remove(0)
    }

    #[test]
    fn the_error_is_what_is_brighter_than_the_median_of_the_cord() {
        let slice = slice(0.0);
        let found = reconstruct(IntensityThreshold::default(), &slice);
        for (pixel, error) in found.error.indexed_iter() {
            let spot = pixel.0.abs_diff(30) <= 1 && pixel.1.abs_diff(65) <= 1;
            assert!((error - if spot { 0.2 } else { 0.0 }).abs() < 1e-6);
            let expected = if slice.scoring[pixel] { 0.3 } else { slice.image[pixel] };
            assert!((found.reconstruction[pixel] - expected).abs() < 1e-6);
        }
    }

    #[test]
    fn a_local_mean_follows_uneven_gain() {
        let slice = slice(0.6);
        let brightest = |local_mm| {
            let error = reconstruct(IntensityThreshold { local_mm }, &slice).error;
            let (place, _) = error
                .indexed_iter()
                .max_by(|a, b| a.1.total_cmp(b.1))
                .expect("the slice has pixels");
            place.0
        };
        assert!(brightest(None) > 100);
        assert!(brightest(Some(30.0)).abs_diff(30) <= 1);
    }

    #[test]
    fn a_slice_without_scoring_pixels_is_reconstructed_as_it_is() {
        let mut slice = slice(0.3);
        slice.scoring.fill(false);
        for local_mm in [None, Some(20.0)] {
            let found = reconstruct(IntensityThreshold { local_mm }, &slice);
            assert_eq!(found.reconstruction, slice.image);
            assert!(found.error.iter().all(|error| *error == 0.0));
        }
    }

    #[test]
    fn a_length_that_is_none_is_refused() {
        let method = IntensityThreshold { local_mm: Some(-1.0) };
        assert!(method.reconstruct(&[], &Context::new(0)).is_err());
    }
}
