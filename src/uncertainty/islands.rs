//! High-error islands: where the error of a slice is highest and holds together. Masking spares
//! them and detection reports them (`filter_error` of the published code).

use ndarray::{Array2, Zip};

use crate::statistics::single_precision_percentile;
use crate::volume::{Connectivity, connected_components};
use crate::{Error, Result};

/// What counts as a high-error island of a slice; the default is the published rule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IslandRule {
    percentile: f64,
    min_area: usize,
    count: usize,
}

/// An 8-connected group of high-error pixels.
#[derive(Clone, Debug, PartialEq)]
pub struct HighErrorIsland {
    /// Pixels as (row, column), in scan order.
    pub pixels: Vec<(usize, usize)>,
    /// Mean error of its pixels.
    pub mean: f64,
    /// Sum of the errors of its pixels.
    pub total: f64,
}

impl Default for IslandRule {
    /// Above the 90th percentile, at least 2 pixels, the best 3.
    fn default() -> Self {
        Self { percentile: 90.0, min_area: 2, count: 3 }
    }
}

impl IslandRule {
    /// Pixels strictly above the `percentile` (0 to 100) of the slice's non-zero errors, in
    /// groups of at least `min_area` pixels, of which the `count` best are kept.
    ///
    /// # Errors
    /// If `percentile` is not within 0 to 100.
    pub fn new(percentile: f64, min_area: usize, count: usize) -> Result<Self> {
        if !(0.0..=100.0).contains(&percentile) {
            return Err(Error::input(format!(
                "the percentile of high-error islands must lie within 0 and 100, not {percentile}"
            )));
        }
        Ok(Self { percentile, min_area, count })
    }

    /// The islands of an error map (≥ 0, 0 outside the region), best first: by mean × total
    /// error, then in scan order. NaN values belong to no island.
    pub fn find(&self, error: &Array2<f32>) -> Vec<HighErrorIsland> {
        let mut values: Vec<f32> =
            error.iter().copied().filter(|value| *value != 0.0 && !value.is_nan()).collect();
        let Some(threshold) = single_precision_percentile(&mut values, self.percentile as f32)
        else {
            return Vec::new();
        };
        self.find_above(error, threshold)
    }

    /// As [`Self::find`], above a given error instead of the percentile.
    pub fn find_above(&self, error: &Array2<f32>, threshold: f32) -> Vec<HighErrorIsland> {
        let high = error.mapv(|value| value > threshold && value > 0.0);
        let mut islands: Vec<HighErrorIsland> = connected_components(&high, Connectivity::Eight)
            .into_iter()
            .filter(|pixels| pixels.len() >= self.min_area)
            .map(|pixels| {
                let total: f64 = pixels.iter().map(|&pixel| f64::from(error[pixel])).sum();
                HighErrorIsland { mean: total / pixels.len() as f64, total, pixels }
            })
            .collect();
        // The sort is stable, so equal ranks stay in scan order.
        islands.sort_by(|a, b| (b.mean * b.total).total_cmp(&(a.mean * a.total)));
        islands.truncate(self.count);
        islands
    }

    /// The error map with everything outside its islands set to 0.
    pub fn filter(&self, error: &Array2<f32>) -> Array2<f32> {
        let mut inside = Array2::from_elem(error.dim(), false);
        for island in self.find(error) {
            for pixel in island.pixels {
                inside[pixel] = true;
            }
        }
        Zip::from(error)
            .and(&inside)
            .map_collect(|&value, &inside| if inside { value } else { 0.0 })
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};
    use safetensors::SafeTensors;

    use super::*;

    #[test]
    fn islands_equal_the_published_code_on_the_fixture() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/islands.safetensors");
        let bytes = std::fs::read(path).expect("the fixture is part of the repository");
        let tensors = SafeTensors::deserialize(&bytes).expect("the fixture is valid");
        let maps = |name: &str| -> Vec<Array2<f32>> {
            let tensor = tensors.tensor(name).expect("the fixture holds this tensor");
            let [count, rows, columns] = tensor.shape() else { panic!("three axes") };
            let (chunks, _) = tensor.data().as_chunks::<4>();
            let values: Vec<f32> = chunks.iter().map(|chunk| f32::from_le_bytes(*chunk)).collect();
            assert_eq!(values.len(), count * rows * columns);
            values
                .chunks(rows * columns)
                .map(|map| Array2::from_shape_vec((*rows, *columns), map.to_vec()).expect("fits"))
                .collect()
        };
        let (errors, expected) = (maps("error"), maps("filtered"));
        assert_eq!(errors.len(), 6);
        for (error, expected) in errors.iter().zip(&expected) {
            assert_eq!(IslandRule::default().filter(error), expected);
        }
        assert!(expected[0].iter().any(|value| *value > 0.0));
        assert!(IslandRule::default().find(&errors[5]).is_empty());
    }

    #[test]
    fn islands_come_best_first_and_ties_in_scan_order() {
        let error = array![
            [0.5_f32, 0.5, 0.0, 0.5, 0.5],
            [0.1, 0.1, 0.1, 0.1, 0.1],
            [0.9, 0.9, 0.1, 0.1, 0.8],
        ];
        let islands = IslandRule::new(50.0, 2, 3).expect("a valid rule").find(&error);
        let first: Vec<_> = islands.iter().map(|island| island.pixels[0]).collect();
        assert_eq!(first, [(2, 0), (0, 0), (0, 3)]);
        assert!((islands[0].mean - 0.9).abs() < 1e-6 && (islands[0].total - 1.8).abs() < 1e-6);
    }

    #[test]
    fn nan_belongs_to_no_island_and_a_percentile_outside_its_range_is_an_error() {
        let error = array![[f32::NAN, 0.9], [0.9, 0.1]];
        let islands = IslandRule::new(10.0, 2, 3).expect("a valid rule").find(&error);
        assert_eq!(islands[0].pixels, [(0, 1), (1, 0)]);
        assert!(IslandRule::new(101.0, 2, 3).is_err());
        assert!(IslandRule::new(f64::NAN, 2, 3).is_err());
    }

    #[test]
    fn the_threshold_is_strict() {
        assert!(IslandRule::default().find(&Array2::from_elem((4, 4), 0.3)).is_empty());
    }
}
