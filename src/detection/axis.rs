//! The cord's axis in one sagittal slice.
//!
//! A principal curve through the pixels of the cord mask: pixels are ordered along their main
//! direction, a smooth line is fitted through them in that order, pixels are reordered along the
//! line, and so on. Unlike row-wise centroids it follows oblique and curved cords, and it bridges
//! the gap where a cord leaves the slice and comes back.

use ndarray::Array2;

use super::polyline::{Point, Polyline};
use crate::volume::{Connectivity, connected_components};

/// Cords with a shorter axis than this are not scored: one vertebral level is about as long, so a
/// shorter curve has no mean to stand out from.
pub const MINIMUM_LENGTH_MM: f64 = 20.0;

/// Pieces of cord smaller than this are specks of the segmentation, not cord.
const SPECK_MM2: f64 = 20.0;
/// Rounds of reordering; arcs of up to 150° settle in three.
const ROUNDS: usize = 4;
/// Step of the search for the ends of the cord along the axis.
const END_STEP_MM: f64 = 0.1;
/// Half of the piece that gives the axis' direction at a point.
const TANGENT_MM: f64 = 0.5;
/// How far beyond the fitted nodes the ends are looked for.
const END_MARGIN_MM: f64 = 5.0;

/// Smoothed centreline of the cord, measured in mm of arc length from the cord's upper end.
#[derive(Clone, Debug, PartialEq)]
pub struct CordAxis {
    line: Polyline,
    /// Position of the cord's upper end on `line`.
    start: f64,
    length: f64,
    pixel_spacing_mm: (f64, f64),
}

impl CordAxis {
    /// The axis of a cord mask with pixels of `pixel_spacing_mm` (rows, columns); `None` if less
    /// than [`MINIMUM_LENGTH_MM`] of it lies between the cord's ends.
    pub fn new(cord: &Array2<bool>, pixel_spacing_mm: (f64, f64)) -> Option<Self> {
        let points = cord_points(cord, pixel_spacing_mm);
        let mut positions = along_main_direction(&points);
        let area_mm2 = points.len() as f64 * pixel_spacing_mm.0 * pixel_spacing_mm.1;
        let mut line = Polyline::through(&points, &positions, area_mm2)?;
        for _ in 0..ROUNDS {
            positions = points.iter().map(|point| line.position(*point)).collect();
            line = Polyline::through(&points, &positions, area_mm2)?;
        }
        let (start, end) = ends(&line, cord, pixel_spacing_mm)?;
        let length = end - start;
        (length >= MINIMUM_LENGTH_MM).then_some(Self { line, start, length, pixel_spacing_mm })
    }

    /// Arc length between the ends of the cord, mm.
    pub fn length_mm(&self) -> f64 {
        self.length
    }

    /// Arc length of the axis point nearest to a place given in pixels, mm; negative above the
    /// cord's upper end and more than the length below its lower end.
    pub fn position_mm(&self, row: f64, column: f64) -> f64 {
        self.position_of([row * self.pixel_spacing_mm.0, column * self.pixel_spacing_mm.1])
    }

    /// Signed distance of a place given in pixels from the axis, mm: positive towards the back.
    pub fn offset_mm(&self, row: f64, column: f64) -> f64 {
        let place = [row * self.pixel_spacing_mm.0, column * self.pixel_spacing_mm.1];
        let position = self.position_of(place);
        let [above, foot, below] =
            [-TANGENT_MM, 0.0, TANGENT_MM].map(|step| self.point_mm(position + step));
        let away = [place[0] - foot[0], place[1] - foot[1]];
        // The direction across the axis that points to the back of a cord that runs downwards.
        let behind = away[1] * (below[0] - above[0]) - away[0] * (below[1] - above[1]);
        away[0].hypot(away[1]).copysign(behind)
    }

    /// The place (row, column) in pixels at an arc length in mm.
    pub fn point(&self, position_mm: f64) -> (f64, f64) {
        let [down, back] = self.point_mm(position_mm);
        (down / self.pixel_spacing_mm.0, back / self.pixel_spacing_mm.1)
    }

    /// Longer edge of a pixel, mm: the axis resolves nothing finer.
    pub(super) fn pixel_edge_mm(&self) -> f64 {
        self.pixel_spacing_mm.0.max(self.pixel_spacing_mm.1)
    }

    /// [`Self::position_mm`] of a place given in mm.
    pub(super) fn position_of(&self, point: Point) -> f64 {
        self.line.position(point) - self.start
    }

    /// [`Self::point`] in mm.
    pub(super) fn point_mm(&self, position_mm: f64) -> Point {
        self.line.point(position_mm + self.start)
    }
}

/// Pixel centres of the cord without its specks.
fn cord_points(cord: &Array2<bool>, pixel_spacing_mm: (f64, f64)) -> Vec<Point> {
    connected_components(cord, Connectivity::Eight)
        .into_iter()
        .filter(|piece| piece.len() as f64 * pixel_spacing_mm.0 * pixel_spacing_mm.1 >= SPECK_MM2)
        .flatten()
        .map(|(row, column)| [row as f64 * pixel_spacing_mm.0, column as f64 * pixel_spacing_mm.1])
        .collect()
}

/// Projections onto the main direction of the points, which runs downwards.
fn along_main_direction(points: &[Point]) -> Vec<f64> {
    let mean = |values: &dyn Fn(&Point) -> f64| {
        points.iter().map(values).sum::<f64>() / points.len().max(1) as f64
    };
    let centre = [mean(&|point| point[0]), mean(&|point| point[1])];
    let down = mean(&|point| (point[0] - centre[0]).powi(2));
    let back = mean(&|point| (point[1] - centre[1]).powi(2));
    let both = mean(&|point| (point[0] - centre[0]) * (point[1] - centre[1]));
    // Half the angle of the covariance ellipse, between -90° and 90° from straight down.
    let angle = 0.5 * (2.0 * both).atan2(down - back);
    let (sine, cosine) = angle.sin_cos();
    points.iter().map(|[down, back]| down * cosine + back * sine).collect()
}

/// First and last position on the line that lies inside the cord.
fn ends(line: &Polyline, cord: &Array2<bool>, pixel_spacing_mm: (f64, f64)) -> Option<(f64, f64)> {
    let inside = |position: f64| {
        let [down, back] = line.point(position);
        let (row, column) =
            ((down / pixel_spacing_mm.0).round(), (back / pixel_spacing_mm.1).round());
        // A float below zero would be cast to row 0.
        row >= 0.0 && column >= 0.0 && cord.get((row as usize, column as usize)) == Some(&true)
    };
    let steps = ((line.length() + 2.0 * END_MARGIN_MM) / END_STEP_MM).ceil() as usize;
    let mut positions = (0..=steps).map(|step| step as f64 * END_STEP_MM - END_MARGIN_MM);
    let first = positions.by_ref().find(|position| inside(*position))?;
    let last = positions.rev().find(|position| inside(*position))?;
    Some((first, last))
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use super::*;

    /// Pixels within `half_width` mm of an arc of `radius` around (100, 100) mm, `half_angle` to
    /// each side of the direction `towards` (0: to the back).
    fn arc(
        radius: f64,
        half_angle: f64,
        towards: f64,
        half_width: f64,
        pixel: f64,
    ) -> Array2<bool> {
        let size = (200.0 / pixel) as usize;
        Array2::from_shape_fn((size, size), |(row, column)| {
            let (down, back) = (row as f64 * pixel - 100.0, column as f64 * pixel - 100.0);
            let angle = (down.atan2(back) - towards + 3.0 * PI).rem_euclid(2.0 * PI) - PI;
            (down.hypot(back) - radius).abs() <= half_width && angle.abs() <= half_angle
        })
    }

    fn straight(size: usize, from: (f64, f64), to: (f64, f64)) -> Array2<bool> {
        let length = (to.0 - from.0).hypot(to.1 - from.1);
        let along = ((to.0 - from.0) / length, (to.1 - from.1) / length);
        Array2::from_shape_fn((size, size), |(row, column)| {
            let offset = (row as f64 - from.0, column as f64 - from.1);
            let position = offset.0 * along.0 + offset.1 * along.1;
            let across = offset.0 * along.1 - offset.1 * along.0;
            (0.0..=length).contains(&position) && across.abs() <= 4.5
        })
    }

    #[test]
    fn arc_length_is_right_to_a_millimetre_on_circular_arcs() {
        for (pixel, half_width) in [(0.5, 5.0), (0.78, 3.0), (0.78, 5.0), (0.78, 6.5), (1.0, 5.0)] {
            for (radius, half_angle) in [(60.0, 0.5), (60.0, 1.0), (80.0, 0.9), (45.0, 1.25)] {
                let cord = arc(radius, half_angle, 0.0, half_width, pixel);
                let length = CordAxis::new(&cord, (pixel, pixel)).expect("long enough").length_mm();
                let expected = 2.0 * half_angle * radius;
                assert!(
                    (length - expected).abs() < 1.0,
                    "{length} instead of {expected} mm ({radius}, {pixel}, {half_width})"
                );
            }
        }
    }

    #[test]
    fn positions_on_an_arc_are_its_angles_whichever_way_it_bends() {
        for towards in [0.0, PI] {
            let (radius, half_angle) = (60.0, 0.9);
            let axis = CordAxis::new(&arc(radius, half_angle, towards, 5.0, 1.0), (1.0, 1.0))
                .expect("long enough");
            for step in 0..=16 {
                let angle = half_angle * (f64::from(step) / 8.0 - 1.0);
                let side = if towards == 0.0 { 1.0 } else { -1.0 };
                let place = (100.0 + radius * angle.sin(), 100.0 + side * radius * angle.cos());
                let expected = (angle + half_angle) * radius;
                let position = axis.position_mm(place.0, place.1);
                assert!((position - expected).abs() < 1.0, "{position} instead of {expected}");
                let point = axis.point(position);
                let away = (point.0 - place.0).hypot(point.1 - place.1);
                assert!(away < 1.0, "{away} mm from the arc at {position} mm");
            }
        }
    }

    #[test]
    fn offsets_are_distances_from_the_axis_and_positive_behind_it() {
        let (from, to) = ((20.0, 20.0), (120.0, 120.0));
        let axis = CordAxis::new(&straight(160, from, to), (1.0, 1.0)).expect("long enough");
        for step in [-3.0, 0.0, 2.0] {
            // Across a line that runs downwards and backwards: upwards and backwards.
            let across = step * std::f64::consts::FRAC_1_SQRT_2;
            let offset = axis.offset_mm(70.0 - across, 70.0 + across);
            assert!((offset - step).abs() < 0.1, "{offset} instead of {step}");
        }
        let upright = straight(160, (20.0, 60.0), (140.0, 60.0));
        let axis = CordAxis::new(&upright, (0.5, 2.0)).expect("long enough");
        assert!((axis.offset_mm(80.0, 58.0) + 4.0).abs() < 0.1);
    }

    #[test]
    fn oblique_and_even_lying_cords_have_their_full_length() {
        for (from, to) in [
            ((20.0, 60.0), (140.0, 60.0)),
            ((20.0, 20.0), (120.0, 120.0)),
            ((30.0, 140.0), (90.0, 30.0)),
            ((70.0, 20.0), (80.0, 140.0)),
        ] {
            let axis = CordAxis::new(&straight(160, from, to), (1.0, 1.0)).expect("long enough");
            let expected = (to.0 - from.0).hypot(to.1 - from.1);
            assert!((axis.length_mm() - expected).abs() < 1.5, "{}", axis.length_mm());
            assert!(axis.position_mm(from.0, from.1).abs() < 1.0);
            assert!((axis.position_mm(to.0, to.1) - axis.length_mm()).abs() < 1.0);
        }
    }

    #[test]
    fn a_cord_that_leaves_the_slice_and_returns_keeps_its_arc_length() {
        let mut cord = arc(60.0, 0.9, 0.0, 5.0, 1.0);
        let whole = CordAxis::new(&cord, (1.0, 1.0)).expect("long enough");
        cord.slice_mut(ndarray::s![85..120, ..]).fill(false);
        let interrupted = CordAxis::new(&cord, (1.0, 1.0)).expect("long enough");
        // The chord of the gap is 0.6 mm shorter than its arc.
        let (whole, interrupted) = (whole.length_mm(), interrupted.length_mm());
        assert!((whole - interrupted).abs() < 2.0, "{interrupted} instead of {whole} mm");
    }

    #[test]
    fn pixels_need_not_be_square() {
        let cord = straight(160, (20.0, 60.0), (140.0, 60.0));
        let axis = CordAxis::new(&cord, (0.5, 0.9)).expect("long enough");
        assert!((axis.length_mm() - 60.5).abs() < 0.5, "{}", axis.length_mm());
    }

    #[test]
    fn specks_do_not_stretch_the_axis() {
        let mut cord = straight(160, (20.0, 60.0), (100.0, 60.0));
        let clean = CordAxis::new(&cord, (1.0, 1.0));
        cord[(150, 130)] = true;
        cord[(150, 131)] = true;
        assert_eq!(CordAxis::new(&cord, (1.0, 1.0)), clean);
    }

    #[test]
    fn too_little_cord_has_no_axis() {
        let mut cord = Array2::from_elem((64, 64), false);
        assert_eq!(CordAxis::new(&cord, (1.0, 1.0)), None);
        cord[(30, 30)] = true;
        assert_eq!(CordAxis::new(&cord, (1.0, 1.0)), None);
        assert_eq!(CordAxis::new(&cord, (30.0, 30.0)), None);
        cord.slice_mut(ndarray::s![20..38, 30..36]).fill(true);
        assert_eq!(CordAxis::new(&cord, (1.0, 1.0)), None);
    }
}
