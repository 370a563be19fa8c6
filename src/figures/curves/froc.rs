//! FROC curves of one or several methods.

use crate::context::{counted, shown_number};
use crate::evaluation::{DETECTION_OVERLAP, DETECTION_PIXELS, Evaluation, FrocPoint};
use crate::figures::Figure;
use crate::figures::drawing::axis::Axis;
use crate::figures::drawing::canvas::{Area, Drawn};
use crate::figures::drawing::chart::{Chart, Key, Legend, Marker};
use crate::figures::drawing::style::{self, Stroke};

/// Height of the chart, in drawing units.
const HEIGHT: i32 = 1400;
/// Upper limit of the axis of false positives per patient: higher rates are of no clinical use.
const MOST_FALSE_POSITIVES: f64 = 10.0;

/// A stated threshold on the anomaly map, and its point on the curve.
#[derive(Clone, Debug)]
pub struct LesionOperatingPoint {
    /// Least anomaly of a detection's pixels.
    pub threshold: f64,
    /// Where the threshold comes from.
    pub origin: String,
    pub false_positives_per_patient: f64,
    /// 0 to 1.
    pub sensitivity: f64,
}

/// What [`froc_curves`] shows of one method.
#[derive(Clone, Debug)]
pub struct MethodFroc {
    pub method: String,
    /// (Mean false positives per patient, lesion sensitivity), both rising.
    pub points: Vec<(f64, f64)>,
    pub operating_point: Option<LesionOperatingPoint>,
    pub lesions: usize,
    pub patients: usize,
}

impl MethodFroc {
    /// The lesions of an evaluation; `None` where no lesion is known.
    pub fn new(evaluation: &Evaluation) -> Option<Self> {
        let level = evaluation.lesions.as_ref().filter(|level| level.lesions > 0)?;
        let point = |point: &FrocPoint| (point.false_positives_per_patient, point.sensitivity);
        let operating_point = level.threshold.as_ref().and_then(|threshold| {
            Some(LesionOperatingPoint {
                threshold: threshold.value,
                origin: threshold.origin.clone(),
                false_positives_per_patient: level.false_positives_per_patient?.value,
                sensitivity: level.sensitivity?.value,
            })
        });
        Some(Self {
            method: evaluation.method.clone(),
            points: level.froc.iter().map(point).collect(),
            operating_point,
            lesions: level.lesions,
            patients: level.patients,
        })
    }
}

/// FROC curves, each a staircase over the best thresholds, with each stated threshold's point. The
/// horizontal axis ends at ten false positives per patient.
pub fn froc_curves(methods: &[MethodFroc]) -> Figure {
    let methods = methods.to_vec();
    let mut entries: Vec<(Key, String)> = Vec::new();
    for (index, method) in methods.iter().enumerate() {
        let name = match at_one(method) {
            Some(sensitivity) => {
                format!(
                    "{}, sensitivity {sensitivity:.3} at ≤ 1 false positive per patient",
                    method.method
                )
            }
            None => method.method.clone(),
        };
        entries.push((Key::Line(Stroke::of_series(index)), name));
    }
    for (index, method) in methods.iter().enumerate() {
        if let Some(point) = &method.operating_point {
            let key = Key::Point(Marker::Diamond, Stroke::of_series(index).colour);
            let name = format!(
                "{}: anomaly ≥ {}, {}",
                method.method,
                shown_number(point.threshold, 4),
                point.origin
            );
            entries.push((key, name));
        }
    }
    let of = |one: &MethodFroc| {
        format!("{} in {}", counted(one.lesions, "lesion"), counted(one.patients, "patient"))
    };
    let mut counts: Vec<String> = methods.iter().map(of).collect();
    counts.dedup();
    if counts.is_empty() {
        counts.push("No lesions".to_owned());
    } else if counts.len() > 1 {
        // The methods cover different parts of the images, so their counts differ.
        counts = methods.iter().map(|one| format!("{}: {}", one.method, of(one))).collect();
    }
    let note = format!(
        "{}. A connected group of at least {DETECTION_PIXELS} pixels at or above the threshold detects a lesion if at least \
         {:.0} % of its pixels are lesion; any other such group is a false positive.",
        counts.join("; "),
        100.0 * DETECTION_OVERLAP
    );
    let legend = Legend::new(entries, style::BODY_WIDTH);
    let body = (style::BODY_WIDTH, legend.height + style::GAP + HEIGHT);
    Figure::new("FROC of lesions", note, body, move |area| {
        legend.draw(area, (0, 0))?;
        let top = legend.height + style::GAP;
        curves(&area.clone().shrink((0, top), (style::BODY_WIDTH, HEIGHT)), &methods)
    })
}

/// The sensitivity with at most one false positive per patient.
fn at_one(method: &MethodFroc) -> Option<f64> {
    method.points.iter().filter(|point| point.0 <= 1.0).map(|point| point.1).reduce(f64::max)
}

fn curves(area: &Area<'_>, methods: &[MethodFroc]) -> Drawn {
    let stated = methods.iter().filter_map(|method| method.operating_point.as_ref());
    let farthest = methods
        .iter()
        .flat_map(|method| method.points.iter().map(|point| point.0))
        .chain(stated.map(|point| point.false_positives_per_patient))
        .filter(|far| far.is_finite())
        .fold(1.0, f64::max)
        .min(MOST_FALSE_POSITIVES);
    let end = 1.05 * farthest;
    let x = Axis::between("mean false positives per patient", 0.0, end).padded(0.012);
    let y = Axis::between("lesion sensitivity (share of lesions detected)", 0.0, 1.0).padded(0.025);
    let chart = Chart::open(area, "", x, y)?;
    for (index, method) in methods.iter().enumerate() {
        chart.line(&staircase(&method.points, end), Stroke::of_series(index))?;
    }
    for (index, method) in methods.iter().enumerate() {
        if let Some(point) = &method.operating_point
            && point.false_positives_per_patient <= end
        {
            let at = (point.false_positives_per_patient, point.sensitivity);
            chart.point(at, Marker::Diamond, 24, style::WHITE)?;
            chart.point(at, Marker::Diamond, 18, Stroke::of_series(index).colour)?;
        }
    }
    if methods.iter().all(|method| method.points.is_empty()) {
        chart.empty("no lesions")
    } else {
        Ok(())
    }
}

/// A sensitivity holds until more false positives allow a higher one, up to the `end` of the axis.
fn staircase(points: &[(f64, f64)], end: f64) -> Vec<(f64, f64)> {
    let mut line: Vec<(f64, f64)> = Vec::new();
    for (far, high) in points.iter().copied().filter(|point| point.0 <= end) {
        if let Some((_, before)) = line.last().copied() {
            line.push((far, before));
        }
        line.push((far, high));
    }
    if let Some((_, last)) = line.last().copied() {
        line.push((end, last));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_staircase_rises_where_more_false_positives_buy_sensitivity() {
        let stairs = staircase(&[(0.0, 0.25), (1.0, 0.5), (30.0, 1.0)], 2.0);
        assert_eq!(stairs, [(0.0, 0.25), (1.0, 0.25), (1.0, 0.5), (2.0, 0.5)]);
        assert!(staircase(&[], 2.0).is_empty());
    }
}
