//! Images of half and of double size.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use crate::ops::operand::{floats, fused_on};

/// Means of 2 × 2 pixels: (batch, channels, rows, columns) to half as many rows and columns.
/// Differentiable.
///
/// # Errors
/// If rows or columns are not even.
pub fn halved(x: &Tensor) -> Result<Tensor> {
    let (_, _, rows, columns) = x.dims4()?;
    if !rows.is_multiple_of(2) || !columns.is_multiple_of(2) {
        bail!("halved: {rows} × {columns} pixels cannot be halved");
    }
    if fused_on(x) && x.elem_count() > 0 {
        x.contiguous()?.apply_op1(Halved)
    } else {
        x.avg_pool2d(2)
    }
}

/// Every pixel as 2 × 2 pixels. Differentiable.
///
/// # Errors
/// If `x` has not four dimensions.
pub fn doubled(x: &Tensor) -> Result<Tensor> {
    let (batch, channels, rows, columns) = x.dims4()?;
    if fused_on(x) && x.elem_count() > 0 {
        return x.contiguous()?.apply_op1(Doubled);
    }
    x.reshape((batch, channels, rows, 1, columns, 1))?
        .broadcast_as((batch, channels, rows, 2, columns, 2))?
        .reshape((batch, channels, 2 * rows, 2 * columns))
}

/// Writes the mean of each 2 × 2 pixels of a plane with this many columns.
fn halve_plane(plane: &[f32], columns: usize, out: &mut [f32]) {
    let rows = plane.chunks_exact(2 * columns).zip(out.chunks_exact_mut(columns / 2));
    for (pair, out) in rows {
        let (upper, lower) = pair.split_at(columns);
        let pixels = upper.chunks_exact(2).zip(lower.chunks_exact(2));
        for (out, (upper, lower)) in out.iter_mut().zip(pixels) {
            *out = 0.25 * ((upper[0] + upper[1]) + (lower[0] + lower[1]));
        }
    }
}

/// Writes each pixel of a plane with this many columns four times.
fn double_plane(plane: &[f32], columns: usize, out: &mut [f32]) {
    for (line, out) in plane.chunks_exact(columns).zip(out.chunks_exact_mut(4 * columns)) {
        let (upper, lower) = out.split_at_mut(2 * columns);
        for (out, value) in upper.chunks_exact_mut(2).zip(line) {
            out.fill(*value);
        }
        lower.copy_from_slice(upper);
    }
}

/// Applies `change` to every plane of `pixels` pixels.
fn each_plane(
    x: &[f32],
    pixels: usize,
    to: usize,
    change: impl Fn(&[f32], &mut [f32]) + Sync,
) -> Vec<f32> {
    let mut out = vec![0.0; x.len() / pixels * to];
    out.par_chunks_mut(to).zip(x.par_chunks(pixels)).for_each(|(out, x)| change(x, out));
    out
}

struct Halved;

impl CustomOp1 for Halved {
    fn name(&self) -> &'static str {
        "halved"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (batch, channels, rows, columns) = layout.shape().dims4()?;
        let pixels = rows * columns;
        let out = each_plane(floats(x, layout)?, pixels, pixels / 4, |plane, out| {
            halve_plane(plane, columns, out);
        });
        Ok((CpuStorage::F32(out), (batch, channels, rows / 2, columns / 2).into()))
    }

    fn bwd(&self, _x: &Tensor, _result: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        (doubled(grad)? * 0.25).map(Some)
    }
}

struct Doubled;

impl CustomOp1 for Doubled {
    fn name(&self) -> &'static str {
        "doubled"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (batch, channels, rows, columns) = layout.shape().dims4()?;
        let pixels = rows * columns;
        let out = each_plane(floats(x, layout)?, pixels, 4 * pixels, |plane, out| {
            double_plane(plane, columns, out);
        });
        Ok((CpuStorage::F32(out), (batch, channels, 2 * rows, 2 * columns).into()))
    }

    fn bwd(&self, _x: &Tensor, _result: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        (halved(grad)? * 4.0).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::test_support::*;

    #[test]
    fn both_match_the_composite() {
        let x = [noise_tensor(&[2, 3, 6, 10], 1.0, 1)];
        assert_matches_f64(&|x: &[Tensor]| halved(&x[0]), &x, 1e-6, 1e-5);
        assert_matches_f64(&|x: &[Tensor]| doubled(&x[0]), &x, 1e-6, 1e-5);
        assert_same_bits_on_any_thread_count(&|x: &[Tensor]| halved(&doubled(&x[0])?), &x);
    }

    #[test]
    fn odd_sizes_cannot_be_halved() {
        assert!(halved(&noise_tensor(&[1, 1, 3, 4], 1.0, 1)).is_err());
    }
}
