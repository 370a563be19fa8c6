//! A batch for benchmarks: a bright tube with a curved region of interest.

use ndarray::Array2;
use rand_distr::{Distribution, Normal};

use crate::cohort::Slice;
use crate::context::Streams;
use crate::model::Config;

/// `batch` slices with the shapes and regions of the reference implementation's benchmark: at 256
/// pixels about 50 patches of each image lie in the region.
pub fn toy_batch(config: &Config, batch: usize) -> Vec<Slice> {
    let size = config.image as f32;
    let normal = Normal::new(0.0f32, 0.03).expect("a positive standard deviation");
    let slice = |index: usize| {
        let phase = index as f32;
        let region = Array2::from_shape_fn((config.image, config.image), |(y, x)| {
            let (y, x) = (y as f32, x as f32);
            let centre = size * (0.5 + 0.05 * (y / size * 3.1 + phase).sin());
            (x - centre).abs() < size * 0.025 && y > size * 0.1 && y < size * 0.95
        });
        let mut stream = Streams::new(100 + index as u64).stream("toy", &[]);
        let image = Array2::from_shape_fn(region.dim(), |(y, x)| {
            let wave = (x as f32 / 7.0 + phase).sin() * (y as f32 / 11.0).cos();
            let tube = if region[[y, x]] { 0.3 } else { 0.0 };
            (0.25 + 0.2 * wave + tube + normal.sample(&mut stream)).clamp(0.0, 1.0)
        });
        Slice {
            subject: format!("toy-{index}").into(),
            index: 0,
            voxels: None,
            image,
            cord: region.clone(),
            csf: Array2::from_elem(region.dim(), false),
            scoring: region.clone(),
            region,
            lesion: None,
            pixel_spacing_mm: (1.0, 1.0),
        }
    };
    (0..batch).map(slice).collect()
}
