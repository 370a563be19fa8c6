//! An entry of a cohort in one grid and the result of preprocessing it, shared by all cohorts that hold it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};

use super::entry::{Entry, PreprocessedEntry, Source};
use super::{Note, SliceGrid, Subject, note};
use crate::context::{Context, counted};
use crate::error::locked;
use crate::{Error, Result};

/// An entry with its preprocessed subject or the reason why there is none.
pub(super) struct Member {
    pub(super) entry: Entry,
    grid: SliceGrid,
    outcome: OnceLock<Result<PreprocessedEntry, String>>,
    /// Whether the user has been warned about this entry.
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
            Source::Broken(reason) | Source::Unsegmented { reason, .. } => {
                OnceLock::from(Err(reason.clone()))
            }
            Source::Volumes(_)
            | Source::Found { .. }
            | Source::Slices(_)
            | Source::Ready(_)
            | Source::Phantom { .. } => OnceLock::new(),
        };
        let told = AtomicBool::new(false);
        Self { entry, grid, outcome, told, origin: Weak::new(), regridded: Mutex::default() }
    }

    /// The same entry, preprocessed in another grid when asked for, and kept.
    pub(super) fn on_grid(self: &Arc<Self>, grid: SliceGrid) -> Arc<Self> {
        if let Some(origin) = self.origin.upgrade().filter(|origin| origin.grid == grid) {
            return origin;
        }
        let mut regridded = locked(&self.regridded);
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
            Ok(made) => Ok(made.subject.clone()),
        }
    }

    /// Why the entry is known to be unusable.
    pub(super) fn reason(&self) -> Option<&str> {
        self.outcome.get()?.as_ref().err().map(String::as_str)
    }

    /// What was noted when it was preprocessed.
    pub(super) fn notes(&self) -> &[Note] {
        self.preprocessed().map_or(&[], |made| &made.notes)
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
    let broken = members.iter().filter_map(|member| Some((member, member.reason()?)));
    if let Some((first, reason)) = broken.clone().next() {
        if strict {
            return Err(Error::subject(&*first.entry.name, reason));
        }
        if let Some(sentence) = unsegmented(members)
            && broken.clone().count() == members.len()
        {
            return Err(Error::input(sentence));
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
    let skipped: Vec<(&str, &str)> = broken
        .filter(|(member, _)| is_new(member))
        .map(|(member, reason)| (&*member.entry.name, reason))
        .collect();
    tell_skipped(&skipped, members.len(), context);
    let mut empty = Vec::new();
    let mut notes = Vec::new();
    for member in members {
        if let Some(made) = member.preprocessed().filter(|_| is_new(member)) {
            // What was told of the same entry in another grid is not told again.
            let new = made.notes.iter().skip(made.repeated);
            notes.extend(new.map(|note| (&*member.entry.name, note)));
            empty.extend(&made.empty);
        }
    }
    for (line, is_warning) in note::lines(&notes, members.len()) {
        if is_warning { context.warn(line) } else { context.note(line) }
    }
    if let Some(first) = empty.first() {
        context.note(format!(
            "{} left out for an empty region of interest, the first {}",
            counted(empty.len(), "slice file"),
            first.display()
        ));
    }
    Ok(())
}

/// What to do about subjects without a cord mask; `None` where all have one.
pub(super) fn unsegmented(members: &[Arc<Member>]) -> Option<String> {
    let without = members.iter().filter(|member| member.entry.is_unsegmented()).count();
    match (without, members.len()) {
        (0, _) => None,
        (1, 1) => {
            Some("the only subject has no cord mask; `cohort = segment(cohort)` finds it".into())
        }
        (all, of) if all == of => Some(format!(
            "none of the {of} subjects has a cord mask; `cohort = segment(cohort)` finds it"
        )),
        (some, of) => Some(format!(
            "{some} of {of} subjects have no cord mask; `cohort = segment(cohort)` finds it"
        )),
    }
}

/// Skipped subjects are listed one by one up to this number.
const LISTED: usize = 8;

/// Warns about subjects that are skipped: each if they are few, else the first ones and how many more.
fn tell_skipped(skipped: &[(&str, &str)], of: usize, context: &Context) {
    for (name, reason) in skipped.iter().take(LISTED) {
        context.warn(format!("subject {name}: {reason}; the subject is skipped"));
    }
    if skipped.len() > LISTED {
        context.warn(format!(
            "{} of {of} subjects are skipped, of which {LISTED} are named above; `.broken` of the cohort holds all names and reasons",
            skipped.len()
        ));
    }
}
