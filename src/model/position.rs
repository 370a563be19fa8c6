//! Fixed 2-D sine-cosine positions.

use candle_core::{Device, Result, Tensor};

/// The position table (1, 1 + grid², dim). Row 0, of the class token, is 0. The first half of the
/// channels encodes the column, the second half the row; each half holds sines, then cosines, at
/// wavelengths 10000^(2k / (dim / 2)).
pub fn sine_cosine_2d(dim: usize, grid: usize, device: &Device) -> Result<Tensor> {
    let quarter = dim / 4;
    let wave = |k: usize| 1.0 / 10000f64.powf(k as f64 / (dim as f64 / 4.0));
    let mut table = vec![0f32; dim];
    table.reserve(grid * grid * dim);
    for row in 0..grid {
        for column in 0..grid {
            for place in [column, row] {
                let angle = |k| place as f64 * wave(k);
                table.extend((0..quarter).map(|k| angle(k).sin() as f32));
                table.extend((0..quarter).map(|k| angle(k).cos() as f32));
            }
        }
    }
    Tensor::from_vec(table, (1, 1 + grid * grid, dim), device)
}
