//! A model's training: loss, learning rate, uncertainty and error against epochs.

use plotters::style::RGBColor;

use super::Figure;
use super::drawing::axis::Axis;
use super::drawing::canvas::{Area, Drawn};
use super::drawing::chart::{Chart, Key, Legend, Marker};
use super::drawing::style::{self, Stroke};
use super::drawing::text;
use crate::options::Choice;
use crate::training::{EpochRecord, History};

/// Height of a chart, in drawing units.
const HEIGHT: i32 = 960;

/// Epochs in a row with the same stage and masking strategy.
struct Span {
    name: String,
    first: usize,
    last: usize,
}

impl Span {
    /// The numbers of its epochs.
    fn epochs(&self) -> String {
        match self.first == self.last {
            true => self.first.to_string(),
            false => format!("{}–{}", self.first, self.last),
        }
    }
}

/// Loss (total, reconstruction, edge), learning rate, mean Monte-Carlo variance and mean error
/// against epochs. Stages and masking strategies are shaded and named.
pub fn training_history(history: &History) -> Figure {
    let epochs = history.epochs.clone();
    let spans = spans(&epochs);
    let series = ["total", "reconstruction", "edge"].into_iter().enumerate();
    let lines = series.map(|(n, name)| (Key::Line(Stroke::of_series(n)), format!("{name} loss")));
    let shades = spans
        .iter()
        .enumerate()
        .map(|(n, span)| (Key::Shade(shade(n)), format!("{} ({})", span.name, span.epochs())));
    let legend = Legend::new(lines.chain(shades.take(12)), style::BODY_WIDTH);
    let note = match epochs.len() {
        0 => "No epoch was trained yet.",
        _ if epochs.iter().any(|epoch| epoch.variance.is_some() || epoch.error.is_some()) => {
            "Total loss = 10 × reconstruction + edge, mean over batches. Variance and error: \
              Monte-Carlo means inside the regions of interest, where estimated."
        }
        _ => "Total loss = 10 × reconstruction + edge, mean over batches.",
    };
    // What was never estimated has no chart.
    let is_measured =
        |value: fn(&EpochRecord) -> Option<f64>| epochs.iter().any(|e| value(e).is_some());
    let measured: Vec<Quantity> = MEASURED.into_iter().filter(|one| is_measured(one.2)).collect();
    let rows = 1 + i32::from(!measured.is_empty());
    let body = (style::BODY_WIDTH, rows * (HEIGHT + style::GAP) + legend.height);
    Figure::new("Training history", note, body, move |area| {
        legend.draw(area, (0, 0))?;
        let top = legend.height + style::GAP;
        let width = (style::BODY_WIDTH - style::GAP) / 2;
        let panel = |column: i32, row: i32| {
            let corner = (column * (width + style::GAP), top + row * (HEIGHT + style::GAP));
            area.clone().shrink(corner, (width, HEIGHT))
        };
        let loss: [fn(&EpochRecord) -> Option<f64>; 3] =
            [|e| Some(e.loss), |e| Some(e.reconstruction), |e| Some(e.edge)];
        let life = Life { epochs: &epochs, spans: &spans };
        life.chart(&panel(0, 0), "Loss", "loss", &loss)?;
        let rate = |e: &EpochRecord| Some(e.learning_rate);
        life.chart(&panel(1, 0), "Learning rate", "learning rate", &[rate])?;
        for (column, (title, quantity, value)) in (0..).zip(&measured) {
            life.chart(&panel(column, 1), title, quantity, &[*value])?;
        }
        Ok(())
    })
}

/// Title, quantity and value of a chart.
type Quantity = (&'static str, &'static str, fn(&EpochRecord) -> Option<f64>);

/// What only some epochs measure.
const MEASURED: [Quantity; 2] = [
    ("Epistemic uncertainty", "variance (intensity²)", |epoch| epoch.variance),
    ("Error", "mean |error| (intensity)", |epoch| epoch.error),
];

struct Life<'a> {
    epochs: &'a [EpochRecord],
    spans: &'a [Span],
}

impl Life<'_> {
    fn chart(
        &self,
        area: &Area<'_>,
        title: &str,
        quantity: &str,
        series: &[fn(&EpochRecord) -> Option<f64>],
    ) -> Drawn {
        let points = |value: &fn(&EpochRecord) -> Option<f64>| -> Vec<(f64, f64)> {
            let point = |e: &EpochRecord| Some((e.epoch as f64, value(e)?));
            self.epochs.iter().filter_map(point).collect()
        };
        let lines: Vec<Vec<(f64, f64)>> = series.iter().map(points).collect();
        let values: Vec<f64> = lines.iter().flatten().map(|(_, value)| *value).collect();
        let (first, last) = match (self.epochs.first(), self.epochs.last()) {
            (Some(first), Some(last)) => (first.epoch, last.epoch),
            _ => (1, 1),
        };
        let y = Axis::for_decay(quantity, &values).with_headroom(0.08);
        let x = Axis::counting("epoch", first, last);
        let chart = Chart::open_over(area, title, x, y, |chart| self.shade(chart))?;
        if values.iter().all(|value| !value.is_finite()) {
            return chart.empty("no values");
        }
        for (index, line) in lines.iter().enumerate() {
            let stroke = Stroke::of_series(index);
            chart.line(line, stroke)?;
            // A few measurements are shown as points.
            if line.len() <= 40 {
                for point in line.iter().filter(|(_, value)| value.is_finite()) {
                    chart.point(*point, Marker::Disc, 10, stroke.colour)?;
                }
            }
        }
        Ok(())
    }

    fn shade(&self, chart: &Chart<'_>) -> Drawn {
        for (index, span) in self.spans.iter().enumerate() {
            let (from, to) = (span.first as f64 - 0.5, span.last as f64 + 0.5);
            chart.shade(from, to, shade(index))?;
            let room = match (chart.across(from), chart.across(to)) {
                (Some(from), Some(to)) => to - from - 8,
                _ => 0,
            };
            // A name that does not fit is in the legend.
            if text::width(&span.name, style::TICK) <= room {
                let ink = style::TICK.coloured(style::GREY);
                chart.write_from_top((from + to) / 2.0, 8, &span.name, ink)?;
            }
        }
        Ok(())
    }
}

fn shade(index: usize) -> RGBColor {
    style::SHADES[index % style::SHADES.len()]
}

fn spans(epochs: &[EpochRecord]) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    for epoch in epochs {
        let name = format!("{} · {}", epoch.stage.name(), epoch.masking.name());
        match spans.last_mut() {
            Some(span) if span.name == name => span.last = epoch.epoch,
            _ => spans.push(Span { name, first: epoch.epoch, last: epoch.epoch }),
        }
    }
    spans
}
