//! What a user should know about the values of a mask.

use crate::cohort::note::Note;
use crate::volume::{MaskKind, MaskValues};

/// Notes on a mask that is not simply inside and outside. `title` is what it marks, such as "cord mask".
///
/// # Errors
/// A clause if all values are too small to mark anything.
pub(super) fn mask_notes(mask: &MaskValues, title: &str) -> Result<Vec<Note>, String> {
    let mut notes = Vec::new();
    if mask.non_finite > 0 {
        let topic = "values of a mask are NaN or infinite; they count as outside";
        let text = format!(
            "{} values of its {title} are NaN or infinite; they count as outside",
            mask.non_finite
        );
        notes.push(Note::warning(topic, text));
    }
    if mask.maximum == 0.0 && mask.negative > 0 {
        let topic = "a mask holds negative values only, so that nothing is inside; was 255 stored as a signed number?";
        let text = format!(
            "its {title} holds negative values only, so that nothing is inside; was 255 stored as a signed number?"
        );
        notes.push(Note::warning(topic, text));
    }
    match &mask.kind {
        MaskKind::Binary => {}
        MaskKind::Soft { threshold } => {
            if mask.maximum <= *threshold {
                return Err(format!(
                    "its {title} marks nothing: a voxel is inside above {threshold}, its largest value is {}",
                    mask.maximum
                ));
            }
            let topic = "a mask holds more than two values (a soft mask); above half of the largest counts as inside";
            let text = format!(
                "its {title} holds more than two values (a soft mask); above {threshold} counts as inside"
            );
            notes.push(Note::new(topic, text));
        }
        MaskKind::Levels(labels) => {
            let topic = "a mask holds levels along the cord; all count as inside";
            let text = format!(
                "its {title} holds levels along the cord ({}); all count as inside",
                list(labels)
            );
            notes.push(Note::new(topic, text));
        }
        MaskKind::Labels(labels) => {
            let topic = "a mask holds several labels side by side; all count as inside. If only one of them is meant, write it to a file of its own";
            let text = format!(
                "its {title} holds several labels side by side ({}); all count as inside. If only one of them is meant, write it to a file of its own",
                list(labels)
            );
            notes.push(Note::warning(topic, text));
        }
    }
    Ok(notes)
}

fn list(labels: &[u32]) -> String {
    const SHOWN: usize = 8;
    let mut shown: Vec<String> = labels.iter().take(SHOWN).map(u32::to_string).collect();
    if labels.len() > SHOWN {
        shown.push("…".into());
    }
    shown.join(", ")
}
