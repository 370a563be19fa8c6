//! ROC curves of one or several methods, and the patient scores behind them.

use crate::context::{counted, shown_number};
use crate::evaluation::{Evaluation, RocPoint};
use crate::figures::Figure;
use crate::figures::drawing::axis::Axis;
use crate::figures::drawing::canvas::{Area, Drawn};
use crate::figures::drawing::chart::{Chart, Key, Legend, Marker};
use crate::figures::drawing::style::{self, Stroke};

/// Height of the charts, in drawing units.
const HEIGHT: i32 = 1400;
/// Methods whose scores are shown.
const SHOWN: usize = 4;
/// From so many methods on, scores have a second row of charts: three beside the curves would be too narrow for
/// their names.
const MANY: usize = 3;

/// A stated threshold and where it lies on the ROC curve.
#[derive(Clone, Debug)]
pub struct OperatingPoint {
    /// Scores at or above it are called positive.
    pub threshold: f64,
    /// Where the threshold comes from: "highest healthy score", "best F1 on these patients", ….
    pub origin: String,
    pub false_positive_rate: f64,
    pub true_positive_rate: f64,
}

/// What [`roc_curves`] shows of one method.
#[derive(Clone, Debug)]
pub struct MethodRoc {
    pub method: String,
    /// (False positive rate, true positive rate) from (0, 0) to (1, 1).
    pub points: Vec<(f64, f64)>,
    /// Area under the curve; NaN where it is not defined.
    pub auroc: f64,
    pub operating_point: Option<OperatingPoint>,
    /// Score of each patient, and whether it has a lesion by the ground truth.
    pub patients: Vec<(f64, bool)>,
}

impl MethodRoc {
    /// The patients of an evaluation.
    pub fn new(evaluation: &Evaluation) -> Self {
        let level = &evaluation.patients;
        let operating_point = level.threshold.as_ref().zip(level.confusion);
        let point = |point: &RocPoint| (point.false_positive_rate, point.true_positive_rate);
        Self {
            method: evaluation.method.clone(),
            points: level.roc.iter().map(point).collect(),
            auroc: level.auroc.unwrap_or(f64::NAN),
            operating_point: operating_point.and_then(|(threshold, confusion)| {
                Some(OperatingPoint {
                    threshold: threshold.value,
                    origin: threshold.origin.clone(),
                    false_positive_rate: 1.0 - confusion.specificity()?,
                    true_positive_rate: confusion.sensitivity()?,
                })
            }),
            patients: evaluation.patient_scores().to_vec(),
        }
    }
}

/// ROC curves with AUROC in the legend, the chance line and each stated threshold's point; beside and below
/// them, for the first four methods, every patient's score by ground truth with the threshold.
pub fn roc_curves(methods: &[MethodRoc]) -> Figure {
    let methods = methods.to_vec();
    let mut entries: Vec<(Key, String)> = Vec::new();
    for (index, method) in methods.iter().enumerate() {
        let auroc = match method.auroc.is_finite() {
            true => format!("{:.3}", method.auroc),
            false => "n/a".into(),
        };
        let stroke = Stroke::of_series(index);
        entries.push((Key::Line(stroke), format!("{}, AUROC {auroc}", method.method)));
    }
    entries.push((Key::Line(chance()), "chance".into()));
    let shared = shared_origin(&methods);
    for (index, method) in methods.iter().enumerate() {
        if let Some(point) = &method.operating_point {
            let key = Key::Point(Marker::Square, Stroke::of_series(index).colour);
            let mut name =
                format!("{}: threshold {}", method.method, shown_number(point.threshold, 4));
            if shared.is_none() {
                name += &format!(", {}", point.origin);
            }
            entries.push((key, name));
        }
    }
    let others = match methods.len() > SHOWN {
        true => format!(" Scores of the first {SHOWN} methods."),
        false => String::new(),
    };
    let dashed = match methods.iter().any(|method| method.operating_point.is_some()) {
        true => " Dashed beside the scores: the threshold.",
        false => "",
    };
    let origins = shared.map(|origin| format!(" Thresholds: {origin}.")).unwrap_or_default();
    let note = format!("{}.{others}{dashed}{origins}", patients(&methods));
    let legend = Legend::new(entries, style::BODY_WIDTH);
    let top = legend.height + style::GAP;
    let layout = Layout::new(methods.len(), top);
    Figure::new("ROC of patient scores", note, (style::BODY_WIDTH, layout.height), move |area| {
        legend.draw(area, (0, 0))?;
        curves(&area.clone().shrink((0, top), (layout.curves, HEIGHT)), &methods)?;
        for (index, (method, corner)) in methods.iter().zip(&layout.strips).enumerate() {
            strip(&area.clone().shrink(*corner, (layout.strip, HEIGHT)), method, index)?;
        }
        Ok(())
    })
}

/// How many patients there are with a lesion and without, of each method where they differ.
fn patients(methods: &[MethodRoc]) -> String {
    let of = |method: &MethodRoc| {
        let with = method.patients.iter().filter(|(_, lesion)| *lesion).count();
        let without = method.patients.len() - with;
        format!("{} with a lesion, {without} without", counted(with, "patient"))
    };
    let all = |text: String| methods.iter().all(|method| of(method) == text);
    match methods.first().map(of) {
        None => "No patients".to_owned(),
        Some(first) if all(first.clone()) => first,
        Some(_) => {
            let each = methods.iter().map(|method| format!("{}: {}", method.method, of(method)));
            each.collect::<Vec<_>>().join("; ")
        }
    }
}

/// Where the thresholds come from, if that is the same for many methods: it is said once then.
fn shared_origin(methods: &[MethodRoc]) -> Option<&str> {
    let mut origins = methods.iter().filter_map(|method| method.operating_point.as_ref());
    let first = &origins.next().filter(|_| methods.len() >= MANY)?.origin;
    origins.all(|other| other.origin == *first).then_some(first)
}

/// The places of the charts.
struct Layout {
    /// Width of the chart with the curves.
    curves: i32,
    /// Width of a chart with scores.
    strip: i32,
    /// Upper left corners of the charts with scores.
    strips: Vec<(i32, i32)>,
    height: i32,
}

impl Layout {
    /// For so many methods, the charts below `top`.
    fn new(methods: usize, top: i32) -> Self {
        if methods < MANY {
            let curves = HEIGHT + 130;
            let left = curves + style::GAP;
            let strip = (style::BODY_WIDTH - left) / methods.max(1) as i32;
            let strips = (0..methods as i32).map(|index| (left + index * strip, top)).collect();
            return Self { curves, strip, strips, height: top + HEIGHT };
        }
        let strip = style::BODY_WIDTH / 3;
        let below = top + HEIGHT + style::GAP;
        let mut strips = vec![(2 * strip, top)];
        strips.extend((0..SHOWN.min(methods) as i32 - 1).map(|index| (index * strip, below)));
        Self { curves: 2 * strip - style::GAP, strip, strips, height: below + HEIGHT }
    }
}

fn chance() -> Stroke {
    Stroke { colour: style::GREY, width: 4, dash: Some((8, 14)) }
}

fn curves(area: &Area<'_>, methods: &[MethodRoc]) -> Drawn {
    let x = Axis::between("false positive rate", 0.0, 1.0).padded(0.025);
    let y = Axis::between("true positive rate", 0.0, 1.0).padded(0.025);
    let chart = Chart::open(area, "", x, y)?;
    chart.line(&[(0.0, 0.0), (1.0, 1.0)], chance())?;
    for (index, method) in methods.iter().enumerate() {
        chart.line(&method.points, Stroke::of_series(index))?;
    }
    for (index, method) in methods.iter().enumerate() {
        if let Some(point) = &method.operating_point {
            let at = (point.false_positive_rate, point.true_positive_rate);
            chart.point(at, Marker::Square, 24, style::WHITE)?;
            chart.point(at, Marker::Square, 18, Stroke::of_series(index).colour)?;
        }
    }
    if methods.is_empty() { chart.empty("no method") } else { Ok(()) }
}

/// Scores as dots, patients without a lesion at the left, with one at the right.
fn strip(area: &Area<'_>, method: &MethodRoc, index: usize) -> Drawn {
    let scores = method.patients.iter().map(|(score, _)| *score);
    let threshold = method.operating_point.as_ref().map(|point| point.threshold);
    let y = Axis::around("patient score", scores.chain(threshold));
    let x = Axis::named("lesion (ground truth)", &["no", "yes"]);
    let chart = Chart::open(area, &method.method, x, y)?;
    if let Some(threshold) = threshold {
        chart.horizontal(threshold, Stroke::dashed(Stroke::of_series(index).colour, 5))?;
    }
    // One colour for each method, as in the legend; ground truth has columns and shapes of its own.
    let colour = Stroke::of_series(index).colour;
    for (column, truth) in [false, true].into_iter().enumerate() {
        let of_truth = method.patients.iter().filter(|(score, t)| *t == truth && score.is_finite());
        for (rank, (score, _)) in of_truth.enumerate() {
            // Spread sideways in a fixed pattern around the middle, so that equal scores stay countable.
            let aside = ((rank * 5 + 6) % 13) as f64 / 12.0 - 0.5;
            let marker = if truth { Marker::Diamond } else { Marker::Disc };
            chart.point((column as f64 + 0.5 * aside, *score), marker, 13, colour)?;
        }
    }
    if method.patients.is_empty() { chart.empty("no patients") } else { Ok(()) }
}
