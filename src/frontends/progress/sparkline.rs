//! A curve in one line of text.

const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The finite values from left to right, each column the mean of its share of them; the lowest
/// column touches the ground, the highest the top. No longer than `width`; empty for fewer than
/// two values.
pub(super) fn sparkline(values: &[f64], width: usize) -> String {
    let values: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    let columns = width.min(values.len());
    if columns < 2 {
        return String::new();
    }
    let share = |column: usize| column * values.len() / columns;
    let means: Vec<f64> = (0..columns)
        .map(|column| {
            let share = &values[share(column)..share(column + 1)];
            share.iter().sum::<f64>() / share.len() as f64
        })
        .collect();
    let lowest = means.iter().copied().fold(f64::INFINITY, f64::min);
    let highest = means.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let top = (LEVELS.len() - 1) as f64;
    let level = |mean: f64| match highest - lowest {
        0.0 => 0,
        range => ((mean - lowest) / range * top).round() as usize,
    };
    means.into_iter().map(|mean| LEVELS[level(mean)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_falling_curve_falls() {
        let values: Vec<f64> = (0..8).rev().map(f64::from).collect();
        assert_eq!(sparkline(&values, 20), "█▇▆▅▄▃▂▁");
        assert_eq!(sparkline(&values, 4), "█▆▃▁");
    }

    #[test]
    fn odd_values_are_survived() {
        assert_eq!(sparkline(&[], 9), "");
        assert_eq!(sparkline(&[1.0], 9), "");
        assert_eq!(sparkline(&[2.0, 2.0, f64::NAN], 9), "▁▁");
        assert_eq!(sparkline(&[1.0, 2.0], 0), "");
    }
}
