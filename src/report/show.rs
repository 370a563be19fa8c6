//! Values that show themselves.

use std::sync::Arc;

use super::{Display, Part, Table};
use crate::cohort::{Cohort, Slice, SliceGrid, Subject};
use crate::context::{Context, counted};
use crate::figures::{Figure, cohort_strip, slice_view, subjects_of_strip};
use crate::{Error, Result};

/// A value that can be shown in more detail than as text.
pub trait Show {
    /// What the user sees.
    ///
    /// # Errors
    /// If it has nothing to show, or what it shows cannot be made.
    fn show(&self) -> Result<Display>;
}

/// A value whose numbers make a table.
pub trait Tabulate {
    /// Its numbers.
    ///
    /// # Errors
    /// If they do not fit together.
    fn table(&self) -> Result<Table>;
}

impl Show for Figure {
    fn show(&self) -> Result<Display> {
        Ok(Display::of([Part::Figure(self.clone())]))
    }
}

impl Show for Table {
    fn show(&self) -> Result<Display> {
        Ok(Display::of([Part::Table(self.clone())]))
    }
}

impl Show for Display {
    fn show(&self) -> Result<Display> {
        Ok(self.clone())
    }
}

impl<T: Show + ?Sized> Show for &T {
    fn show(&self) -> Result<Display> {
        (**self).show()
    }
}

impl<T: Show + ?Sized> Show for Arc<T> {
    fn show(&self) -> Result<Display> {
        (**self).show()
    }
}

/// Shown one below the other.
impl<A: Show, B: Show> Show for (A, B) {
    fn show(&self) -> Result<Display> {
        let mut display = self.0.show()?;
        display.parts.extend(self.1.show()?.parts);
        Ok(display)
    }
}

impl<A: Show, B: Show, C: Show> Show for (A, B, C) {
    fn show(&self) -> Result<Display> {
        let mut display = (&self.0, &self.1).show()?;
        display.parts.extend(self.2.show()?.parts);
        Ok(display)
    }
}

impl Show for Slice {
    fn show(&self) -> Result<Display> {
        slice_view(self).show()
    }
}

/// What the participants table says, and the slice with the most cord.
impl Show for Subject {
    fn show(&self) -> Result<Display> {
        let lesion = match self.has_lesion() {
            Some(true) => "has a lesion",
            Some(false) => "has no lesion",
            None => "it is unknown whether there is a lesion",
        };
        let group = if self.is_healthy() { "healthy" } else { "clinical" };
        let slices = counted(self.slices.len(), "slice");
        let mut text = format!("{}: {group}, {lesion}, {slices}", self.name);
        for (column, value) in &self.participant {
            text.push_str(&format!("\n  {column}: {value}"));
        }
        let no_slices = || Error::subject(&*self.name, "has no slices");
        let figure = slice_view(self.mid_cord().ok_or_else(no_slices)?);
        Ok(Display::of([Part::Text(text), Part::Figure(figure)]))
    }
}

/// Counts, and one slice of every subject.
///
/// # Errors
/// If no subject can be preprocessed, or the user interrupts.
pub fn cohort_display(cohort: &Cohort, context: &Context) -> Result<Display> {
    if let Some(sentence) = cohort.unsegmented().filter(|_| cohort.usable().is_empty()) {
        return Ok(Display::of([Part::Text(format!("{}: {sentence}", cohort.name()))]));
    }
    let subjects = cohort.subjects(context)?;
    let slices: usize = subjects.iter().map(|subject| subject.slices.len()).sum();
    let healthy = subjects.iter().filter(|subject| subject.is_healthy()).count();
    let lesion = subjects.iter().filter(|subject| subject.has_lesion() == Some(true)).count();
    let SliceGrid { size, fov_mm, .. } = cohort.grid();
    let mut text = format!(
        "{}: {} ({healthy} healthy, {} clinical; {lesion} known to have a lesion), \
         {} of {size} × {size} pixels for {fov_mm} × {fov_mm} mm",
        cohort.name(),
        counted(subjects.len(), "subject"),
        subjects.len() - healthy,
        counted(slices, "slice"),
    );
    let origins = cohort.mask_origins();
    if cohort.has_found_masks() {
        for (name, origin) in &origins {
            text.push_str(&format!("\nmasks of {name}: {origin}"));
        }
    }
    for (name, reason) in cohort.broken() {
        text.push_str(&format!("\nleft out {name}: {reason}"));
    }
    let shown: Vec<&str> = subjects_of_strip(&subjects).map(|subject| &*subject.name).collect();
    let mut title = format!("Cohort {} at a glance", cohort.name());
    let selection = (shown.len() < subjects.len())
        .then(|| format!("{} of {} subjects", shown.len(), subjects.len()));
    if let Some(words) = &selection {
        title.push_str(&format!(", {words}"));
    }
    if !shown.is_empty() {
        let selection = selection.map_or(String::new(), |words| format!("{words}, "));
        text.push_str(&format!("\n{selection}from left to right: {}", shown.join(", ")));
    }
    let strip = cohort_strip(&title, &subjects);
    Ok(Display::of([Part::Text(text), Part::Figure(strip)]))
}

/// As [`cohort_display`], without progress messages.
impl Show for Cohort {
    fn show(&self) -> Result<Display> {
        cohort_display(self, &Context::new(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cohort::IntensityScale;
    use crate::context::Streams;
    use crate::phantom::PhantomOptions;

    #[test]
    fn a_selection_of_the_subjects_is_called_one() {
        let grid =
            SliceGrid { size: 32, fov_mm: 128, slice_mm: 0, intensity: IntensityScale::Percentile };
        let shown = |subjects: usize| {
            let options = PhantomOptions { subjects, ..PhantomOptions::default() };
            let cohort = Cohort::phantom(&options, grid, &Streams::new(1)).unwrap();
            cohort_display(&cohort, &Context::new(0)).unwrap().parts
        };
        let [Part::Text(text), Part::Figure(strip)] = &shown(8)[..] else {
            panic!("text and figure")
        };
        assert!(text.contains("\n6 of 8 subjects, from left to right: "), "{text}");
        assert_eq!(strip.title, "Cohort phantoms at a glance, 6 of 8 subjects");
        let [Part::Text(text), ..] = &shown(6)[..] else { panic!("text and figure") };
        assert!(text.contains("\nfrom left to right: "), "{text}");
    }
}
