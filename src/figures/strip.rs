//! A cohort in one row of small pictures: enough for a first look, even in a terminal.

use std::sync::Arc;

use super::Figure;
use super::drawing::panel::{Crop, Panel, Scale};
use super::spread::evenly_spread;
use crate::cohort::Subject;

/// Maximum number of subjects that are recognisable in a window of 80 columns.
const MOST: usize = 6;
/// Size of a picture and the gap behind it, in drawing units.
const WIDTH: i32 = 320;
const HEIGHT: i32 = 420;
const GAP: i32 = 10;

/// Up to six subjects with slices, evenly spread over a cohort: those that [`cohort_strip`] shows, from the left.
pub fn subjects_of_strip(subjects: &[Arc<Subject>]) -> impl Iterator<Item = &Arc<Subject>> {
    let spread = evenly_spread(subjects.len(), MOST).map(|place| &subjects[place]);
    spread.filter(|subject| subject.mid_cord().is_some())
}

/// The mid-cord slice of the subjects of [`subjects_of_strip`], without words.
pub fn cohort_strip(title: &str, subjects: &[Arc<Subject>]) -> Figure {
    let panels: Vec<Panel> = subjects_of_strip(subjects)
        .filter_map(|subject| subject.mid_cord())
        .map(|slice| {
            let crop = Crop::around(&slice.region, 0.7);
            Panel::new("", &slice.image, &Scale::intensity(slice), crop, slice.pixel_spacing_mm)
                .unmarked()
        })
        .collect();
    let body = (panels.len().max(1) as i32 * (WIDTH + GAP) - GAP, HEIGHT);
    Figure::bare(title, body, move |area| {
        for (place, panel) in panels.iter().enumerate() {
            panel.draw(area, (place as i32 * (WIDTH + GAP), 0), (WIDTH, HEIGHT))?;
        }
        Ok(())
    })
}
