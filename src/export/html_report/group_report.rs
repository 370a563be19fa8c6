//! The page of a group: one row per image, with the way to its own page, and the evaluation of all.

use std::path::Path;

use maud::{Markup, html};

use super::Page;
use super::document::{badge, chart, counts, document, facts, table, write};
use crate::Result;
use crate::context::{counted, shown_number};
use crate::evaluation::Evaluation;
use crate::figures::{MethodFroc, MethodRoc, froc_curves, roc_curves};
use crate::report::evaluation_table;

/// One image.
pub struct GroupRow<'a> {
    pub name: &'a str,
    /// The page of its participant, beside that of the group.
    pub report: Option<String>,
    pub masks: &'a str,
    pub score: Option<f64>,
    pub level: Option<&'a str>,
    pub p_value: Option<f64>,
    pub lesions: Option<usize>,
    pub has_lesion: Option<bool>,
    /// What to know about the image and its masks.
    pub remarks: &'a [String],
    pub failure: Option<&'a str>,
}

/// The content of a group page.
pub struct GroupReport<'a> {
    /// Name of the source.
    pub dataset: &'a str,
    pub method: &'a str,
    pub rows: Vec<GroupRow<'a>>,
    /// Participants without findings, with the reasons.
    pub missing: &'a [(String, String)],
    pub evaluation: Option<&'a Evaluation>,
    /// Warnings of participants of the evaluation whom the method knew before.
    pub known: &'a [String],
}

impl GroupReport<'_> {
    /// Writes the page to `path`, a file whose name ends in ".html".
    ///
    /// # Errors
    /// If `path` is a folder or has another ending, a chart cannot be drawn, or the disk refuses.
    pub fn write(&self, path: &Path) -> Result<Page> {
        let screened = self.rows.iter().filter(|row| row.failure.is_none()).count();
        let summary = html! {
            (counts(&[
                ("images", self.rows.len()),
                ("screened", screened),
                ("could not be used", self.rows.len() - screened),
                ("participants not screened yet", self.missing.len()),
            ]))
            (facts(&[
                ("method", self.method.to_owned()),
                ("program", format!("u2ad {}", env!("CARGO_PKG_VERSION"))),
            ]))
        };
        let mut sections =
            vec![("summary", "Summary", summary), ("findings", "Findings", self.findings())];
        if self.rows.len() > screened || !self.missing.is_empty() {
            sections.push(("missing", "Without findings", self.without()));
        }
        if let Some(evaluation) = self.evaluation {
            let title = "Evaluation against the ground truth";
            sections.push(("evaluation", title, evaluated(evaluation, self.known)?));
        }
        let title = format!("{}: findings in {}", self.method, self.dataset);
        let introduction = html! {
            p.quiet {
                (counted(self.rows.len(), "image")) ". "
                "An AnaScore is the highest anomaly along the cord. It points to places to look at; it is not a diagnosis."
            }
        };
        write(path, document(&title, &introduction, &sections, ""), self.rows.len())
    }

    fn findings(&self) -> Markup {
        let is_calibrated = self.rows.iter().any(|row| row.p_value.is_some());
        let has_remarks = self.rows.iter().any(|row| !row.remarks.is_empty());
        let has_lesions = self.rows.iter().any(|row| row.lesions.is_some());
        let number = |number: Option<f64>| {
            html! {
                @if let Some(number) = number { td.number data-value=(number) { (shown_number(number, 4)) } }
                @else { td.number { "–" } }
            }
        };
        html! {
            p.quiet { "Choose a heading to sort, a name to see the participant's page." }
            div.scroll { table.sortable {
                thead { tr {
                    th scope="col" { "image" }
                    th.number scope="col" { "AnaScore" }
                    @if is_calibrated { th.number scope="col" { "p" } }
                    th scope="col" { "highest at" }
                    @if has_lesions { th.number scope="col" { "lesions" } }
                    th scope="col" { "masks" }
                    th scope="col" { "ground truth" }
                    @if has_remarks { th scope="col" { "remarks" } }
                } }
                tbody { @for row in self.rows.iter().filter(|row| row.failure.is_none()) { tr {
                    td { @match &row.report {
                        Some(report) => a href=(report) { (row.name) },
                        None => (row.name),
                    } }
                    (number(row.score))
                    @if is_calibrated { (number(row.p_value)) }
                    td { (row.level.unwrap_or("–")) }
                    @if has_lesions {
                        td.number { (row.lesions.map_or("–".to_owned(), |lesions| lesions.to_string())) }
                    }
                    td { (row.masks) }
                    td { @match row.has_lesion {
                        Some(true) => (badge("positive", "lesion")),
                        Some(false) => (badge("negative", "no lesion")),
                        None => (badge("", "not known")),
                    } }
                    @if has_remarks { td.quiet { (row.remarks.join("; ")) } }
                } } }
            } }
        }
    }

    fn without(&self) -> Markup {
        let failed = self.rows.iter().filter_map(|row| Some((row.name, row.failure?)));
        let missing = self.missing.iter().map(|(name, reason)| (&**name, &**reason));
        html! {
            ul.notes { @for (name, reason) in failed.chain(missing) { li { (name) ": " (reason) } } }
        }
    }
}

/// Warnings, numbers and curves.
fn evaluated(evaluation: &Evaluation, warnings: &[String]) -> Result<Markup> {
    let roc = chart(&roc_curves(&[MethodRoc::new(evaluation)]), "ROC curve of patients.")?;
    let froc = MethodFroc::new(evaluation)
        .map(|lesions| {
            let words = "FROC curve of lesions: sensitivity over false positives per patient.";
            chart(&froc_curves(&[lesions]), words)
        })
        .transpose()?;
    Ok(html! {
        @if !warnings.is_empty() { ul.notes { @for warning in warnings { li { (warning) } } } }
        (table(&evaluation_table(&[evaluation])?))
        (roc)
        @if let Some(froc) = froc { (froc) }
    })
}
