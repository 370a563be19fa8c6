//! An entry of a cohort in one grid and the result of preprocessing it, shared by all cohorts that hold it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use super::discovery::participants::Participants;
use super::entry::{Entry, PreprocessedEntry, Source};
use super::{SliceGrid, Subject};
use crate::context::Context;
use crate::{Error, Result};

/// An entry with its preprocessed subject or the reason why there is none.
pub(super) struct Member {
    pub(super) entry: Entry,
    grid: SliceGrid,
    outcome: OnceLock<Result<PreprocessedEntry, String>>,
    /// Whether the user was warned about it.
    told: AtomicBool,
    /// The same entry in the grid that it was asked for in first. What that one preprocessed need not
    /// be read or drawn again where only intensities and thickness differ.
    origin: Weak<Member>,
    /// The same entry in other grids, so that it is preprocessed once per grid.
    regridded: Mutex<BTreeMap<SliceGrid, Arc<Member>>>,
}

impl Member {
    pub(super) fn new(entry: Entry, grid: SliceGrid) -> Self {
        let outcome = match &entry.source {
            Source::Broken(reason) => OnceLock::from(Err(reason.clone())),
            Source::Volumes(_) | Source::Slices(_) | Source::Ready(_) | Source::Phantom { .. } => {
                OnceLock::new()
            }
        };
        let told = AtomicBool::new(false);
        Self { entry, grid, outcome, told, origin: Weak::new(), regridded: Mutex::default() }
    }

    /// The same entry, preprocessed in another grid when asked for, and kept.
    pub(super) fn on_grid(self: &Arc<Self>, grid: SliceGrid) -> Arc<Self> {
        let mut regridded = self.regridded.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || {
            let origin = Arc::downgrade(self);
            let member = Self { origin, ..Self::new(self.entry.clone(), grid) };
            if member.is_settled() {
                member.told.store(self.told.load(Ordering::Relaxed), Ordering::Relaxed);
            }
            Arc::new(member)
        };
        regridded.entry(grid).or_insert_with(make).clone()
    }

    /// Whether it is preprocessed or known to be unusable.
    pub(super) fn is_settled(&self) -> bool {
        self.outcome.get().is_some()
    }

    /// Preprocesses the entry unless that is done. Two threads that ask at once may both do the
    /// work (waiting inside a thread pool could deadlock); both get the first one's result.
    pub(super) fn outcome(&self) -> &Result<PreprocessedEntry, String> {
        if let Some(outcome) = self.outcome.get() {
            return outcome;
        }
        if let Some(fitted) = self.fitted() {
            return self.outcome.get_or_init(|| Ok(fitted));
        }
        let made = self.entry.preprocess(self.grid).map_err(|error| match error {
            Error::Subject { reason, .. } => reason,
            other => other.to_string(),
        });
        self.outcome.get_or_init(|| made)
    }

    /// What the origin preprocessed already, brought to this grid; `None` where that takes other
    /// pixels, or the origin has nothing yet.
    fn fitted(&self) -> Option<PreprocessedEntry> {
        let origin = self.origin.upgrade()?;
        let done = origin.outcome.get()?.as_ref().ok()?;
        (origin.grid == self.grid.as_acquired()).then(|| done.fitted_to(self.grid))
    }

    /// The subject, preprocessed now if it was not yet.
    pub(super) fn subject(&self) -> Result<Arc<Subject>> {
        match self.outcome() {
            Err(reason) => Err(Error::subject(&*self.entry.name, reason)),
            Ok(made) if made.subject.slices.is_empty() => Err(Error::subject(
                &*self.entry.name,
                "all its slices have an empty region of interest",
            )),
            Ok(made) => Ok(made.subject.clone()),
        }
    }

    /// Why the entry is known to be unusable.
    pub(super) fn reason(&self) -> Option<&str> {
        self.outcome.get()?.as_ref().err().map(String::as_str)
    }

    fn preprocessed(&self) -> Option<&PreprocessedEntry> {
        self.outcome.get()?.as_ref().ok()
    }
}

/// Warns once, in order, about the problems of the settled members.
///
/// # Errors
/// If all members are settled and none can be used; if `strict`, for the first broken one.
pub(super) fn tell(members: &[Arc<Member>], strict: bool, context: &Context) -> Result<()> {
    let mut broken = members.iter().filter_map(|member| Some((member, member.reason()?)));
    if let Some((first, reason)) = broken.clone().next() {
        if strict {
            return Err(Error::subject(&*first.entry.name, reason));
        }
        if broken.clone().count() == members.len() {
            return Err(Error::subject(
                &*first.entry.name,
                match members.len() {
                    1 => format!("{reason} (it is the only subject)"),
                    many => format!("{reason} (none of the {many} subjects can be used)"),
                },
            ));
        }
    }
    let is_new = |member: &Member| !member.told.swap(true, Ordering::Relaxed);
    for (member, reason) in broken.by_ref() {
        if is_new(member) {
            context
                .warn(format!("subject {}: {reason}; the subject is skipped", member.entry.name));
        }
    }
    let mut empty = Vec::new();
    for member in members {
        if let Some(made) = member.preprocessed().filter(|_| is_new(member)) {
            for note in &made.notes {
                context.note(format!("subject {}: {note}", member.entry.name));
            }
            empty.extend(&made.empty);
        }
    }
    if let Some(first) = empty.first() {
        context.note(format!(
            "{} left out for an empty region of interest, the first {}",
            count(empty.len(), "slice file"),
            first.display()
        ));
    }
    Ok(())
}

/// Warns about entries without a row in a participants table that has others.
pub(super) fn tell_missing_rows(
    members: &[Arc<Member>],
    participants: &Participants,
    context: &Context,
) {
    let missing: Vec<_> =
        members.iter().filter(|member| member.entry.participant.is_empty()).collect();
    if let (Some(first), false) = (missing.first(), participants.is_empty()) {
        context.warn(format!(
            "{} without a row in participants.tsv, the first {}; counted as clinical",
            count(missing.len(), "subject"),
            first.entry.name
        ));
    }
}

fn count(number: usize, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}
