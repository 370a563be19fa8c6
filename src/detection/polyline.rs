//! A smooth line through ordered points: one round of the principal curve that is the cord's axis.

/// Standard deviation of the kernel that smooths the axis, in widths of the cord. A kernel
/// narrower than the cord lets the ends of a principal curve turn towards its corners.
const SMOOTHING_WIDTHS: f64 = 1.2;
/// Spacing of the fitted nodes, mm.
const NODE_MM: f64 = 4.0;
/// Mean square below which samples do not carry a slope or a bend.
const FLAT: f64 = 1e-9;

/// A point in the slice plane: mm from the centre of pixel (0, 0), downwards and backwards.
pub(super) type Point = [f64; 2];

/// Straight pieces between nodes; the first and last piece continue to infinity.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Polyline {
    nodes: Vec<Point>,
    /// Arc length of each node from the first.
    arc: Vec<f64>,
}

impl Polyline {
    /// A smooth line through points that are ordered by `positions` (mm) and fill an area; `None`
    /// where they have no extent.
    pub(super) fn through(points: &[Point], positions: &[f64], area_mm2: f64) -> Option<Self> {
        let lowest = positions.iter().copied().fold(f64::INFINITY, f64::min);
        let highest = positions.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let extent = highest - lowest;
        if !extent.is_finite() || extent < NODE_MM {
            return None;
        }
        let samples = summarise(points, positions, lowest, extent);
        // One sample per millimetre, none in gaps: area over length is the cord's width.
        let smoothing_mm = SMOOTHING_WIDTHS * area_mm2 / samples.len() as f64;
        let pieces = (extent / NODE_MM).ceil() as usize;
        // Straight across gaps: there is nothing to fit.
        let nodes: Vec<Point> = (0..=pieces)
            .map(|node| lowest + extent * node as f64 / pieces as f64)
            .filter(|at| samples.iter().any(|sample| (sample.position - at).abs() <= NODE_MM))
            .map(|at| fit(&samples, at, smoothing_mm))
            .collect();
        if nodes.len() < 2 {
            return None;
        }
        let mut arc = vec![0.0];
        for pair in nodes.windows(2) {
            arc.push(arc[arc.len() - 1] + distance(pair[0], pair[1]));
        }
        Some(Self { nodes, arc })
    }

    pub(super) fn length(&self) -> f64 {
        self.arc[self.arc.len() - 1]
    }

    /// Arc length of the nearest point of the line.
    pub(super) fn position(&self, point: Point) -> f64 {
        let pieces = self.nodes.len() - 1;
        let mut nearest = (f64::INFINITY, 0.0);
        for piece in 0..pieces {
            let (from, to) = (self.nodes[piece], self.nodes[piece + 1]);
            let length = self.arc[piece + 1] - self.arc[piece];
            if length == 0.0 {
                continue;
            }
            let along = [(to[0] - from[0]) / length, (to[1] - from[1]) / length];
            let mut position = (point[0] - from[0]) * along[0] + (point[1] - from[1]) * along[1];
            if piece > 0 {
                position = position.max(0.0);
            }
            if piece + 1 < pieces {
                position = position.min(length);
            }
            let foot = [from[0] + along[0] * position, from[1] + along[1] * position];
            let away = distance(foot, point);
            if away < nearest.0 {
                nearest = (away, self.arc[piece] + position);
            }
        }
        nearest.1
    }

    /// The point at an arc length.
    pub(super) fn point(&self, position: f64) -> Point {
        let after = self.arc.partition_point(|arc| *arc <= position);
        let piece = after.saturating_sub(1).min(self.nodes.len() - 2);
        let (from, to) = (self.nodes[piece], self.nodes[piece + 1]);
        let length = self.arc[piece + 1] - self.arc[piece];
        let fraction = if length > 0.0 { (position - self.arc[piece]) / length } else { 0.0 };
        [from[0] + (to[0] - from[0]) * fraction, from[1] + (to[1] - from[1]) * fraction]
    }
}

fn distance(a: Point, b: Point) -> f64 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

/// Pixels that share a millimetre of the line, summed up.
#[derive(Clone, Copy, Default)]
struct Sample {
    weight: f64,
    position: f64,
    point: Point,
}

fn summarise(points: &[Point], positions: &[f64], lowest: f64, extent: f64) -> Vec<Sample> {
    let mut samples = vec![Sample::default(); extent as usize + 1];
    for (point, position) in points.iter().zip(positions) {
        let sample = &mut samples[(position - lowest) as usize];
        sample.weight += 1.0;
        sample.position += position;
        sample.point[0] += point[0];
        sample.point[1] += point[1];
    }
    samples.retain(|sample| sample.weight > 0.0);
    for sample in &mut samples {
        sample.position /= sample.weight;
        sample.point = sample.point.map(|sum| sum / sample.weight);
    }
    samples
}

/// Local quadratic regression of the points on their position: unlike a moving average it neither
/// pulls the ends inwards nor cuts bends short.
fn fit(samples: &[Sample], position: f64, smoothing_mm: f64) -> Point {
    // Offset in standard deviations, weight, point.
    let local: Vec<(f64, f64, Point)> = samples
        .iter()
        .map(|sample| {
            let offset = (sample.position - position) / smoothing_mm;
            (offset, sample.weight * (-0.5 * offset * offset).exp(), sample.point)
        })
        .collect();
    let total: f64 = local.iter().map(|(_, weight, _)| weight).sum();
    let mean = |value: &dyn Fn(f64, Point) -> f64| {
        local.iter().map(|(offset, weight, point)| weight * value(*offset, *point)).sum::<f64>()
            / total
    };
    // Polynomials orthogonal under the weights; the fit is their sum at offset 0.
    let centre = mean(&|offset, _| offset);
    let linear = |offset: f64| offset - centre;
    let spread = mean(&|offset, _| linear(offset).powi(2));
    let skew = mean(&|offset, _| linear(offset).powi(3)) / spread.max(f64::MIN_POSITIVE);
    let quadratic = |offset: f64| linear(offset) * (linear(offset) - skew) - spread;
    let bend = mean(&|offset, _| quadratic(offset).powi(2));
    [0, 1].map(|axis| {
        let mut value = mean(&|_, point| point[axis]);
        if spread > FLAT {
            let slope = mean(&|offset, point| linear(offset) * point[axis]) / spread;
            value += slope * linear(0.0);
        }
        if bend > FLAT {
            let curvature = mean(&|offset, point| quadratic(offset) * point[axis]) / bend;
            value += curvature * quadratic(0.0);
        }
        value
    })
}
