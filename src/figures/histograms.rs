//! Intensities of cord, fluid and lesions, and of the reconstructions of the lesions.

use ndarray::Array2;

use super::Figure;
use super::drawing::axis::Axis;
use super::drawing::chart::{Chart, Key, Legend};
use super::drawing::style::{self, Stroke};
use crate::detection::Findings;

/// Height of a chart, in drawing units.
const HEIGHT: i32 = 1000;
const BINS: usize = 50;

/// Shares of pixels per intensity bin.
#[derive(Clone)]
struct Histogram {
    shares: [f64; BINS],
    pixels: usize,
}

impl Histogram {
    fn of(values: impl Iterator<Item = f32>) -> Self {
        let (mut counts, mut pixels) = ([0usize; BINS], 0);
        for value in values.filter(|value| value.is_finite()) {
            counts[((value.clamp(0.0, 1.0) * BINS as f32) as usize).min(BINS - 1)] += 1;
            pixels += 1;
        }
        Self { shares: counts.map(|count| count as f64 / pixels.max(1) as f64), pixels }
    }

    /// The histogram as steps, down to zero around its filled bins and broken between them.
    fn steps(&self) -> Vec<(f64, f64)> {
        let edge = |bin: usize| bin as f64 / BINS as f64;
        let mut steps = Vec::new();
        for filled in self.shares.iter().enumerate().collect::<Vec<_>>().split(|bin| *bin.1 == 0.0)
        {
            let (Some(first), Some(last)) = (filled.first(), filled.last()) else { continue };
            steps.push((edge(first.0), 0.0));
            steps.extend(
                filled.iter().flat_map(|(n, share)| [(edge(*n), **share), (edge(n + 1), **share)]),
            );
            steps.push((edge(last.0 + 1), 0.0));
            steps.push((f64::NAN, f64::NAN));
        }
        steps
    }
}

const NAMES: [&str; 4] = ["cord", "CSF", "lesion", "reconstruction of the lesion"];

/// For each method, histograms of cord (without lesions), cerebrospinal fluid and lesion in the
/// image, and of the method's reconstruction inside the lesions, if it reconstructs: a good method reconstructs lesions
/// as cord. Slices whose ground truth is unknown are left out.
pub fn intensity_histograms(methods: &[&Findings]) -> Figure {
    let panels: Vec<(String, [Histogram; 4])> =
        methods.iter().map(|findings| (findings.method.clone(), histograms(findings))).collect();
    let legend = Legend::new(
        NAMES
            .iter()
            .enumerate()
            .map(|(n, name)| (Key::Line(Stroke::of_series(n)), name.to_string())),
        style::BODY_WIDTH,
    );
    let columns = panels.len().clamp(1, 3) as i32;
    let rows = (panels.len() as i32 + columns - 1) / columns.max(1);
    let width = (style::BODY_WIDTH - (columns - 1) * style::GAP) / columns;
    let note = match panels.first() {
        Some((_, [cord, csf, lesion, _])) => format!(
            "Slices with known ground truth: {} pixels of cord without a lesion, {} of CSF, {} of lesions. \
             Bins of {}.",
            cord.pixels,
            csf.pixels,
            lesion.pixels,
            1.0 / BINS as f64
        ),
        None => "No method was run.".to_string(),
    };
    let highest = panels.iter().flat_map(|(_, all)| all).flat_map(|histogram| histogram.shares);
    let y = Axis::from_zero("share of pixels", highest);
    let body = (style::BODY_WIDTH, legend.height + rows * (HEIGHT + style::GAP));
    Figure::new("Intensity histograms", note, body, move |area| {
        legend.draw(area, (0, 0))?;
        for (index, (method, histograms)) in panels.iter().enumerate() {
            let (row, column) = (index as i32 / columns, index as i32 % columns);
            let top = legend.height + style::GAP + row * (HEIGHT + style::GAP);
            let area = area.clone().shrink((column * (width + style::GAP), top), (width, HEIGHT));
            let x = Axis::between("intensity", 0.0, 1.0);
            let chart = Chart::open(&area, method, x, y.clone())?;
            let drawn = histograms.iter().enumerate().filter(|(_, h)| h.pixels > 0);
            for (index, histogram) in drawn {
                chart.line(&histogram.steps(), Stroke::of_series(index))?;
            }
        }
        Ok(())
    })
}

fn histograms(findings: &Findings) -> [Histogram; 4] {
    let mut values: [Vec<f32>; 4] = Default::default();
    for finding in &findings.subjects {
        for found in &finding.slices {
            let Some(slice) = finding.subject.slices.get(found.slice) else { continue };
            let Some(lesion) = &slice.lesion else { continue };
            let mut gather =
                |into: usize, map: &Array2<f32>, inside: &dyn Fn((usize, usize)) -> bool| {
                    let pixels = map.indexed_iter().filter(|(place, _)| inside(*place));
                    values[into].extend(pixels.map(|(_, value)| *value));
                };
            let set = |mask: &Array2<bool>, place| *mask.get(place).unwrap_or(&false);
            gather(0, &slice.image, &|place| set(&slice.cord, place) && !set(lesion, place));
            gather(1, &slice.image, &|place| set(&slice.csf, place) && !set(lesion, place));
            gather(2, &slice.image, &|place| set(lesion, place));
            if findings.reconstructs {
                gather(3, &found.reconstruction.reconstruction, &|place| set(lesion, place));
            }
        }
    }
    values.map(|values| Histogram::of(values.into_iter()))
}
