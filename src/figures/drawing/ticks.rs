//! Round numbers along an axis or a colour bar.

/// Round positions inside [from, to], about `count` of them, with their labels. `from < to`,
/// both finite.
pub(in crate::figures) fn linear(from: f64, to: f64, count: usize) -> Vec<(f64, String)> {
    let step = round_step((to - from) / count.max(1) as f64);
    let first = (from / step - 1e-6).ceil() as i64;
    let last = (to / step + 1e-6).floor() as i64;
    (first..=last).map(|n| (n as f64 * step, label(n as f64 * step, step))).collect()
}

/// Positions on a decimal logarithmic axis from 10^from to 10^to: the decades, with 2 and 5
/// between them where there are few.
pub(in crate::figures) fn logarithmic(from: f64, to: f64) -> Vec<(f64, String)> {
    let between: &[f64] = if to - from < 3.0 { &[1.0, 2.0, 5.0] } else { &[1.0] };
    let decades = from.floor() as i32..=to.ceil() as i32;
    decades
        .flat_map(|decade| {
            between.iter().map(move |digit| (digit.log10() + f64::from(decade), *digit, decade))
        })
        .filter(|(position, ..)| (from - 1e-9..=to + 1e-9).contains(position))
        .map(|(position, digit, decade)| {
            (position, label(digit * 10f64.powi(decade), 10f64.powi(decade)))
        })
        .collect()
}

/// The largest of 1, 2, 2.5, 5 × 10^n that is not above `rough`, or the next if that is nearer.
fn round_step(rough: f64) -> f64 {
    let power = 10f64.powf(rough.log10().floor());
    let digits = [1.0, 2.0, 2.5, 5.0, 10.0];
    let nearest = |digit: &&f64| (**digit * power / rough).ln().abs();
    let best = digits.iter().min_by(|a, b| nearest(a).total_cmp(&nearest(b)));
    best.copied().unwrap_or(1.0) * power
}

/// A number with the decimals that tell it from its neighbours `step` away.
pub(in crate::figures) fn label(value: f64, step: f64) -> String {
    if value.abs() < step * 1e-6 {
        return "0".into();
    }
    if step < 0.9e-4 || value.abs() >= 1e6 {
        let written = |decimals: usize| format!("{value:.decimals$e}");
        let is_exact = |text: &String| {
            text.parse::<f64>().is_ok_and(|shown| (shown - value).abs() < step * 1e-3)
        };
        let text = (0..6).map(written).find(is_exact).unwrap_or_else(|| written(6));
        return text.replace('-', "−");
    }
    let is_whole = |decimals: i32| {
        let scaled = step * 10f64.powi(decimals);
        (scaled - scaled.round()).abs() < 1e-6 * scaled
    };
    let decimals = (0..6).find(|decimals| is_whole(*decimals)).unwrap_or(6);
    format!("{value:.0$}", decimals as usize).replace('-', "−")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(ticks: Vec<(f64, String)>) -> Vec<String> {
        ticks.into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn linear_ticks_are_round_and_inside() {
        assert_eq!(labels(linear(0.0, 1.0, 5)), ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(linear(-3.0, 12.0, 4)), ["0", "5", "10"]);
        assert_eq!(
            labels(linear(0.0, 0.001, 4)),
            ["0", "0.00025", "0.00050", "0.00075", "0.00100"]
        );
        assert_eq!(labels(linear(0.0, 4e-5, 2)), ["0", "2e−5", "4e−5"]);
        assert_eq!(
            labels(linear(0.0, 1.4e-4, 5)),
            ["0", "2.5e−5", "5e−5", "7.5e−5", "1e−4", "1.25e−4"]
        );
    }

    #[test]
    fn logarithmic_ticks_fill_short_ranges() {
        assert_eq!(labels(logarithmic(-2.0, -1.0)), ["0.01", "0.02", "0.05", "0.1"]);
        assert_eq!(labels(logarithmic(-3.0, 0.5)), ["0.001", "0.01", "0.1", "1"]);
    }
}
