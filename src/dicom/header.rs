//! The elements of one DICOM file, with the functional groups of one of its frames.

use std::fs;
use std::io::Read;
use std::path::Path;

use dicom_dictionary_std::{tags, uids};
use dicom_object::mem::InMemElement;
use dicom_object::{DefaultDicomObject, InMemDicomObject, OpenFileOptions, Tag};

/// Where the four letters DICM stand.
const MAGIC_AT: usize = 128;

/// Whether a file is a DICOM file by its first bytes: after a preamble, or without one.
pub(super) fn is_dicom(path: &Path) -> bool {
    // Before it is opened: opening a pipe waits for somebody to write.
    if !fs::metadata(path).is_ok_and(|found| found.is_file()) {
        return false;
    }
    let mut start = Vec::new();
    let Ok(file) = fs::File::open(path) else { return false };
    if file.take(MAGIC_AT as u64 + 4).read_to_end(&mut start).is_err() {
        return false;
    }
    start.get(MAGIC_AT..) == Some(b"DICM") || start.starts_with(b"\x02\0\0\0UL")
}

/// All elements before the pixels. The error is a clause.
pub(super) fn read_header(path: &Path) -> Result<DefaultDicomObject, String> {
    let options = OpenFileOptions::new().read_until(tags::PIXEL_DATA);
    options.open_file(path).map_err(|error| damaged(&error))
}

/// All elements with the pixels. The error is a clause.
pub(super) fn read_all(path: &Path) -> Result<DefaultDicomObject, String> {
    OpenFileOptions::new().open_file(path).map_err(|error| damaged(&error))
}

fn damaged(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    format!("is a damaged or truncated DICOM file ({cause})")
}

/// Whether a file is a table of contents instead of an image.
pub(super) fn is_directory(object: &DefaultDicomObject) -> bool {
    trimmed(&object.meta().media_storage_sop_class_uid) == uids::MEDIA_STORAGE_DIRECTORY_STORAGE
}

/// The encoding of a file's pixels.
pub(super) fn transfer_syntax(object: &DefaultDicomObject) -> &str {
    trimmed(&object.meta().transfer_syntax)
}

/// Text without the padding of DICOM.
fn trimmed(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || c == '\0')
}

/// Where to look for the elements of one frame: its own functional groups, those that all frames share,
/// the file.
#[derive(Clone, Copy)]
pub(super) struct Elements<'a> {
    file: &'a InMemDicomObject,
    shared: Option<&'a InMemDicomObject>,
    own: Option<&'a InMemDicomObject>,
}

impl<'a> Elements<'a> {
    /// The elements of frame `index`, counted from 0, of a file.
    pub(super) fn of(file: &'a InMemDicomObject, index: usize) -> Self {
        let group = |tag: Tag, at: usize| file.get(tag)?.items()?.get(at);
        Self {
            file,
            shared: group(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, 0),
            own: group(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, index),
        }
    }

    fn find(&self, tag: Tag) -> Option<&'a InMemElement> {
        // A functional group is a sequence of one item, inside the item of the frame.
        let inside = |group: &'a InMemDicomObject| {
            let nested = || group.iter().find_map(|element| element.items()?.first()?.get(tag));
            group.get(tag).or_else(nested)
        };
        let own = self.own.and_then(inside);
        own.or_else(|| self.shared.and_then(inside)).or_else(|| self.file.get(tag))
    }

    /// The text of an element, unless it is empty.
    pub(super) fn text(&self, tag: Tag) -> Option<String> {
        let text = self.find(tag)?.to_str().ok()?;
        Some(trimmed(&text).to_owned()).filter(|text| !text.is_empty())
    }

    /// The words of an element with several values.
    pub(super) fn words(&self, tag: Tag) -> Vec<String> {
        let Some(text) = self.text(tag) else { return Vec::new() };
        text.split(['\\', '\n']).map(|word| trimmed(word).to_owned()).collect()
    }

    /// The first number of an element, if it is finite.
    pub(super) fn number(&self, tag: Tag) -> Option<f64> {
        let numbers = self.find(tag)?.to_multi_float64().ok()?;
        numbers.first().copied().filter(|number| number.is_finite())
    }

    /// Exactly `N` finite numbers.
    pub(super) fn numbers<const N: usize>(&self, tag: Tag) -> Option<[f64; N]> {
        let numbers: [f64; N] = self.find(tag)?.to_multi_float64().ok()?.try_into().ok()?;
        numbers.iter().all(|number| number.is_finite()).then_some(numbers)
    }

    /// A count that is not negative.
    pub(super) fn count(&self, tag: Tag) -> Option<usize> {
        usize::try_from(self.find(tag)?.to_int::<i64>().ok()?).ok()
    }
}
