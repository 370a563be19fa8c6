//! The signal of cords along their axes, and by vertebral level.

use super::Figure;
use super::drawing::axis::Axis;
use super::drawing::canvas::{Area, Drawn};
use super::drawing::chart::{Chart, Key, Legend, Marker};
use super::drawing::segments::{Segment, draw_segments};
use super::drawing::style::{self, Stroke};
use crate::context::counted;
use crate::detection::{LevelSignal, SignalCurve};
use crate::statistics::mean;

/// Height of the chart, in drawing units.
const HEIGHT: i32 = 1300;

/// The most subjects that are told apart by colour.
const COLOURED: usize = 6;

const QUANTITY: &str = "mean T2w signal of the cord (0 to 1)";
const RELATIVE: &str = "mean T2w signal of the cord (fluid = 1)";

/// The mean signal of a subject's cord along its axis, with borders and means of the vertebral levels.
pub fn signal_curve(curve: &SignalCurve) -> Figure {
    let title = format!("Signal of the cord: {}", curve.subject);
    let note = format!(
        "Mean over the {} slices with cord, at the nearest point of the axis of {}. Under the name of each \
         level stands its mean.",
        curve.slices, curve.axis_of
    );
    let mut entries = vec![(Key::Line(Stroke::of_series(0)), "cord".to_string())];
    if let Some(fluid) = curve.fluid {
        let words = format!("median of the cerebrospinal fluid, {fluid:.3}");
        entries.push((Key::Line(fluid_stroke()), words));
    }
    let curve = curve.clone();
    charted(title, note, entries, move |area| draw_one(area, &curve))
}

/// The mean signal of each subject's cord at each vertebral level that any of them has, relative to the
/// cerebrospinal fluid if all of them have any. Subjects whose levels are not known are left out if others' are.
pub fn signal_levels(curves: &[SignalCurve]) -> Figure {
    let (known, unknown): (Vec<&SignalCurve>, Vec<&SignalCurve>) =
        curves.iter().partition(|curve| curve.has_levels);
    let (curves, left_out) =
        if known.is_empty() { (unknown, Vec::new()) } else { (known, unknown) };
    let curves: Vec<SignalCurve> = curves.into_iter().cloned().collect();
    let title = format!("Signal of the cord by level: {}", counted(curves.len(), "subject"));
    let mut note = match relative(&curves) {
        true => "Divided by the median signal of the subject's cerebrospinal fluid.",
        false => {
            "Intensities after preprocessing, which do not compare subjects: some have no fluid."
        }
    }
    .to_owned();
    if curves.len() > COLOURED {
        note += " The mean is shown at levels that at least half of the subjects have.";
    }
    if !left_out.is_empty() {
        let names: Vec<&str> = left_out.iter().map(|curve| &*curve.subject).collect();
        note += &format!(" Left out, because the levels are not known: {}.", names.join(", "));
    }
    let entries = match curves.len() {
        0..=COLOURED => curves
            .iter()
            .enumerate()
            .map(|(n, curve)| (Key::Line(Stroke::of_series(n)), curve.subject.to_string()))
            .collect(),
        _ => vec![
            (Key::Line(thin_stroke()), "one subject".to_string()),
            (Key::Line(Stroke::of_series(0)), "mean of the subjects".to_string()),
        ],
    };
    charted(title, note, entries, move |area| draw_levels(area, &curves))
}

fn charted(
    title: String,
    note: String,
    entries: Vec<(Key, String)>,
    draw: impl Fn(&Area<'_>) -> Drawn + Send + Sync + 'static,
) -> Figure {
    let legend = Legend::new(entries, style::BODY_WIDTH);
    let body = (style::BODY_WIDTH, legend.height + style::GAP + HEIGHT);
    Figure::new(title, note, body, move |area| {
        legend.draw(area, (0, 0))?;
        let top = legend.height + style::GAP;
        draw(&area.clone().shrink((0, top), (style::BODY_WIDTH, HEIGHT)))
    })
}

fn fluid_stroke() -> Stroke {
    Stroke::dashed(style::INK, 5)
}

fn thin_stroke() -> Stroke {
    Stroke::solid(style::GREY, 2)
}

fn draw_one(area: &Area<'_>, curve: &SignalCurve) -> Drawn {
    let ends = curve.levels.iter().flat_map(|level| [level.from_mm, level.to_mm]);
    let places: Vec<f64> = curve.position_mm.iter().copied().chain(ends).collect();
    let x = Axis::between(
        "position along the cord (mm from the upper end of its axis; superior → inferior)",
        places.iter().copied().fold(f64::INFINITY, f64::min),
        places.iter().copied().fold(f64::NEG_INFINITY, f64::max),
    );
    let signals = curve.signal.iter().copied().chain(curve.fluid);
    // Names and means of levels stand above the curve.
    let y = Axis::from_zero(QUANTITY, [1.22 * signals.fold(0.0, f64::max)]);
    let chart = Chart::open(area, "", x, y)?;
    draw_segments(
        &chart,
        curve.levels.iter().map(|level| Segment {
            name: &level.name,
            from_mm: level.from_mm,
            to_mm: level.to_mm,
            value: format!("{:.3}", level.mean),
        }),
    )?;
    if let Some(fluid) = curve.fluid {
        chart.horizontal(fluid, fluid_stroke())?;
    }
    let points: Vec<(f64, f64)> =
        curve.position_mm.iter().copied().zip(curve.signal.iter().copied()).collect();
    chart.line(&points, Stroke::of_series(0))
}

fn draw_levels(area: &Area<'_>, curves: &[SignalCurve]) -> Drawn {
    let names = level_names(curves);
    let x = Axis::named("vertebral level (superior → inferior)", &names);
    let (relative, place) = (relative(curves), |name: &str| names.iter().position(|n| *n == name));
    let points = |curve: &SignalCurve| -> Vec<(f64, f64)> {
        let unit = curve.fluid.filter(|_| relative).unwrap_or(1.0);
        let point = |level: &LevelSignal| Some((place(&level.name)? as f64, level.mean / unit));
        curve.levels.iter().filter_map(point).collect()
    };
    let lines: Vec<Vec<(f64, f64)>> = curves.iter().map(points).collect();
    let quantity = if relative { RELATIVE } else { QUANTITY };
    let y = Axis::from_zero(quantity, lines.iter().flatten().map(|(_, signal)| *signal));
    let chart = Chart::open(area, "", x, y.with_headroom(0.08))?;
    if names.is_empty() {
        return chart.empty("no levels");
    }
    if curves.len() <= COLOURED {
        for (n, line) in lines.iter().enumerate() {
            let stroke = Stroke::of_series(n);
            connected(line).into_iter().try_for_each(|part| chart.line(part, stroke))?;
            for point in line {
                chart.point(*point, Marker::Disc, 12, stroke.colour)?;
            }
        }
        return Ok(());
    }
    for part in lines.iter().flat_map(|line| connected(line)) {
        chart.line(part, thin_stroke())?;
    }
    let at = |place: usize| {
        let here = lines.iter().flatten().filter(move |(level, _)| *level == place as f64);
        let signals: Vec<f64> = here.map(|(_, signal)| *signal).collect();
        // Where few have a level, the mean would change because others are meant.
        let is_told = 2 * signals.len() >= lines.len();
        mean(signals).filter(|_| is_told).map(|mean| (place as f64, mean))
    };
    let means: Vec<(f64, f64)> = (0..names.len()).filter_map(at).collect();
    connected(&means).into_iter().try_for_each(|part| chart.line(part, Stroke::of_series(0)))
}

/// The points at neighbouring levels: what lies between others is not known.
fn connected(line: &[(f64, f64)]) -> Vec<&[(f64, f64)]> {
    line.chunk_by(|one, next| next.0 - one.0 < 1.5).collect()
}

/// Whether every subject has fluid to compare with.
fn relative(curves: &[SignalCurve]) -> bool {
    curves.iter().all(|curve| curve.fluid.is_some_and(|fluid| fluid > 0.0))
}

/// The levels of all subjects, superior first: each subject's in its own order, new ones after the level
/// that they follow.
fn level_names(curves: &[SignalCurve]) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for curve in curves {
        let mut next = 0;
        for level in &curve.levels {
            match names.iter().position(|name| *name == level.name) {
                Some(at) => next = at + 1,
                None => {
                    names.insert(next, &level.name);
                    next += 1;
                }
            }
        }
    }
    names
}
