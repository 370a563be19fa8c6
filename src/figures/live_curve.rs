//! A quantity while it is being computed: a small chart that is quick to draw.

use super::Figure;
use super::drawing::axis::Axis;
use super::drawing::chart::Chart;
use super::drawing::style::{self, Stroke};

/// Size of the body, in drawing units.
const SIZE: (i32, i32) = (1520, 560);

/// `quantity` against finished steps, each one `unit` such as "batch"; `title` says of what.
/// `steps` has a point per step; `means`, which may be empty, smooths them.
pub fn live_curve(
    title: &str,
    quantity: &str,
    unit: &str,
    steps: &[(f64, f64)],
    means: &[(f64, f64)],
) -> Figure {
    let (steps, means) = (steps.to_vec(), means.to_vec());
    let (quantity, unit) = (quantity.to_owned(), unit.to_owned());
    Figure::new(title, "", SIZE, move |area| {
        let values: Vec<f64> = steps.iter().chain(&means).map(|(_, value)| *value).collect();
        let all = || steps.iter().chain(&means).map(|(step, _)| *step);
        let (first, last) =
            (all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max));
        let x = Axis::between(&*unit, first, last).with_whole_ticks();
        let y = Axis::for_decay(&*quantity, &values).with_headroom(0.08);
        let chart = Chart::open(area, "", x, y)?;
        if values.iter().all(|value| !value.is_finite()) {
            return chart.empty("no values");
        }
        let main = Stroke::solid(style::BLUE, 7);
        if means.len() < 2 {
            return chart.line(&steps, main);
        }
        chart.line(&steps, Stroke::solid(style::GRID, 4))?;
        chart.line(&means, main)
    })
}
