//! Several images of one subject: which of them count, and what to say about it.

use std::path::PathBuf;

use super::volume_files::{NotLocated, VolumeFiles};
use crate::cohort::note::Note;
use crate::files::file_name;
use crate::volume::ImageHeader;

/// An image of a subject and, if it has what it needs, its files.
pub(super) struct Image {
    pub(super) path: PathBuf,
    pub(super) stem: String,
    pub(super) files: Result<VolumeFiles, NotLocated>,
}

/// Leaves out the images that are not what the method is about, if others are, and gives what a user should know.
pub(super) fn choose(subject: &str, images: &mut Vec<Image>) -> Vec<Note> {
    let mut notes = Vec::new();
    notes.extend(leave_out_parts(images));
    notes.extend(leave_out_other_planes(images));
    if let several @ 2.. = images.len() {
        let topic =
            "there are several images of a person, and each of them counts as a subject of its own";
        let names: Vec<String> = images.iter().map(|image| file_name(&image.path)).collect();
        let text = format!(
            "{subject} has {several} images, and each counts as a subject of its own ({}); `cohort.without(names)` \
             leaves subjects out",
            names.join(", ")
        );
        notes.push(Note::new(topic, text));
    }
    notes
}

/// Leaves out the phases of complex images, which BIDS tells by the entity `part`, for the magnitudes.
fn leave_out_parts(images: &mut Vec<Image>) -> Option<Note> {
    const PARTS: [&str; 3] = ["part-phase", "part-real", "part-imag"];
    let is_part = |image: &Image| image.stem.split('_').any(|entity| PARTS.contains(&entity));
    if images.iter().all(is_part) {
        return None;
    }
    let (parts, others): (Vec<Image>, Vec<Image>) =
        std::mem::take(images).into_iter().partition(is_part);
    *images = others;
    let names: Vec<String> = parts.iter().map(|part| file_name(&part.path)).collect();
    left_out("phases and other parts of complex images were left out", "the magnitude", &names)
}

/// `names`: what is left out, perhaps with the reason behind it.
fn left_out(topic: &'static str, for_what: &str, names: &[String]) -> Option<Note> {
    let text = format!("left out for {for_what}: {}", names.join(", "));
    (!names.is_empty()).then(|| Note::new(topic, text))
}

/// Leaves out images that are not sagittal, if any is.
fn leave_out_other_planes(images: &mut Vec<Image>) -> Option<Note> {
    if images.len() < 2 {
        return None;
    }
    // A header that cannot be read is reported with the image itself.
    let plane = |image: &Image| ImageHeader::read(&image.path).ok()?.other_plane();
    let planes: Vec<_> = images.iter().map(plane).collect();
    if planes.iter().all(Option::is_some) {
        images.truncate(1);
        return None;
    }
    let (mut sagittal, mut others) = (Vec::new(), Vec::new());
    for (image, plane) in std::mem::take(images).into_iter().zip(planes) {
        match plane {
            None => sagittal.push(image),
            Some((plane, mm)) => {
                others.push(format!("{} ({plane}, slices of {mm:.1} mm)", file_name(&image.path)))
            }
        }
    }
    *images = sagittal;
    left_out("images that are not sagittal were left out", "the sagittal image", &others)
}
