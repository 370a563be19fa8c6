//! Values of a map along the cord's axis.

use ndarray::Array2;

use super::CordAxis;

/// Target length of a bin, mm; a bin is never shorter than a pixel.
const BIN_MM: f64 = 1.0;

/// Sums and highest values of a map over the pixels of a mask, in equal bins of about 1 mm of arc
/// length. Pixels beyond an end of the axis belong to the bin at that end.
pub(crate) struct AxisProfile {
    bin_mm: f64,
    sums: Vec<f64>,
    counts: Vec<f64>,
    highest: Vec<f64>,
}

impl AxisProfile {
    /// Of one mask and map.
    pub(crate) fn new(axis: &CordAxis, mask: &Array2<bool>, values: &Array2<f32>) -> Self {
        Self::of_all(axis, [(mask, values)])
    }

    /// Of several masks and maps together.
    pub(crate) fn of_all<'a>(
        axis: &CordAxis,
        maps: impl IntoIterator<Item = (&'a Array2<bool>, &'a Array2<f32>)>,
    ) -> Self {
        let length = axis.length_mm();
        let bins = (length / BIN_MM.max(axis.pixel_edge_mm())).round().max(1.0);
        let count = bins as usize;
        let bin_mm = length / bins;
        let (sums, counts) = (vec![0.0; count], vec![0.0; count]);
        let mut profile = Self { bin_mm, sums, counts, highest: vec![0.0; count] };
        for (mask, values) in maps {
            for (pixel, _) in mask.indexed_iter().filter(|(_, inside)| **inside) {
                let position = axis.position_mm(pixel.0 as f64, pixel.1 as f64);
                let bin = profile.bin(position);
                profile.sums[bin] += f64::from(values[pixel]);
                profile.counts[bin] += 1.0;
                profile.highest[bin] = profile.highest[bin].max(f64::from(values[pixel]));
            }
        }
        profile
    }

    /// The bin of an arc length.
    pub(crate) fn bin(&self, position_mm: f64) -> usize {
        ((position_mm / self.bin_mm).max(0.0) as usize).min(self.sums.len() - 1)
    }

    /// How many bins there are.
    pub(crate) fn bins(&self) -> usize {
        self.sums.len()
    }

    /// Bins that hold a pixel of the mask.
    pub(crate) fn filled(&self) -> impl Iterator<Item = usize> {
        (0..self.counts.len()).filter(|bin| self.counts[*bin] > 0.0)
    }

    /// Arc length of the middle of a bin, mm.
    pub(crate) fn position_mm(&self, bin: usize) -> f64 {
        (bin as f64 + 0.5) * self.bin_mm
    }

    /// The highest value in a bin; 0 where it holds no pixel of the mask, or only negative ones.
    pub(crate) fn highest(&self, bin: usize) -> f64 {
        self.highest[bin]
    }

    pub(crate) fn bin_mm(&self) -> f64 {
        self.bin_mm
    }

    /// Mean over pixels, each weighted by `kernel` of its bin's distance (mm) to this one; `None`
    /// where no pixel has weight.
    pub(crate) fn mean_around(&self, bin: usize, kernel: impl Fn(f64) -> f64) -> Option<f64> {
        let (mut total, mut weights) = (0.0, 0.0);
        for other in 0..self.sums.len() {
            let weight = kernel(other.abs_diff(bin) as f64 * self.bin_mm);
            total += weight * self.sums[other];
            weights += weight * self.counts[other];
        }
        (weights > 0.0).then(|| total / weights)
    }

    /// Pixels per mm of axis, averaged over filled bins weighted by `kernel` of their distance
    /// (mm) to this one; 0 where none has weight.
    pub(crate) fn density_around(&self, bin: usize, kernel: impl Fn(f64) -> f64) -> f64 {
        let (mut pixels, mut length) = (0.0, 0.0);
        for other in self.filled() {
            let weight = kernel(other.abs_diff(bin) as f64 * self.bin_mm);
            pixels += weight * self.counts[other];
            length += weight * self.bin_mm;
        }
        if length > 0.0 { pixels / length } else { 0.0 }
    }
}
