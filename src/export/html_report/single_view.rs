//! One subject in a frame of a notebook: the viewer of the reports without the rest of the page.

use maud::{Markup, html};

use super::document::{panel, panel_page};
use super::findings_report::finding_panel;
use super::quality_report::known;
use super::viewer::{Scales, Viewer};
use crate::Result;
use crate::cohort::Subject;
use crate::detection::{Finding, Findings};
use crate::evaluation::{calibrated_threshold, default_lesion_threshold};
use crate::report;

/// Heights of the frames until they say what they need, in units of the font size.
const SUBJECT_HEIGHT_EM: usize = 42;
const FINDING_HEIGHT_EM: usize = 48;

const FRAME: &str = include_str!("assets/frame.js");

/// The text shown where a notebook is not trusted.
const NOT_SHOWN: &str = "If no viewer appears here, trust this notebook (“Trust Notebook” in the File menu or in \
                         the command palette), or run the cell again.";

/// Every slice of a subject with its masks, to leaf through.
///
/// # Errors
/// If a slice cannot be encoded.
pub fn subject_view(subject: &Subject) -> Result<report::Markup> {
    let viewer = Viewer::of_subject(subject)?;
    let panel = panel(&subject.name, &html! { (known(subject)) }, &viewer, &html! {}, &html! {});
    Ok(framed(&subject.name, &panel_page(&subject.name, &panel, ""), SUBJECT_HEIGHT_EM))
}

/// Every slice of a subject with what a method found in it. Colours have the range of all `findings`, so that
/// subjects can be compared. Detected lesions are shown if the method was calibrated.
///
/// # Errors
/// If a slice cannot be encoded.
pub fn finding_view(finding: &Finding, findings: &Findings) -> Result<report::Markup> {
    let threshold = calibrated_threshold(findings)?;
    let lesions = default_lesion_threshold(findings).filter(|_| findings.calibration.is_some());
    let scales = Scales::new(findings, threshold.as_ref(), lesions.as_ref());
    let panel = finding_panel(finding, threshold.as_ref(), lesions.as_ref(), &scales, &[])?;
    let title = format!("{} in {}", findings.method, finding.subject.name);
    let page = panel_page(&title, &panel, findings.scoring.map_unit());
    Ok(framed(&title, &page, FINDING_HEIGHT_EM))
}

/// A page in a frame of its own, so that neither its style nor its scripts meet those of the notebook. A notebook
/// that is not trusted takes the frame away and leaves the line beside it; else the frame's script hides the line.
fn framed(title: &str, page: &Markup, height_em: usize) -> report::Markup {
    let style = format!("width: 100%; height: {height_em}em; border: 0; resize: vertical");
    let frame = html! {
        iframe title=(title) sandbox="allow-scripts" style=(style) srcdoc=(page.0) onload=(FRAME) {}
        p { (NOT_SHOWN) }
    };
    let text = format!("[viewer: {title}]");
    report::Markup { html: frame.into_string(), text, figures: Vec::new() }
}
