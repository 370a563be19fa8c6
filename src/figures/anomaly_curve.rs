//! The anomaly map along the cord of one finding, with its segments and their scores.

use super::Figure;
use super::drawing::axis::Axis;
use super::drawing::canvas::{Area, Drawn};
use super::drawing::chart::{Chart, Key, Legend};
use super::drawing::segments::{Segment, draw_segments};
use super::drawing::style::{self, Stroke};
use crate::cohort::Slice;
use crate::detection::{AnomalyCurve, Finding, Segmentation};

/// Height of the chart, in drawing units.
const HEIGHT: i32 = 1300;

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
    let cut = match finding.segmentation {
        Segmentation::Discs => "Segments are cut at the disc labels.",
        Segmentation::EqualBins => "Segments are equal arc lengths: there are no disc labels.",
    };
    let note = format!(
        "{method}, {place}: the one with the highest segment score among {}. Score of a \
         segment in this slice = {}; patient score {:.4}. {cut}",
        finding.slices.len(),
        curve.scoring.rule(),
        finding.score,
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
    if counts_from_mean(curve) {
        entries.push((Key::Line(mean_stroke()), format!("mean of the curve, {:.4}", curve.mean)));
    }
    if curve.segments.iter().any(|segment| segment.lesion == Some(true)) {
        entries.push((Key::Shade(style::SHADES[2]), "lesion in this slice (ground truth)".into()));
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
    let name = "position along the cord (mm from its upper end; superior → inferior)";
    let x = Axis::between(
        name,
        finite().fold(f64::INFINITY, f64::min),
        finite().fold(f64::NEG_INFINITY, f64::max),
    );
    // Names and scores of segments stand above the curve.
    let errors = curve.error.iter().chain([&curve.mean]).filter(|error| error.is_finite());
    let highest = errors.fold(0.0, |highest: f64, error| highest.max(*error));
    let y = Axis::from_zero(curve.scoring.quantity(), [1.22 * highest]);
    let chart = Chart::open_over(area, "", x, y, |chart| {
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
                true => format!("{:.3}", segment.score),
                false => "n/a".into(),
            },
        }),
    )?;
    if counts_from_mean(curve) {
        chart.horizontal(curve.mean, mean_stroke())?;
    }
    let points: Vec<(f64, f64)> =
        curve.position_mm.iter().copied().zip(curve.error.iter().copied()).collect();
    if points.is_empty() {
        return chart.empty("no points");
    }
    chart.line(&points, Stroke::of_series(0))
}
