//! A cohort at a glance: one slice per subject.

use std::sync::Arc;

use plotters::style::RGBColor;

use super::Figure;
use super::drawing::chart::{Key, Legend};
use super::drawing::panel::{Crop, Panel, Scale};
use super::drawing::style::{self, Stroke};
use super::drawing::text;
use super::slice_view::with_lesion;
use super::spread::evenly_spread;
use crate::cohort::Subject;
use crate::context::counted;

/// Maximum number of subjects that stay readable.
const MOST: usize = 24;
const COLUMNS: usize = 6;
/// Picture height, in drawing units.
const HEIGHT: i32 = 480;

/// The mid-cord slice of each subject (the one with the most cord) with the region of interest
/// and lesions outlined; name, site and what is known about lesions below it. Of more than 24 subjects, 24 that are
/// evenly spread over the cohort.
pub fn cohort_montage(title: &str, subjects: &[Arc<Subject>]) -> Figure {
    let shown = evenly_spread(subjects.len(), MOST).map(|place| &subjects[place]);
    let people = match subjects.len() {
        many if many > MOST => format!("{MOST} of {many} subjects, evenly spread over the cohort"),
        few => counted(few, "subject"),
    };
    let note = format!("{people}; the slice with the most cord of each.");
    let cells: Vec<Cell> = shown.map(|subject| Cell::new(subject)).collect();
    let columns = cells.len().clamp(1, COLUMNS) as i32;
    let width = ((style::BODY_WIDTH + style::GAP) / COLUMNS as i32) - style::GAP;
    let words = style::LABEL.line() + 2 * style::TICK.line() + 16;
    let row = HEIGHT + words + style::GAP;
    let rows = (cells.len() as i32 + columns - 1) / columns;
    let across = (columns * (width + style::GAP)).max(1400);
    let line = |colour| Key::Line(Stroke::solid(colour, 7));
    let entries = [
        (line(style::REGION), "region of interest"),
        (line(style::LESION), "lesion (ground truth)"),
    ];
    let legend = Legend::new(entries.map(|(key, name)| (key, name.to_string())), across);
    let body = (across, rows * row + legend.height);
    Figure::new(title, note, body, move |area| {
        for (index, cell) in cells.iter().enumerate() {
            let index = index as i32;
            let (left, top) = (index % columns * (width + style::GAP), index / columns * row);
            match &cell.panel {
                Some(panel) => {
                    panel.draw(area, (left, top), (width, HEIGHT))?;
                }
                None => {
                    let middle = (left + width / 2, top + HEIGHT / 2);
                    text::write(area, "no slice", style::NOTE, middle, text::CENTER)?;
                }
            }
            let mut down = top + HEIGHT + 16;
            for (words, ink) in [
                (&cell.name, style::LABEL),
                (&cell.site, style::TICK.coloured(style::GREY)),
                (&cell.truth, style::TICK.coloured(cell.truth_colour)),
            ] {
                // Names of one site begin alike.
                let words = text::fitted_within(words, ink, width);
                text::write(area, &words, ink, (left + width / 2, down), text::TOP_CENTER)?;
                down += ink.line();
            }
        }
        legend.draw(area, (0, rows * row))
    })
}

/// One subject's image and the text below it.
struct Cell {
    panel: Option<Panel>,
    name: String,
    site: String,
    truth: String,
    truth_colour: RGBColor,
}

impl Cell {
    fn new(subject: &Subject) -> Self {
        let panel = subject.mid_cord().map(|slice| {
            let crop = Crop::whole(slice.image.dim());
            let panel = Panel::new(
                "",
                &slice.image,
                &Scale::intensity(slice),
                crop,
                slice.pixel_spacing_mm,
            )
            .unmarked()
            .outlined(&slice.region, style::REGION);
            with_lesion(panel, slice).0
        });
        let (truth, truth_colour) = truth(subject);
        Self {
            panel,
            name: subject.name.to_string(),
            site: site(subject),
            truth: truth.into(),
            truth_colour,
        }
    }
}

/// Dataset and site from the participants table.
fn site(subject: &Subject) -> String {
    let columns = ["dataset", "site", "institution", "institution_id", "center", "manufacturer"];
    let known = |value: &&String| !value.is_empty() && *value != "n/a";
    let values = columns.iter().filter_map(|name| subject.participant.get(*name).filter(known));
    values.take(2).map(String::as_str).collect::<Vec<_>>().join(" · ")
}

/// What is known about lesions of the subject, in words and colour.
fn truth(subject: &Subject) -> (&'static str, RGBColor) {
    match subject.has_lesion() {
        Some(true) => ("lesion", style::LESION),
        Some(false) => ("no lesion", style::INK),
        None => ("ground truth unknown", style::GREY),
    }
}
