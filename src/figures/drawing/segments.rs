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
        let room = to - from - 10;
        // "below C7/T1" has room in two lines where it has none in one.
        let (lines, ink) = match segment.name.split_once(' ') {
            Some((first, rest)) if text::width(segment.name, style::LABEL) > room => {
                (vec![first, rest], style::TICK)
            }
            _ => (vec![segment.name], style::LABEL),
        };
        let mut down = 10;
        for line in lines {
            chart.write_from_top(middle, down, &text::fitted(line, ink, room), ink)?;
            down += ink.line();
        }
        let value = text::fitted(&segment.value, style::TICK, to - from - 6);
        chart.write_from_top(middle, down, &value, style::TICK)?;
    }
    Ok(())
}
