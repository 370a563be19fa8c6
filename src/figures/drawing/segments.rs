//! Segments of the cord on a chart along its axis.

use super::canvas::Drawn;
use super::chart::Chart;
use super::style::{self, Stroke};
use super::text;

/// A segment with what is written under its name.
pub struct Segment<'a> {
    pub name: &'a str,
    /// Its ends, mm from the cord's upper end.
    pub from_mm: f64,
    pub to_mm: f64,
    pub value: String,
}

/// Draws the borders of segments, and writes their names and values at the top of the chart, as far as they
/// fit.
pub fn draw_segments<'a>(
    chart: &Chart<'_>,
    segments: impl IntoIterator<Item = Segment<'a>>,
) -> Drawn {
    let border = Stroke::solid(style::GREY, 3);
    for segment in segments {
        chart.vertical(segment.from_mm, border)?;
        chart.vertical(segment.to_mm, border)?;
        let edges = (chart.across(segment.from_mm), chart.across(segment.to_mm));
        let (Some(from), Some(to)) = edges else { continue };
        let middle = (segment.from_mm + segment.to_mm) / 2.0;
        let name = text::fitted(segment.name, style::LABEL, to - from - 10);
        let value = text::fitted(&segment.value, style::TICK, to - from - 6);
        chart.write_from_top(middle, 10, &name, style::LABEL)?;
        chart.write_from_top(middle, 10 + style::LABEL.line(), &value, style::TICK)?;
    }
    Ok(())
}
