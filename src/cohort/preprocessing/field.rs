//! The square field of a sagittal slice: from native pixels through 1 mm pixels to preprocessed
//! ones.

use std::ops::Range;

use ndarray::{Array2, ArrayView2, s};

use crate::cohort::note::Note;
use crate::volume::resample::{nearest_zoom, spline_zoom, zoom_step, zoomed_length};

/// The advice for what lies outside the field of view. A model brings its own field, which replaces that
/// of the cohort.
macro_rules! larger_field {
    () => {
        "a larger field keeps it: fov_mm of u2ad for a model, of load_cohort for a cohort (fov_mm = \"auto\" finds one)"
    };
}
pub(super) use larger_field;
pub(super) const LARGER_FIELD: &str = larger_field!();

/// How in-plane pixels of the canonical volume become preprocessed pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::cohort) struct Field {
    pub(in crate::cohort) rows: FieldAxis,
    pub(in crate::cohort) columns: FieldAxis,
}

/// One axis of the field: resampled to (nearly) 1 mm, cropped or padded, scaled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::cohort) struct FieldAxis {
    /// Pixels of the canonical volume.
    pub(in crate::cohort) native: usize,
    /// Edge of such a pixel in mm.
    pub(in crate::cohort) spacing: f64,
    /// Pixels after resampling to 1 mm.
    pub(in crate::cohort) resampled: usize,
    /// First of these in the field; negative where the field is padded.
    start: isize,
    /// Pixels of the field.
    field: usize,
    /// Preprocessed pixels.
    pub(in crate::cohort) size: usize,
}

/// The same stretch of an axis on the pixels of the field and on 1 mm pixels.
struct Covered {
    field: Range<usize>,
    resampled: Range<usize>,
}

/// A moved field must keep this share of the cord's pixels more than the centred one.
const WORTH_MOVING: f64 = 0.05;
/// If more than this share of the cord is cut off, the user gets a note.
const WORTH_A_NOTE: f64 = 0.05;

impl FieldAxis {
    /// The published rule: a field of `field` pixels of 1 mm in the centre of `native` pixels.
    pub(in crate::cohort) fn centred(
        native: usize,
        spacing: f64,
        field: usize,
        size: usize,
    ) -> Self {
        let resampled = zoomed_length(native, spacing);
        let start = if resampled > field {
            (resampled / 2 - field / 2) as isize
        } else {
            -(((field - resampled) / 2) as isize)
        };
        Self { native, spacing, resampled, start, field, size }
    }

    /// Moves the field if that keeps enough more of the cord, which has `counts` pixels at each
    /// 1 mm pixel: to the middle of the places that keep the most. Returns the move in pixels.
    fn keep(&mut self, counts: &[usize]) -> isize {
        if self.resampled <= self.field {
            return 0;
        }
        let kept: Vec<usize> =
            counts.windows(self.field).map(|window| window.iter().sum()).collect();
        let centred = kept[self.start as usize];
        let best = kept.iter().copied().max().unwrap_or(centred);
        let total: usize = counts.iter().sum();
        if (best - centred) as f64 <= WORTH_MOVING * total as f64 {
            return 0;
        }
        let places: Vec<usize> = (0..kept.len()).filter(|&start| kept[start] == best).collect();
        let moved = places[places.len() / 2] as isize;
        let shift = moved - self.start;
        self.start = moved;
        shift
    }

    /// Edge of a preprocessed pixel in mm. Not the nominal one: resampling maps end to end.
    fn pixel_spacing_mm(&self) -> f64 {
        self.spacing * zoom_step(self.field, self.size) * zoom_step(self.native, self.resampled)
    }

    /// Canonical pixel coordinate of a preprocessed one.
    pub(in crate::cohort) fn to_canonical(self, preprocessed: f64) -> f64 {
        let resampled = preprocessed * zoom_step(self.field, self.size) + self.start as f64;
        resampled * zoom_step(self.native, self.resampled)
    }

    /// Preprocessed pixel coordinate of a canonical one.
    pub(in crate::cohort) fn to_preprocessed(self, canonical: f64) -> f64 {
        let resampled = canonical / zoom_step(self.native, self.resampled);
        (resampled - self.start as f64) / zoom_step(self.field, self.size)
    }

    /// The canonical pixel nearest to a preprocessed one, if the image reaches there.
    fn canonical_index(self, preprocessed: usize) -> Option<usize> {
        let place = (self.to_canonical(preprocessed as f64) + 0.5).floor();
        (0.0..self.native as f64).contains(&place).then_some(place as usize)
    }

    /// The part of the field that is not padding.
    fn covered(&self) -> Covered {
        let first = self.start.max(0) as usize;
        let end = ((self.start + self.field as isize).max(0) as usize).min(self.resampled);
        let resampled = first.min(end)..end;
        let place = |pixel: usize| (pixel as isize - self.start) as usize;
        Covered { field: place(resampled.start)..place(resampled.end), resampled }
    }

    /// Whether a 1 mm pixel lies in the field.
    fn contains(&self, resampled_index: usize) -> bool {
        (0..self.field as isize).contains(&(resampled_index as isize - self.start))
    }
}

impl Field {
    /// Moves the field where the centred one would lose too much of the cord (given per slice, on
    /// 1 mm pixels), and reports what was moved or is lost.
    pub(in crate::cohort) fn keep_cord(&mut self, cord: &[Array2<bool>]) -> Vec<Note> {
        let pixels: Vec<(usize, usize)> = cord
            .iter()
            .flat_map(|slice| slice.indexed_iter())
            .filter_map(|(pixel, &inside)| inside.then_some(pixel))
            .collect();
        let mut rows = vec![0; self.rows.resampled];
        let mut columns = vec![0; self.columns.resampled];
        for &(row, column) in &pixels {
            rows[row] += 1;
            columns[column] += 1;
        }
        let shifts = [
            (self.rows.keep(&rows), "down", "up"),
            (self.columns.keep(&columns), "backwards", "forwards"),
        ];
        let mut notes = Vec::new();
        for (shift, ahead, back) in shifts.into_iter().filter(|(shift, ..)| *shift != 0) {
            let direction = if shift > 0 { ahead } else { back };
            let text = format!(
                "the field was moved {} mm {direction} from the image's centre to keep the cord",
                shift.abs()
            );
            let topic = "the field was moved by {} mm from the image's centre to keep the cord";
            notes.push(Note::new(topic, text).of(shift.abs() as f64));
        }
        let lost = self.share_outside(cord);
        if lost > WORTH_A_NOTE {
            let text = format!(
                "{:.0} % of the cord lies outside the field of {} mm; {LARGER_FIELD}",
                100.0 * lost,
                self.rows.field
            );
            let topic = concat!("{} % of the cord lies outside the field; ", larger_field!());
            notes.push(Note::new(topic, text).of(100.0 * lost));
        }
        notes
    }

    /// The share of the cord that the field does not hold once it was moved as [`Self::keep_cord`] moves it.
    pub(super) fn cord_outside(&mut self, cord: &[Array2<bool>]) -> f64 {
        self.keep_cord(cord);
        self.share_outside(cord)
    }

    /// The share of a mask's pixels that the field does not hold; 0 for an empty mask.
    fn share_outside(&self, mask: &[Array2<bool>]) -> f64 {
        let (mut inside, mut all) = (0usize, 0usize);
        for slice in mask {
            for ((row, column), _) in slice.indexed_iter().filter(|(_, inside)| **inside) {
                all += 1;
                inside += usize::from(self.rows.contains(row) && self.columns.contains(column));
            }
        }
        if all == 0 { 0.0 } else { 1.0 - inside as f64 / all as f64 }
    }

    /// True edge lengths of a preprocessed pixel in mm (rows, columns).
    pub(in crate::cohort) fn pixel_spacing_mm(&self) -> (f64, f64) {
        (self.rows.pixel_spacing_mm(), self.columns.pixel_spacing_mm())
    }

    /// A canonical slice to preprocessed pixels by cubic splines, in double precision; 0 where the
    /// field is padded, with some ringing beside.
    pub(in crate::cohort) fn preprocess_image(&self, slice: ArrayView2<f32>) -> Array2<f64> {
        let slice = slice.mapv(f64::from);
        let resampled = spline_zoom(slice.view(), self.resampled_shape());
        spline_zoom(self.cut(&resampled, 0.0).view(), self.preprocessed_shape())
    }

    /// A canonical slice of labels to 1 mm pixels, by nearest neighbour.
    pub(in crate::cohort) fn resample_mask(&self, slice: ArrayView2<bool>) -> Array2<bool> {
        if !slice.iter().any(|inside| *inside) {
            // Most slices.
            return Array2::from_elem(self.resampled_shape(), false);
        }
        nearest_zoom(slice, self.resampled_shape())
    }

    /// A canonical slice of labels to preprocessed pixels, by nearest neighbour, without the pixels of
    /// 1 mm in between.
    pub(in crate::cohort) fn sample_mask(&self, slice: ArrayView2<bool>) -> Array2<bool> {
        let nearest = |axis: &FieldAxis| -> Vec<Option<usize>> {
            (0..axis.size).map(|pixel| axis.canonical_index(pixel)).collect()
        };
        let (rows, columns) = (nearest(&self.rows), nearest(&self.columns));
        Array2::from_shape_fn(
            self.preprocessed_shape(),
            |(row, column)| matches!((rows[row], columns[column]), (Some(row), Some(column)) if slice[[row, column]]),
        )
    }

    /// Whether a canonical pixel lies in the field.
    pub(in crate::cohort) fn holds(&self, row: usize, column: usize) -> bool {
        let inside = |axis: FieldAxis, pixel: usize| {
            let place = axis.to_preprocessed(pixel as f64);
            (-0.5..axis.size as f64 - 0.5).contains(&place)
        };
        inside(self.rows, row) && inside(self.columns, column)
    }

    /// Edge of the field, in pixels of 1 mm.
    pub(in crate::cohort) fn edge(&self) -> usize {
        self.rows.field
    }

    /// A mask of 1 mm pixels to preprocessed pixels, by nearest neighbour.
    pub(in crate::cohort) fn preprocess_mask(&self, resampled: &Array2<bool>) -> Array2<bool> {
        nearest_zoom(self.cut(resampled, false).view(), self.preprocessed_shape())
    }

    /// Preprocessed pixels that are padding.
    pub(in crate::cohort) fn padding(&self) -> Array2<bool> {
        let image = Array2::from_elem(self.resampled_shape(), false);
        nearest_zoom(self.cut(&image, true).view(), self.preprocessed_shape())
    }

    /// Crops or pads a slice of 1 mm pixels to the field.
    fn cut<T: Copy>(&self, resampled: &Array2<T>, fill: T) -> Array2<T> {
        let mut cut = Array2::from_elem((self.rows.field, self.columns.field), fill);
        let (rows, columns) = (self.rows.covered(), self.columns.covered());
        let source = resampled.slice(s![rows.resampled, columns.resampled]);
        cut.slice_mut(s![rows.field, columns.field]).assign(&source);
        cut
    }

    fn resampled_shape(&self) -> (usize, usize) {
        (self.rows.resampled, self.columns.resampled)
    }

    /// Preprocessed (rows, columns).
    pub(in crate::cohort) fn preprocessed_shape(&self) -> (usize, usize) {
        (self.rows.size, self.columns.size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_is_centred_as_published() {
        assert_eq!(FieldAxis::centred(256, 1.0, 200, 256).start, 28);
        assert_eq!(FieldAxis::centred(201, 1.0, 200, 256).start, 0);
        assert_eq!(FieldAxis::centred(203, 1.0, 200, 256).start, 1);
        assert_eq!(FieldAxis::centred(200, 1.0, 200, 256).start, 0);
        assert_eq!(FieldAxis::centred(197, 1.0, 200, 256).start, -1);
        assert_eq!(FieldAxis::centred(16, 1.0, 200, 256).start, -92);
    }

    #[test]
    fn coordinates_run_end_to_end_through_both_scalings() {
        // 250 pixels of 0.8 mm become exactly the field: first and last centres coincide.
        let axis = FieldAxis::centred(250, 0.8, 200, 256);
        assert_eq!(axis.to_canonical(0.0), 0.0);
        assert!((axis.to_canonical(255.0) - 249.0).abs() < 1e-9);
        assert!((axis.to_preprocessed(axis.to_canonical(77.3)) - 77.3).abs() < 1e-9);
        assert!((axis.pixel_spacing_mm() - 0.8 * 249.0 / 255.0).abs() < 1e-12);
    }

    #[test]
    fn padding_is_what_the_image_does_not_reach() {
        let field = Field {
            rows: FieldAxis::centred(16, 1.0, 20, 20),
            columns: FieldAxis::centred(30, 1.0, 20, 20),
        };
        let padding = field.padding();
        let padded_rows: Vec<usize> = (0..20).filter(|&row| padding[[row, 5]]).collect();
        assert_eq!(padded_rows, [0, 1, 18, 19]);
        assert!((0..20).all(|column| !padding[[10, column]]));
    }

    #[test]
    fn a_field_that_holds_the_cord_stays_where_it_is_published() {
        let mut axis = FieldAxis::centred(300, 1.0, 200, 256);
        let mut counts = vec![0; 300];
        counts[52..250].fill(10);
        assert_eq!(axis.keep(&counts), 0);
        counts[45..50].fill(10);
        assert_eq!(axis.keep(&counts), 0, "2 % of the cord are not worth a move");
    }

    #[test]
    fn a_field_that_cuts_the_cord_moves_to_its_middle() {
        let mut axis = FieldAxis::centred(400, 1.0, 200, 256);
        let mut counts = vec![0; 400];
        counts[10..110].fill(5);
        // Starts 0 to 10 keep all of the cord.
        assert_eq!(axis.keep(&counts), 5 - 100);
        assert!(axis.contains(10) && axis.contains(109) && !axis.contains(300));
    }

    #[test]
    fn a_cord_longer_than_the_field_is_noted() {
        let mut field = Field {
            rows: FieldAxis::centred(400, 1.0, 200, 256),
            columns: FieldAxis::centred(180, 1.0, 200, 256),
        };
        let cord = Array2::from_shape_fn((400, 180), |(row, column)| row > 150 && column == 90);
        let notes = field.keep_cord(&[cord]);
        assert_eq!(notes.len(), 2, "{notes:?}");
        assert!(notes[0].text.contains("mm down"), "{notes:?}");
        assert!(notes[1].text.starts_with("20 % of the cord lies outside"), "{notes:?}");
    }
}
