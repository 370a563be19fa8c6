//! The anomaly map along the cord of one finding, with its segments and their scores.

use super::Figure;
use super::drawing::axis::Axis;
use super::drawing::canvas::{Area, Drawn};
use super::drawing::chart::{Chart, Key, Legend};
use super::drawing::segments::{Segment, draw_segments};
use super::drawing::style::{self, Stroke};
use crate::cohort::Slice;
use crate::context::shown_number;
use crate::detection::{AnomalyCurve, Finding, SegmentBorders};

/// Height of the chart, in drawing units.
const HEIGHT: i32 = 1300;
/// Points of a curve that are farther apart have something between them that is not scored, mm; where pixels are large,
/// so many times as far as neighbours.
const MOST_APART_MM: f64 = 3.0;
const MOST_APART: f64 = 1.5;

/// The anomaly curve of the slice with the patient's score, along the cord from its upper end:
/// segment borders, segment scores, the curve's mean, and segments with a lesion shaded.
pub fn anomaly_curve(finding: &Finding, method: &str) -> Figure {
    let title = format!("Anomaly curve: {}", finding.subject.name);
    let highest = finding.highest_slice().and_then(|s| Some((s.slice, s.curve.as_ref()?)));
    let Some((slice, curve)) = highest else {
        let body = (style::BODY_WIDTH, style::PANEL.line());
        let note = format!("{method}. No slice has enough cord for a curve.");
        return Figure::new(title, note, body, |_| Ok(()));
    };
    let place = finding.subject.slices.get(slice).map(Slice::place).unwrap_or_default();
    let cut = match finding.segment_borders {
        SegmentBorders::Discs => "Segments are cut at the disc labels.",
        SegmentBorders::EqualBins => "Segments are equal arc lengths: there are no disc labels.",
    };
    let note = format!(
        "{method}, {place}: the one with the highest segment score among {}. Score of a \
         segment in this slice = {}; patient score {}. {cut}{}",
        finding.slices.len(),
        curve.scoring.rule(),
        shown_number(finding.score, 4),
        match finding.unscored.as_slice() {
            [] => String::new(),
            names =>
                format!(" Not scored, because there is too little cord: {}.", names.join(", ")),
        },
    );
    let curve = curve.clone();
    let legend = Legend::new(entries(&curve), style::BODY_WIDTH);
    let body = (style::BODY_WIDTH, legend.height + style::GAP + HEIGHT);
    Figure::new(title, note, body, move |area| {
        legend.draw(area, (0, 0))?;
        let top = legend.height + style::GAP;
        let area = area.clone().shrink((0, top), (style::BODY_WIDTH, HEIGHT));
        draw(&area, &curve)
    })
}

fn entries(curve: &AnomalyCurve) -> Vec<(Key, String)> {
    let mut entries = vec![(Key::Line(Stroke::of_series(0)), curve.scoring.quantity().to_string())];
    if stretches(curve).len() > 1 {
        entries.push((Key::Shade(style::SHADES[0]), "not scored".to_owned()));
    }
    if counts_from_mean(curve) {
        entries.push((
            Key::Line(mean_stroke()),
            format!("mean of the curve, {}", shown_number(curve.mean, 4)),
        ));
    }
    if curve.segments.iter().any(|segment| segment.lesion == Some(true)) {
        entries.push((
            Key::Shade(style::SHADES[2]),
            "segment with a lesion in this slice (ground truth)".into(),
        ));
    }
    entries
}

/// Whether scores count from the mean of the curve; lesion probabilities count from 0.
fn counts_from_mean(curve: &AnomalyCurve) -> bool {
    curve.scoring.baseline(1.0) > 0.0
}

fn mean_stroke() -> Stroke {
    Stroke::dashed(style::INK, 5)
}

fn draw(area: &Area<'_>, curve: &AnomalyCurve) -> Drawn {
    let ends = curve.segments.iter().flat_map(|segment| [segment.from_mm, segment.to_mm]);
    let places: Vec<f64> = curve.position_mm.iter().copied().chain(ends).collect();
    let finite = || places.iter().copied().filter(|place| place.is_finite());
    let name = "position along the cord (mm from its upper end in this slice; superior → inferior)";
    let x = Axis::between(
        name,
        finite().fold(f64::INFINITY, f64::min),
        finite().fold(f64::NEG_INFINITY, f64::max),
    );
    // Names and scores of segments stand above the curve.
    let errors = curve.error.iter().chain([&curve.mean]).filter(|error| error.is_finite());
    let highest = errors.fold(0.0, |highest: f64, error| highest.max(*error));
    let y = Axis::from_zero(curve.scoring.quantity(), [1.22 * highest]);
    let stretches = stretches(curve);
    let chart = Chart::open_over(area, "", x, y, |chart| {
        for (one, next) in stretches.iter().zip(stretches.iter().skip(1)) {
            if let (Some((from, _)), Some((to, _))) = (one.last(), next.first()) {
                chart.shade(*from, *to, style::SHADES[0])?;
            }
        }
        for segment in curve.segments.iter().filter(|segment| segment.lesion == Some(true)) {
            chart.shade(segment.from_mm, segment.to_mm, style::SHADES[2])?;
        }
        Ok(())
    })?;
    draw_segments(
        &chart,
        curve.segments.iter().map(|segment| Segment {
            name: &segment.name,
            from_mm: segment.from_mm,
            to_mm: segment.to_mm,
            value: match segment.score.is_finite() {
                true => shown_number(segment.score, 3),
                false => "n/a".into(),
            },
        }),
    )?;
    if counts_from_mean(curve) {
        chart.horizontal(curve.mean, mean_stroke())?;
    }
    if stretches.is_empty() {
        return chart.empty("no points");
    }
    stretches.iter().try_for_each(|points| chart.line(points, Stroke::of_series(0)))
}

/// The (position, error) of the curve in stretches without a gap: what lies between them is not scored.
fn stretches(curve: &AnomalyCurve) -> Vec<Vec<(f64, f64)>> {
    let points = curve.position_mm.iter().copied().zip(curve.error.iter().copied());
    let steps = curve.position_mm.windows(2).map(|pair| pair[1] - pair[0]);
    let most = MOST_APART_MM.max(MOST_APART * steps.fold(f64::INFINITY, f64::min));
    let mut stretches: Vec<Vec<(f64, f64)>> = Vec::new();
    for point in points {
        match stretches.last_mut() {
            Some(last) if last.last().is_some_and(|before| point.0 - before.0 <= most) => {
                last.push(point);
            }
            _ => stretches.push(vec![point]),
        }
    }
    stretches
}
