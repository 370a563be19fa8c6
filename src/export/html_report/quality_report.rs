//! The report on a cohort before anything is learned from it: images, masks and discs.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use maud::{Markup, html};
use ndarray::Array2;

use super::Page;
use super::document::{anchor, badge, counts, document, left_out, panel, write};
use super::viewer::Viewer;
use crate::Result;
use crate::cohort::{Cohort, Slice, Subject};
use crate::context::{Context, counted};
use crate::detection::CordAxis;
use crate::statistics::median;

/// Writes a page that shows every usable subject of a cohort with its masks, measures that go wrong when a
/// mask is, what was remarked on when it was loaded, and who was left out.
///
/// # Errors
/// If no subject can be used, `path` is a folder or does not end in ".html", or the disk refuses, and
/// [`Error::Cancelled`](crate::Error::Cancelled) if the user interrupts.
pub fn quality_report(cohort: &Cohort, path: &Path, context: &Context) -> Result<Page> {
    let subjects = cohort.subjects(context)?;
    let progress = context.progress("quality report", "subject", subjects.len());
    let rows: Vec<Measures> = subjects.iter().map(|subject| Measures::of(subject)).collect();
    let usual = Usual::of(&rows);
    // Where all are given, there is nothing to tell apart.
    let origins: BTreeMap<&str, String> = match cohort.has_found_masks() {
        true => cohort.mask_origins().into_iter().collect(),
        false => BTreeMap::new(),
    };
    let found = origins.values().filter(|origin| origin.starts_with("found")).count();
    let mut panels = Vec::new();
    for (subject, measures) in subjects.iter().zip(&rows) {
        context.check()?;
        let remarks = remarks(cohort, subject, measures, &usual);
        let origin = origins.get(&*subject.name);
        let about = html! {
            (known(subject)) @if let Some(origin) = origin { ", masks: " (origin) }
        };
        let tables = html! {
            @if !remarks.is_empty() { ul.notes { @for remark in &remarks { li { (remark) } } } }
        };
        panels.push((
            panel(&subject.name, &about, &Viewer::of_subject(subject)?, &html! {}, &tables),
            remarks.len(),
        ));
        progress.advance(1, &[]);
    }
    let with_remarks = panels.iter().filter(|(_, remarks)| *remarks > 0).count();
    let summary = html! {
        (counts(&[
            ("subjects", subjects.len().to_string()),
            ("with remarks", with_remarks.to_string()),
            ("left out", cohort.broken().len().to_string()),
            ("healthy", known_count(subjects.iter().map(|subject| subject.health()))),
            ("with lesion", known_count(subjects.iter().map(|subject| subject.has_lesion()))),
        ]))
        @if !origins.is_empty() {
            p {
                "The masks of " (counted(found, "subject")) " were found by the program: look at them first."
            }
        }
        (left_out(cohort))
    };
    let grid = cohort.grid();
    let sections = [
        ("summary", "Summary", summary),
        ("measures", "Measures", measures_table(&subjects, &rows, &panels)),
        (
            "subjects",
            "Subjects",
            html! {
                p.quiet.screen {
                    "The cord is outlined in yellow; choose other outlines under the picture. In a picture the keys \
                     ← and → change the slice. S superior, I inferior, A anterior, P posterior."
                }
                @for (panel, _) in &panels { (panel) }
            },
        ),
    ];
    let title = format!("Quality of {}", cohort.name());
    let introduction = html! {
        p.quiet {
            (counted(subjects.len(), "subject")) ", preprocessed to "
            (format!("{0} × {0} pixels of {1} × {1} mm", grid.size, grid.fov_mm)) ". "
            "Look at every mask once: a method sees only what the masks enclose."
        }
    };
    write(path, document(&title, &introduction, &sections, ""), subjects.len())
}

/// The number of `true` among those that are known, or "not known" if none is.
fn known_count(known: impl Iterator<Item = Option<bool>>) -> String {
    let known: Vec<bool> = known.flatten().collect();
    match known.is_empty() {
        true => "not known".to_owned(),
        false => known.into_iter().filter(|yes| *yes).count().to_string(),
    }
}

/// What a cord mask measures.
struct Measures {
    slices: usize,
    /// Of the slice with the most cord; `None` where it is too short for an axis.
    length_mm: Option<f64>,
    /// Mean width of the cord from front to back in that slice, mm.
    width_mm: Option<f64>,
    cord: Option<f64>,
    fluid: Option<f64>,
    discs: usize,
}

impl Measures {
    fn of(subject: &Subject) -> Self {
        let middle = subject.mid_cord();
        let axis = middle.and_then(|slice| CordAxis::new(&slice.cord, slice.pixel_spacing_mm));
        let length_mm = axis.map(|axis| axis.length_mm());
        let area = |slice: &Slice| {
            let pixels = slice.cord.iter().filter(|inside| **inside).count() as f64;
            pixels * slice.pixel_spacing_mm.0 * slice.pixel_spacing_mm.1
        };
        Self {
            slices: subject.slices.len(),
            length_mm,
            width_mm: middle.zip(length_mm).map(|(slice, length)| area(slice) / length),
            cord: median_within(subject, |slice| &slice.cord),
            fluid: median_within(subject, |slice| &slice.csf),
            discs: subject.discs.len(),
        }
    }
}

/// Median intensity inside a mask over all slices; `None` where the mask is empty.
fn median_within(subject: &Subject, mask: impl Fn(&Slice) -> &Array2<bool>) -> Option<f64> {
    let mut values: Vec<f32> = Vec::new();
    for slice in &subject.slices {
        let inside = slice.image.iter().zip(mask(slice)).filter(|(_, inside)| **inside);
        values.extend(inside.map(|(value, _)| *value));
    }
    median(values.into_iter().map(f64::from))
}

/// Medians of the measures in the cohort.
struct Usual {
    length_mm: Option<f64>,
    width_mm: Option<f64>,
}

/// From this factor away from the cohort's median a measure is remarked on.
const UNUSUAL: f64 = 1.6;

impl Usual {
    fn of(rows: &[Measures]) -> Self {
        let of = |value: fn(&Measures) -> Option<f64>| median(rows.iter().filter_map(value));
        Self { length_mm: of(|row| row.length_mm), width_mm: of(|row| row.width_mm) }
    }
}

/// What to look at in one subject: what was noted when it was preprocessed, and measures that are
/// unlike those of the others.
fn remarks(cohort: &Cohort, subject: &Subject, measures: &Measures, usual: &Usual) -> Vec<String> {
    let mut remarks = cohort.remarks(&subject.name);
    if measures.length_mm.is_none() {
        remarks.push(
            "the cord mask is too short for an axis, so the subject cannot be scored".to_owned(),
        );
    }
    for (what, value, usual) in [
        ("length of the cord", measures.length_mm, usual.length_mm),
        ("mean width of the cord", measures.width_mm, usual.width_mm),
    ] {
        if let Some((value, usual)) = value.zip(usual)
            && (value > UNUSUAL * usual || value * UNUSUAL < usual)
        {
            remarks
                .push(format!("the {what} is {value:.1} mm, in the cohort {usual:.1} mm (median)"));
        }
    }
    if measures.fluid.is_none() {
        remarks.push("there is no mask of the fluid".to_owned());
    } else if let Some((cord, fluid)) = measures.cord.zip(measures.fluid)
        && fluid <= cord
    {
        remarks.push(format!(
            "the fluid ({fluid:.2}) is not brighter than the cord ({cord:.2}): is the image T2-weighted, and are the masks in place?"
        ));
    }
    if measures.discs == 0 {
        remarks
            .push("there are no disc labels, so segments are equal parts of the cord".to_owned());
    }
    remarks
}

/// What is known of a subject.
pub(super) fn known(subject: &Subject) -> Markup {
    match (subject.is_healthy(), subject.has_lesion()) {
        (true, Some(true)) => badge("positive", "healthy, yet with a lesion"),
        (true, _) => badge("negative", "healthy"),
        (false, Some(true)) => badge("positive", "lesion"),
        (false, Some(false)) => badge("negative", "no lesion"),
        (false, None) => badge("", "not known whether there is a lesion"),
    }
}

fn measures_table(
    subjects: &[Arc<Subject>],
    rows: &[Measures],
    panels: &[(Markup, usize)],
) -> Markup {
    let number = |value: Option<f64>, decimals: usize| match value {
        Some(value) => format!("{value:.decimals$}"),
        None => "–".to_owned(),
    };
    html! {
        p.quiet { "Choose a heading to sort, a name to see the subject. Length and width are those of the slice with the most cord; intensities are medians, from 0 to 1." }
        div.scroll { table.sortable {
            thead { tr {
                th scope="col" { "subject" }
                th.number scope="col" { "slices" }
                th.number scope="col" { "cord length (mm)" }
                th.number scope="col" { "mean cord width (mm)" }
                th.number scope="col" { "cord intensity" }
                th.number scope="col" { "fluid intensity" }
                th.number scope="col" { "disc labels" }
                th.number scope="col" { "remarks" }
                th scope="col" { "ground truth" }
            } }
            tbody { @for ((subject, row), (_, remarks)) in subjects.iter().zip(rows).zip(panels) {
                tr {
                    td { a href={ "#" (anchor(&subject.name)) } { (&*subject.name) } }
                    td.number { (row.slices) }
                    td.number { (number(row.length_mm, 1)) }
                    td.number { (number(row.width_mm, 1)) }
                    td.number { (number(row.cord, 2)) }
                    td.number { (number(row.fluid, 2)) }
                    td.number { (row.discs) }
                    td.number { (remarks) }
                    td { (known(subject)) }
                }
            } }
        } }
    }
}
