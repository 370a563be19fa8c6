//! An axis: its name, its span and its ticks, linear or logarithmic.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

use super::ticks;

/// One axis of a chart.
#[derive(Clone, Debug)]
pub(in crate::figures) struct Axis {
    /// Quantity and unit.
    pub name: String,
    /// Ends in positions: values, or their decimal logarithms. `from < to`, both finite.
    pub from: f64,
    pub to: f64,
    /// Positions and labels.
    pub ticks: Vec<(f64, String)>,
    logarithmic: bool,
}

impl Axis {
    /// From `from` to `to`; widened where they do not make a span.
    pub fn between(name: impl Into<String>, from: f64, to: f64) -> Self {
        let (from, to) = span(from, to);
        let ticks = ticks::linear(from, to, 5);
        Self { name: name.into(), from, to, ticks, logarithmic: false }
    }

    /// Around all finite values, with a small margin above and below.
    pub fn around(name: impl Into<String>, values: impl IntoIterator<Item = f64>) -> Self {
        let (low, high) = extent(values).unwrap_or((0.0, 1.0));
        let air = 0.06 * (high - low);
        Self::between(name, low - air, high + air)
    }

    /// From zero to above the largest finite value.
    pub fn from_zero(name: impl Into<String>, values: impl IntoIterator<Item = f64>) -> Self {
        let (_, high) = extent(values).unwrap_or((0.0, 1.0));
        Self::between(name, 0.0, if high > 0.0 { 1.08 * high } else { 1.0 })
    }

    /// For values ≥ 0: from zero, or logarithmic where they span more than a factor of 20.
    pub fn for_decay(name: impl Into<String>, values: &[f64]) -> Self {
        let positive = extent(values.iter().copied().filter(|value| *value > 0.0));
        match positive {
            Some((low, high)) if high / low > 20.0 => {
                let (from, to) = (low.log10() - 0.08, high.log10() + 0.08);
                let ticks = ticks::logarithmic(from, to);
                let name = format!("{}, logarithmic", name.into());
                Self { name, from, to, ticks, logarithmic: true }
            }
            _ => Self::from_zero(name, values.iter().copied()),
        }
    }

    /// With a share of its length added at both ends, where marks would lie on the border.
    pub fn padded(mut self, share: f64) -> Self {
        let air = share * (self.to - self.from);
        (self.from, self.to) = (self.from - air, self.to + air);
        self
    }

    /// With a share of its length added at the upper end, for writing.
    pub fn with_headroom(mut self, share: f64) -> Self {
        self.to += share * (self.to - self.from);
        self
    }

    /// Without ticks between whole numbers, for what is counted.
    pub fn with_whole_ticks(mut self) -> Self {
        self.ticks.retain(|(position, _)| (position - position.round()).abs() < 1e-9);
        for (position, label) in &mut self.ticks {
            *label = format!("{position:.0}");
        }
        self
    }

    /// Whole numbers from `first` to `last`, such as epochs.
    pub fn counting(name: impl Into<String>, first: usize, last: usize) -> Self {
        let (first, last) = (first as f64, last.max(first) as f64);
        let mut axis = Self::between(name, first - 0.5, last + 0.5).with_whole_ticks();
        if !axis.ticks.iter().any(|(position, _)| *position >= first) {
            axis.ticks = vec![(first, format!("{first:.0}"))];
        }
        axis.ticks.retain(|(position, _)| *position >= first);
        axis
    }

    /// Named places at 0, 1, 2 ….
    pub fn named(name: impl Into<String>, places: &[&str]) -> Self {
        let ticks = places.iter().enumerate().map(|(n, p)| (n as f64, p.to_string())).collect();
        let to = places.len().max(1) as f64 - 0.5;
        Self { name: name.into(), from: -0.5, to, ticks, logarithmic: false }
    }

    /// Where a value lies; NaN if a logarithmic axis cannot show it.
    pub fn position(&self, value: f64) -> f64 {
        match self.logarithmic {
            true if value > 0.0 => value.log10(),
            true => f64::NAN,
            false => value,
        }
    }

    /// The place of a position between the ends of a stretch of drawing units.
    pub fn place(&self, position: f64, (start, end): (i32, i32)) -> i32 {
        let share = ((position - self.from) / (self.to - self.from)).clamp(0.0, 1.0);
        start + (share * f64::from(end - start)).round() as i32
    }
}

/// What plotters asks to draw grid, ticks and labels.
impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, position: &f64, limit: (i32, i32)) -> i32 {
        self.place(*position, limit)
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        // Ticks are bold grid lines; there are no light ones.
        match hint.weight().allow_light_points() {
            true => Vec::new(),
            false => self.ticks.iter().map(|tick| tick.0).collect(),
        }
    }

    fn range(&self) -> Range<f64> {
        self.from..self.to
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, position: &f64) -> String {
        let tick = self.ticks.iter().find(|tick| tick.0 == *position);
        tick.map(|(_, label)| label.clone()).unwrap_or_default()
    }
}

/// Smallest and largest finite value.
fn extent(values: impl IntoIterator<Item = f64>) -> Option<(f64, f64)> {
    values.into_iter().filter(|value| value.is_finite()).fold(None, |extent, value| {
        let (low, high) = extent.unwrap_or((value, value));
        Some((low.min(value), high.max(value)))
    })
}

/// A proper span from two numbers that may be equal, swapped or not finite.
fn span(from: f64, to: f64) -> (f64, f64) {
    if !(from.is_finite() && to.is_finite()) {
        return (0.0, 1.0);
    }
    let (low, high) = (from.min(to), from.max(to));
    let least = 1e-9 * low.abs().max(high.abs()).max(1e-9);
    if high - low > least {
        (low, high)
    } else {
        let air = 0.5 * low.abs().max(if low == 0.0 { 2.0 } else { 0.0 });
        (low - air, high + air)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_axis_has_a_span_and_ticks_inside_it() {
        let nan = f64::NAN;
        let axes = [
            Axis::around("", []),
            Axis::around("", [nan, f64::INFINITY]),
            Axis::around("", [0.25; 4]),
            Axis::around("", [0.0]),
            Axis::around("", [-1e-7, -1e-7]),
            Axis::from_zero("", [nan, -1.0]),
            Axis::for_decay("", &[1e-5, 3.0, nan, 0.0]),
            Axis::for_decay("", &[]),
            Axis::counting("", 1, 1),
            Axis::counting("", 17, 18),
            Axis::counting("", 1, 200),
            Axis::between("", 5.0, nan),
            Axis::between("", 3.0, 3.0),
        ];
        for axis in axes {
            assert!(
                axis.from < axis.to && axis.from.is_finite() && axis.to.is_finite(),
                "{axis:?}"
            );
            assert!(!axis.ticks.is_empty(), "{axis:?}");
            let inside = axis.from - 1e-9..=axis.to + 1e-9;
            assert!(axis.ticks.iter().all(|(position, _)| inside.contains(position)), "{axis:?}");
        }
    }

    #[test]
    fn a_decay_over_decades_gets_a_logarithmic_axis() {
        let wide = Axis::for_decay("loss", &[3.0, 0.01]);
        assert!((wide.position(0.1) + 1.0).abs() < 1e-12 && wide.position(-1.0).is_nan());
        assert_eq!(Axis::for_decay("loss", &[3.0, 1.0]).position(2.0), 2.0);
    }
}
