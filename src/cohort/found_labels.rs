//! Masks that the program found, as the labels that preprocessing wants.

use ndarray::Array3;

use super::found_masks::FoundMasks;
use super::note::Note;
use crate::volume::{Affine, Orientation};

/// The cord of a slice is uncertain below this mean confidence of its pixels.
const LEAST_CONFIDENCE: f32 = 0.5;

/// Cord and fluid in the slices whose cord is certain, and notes for the user.
pub(crate) struct SureMasks {
    pub cord: Array3<bool>,
    pub csf: Array3<bool>,
    pub(super) notes: Vec<Note>,
    /// How many of the slices with cord are left out.
    pub uncertain: usize,
}

/// The note on a subject whose masks the program found with this mean confidence, 0 to 1.
pub(super) fn found_by_the_program(confidence: f32) -> Note {
    let topic = "the masks were found by the program, with a confidence of {} %; look at them before you trust findings";
    let text = format!(
        "its masks were found by the program (confidence {confidence:.2}); look at them before you trust findings"
    );
    Note::new(topic, text).of(100.0 * f64::from(confidence))
}

/// The warning about slices that are left out because their cord is uncertain.
fn uncertain_slices(count: usize, of: usize) -> Note {
    let topic = "slices whose cord is uncertain are left out, {} of each";
    let are = if count == 1 { "it is" } else { "they are" };
    let text = format!("in {count} of {of} slices the cord is uncertain; {are} left out");
    Note::warning(topic, text).of(count as f64)
}

/// The note for a clause that came with found masks.
fn remark(text: &String) -> Note {
    Note::new("remarks on the masks that were found", text)
}

/// The notes on masks that the program found earlier, by their confidence, 0 to 1, and the remarks in the file
/// beside them: those that were told when the masks were found.
pub(super) fn saved_notes(confidence: f32, remarks: &[String]) -> Vec<Note> {
    let note = |text: &String| match uncertain_slices_in(text) {
        Some((count, of)) => uncertain_slices(count, of),
        None => remark(text),
    };
    std::iter::once(found_by_the_program(confidence)).chain(remarks.iter().map(note)).collect()
}

/// How many slices a saved remark calls uncertain, and of how many, if it does.
fn uncertain_slices_in(remark: &str) -> Option<(usize, usize)> {
    let (count, rest) = remark.strip_prefix("in ")?.split_once(" of ")?;
    let (of, _) = rest.split_once(" slices the cord is uncertain")?;
    Some((count.parse().ok()?, of.parse().ok()?))
}

impl FoundMasks {
    /// The masks without the slices whose cord is too uncertain to be scored.
    /// `affine` is the image's.
    ///
    /// # Errors
    /// A clause, if the cord is uncertain in all slices.
    pub(super) fn without_uncertain_slices(&self, affine: &Affine) -> Result<SureMasks, String> {
        // A confidence that is no number is uncertain, too.
        let uncertain =
            |(_, confidence): &&(usize, f32)| confidence.is_nan() || *confidence < LEAST_CONFIDENCE;
        let uncertain: Vec<usize> =
            self.slice_confidence.iter().filter(uncertain).map(|(slice, _)| *slice).collect();
        let of = self.slice_confidence.len();
        if uncertain.len() == of {
            return Err(format!(
                "the cord that was found in it is uncertain in all {of} slices; give a cord mask"
            ));
        }
        let orientation = Orientation::to_sagittal(affine);
        let sure = |mask: &Array3<bool>| {
            let mut canonical = orientation.apply(mask);
            for (slice, mut mask) in canonical.outer_iter_mut().enumerate() {
                if uncertain.contains(&slice) {
                    mask.fill(false);
                }
            }
            orientation.undo(&canonical)
        };
        let mut notes = vec![found_by_the_program(self.confidence)];
        if !uncertain.is_empty() {
            notes.push(uncertain_slices(uncertain.len(), of));
        }
        notes.extend(self.notes.iter().map(remark));
        Ok(SureMasks {
            cord: sure(&self.cord),
            csf: sure(&self.csf),
            notes,
            uncertain: uncertain.len(),
        })
    }

    /// The disc points as labels: the number of a disc in its voxel, 0 elsewhere.
    pub(crate) fn disc_labels(&self) -> Array3<f32> {
        let mut labels = Array3::zeros(self.cord.dim());
        for (value, voxel) in &self.discs {
            if let Some(label) = labels.get_mut(*voxel) {
                *label = f32::from(*value);
            }
        }
        labels
    }
}
