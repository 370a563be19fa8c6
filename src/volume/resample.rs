//! Resampling of two-dimensional slices.
//!
//! [`spline_zoom`] and [`nearest_zoom`] follow `scipy.ndimage.zoom(mode = "constant")` of orders
//! 3 and 0: the centres of the first and last pixels of input and output coincide, so the true
//! step is (input − 1) ÷ (output − 1) input pixels. One deliberate difference: where rounding
//! puts scipy's last sample a hair outside the input, scipy returns 0 for that row or column; it
//! is the input's last pixel here.

use ndarray::{Array2, ArrayView2, Axis};

/// Pixels after zooming `length` pixels by `factor`, rounded as Python rounds (half to even).
pub fn zoomed_length(length: usize, factor: f64) -> usize {
    (length as f64 * factor).round_ties_even() as usize
}

/// Input pixels per output pixel when `input` pixels become `output` pixels, end to end.
pub fn zoom_step(input: usize, output: usize) -> f64 {
    if output > 1 { (input as f64 - 1.0) / (output as f64 - 1.0) } else { 1.0 }
}

/// Cubic spline interpolation to `shape` (rows, columns), in double precision.
pub fn spline_zoom(input: ArrayView2<f64>, shape: (usize, usize)) -> Array2<f64> {
    if input.dim() == shape || input.is_empty() {
        return input.to_owned();
    }
    let mut samples: Vec<f64> = input.iter().copied().collect();
    spline_coefficients(&mut samples, input.ncols());
    let zoomed = spline_rows(&samples, input.ncols(), shape.0);
    spline_columns(&zoomed, input.ncols(), shape)
}

/// Nearest neighbour to `shape` (rows, columns).
pub fn nearest_zoom<T: Copy>(input: ArrayView2<T>, shape: (usize, usize)) -> Array2<T> {
    let nearest = |input: usize, output: usize| -> Vec<usize> {
        let step = zoom_step(input, output);
        (0..output).map(|index| ((index as f64 * step + 0.5) as usize).min(input - 1)).collect()
    };
    let (rows, columns) = (nearest(input.nrows(), shape.0), nearest(input.ncols(), shape.1));
    let mut zoomed = Vec::with_capacity(shape.0 * shape.1);
    for row in rows {
        let line = input.row(row);
        match line.as_slice() {
            Some(line) => zoomed.extend(columns.iter().map(|&column| line[column])),
            None => zoomed.extend(columns.iter().map(|&column| line[column])),
        }
    }
    Array2::from_shape_vec(shape, zoomed).expect("a pixel for every place")
}

/// Linear interpolation at a subpixel place, `None` outside the outermost pixel centres.
pub fn sample_linear(map: ArrayView2<f32>, row: f64, column: f64) -> Option<f32> {
    let (top, down) = neighbour(row, map.nrows())?;
    let (left, across) = neighbour(column, map.ncols())?;
    let (bottom, right) = ((top + 1).min(map.nrows() - 1), (left + 1).min(map.ncols() - 1));
    let along = |row: usize| {
        f64::from(map[[row, left]]) * (1.0 - across) + f64::from(map[[row, right]]) * across
    };
    Some((along(top) * (1.0 - down) + along(bottom) * down) as f32)
}

/// The pixel at or before a place, and how far beyond it the place is (0 to 1).
fn neighbour(place: f64, length: usize) -> Option<(usize, f64)> {
    /// Rounding of a coordinate transform, in pixels.
    const ROUNDING: f64 = 1e-6;
    let last = length.checked_sub(1)? as f64;
    if !(-ROUNDING..=last + ROUNDING).contains(&place) {
        return None;
    }
    let place = place.clamp(0.0, last);
    Some((place as usize, place.fract()))
}

/// Four rows of coefficients and their weights, which make one interpolated row.
struct SplineSample {
    indices: [usize; 4],
    weights: [f64; 4],
}

fn spline_samples(input: usize, output: usize) -> Vec<SplineSample> {
    let step = zoom_step(input, output);
    let last = input as isize - 1;
    // The spline continues as a mirror image about the outermost pixel centres.
    let mirrored = |index: isize| match last {
        0 => 0,
        _ => {
            let folded = index.rem_euclid(2 * last);
            folded.min(2 * last - folded) as usize
        }
    };
    (0..output)
        .map(|index| {
            let place = (index as f64 * step).min(last as f64);
            let (start, t) = (place.floor() as isize - 1, place.fract());
            let u = 1.0 - t;
            let weights = [
                u * u * u / 6.0,
                (t * t * (t - 2.0) * 3.0 + 4.0) / 6.0,
                (u * u * (u - 2.0) * 3.0 + 4.0) / 6.0,
                t * t * t / 6.0,
            ];
            SplineSample { indices: [0, 1, 2, 3].map(|tap| mirrored(start + tap)), weights }
        })
        .collect()
}

/// As many rows as asked for, interpolated between rows of coefficients, each of `columns`.
fn spline_rows(coefficients: &[f64], columns: usize, count: usize) -> Vec<f64> {
    let mut zoomed = Vec::with_capacity(count * columns);
    for SplineSample { indices, weights: [a, b, c, d] } in
        spline_samples(coefficients.len() / columns, count)
    {
        let row = |index: usize| &coefficients[index * columns..][..columns];
        let [first, second, third, fourth] = indices.map(row);
        let pairs = first.iter().zip(second).zip(third.iter().zip(fourth));
        zoomed.extend(pairs.map(|((p, q), (r, s))| a * p + b * q + c * r + d * s));
    }
    zoomed
}

/// Rows of `columns` samples with as many columns as `shape` (rows, columns) says, interpolated. Strips of rows are
/// turned, so that every step is one over contiguous pixels that stay in the cache.
fn spline_columns(samples: &[f64], columns: usize, shape: (usize, usize)) -> Array2<f64> {
    const STRIP: usize = 32;
    let mut zoomed = Array2::zeros(shape);
    let strips = samples.chunks(STRIP * columns);
    for (strip, mut place) in strips.zip(zoomed.axis_chunks_iter_mut(Axis(0), STRIP)) {
        let rows = place.nrows();
        let mut turned = Vec::with_capacity(strip.len());
        for column in 0..columns {
            turned.extend(strip[column..].iter().step_by(columns));
        }
        spline_coefficients(&mut turned, rows);
        let turned = spline_rows(&turned, rows, shape.1);
        for (row, mut place) in place.rows_mut().into_iter().enumerate() {
            place
                .iter_mut()
                .zip(turned[row..].iter().step_by(rows))
                .for_each(|(to, from)| *to = *from);
        }
    }
    zoomed
}

/// Rows of `columns` samples to cubic B-spline coefficients along every column, in place: the recursive filter of
/// Unser (1999) with mirrored ends.
fn spline_coefficients(samples: &mut [f64], columns: usize) {
    let n = samples.len() / columns;
    if n < 2 {
        return;
    }
    let pole = 3f64.sqrt() - 2.0;
    let gain = (1.0 - pole) * (1.0 - 1.0 / pole);
    samples.iter_mut().for_each(|sample| *sample *= gain);

    let row = |index: usize| index * columns..(index + 1) * columns;
    let far = pole.powi(n as i32 - 1);
    let ends = samples[row(0)].iter().zip(&samples[row(n - 1)]);
    let mut first: Vec<f64> = ends.map(|(near, opposite)| near + far * opposite).collect();
    let mut power = pole;
    for i in 1..n - 1 {
        let pairs = samples[row(i)].iter().zip(&samples[row(n - 1 - i)]);
        for (first, (near, opposite)) in first.iter_mut().zip(pairs) {
            *first += power * (near + far * opposite);
        }
        power *= pole;
    }
    let scale = 1.0 - far * far;
    samples[row(0)].iter_mut().zip(first).for_each(|(sample, first)| *sample = first / scale);
    for i in 1..n {
        each_pair(samples, columns, i - 1, |before, here| *here += pole * *before);
    }
    each_pair(samples, columns, n - 2, |before, last| {
        *last = (pole * *before + *last) * pole / (pole * pole - 1.0);
    });
    for i in (0..n - 1).rev() {
        each_pair(samples, columns, i, |here, after| *here = pole * (*after - *here));
    }
}

/// Takes one step over a row of `columns` samples and the row after it.
fn each_pair(samples: &mut [f64], columns: usize, row: usize, step: impl Fn(&mut f64, &mut f64)) {
    let (row, next) = samples[row * columns..][..2 * columns].split_at_mut(columns);
    row.iter_mut().zip(next).for_each(|(here, below)| step(here, below));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::fixture::preprocess;
    use ndarray::array;

    #[test]
    fn spline_zoom_agrees_with_scipy() {
        let (volume, expected) = (preprocess("volume"), preprocess("spline3_zoom_1p3"));
        let shape = (zoomed_length(40, 1.3), zoomed_length(48, 1.3));
        for (slice, expected) in volume.axis_iter(Axis(2)).zip(expected.axis_iter(Axis(2))) {
            let zoomed = spline_zoom(slice, shape);
            let worst = (&zoomed - &expected).iter().fold(0f64, |worst, x| worst.max(x.abs()));
            assert!(worst < 1e-10, "off by {worst:e}");
        }
    }

    #[test]
    fn spline_zoom_keeps_the_outermost_pixels() {
        // 188 output pixels of 4 are a case where scipy's last sample falls outside.
        let line = array![[100.0, 101.0, 105.0, 103.0]];
        let zoomed = spline_zoom(line.view(), (1, 188));
        assert!((zoomed[[0, 0]] - 100.0).abs() < 1e-10);
        assert!((zoomed[[0, 187]] - 103.0).abs() < 1e-10);
        assert_eq!(spline_zoom(line.view(), (1, 4)), line);
    }

    #[test]
    fn nearest_zoom_repeats_pixels_from_end_to_end() {
        // scipy.ndimage.zoom([1, 2, 3], 7 / 3, order = 0)
        let zoomed = nearest_zoom(array![[1, 2, 3]].view(), (1, 7));
        assert_eq!(zoomed, array![[1, 1, 2, 2, 2, 3, 3]]);
        assert_eq!(nearest_zoom(array![[1, 2], [3, 4]].view(), (1, 1)), array![[1]]);
    }

    #[test]
    fn linear_samples_are_exact_on_planes_and_absent_outside() {
        let map = Array2::from_shape_fn((4, 5), |(r, c)| (2 * r + 3 * c) as f32);
        assert_eq!(sample_linear(map.view(), 1.5, 2.25), Some(9.75));
        assert_eq!(sample_linear(map.view(), 3.0, 4.0), Some(18.0));
        assert_eq!(sample_linear(map.view(), 3.01, 4.0), None);
        assert_eq!(sample_linear(map.view(), -0.01, 0.0), None);
        assert_eq!(sample_linear(map.view(), f64::NAN, 0.0), None);
    }

    #[test]
    fn lengths_round_half_to_even() {
        assert_eq!(zoomed_length(5, 0.5), 2);
        assert_eq!(zoomed_length(7, 0.5), 4);
    }
}
