//! A cohort whose images without a cord mask carry a found one.

use std::sync::Arc;

use rayon::prelude::*;

use super::cohort::Cohort;
use super::entry::{Entry, Source};
use super::found_masks::FoundMasks;
use super::subject::Disc;
use crate::context::Context;
use crate::volume::Volume;
use crate::{Error, Result};

/// Finds masks in the image of the subject with this name. The inner error, a clause, says why nothing
/// was found.
pub type FindMasks<'a> = dyn Fn(&str, &Volume) -> Result<Result<FoundMasks, String>> + Sync + 'a;

impl Cohort {
    /// The same subjects; those without a cord mask carry what `find` found. Given masks stay as they are.
    /// A subject in which nothing is found stays unusable, with the reason. Images are searched in
    /// parallel, each for itself, so the order does not matter.
    ///
    /// # Errors
    /// If interrupted, if `find` fails, or if no subject can be used afterwards.
    pub fn segmented(&self, find: &FindMasks, context: &Context) -> Result<Self> {
        let waiting = self.entries().filter(|entry| entry.is_unsegmented()).count();
        if waiting == 0 {
            context.note("all subjects have a cord mask; nothing is to be found");
            return Ok(self.clone());
        }
        let progress = context.progress(format!("segment {}", self.name()), "subject", waiting);
        let entries: Vec<&Entry> = self.entries().collect();
        let searched = |entry: &&Entry| -> Result<Option<Entry>> {
            let found = search(entry, find, context)?;
            if found.is_some() {
                progress.advance(1, &[]);
            }
            Ok(found)
        };
        let searched = entries.par_iter().map(searched).collect::<Result<Vec<_>>>()?;
        let found = self.with_entries(searched);
        found.tell(context)?;
        Ok(found)
    }

    /// As [`Self::segmented`] for the subject at one position; nothing is said about it.
    ///
    /// # Errors
    /// If there is no such position, interrupted, or if `find` fails.
    pub fn segmented_at(
        &self,
        position: usize,
        find: &FindMasks,
        context: &Context,
    ) -> Result<Self> {
        let Some(found) = search(self.entry(position)?, find, context)? else {
            return Ok(self.clone());
        };
        let mut entries = vec![None; self.len()];
        entries[position] = Some(found);
        Ok(self.with_entries(entries))
    }

    /// Whether the program found the masks of a subject: in this session, or earlier if nobody has changed the saved
    /// files since.
    pub fn has_found_masks(&self) -> bool {
        self.entries().any(|entry| entry.found_confidence().is_some())
    }

    /// Of each subject, in order: its name, and where its cord mask comes from.
    pub fn mask_origins(&self) -> Vec<(&str, String)> {
        let origin = |entry: &Entry| match (&entry.source, entry.found_masks()) {
            (_, Some(masks)) => match masks.disc_by_hand {
                Some(disc) => format!(
                    "found, confidence {:.2}; disc {} given by hand",
                    masks.confidence,
                    Disc::name(disc)
                ),
                None => format!("found, confidence {:.2}", masks.confidence),
            },
            (Source::Unsegmented { .. }, _) => "none".to_owned(),
            (Source::Broken(_), _) => "not usable".to_owned(),
            _ => match entry.found_confidence() {
                Some(confidence) => format!("found and saved, confidence {confidence:.2}"),
                None => "given".to_owned(),
            },
        };
        self.entries().map(|entry| (&*entry.name, origin(entry))).collect()
    }
}

/// An entry with what `find` found in its image; `None` of one that needs no masks.
fn search(entry: &Entry, find: &FindMasks, context: &Context) -> Result<Option<Entry>> {
    let Source::Unsegmented { files, .. } = &entry.source else { return Ok(None) };
    context.check()?;
    let source = match files.read_image() {
        Err(Error::Cancelled) => return Err(Error::Cancelled),
        Err(error) => Source::Broken(error.to_string()),
        Ok((image, _)) => match find(&entry.name, &image)? {
            Ok(masks) => Source::Found { files: files.clone(), masks: Arc::new(masks) },
            Err(reason) => Source::Broken(reason),
        },
    };
    Ok(Some(Entry { source, ..entry.clone() }))
}
