//! Percentiles, extremes, means and variances.

use ndarray::{ArrayBase, Data, Dimension};

/// The q-th percentile (0 to 100) of at least one value, interpolated as numpy's default does.
/// Reorders the values.
pub fn percentile(values: &mut [f64], q: f64) -> f64 {
    let place = q / 100.0 * (values.len() - 1) as f64;
    let (_, &mut below, rest) = values.select_nth_unstable_by(place as usize, f64::total_cmp);
    let above = if rest.is_empty() { below } else { extremes_of(rest).0 };
    let (t, step) = (place.fract(), above - below);
    if t < 0.5 { below + step * t } else { above - step * (1.0 - t) }
}

/// The smallest and the largest number of an array; (∞, −∞) if it holds none.
pub fn extremes<T, D>(values: &ArrayBase<impl Data<Elem = T>, D>) -> (T, T)
where
    T: Copy + PartialOrd + From<f32>,
    D: Dimension,
{
    match values.as_slice_memory_order() {
        Some(values) => extremes_of(values),
        None => extremes_of(&values.iter().copied().collect::<Vec<_>>()),
    }
}

/// As [`extremes`]. Several values at a time, which processors compare at once.
fn extremes_of<T: Copy + PartialOrd + From<f32>>(values: &[T]) -> (T, T) {
    const LANES: usize = 8;
    let mut low = [T::from(f32::INFINITY); LANES];
    let mut high = [T::from(f32::NEG_INFINITY); LANES];
    let (chunks, rest) = values.as_chunks::<LANES>();
    // A comparison with NaN is false.
    for chunk in chunks {
        // Compilers turn one loop for each into instructions on many values, and one loop for both not.
        for lane in 0..LANES {
            low[lane] = if chunk[lane] < low[lane] { chunk[lane] } else { low[lane] };
        }
        for lane in 0..LANES {
            high[lane] = if chunk[lane] > high[lane] { chunk[lane] } else { high[lane] };
        }
    }
    let all = |lanes: [T; LANES]| lanes.into_iter().chain(rest.iter().copied());
    let least = all(low).fold(low[0], |a, b| if b < a { b } else { a });
    let most = all(high).fold(high[0], |a, b| if b > a { b } else { a });
    (least, most)
}

/// The median; `None` without values.
pub fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    (!values.is_empty()).then(|| percentile(&mut values, 50.0))
}

/// Percentile with linear interpolation in single precision, step for step as `numpy.percentile` of a float32 array,
/// so that values at a threshold fall on the same side. `None` of no values; sorts them.
pub fn single_precision_percentile(values: &mut [f32], percentile: f32) -> Option<f32> {
    values.sort_unstable_by(f32::total_cmp);
    let last = values.len().checked_sub(1)?;
    let position = last as f32 * (percentile / 100.0);
    let below = (position.floor() as usize).min(last);
    let (low, high) = (values[below], values[(below + 1).min(last)]);
    let fraction = position - below as f32;
    Some(if fraction >= 0.5 {
        high - (high - low) * (1.0 - fraction)
    } else {
        low + (high - low) * fraction
    })
}

/// The mean, summed in the given order; `None` without values.
pub fn mean(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let all = values.into_iter();
    let (sum, count) = all.fold((0.0, 0_usize), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / count as f64)
}

/// Unbiased variance of at least two values.
pub fn variance(values: &[f64]) -> f64 {
    let mean = mean(values.iter().copied()).unwrap_or(f64::NAN);
    let squares = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>();
    squares / (values.len() - 1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_interpolate_as_numpy_does() {
        let mut values = [40.0, 10.0, 30.0, 20.0];
        assert_eq!(percentile(&mut values, 0.0), 10.0);
        assert_eq!(percentile(&mut values, 100.0), 40.0);
        assert_eq!(percentile(&mut values, 50.0), 25.0);
        assert_eq!(percentile(&mut values, 90.0), 37.0);
        assert_eq!(percentile(&mut [7.0], 99.8), 7.0);
    }

    #[test]
    fn extremes_leave_out_what_is_not_a_number() {
        let mut values = ndarray::Array2::from_shape_fn((7, 9), |(i, j)| (i * 9 + j) as f32);
        assert_eq!(extremes(&values), (0.0, 62.0));
        assert_eq!(extremes(&values.slice(ndarray::s![1.., ..;2])), (9.0, 62.0));
        values[[0, 0]] = f32::NAN;
        values[[6, 8]] = f32::NAN;
        assert_eq!(extremes(&values), (1.0, 61.0));
        assert_eq!(extremes(&ndarray::arr1(&[f64::NAN])), (f64::INFINITY, f64::NEG_INFINITY));
    }

    #[test]
    fn single_precision_percentiles_interpolate() {
        assert_eq!(single_precision_percentile(&mut [3.0, 1.0, 2.0, 4.0], 50.0), Some(2.5));
        assert_eq!(single_precision_percentile(&mut [1.0], 90.0), Some(1.0));
        assert_eq!(single_precision_percentile(&mut [1.0, 2.0], 100.0), Some(2.0));
        assert_eq!(single_precision_percentile(&mut [], 90.0), None);
    }
}
