//! What a user should know about the values of a mask.

use crate::cohort::note::Note;
use crate::context::counted;
use crate::volume::{MaskKind, MaskValues};

/// Up to so many negative voxels in a mask are not worth a remark.
const FEW: usize = 3;
/// What the mask of lesions is called.
pub(super) const LESION: &str = "lesion mask";

/// Notes on a mask that is not simply inside and outside. `title` is what it marks, such as "cord mask".
///
/// # Errors
/// A clause if all values are too small to mark anything, or none is a number above 0 but some are negative or, other
/// than in the background, no numbers: nobody knows then what they should mark. A mask of zeros is none of these.
pub(super) fn mask_notes(mask: &MaskValues, title: &str) -> Result<Vec<Note>, String> {
    if let Some(why) = why_nothing(mask) {
        return Err(format!("its {title} marks nothing: {why}"));
    }
    let mut notes = Vec::new();
    if mask.non_finite > 0 {
        let topic = "values of a mask are NaN or infinite; they count as outside";
        let text = format!(
            "{} values of its {title} are NaN or infinite; they count as outside",
            mask.non_finite
        );
        notes.push(Note::warning(topic, text));
    }
    if mask.negative > FEW {
        let cause = wrapped(mask);
        let topic = match cause {
            Some(_) => {
                "values of a mask are negative and count as outside; values from 128 up stored as signed numbers end so"
            }
            None => "values of a mask are negative and count as outside",
        };
        let text = format!(
            "{} values of its {title} are negative, down to {}, and count as outside{}",
            mask.negative,
            mask.minimum,
            cause.map_or_else(String::new, |cause| format!("; {cause}"))
        );
        notes.push(Note::warning(topic, text));
    }
    match &mask.kind {
        MaskKind::Binary => {}
        MaskKind::Soft { threshold } => {
            let topic = "a mask holds more than two values (a soft mask); above half of the largest counts as inside";
            let text = format!(
                "its {title} holds more than two values (a soft mask); above {threshold} counts as inside"
            );
            notes.push(Note::new(topic, text));
        }
        // Numbers of lesions, which lie one above the other.
        MaskKind::Levels(labels) if title == LESION => {
            let topic = "a lesion mask holds several labels; all count as inside";
            let text =
                format!("its {title} holds several labels ({}); all count as inside", list(labels));
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

/// Why a mask marks nothing, as a clause, if there is more to say than that all its values are 0.
fn why_nothing(mask: &MaskValues) -> Option<String> {
    let cause = || wrapped(mask).map_or_else(String::new, |cause| format!("; {cause}"));
    if let MaskKind::Soft { threshold } = &mask.kind
        && mask.maximum <= *threshold
    {
        return Some(format!(
            "a voxel is inside above {threshold}, its largest value is {}{}",
            mask.maximum,
            cause()
        ));
    }
    if mask.maximum > 0.0 {
        return None;
    }
    if mask.negative > 0 {
        return Some(format!("its values are 0 or negative, down to {}{}", mask.minimum, cause()));
    }
    if mask.infinite > 0 {
        return Some("its values are 0 or infinite; write 1 inside and 0 outside".to_owned());
    }
    if mask.non_finite == mask.inside.len() {
        return Some("none of its values is a number; write 1 inside and 0 outside".to_owned());
    }
    // Around a resampled image, NaN says nothing about the mask.
    (mask.non_finite > 0 && !mask.non_finite_background)
        .then(|| "its values are 0 or NaN; write 1 inside and 0 outside".to_owned())
}

/// The clause about a cord mask of which nothing is left on pixels of 1 mm.
pub(super) fn empty_cord(mask: &MaskValues) -> String {
    let marked = mask.inside.iter().filter(|inside| **inside).count();
    match (why_nothing(mask), marked) {
        (Some(why), _) => format!("its cord mask marks nothing: {why}"),
        (None, 0) => "its cord mask is empty".to_owned(),
        (None, _) => format!(
            "its cord mask marks {}, of which nothing is left on pixels of 1 mm",
            counted(marked, "voxel")
        ),
    }
}

/// The likely cause of negative values, and what to do; nothing where they are most of the image: its background. If a
/// part of a soft mask became negative, the others reach more than half of the largest value that did not.
fn wrapped(mask: &MaskValues) -> Option<String> {
    if mask.negative == 0 || mask.negative > mask.inside.len() / 2 {
        return None;
    }
    let from = match (mask.minimum, mask.maximum) {
        (-128.0.., ..=127.0) => 128,
        (-32768.0.., ..=32767.0) => 32768,
        _ => return None,
    };
    if mask.maximum > 0.0 && mask.maximum < from as f32 / 2.0 {
        return None;
    }
    Some(format!(
        "values from {from} up seem to be stored as negative numbers; store the mask as unsigned integers"
    ))
}

fn list(labels: &[u32]) -> String {
    const SHOWN: usize = 8;
    let mut shown: Vec<String> = labels.iter().take(SHOWN).map(u32::to_string).collect();
    if labels.len() > SHOWN {
        shown.push("…".into());
    }
    shown.join(", ")
}
