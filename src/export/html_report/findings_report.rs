//! The report of findings.

use std::path::Path;

use maud::{Markup, html};

use super::Page;
use super::document::{
    anchor, badge, chart, counts, document, facts, left_out, panel, table, write,
};
use super::viewer::{Scales, Viewer};
use crate::Result;
use crate::cohort::{Cohort, LOST_LESIONS, Slice};
use crate::context::{Context, counted, shown_number};
use crate::detection::{Finding, Findings, ModelFacts};
use crate::evaluation::{
    EvaluationOptions, LesionThresholdRule, Threshold, calibrated_threshold,
    default_lesion_threshold, evaluate,
};
use crate::export::detected_lesions;
use crate::figures::{MethodFroc, MethodRoc, froc_curves, roc_curves, training_history};
use crate::options::Choice;
use crate::report::{Cell, Column, Part, Show as _, Table, evaluation_table};
use crate::training::Model;
use crate::uncertainty::MonteCarlo;

/// The content of a report on findings.
pub struct FindingsReport<'a> {
    pub findings: &'a Findings,
    /// The cohort that the findings are of.
    pub cohort: &'a Cohort,
    /// The model that found them, for its settings and training curves.
    pub model: Option<&'a Model>,
    /// Pixels of the anomaly map at or above it are detected lesions; without one none are shown.
    pub lesion_threshold: Option<&'a Threshold>,
}

impl FindingsReport<'_> {
    /// Writes the page to `path`, a file whose name ends in ".html".
    ///
    /// # Errors
    /// If `path` is a folder or has another ending, or the disk refuses, and
    /// [`Error::Cancelled`](crate::Error::Cancelled) if the user interrupts.
    pub fn write(&self, path: &Path, context: &Context) -> Result<Page> {
        let findings = self.findings;
        let threshold = calibrated_threshold(findings)?;
        let scales = Scales::new(findings, threshold.as_ref(), self.lesion_threshold);
        let progress = context.progress("report", "subject", findings.subjects.len());
        let mut panels = Vec::new();
        for finding in &findings.subjects {
            context.check()?;
            let (threshold, remarks) =
                (threshold.as_ref(), self.cohort.remarks(&finding.subject.name));
            let lesions = self.lesion_threshold;
            panels.push(finding_panel(finding, threshold, lesions, &scales, &remarks)?);
            progress.advance(1, &[]);
        }
        let mut sections = vec![
            ("summary", "Summary", self.summary(threshold.as_ref())),
            ("method", "Method", self.method(threshold.as_ref(), context)?),
        ];
        if let Some(training) = self.training()? {
            sections.push(("training", "Training", training));
        }
        if let Some(evaluation) = self.evaluation(context)? {
            sections.push(("evaluation", "Evaluation against the ground truth", evaluation));
        }
        sections.push(("scores", "Scores", self.scores(threshold.as_ref())));
        sections.push((
            "subjects",
            "Subjects",
            html! { (help()) @for panel in &panels { (panel) } },
        ));
        let title = format!("{}: findings in {}", findings.method, self.cohort.name());
        let introduction = html! {
            p.quiet {
                (counted(findings.subjects.len(), "subject")) ". "
                "An AnaScore is the highest anomaly along the cord, in slices that show enough of it: detected lesions \
                 elsewhere are in the maps, and not in the score. It points to places to look at; it is not a diagnosis."
            }
        };
        let page = document(&title, &introduction, &sections, findings.scoring.map_unit());
        write(path, page, findings.subjects.len())
    }

    fn summary(&self, threshold: Option<&Threshold>) -> Markup {
        let subjects = &self.findings.subjects;
        let with = |lesion: Option<bool>| {
            subjects.iter().filter(|finding| finding.subject.has_lesion() == lesion).count()
        };
        let mut numbers =
            vec![("subjects", subjects.len()), ("with lesion (ground truth)", with(Some(true)))];
        let unseen = subjects.iter().filter(|one| one.subject.has_unseen_lesion()).count();
        if unseen > 0 {
            numbers.push(("of these with the lesion outside the slices", unseen));
        }
        numbers.push(("without a lesion", with(Some(false))));
        numbers.push(("not known", with(None)));
        let unscored = subjects.iter().filter(|finding| !finding.is_scored()).count();
        if unscored > 0 {
            numbers.push(("too little cord to score", unscored));
        }
        if let Some(threshold) = threshold {
            let reached =
                |finding: &&Finding| finding.is_scored() && finding.score >= threshold.value;
            numbers.push(("at or above the threshold", subjects.iter().filter(reached).count()));
        }
        html! {
            (counts(&numbers))
            @if let Some(unlike) = self.findings.unlike_calibration() { p.notes { (unlike) "." } }
            (left_out(self.cohort))
        }
    }

    /// What was done with what, and by which rules.
    fn method(&self, threshold: Option<&Threshold>, context: &Context) -> Result<Markup> {
        let findings = self.findings;
        let told = |threshold: Option<&Threshold>| match threshold {
            Some(threshold) => {
                format!("{}, {}", shown_number(threshold.value, 4), threshold.origin)
            }
            None => "none".to_owned(),
        };
        let grid = self.cohort.grid();
        let mut rows = vec![
            ("method", findings.method.clone()),
            ("scoring", format!("{}: {}", findings.scoring, findings.scoring.map_unit())),
            ("threshold of the AnaScore", told(threshold)),
            ("threshold of lesions", told(self.lesion_threshold)),
            ("slices", format!("{0} × {0} pixels, {1} × {1} mm", grid.size, grid.fov_mm)),
            ("seed of the session", context.streams.seed().to_string()),
        ];
        if let Some(made_by) = &findings.made_by {
            if made_by.seed != context.streams.seed() {
                rows.push(("seed of the detection", made_by.seed.to_string()));
            }
            rows.extend(made_by.model.iter().flat_map(model_rows));
        }
        for training in self.model.iter().flat_map(|model| &model.history.trainings) {
            rows.push(("training", training.to_string()));
        }
        rows.push(("program", format!("u2ad {}", env!("CARGO_PKG_VERSION"))));
        if let Some(model) = self.model {
            let display = model.show()?;
            let words = display.parts.iter().filter_map(|part| match part {
                Part::Text(text) => Some(text.as_str()),
                _ => None,
            });
            rows.insert(1, ("model", words.collect::<Vec<_>>().join("; ")));
        }
        Ok(facts(&rows))
    }

    fn training(&self) -> Result<Option<Markup>> {
        let Some(model) = self.model.filter(|model| !model.history.epochs.is_empty()) else {
            return Ok(None);
        };
        let last = &model.history.epochs[model.history.epochs.len() - 1];
        let words = format!("Training history. The last epoch: {last}.");
        Ok(Some(chart(&training_history(&model.history), &words)?))
    }

    /// Metrics and curves; `None` where no subject has both a score and a known ground truth.
    fn evaluation(&self, context: &Context) -> Result<Option<Markup>> {
        let known =
            |finding: &Finding| finding.is_scored() && finding.subject.has_lesion().is_some();
        if !self.findings.subjects.iter().any(known) {
            return Ok(None);
        }
        let mut options = EvaluationOptions::of(self.findings);
        let calibrated =
            default_lesion_threshold(self.findings).filter(|_| self.findings.calibration.is_some());
        if let Some(threshold) = self.lesion_threshold
            && calibrated.as_ref() != Some(threshold)
        {
            options.lesion_threshold = LesionThresholdRule::Value(threshold.value);
        }
        let mut evaluation = evaluate(self.findings, &options, context)?;
        let used = evaluation.lesions.as_mut().and_then(|level| level.threshold.as_mut());
        if let (Some(used), Some(threshold)) = (used, self.lesion_threshold) {
            used.origin.clone_from(&threshold.origin);
        }
        let auroc = |auroc: Option<f64>| {
            auroc.map_or("undefined".to_owned(), |auroc| format!("{auroc:.3}"))
        };
        let roc = chart(
            &roc_curves(&[MethodRoc::new(&evaluation)]),
            &format!("ROC curve of patients; AUROC {}.", auroc(evaluation.patients.auroc)),
        )?;
        let froc = MethodFroc::new(&evaluation)
            .map(|lesions| {
                chart(
                    &froc_curves(&[lesions]),
                    "FROC curve of lesions: sensitivity over false positives per patient.",
                )
            })
            .transpose()?;
        Ok(Some(html! {
            (table(&evaluation_table(&[&evaluation])?))
            (roc)
            @if let Some(froc) = froc { (froc) }
        }))
    }

    /// One row per subject, with the way to its panel.
    fn scores(&self, threshold: Option<&Threshold>) -> Markup {
        html! {
            p.quiet { "Choose a heading to sort, a name to see the subject." }
            div.scroll { table.sortable {
                thead { tr {
                    th scope="col" { "subject" }
                    th.number scope="col" { "AnaScore" }
                    @if threshold.is_some() { th scope="col" { "threshold" } }
                    th scope="col" { "highest at" }
                    th.number scope="col" { "slice (from the right)" }
                    th scope="col" { "in the file" }
                    th scope="col" { "ground truth" }
                } }
                tbody { @for finding in &self.findings.subjects {
                    @let name = &*finding.subject.name;
                    @let highest = highest_slice(finding);
                    tr {
                        td { a href={ "#" (anchor(name)) } { (name) } }
                        @if finding.is_scored() {
                            td.number data-value=(finding.score) { (shown_number(finding.score, 4)) }
                        } @else { td.number { "–" } }
                        @if threshold.is_some() { td { (reached(finding, threshold)) } }
                        td { (finding.highest_segment().map_or("–", |segment| &*segment.name)) }
                        td.number { (highest.map_or("–".to_owned(), |slice| slice.index.to_string())) }
                        td { (highest.and_then(Slice::voxel_words).unwrap_or_else(|| "–".to_owned())) }
                        td { (ground_truth(finding)) }
                    }
                } }
            } }
        }
    }
}

/// What tells the model of a detection, and how it reconstructed.
fn model_rows(model: &ModelFacts) -> Vec<(&'static str, String)> {
    let MonteCarlo { samples, mask_ratio, passes } = model.monte_carlo;
    let reconstructions = format!("{samples} of every patch, {} passes", passes.name());
    let seeds: Vec<String> = model.seeds.iter().map(u64::to_string).collect();
    let seeds = ("seeds that the model was made and trained with", seeds.join(", "));
    let mut rows = vec![("Monte-Carlo samples", reconstructions)];
    rows.push(("mask ratio", mask_ratio.to_string()));
    rows.push(("SHA-256 of the model's weights", model.weights.clone()));
    rows.extend((!model.seeds.is_empty()).then_some(seeds));
    rows
}

/// The panel of one finding. `threshold` is that of the AnaScore, `lesion_threshold` that of detected lesions;
/// `remarks` are what a user should know about the subject.
pub(super) fn finding_panel(
    finding: &Finding,
    threshold: Option<&Threshold>,
    lesion_threshold: Option<&Threshold>,
    scales: &Scales,
    remarks: &[String],
) -> Result<Markup> {
    let unseen = "its lesion (ground truth) has no pixel in these slices: it lies outside the field or in slices \
                  without spinal cord";
    let mut remarks: Vec<&str> = remarks.iter().map(String::as_str).collect();
    let is_said = remarks.iter().any(|remark| remark.contains(LOST_LESIONS));
    if !is_said && finding.subject.has_unseen_lesion() {
        remarks.push(unseen);
    }
    let about = html! {
        @if finding.is_scored() { span { "AnaScore " (shown_number(finding.score, 4)) } }
        @else { span { "too little cord to score" } }
        @if threshold.is_some() { (reached(finding, threshold)) }
        (ground_truth(finding))
        @if !remarks.is_empty() { ul.notes { @for remark in &remarks { li { (remark) } } } }
    };
    let mut segments = Table::new(
        "Segments",
        vec![Column::text("segment"), Column::number("AnaScore", 4), Column::text("ground truth")],
    );
    for segment in &finding.segments {
        let lesion = segment.lesion.map(|lesion| if lesion { "lesion" } else { "no lesion" });
        segments.push(vec![
            Cell::from(segment.name.as_str()),
            Cell::from(segment.score),
            Cell::from(lesion),
        ])?;
    }
    for name in &finding.unscored {
        segments.push(vec![
            Cell::from(format!("{name} (not scored)")),
            Cell::Missing,
            Cell::Missing,
        ])?;
    }
    let lesions = detected(finding, lesion_threshold)?;
    let segments = html! { @if finding.is_scored() { (table(&segments)) } };
    Ok(panel(
        &finding.subject.name,
        &about,
        &Viewer::of_finding(finding, scales)?,
        &segments,
        &lesions,
    ))
}

/// A table of the lesions at a threshold.
fn detected(finding: &Finding, threshold: Option<&Threshold>) -> Result<Markup> {
    let Some(threshold) = threshold else { return Ok(html! {}) };
    let Some(lesions) = detected_lesions(finding, threshold.value)? else {
        return Ok(html! {});
    };
    if lesions.is_empty() {
        return Ok(html! { p { "No lesion is detected." } });
    }
    let mut rows = Table::new(
        "Detected lesions",
        vec![
            Column::number("lesion", 0),
            Column::text("level"),
            Column::text("in the score"),
            Column::number("volume", 1).with_unit("mm³"),
            Column::number("length", 1).with_unit("mm"),
            Column::number("width", 1).with_unit("mm"),
            Column::number("share of the cord", 2),
            Column::number("relative signal", 2),
            Column::number("mean anomaly", 3),
            Column::number("highest anomaly", 3),
            Column::text("centre, voxel of the file"),
        ],
    );
    for lesion in lesions {
        let [i, j, k] = lesion.centre_voxel;
        rows.push(vec![
            Cell::from(lesion.number),
            Cell::from(lesion.segment),
            Cell::from(if lesion.scored { "yes" } else { "no" }),
            Cell::from(lesion.volume_mm3),
            Cell::from(lesion.length_mm),
            Cell::from(lesion.width_mm),
            Cell::from(lesion.cord_share),
            Cell::from(lesion.relative_mean_signal),
            Cell::from(lesion.mean_anomaly),
            Cell::from(lesion.highest_anomaly),
            Cell::from(format!("{i:.1}, {j:.1}, {k:.1}")),
        ])?;
    }
    Ok(table(&rows))
}

fn help() -> Markup {
    html! {
        p.quiet.screen {
            "Point at the image or the curve, or tap it, to see the values of a place, with as many digits as this \
             page holds. In a picture that was clicked the keys ← and → change the slice, o takes the overlay away \
             and brings it back, + and − change the contrast; in the curve ↑ and ↓ walk along the cord. S superior, \
             I inferior, A anterior, P posterior."
        }
    }
}

fn ground_truth(finding: &Finding) -> Markup {
    match finding.subject.has_lesion() {
        Some(true) if finding.subject.has_unseen_lesion() => {
            badge("positive", "ground truth: lesion, outside these slices")
        }
        Some(true) => badge("positive", "ground truth: lesion"),
        Some(false) => badge("negative", "ground truth: no lesion"),
        None => badge("", "ground truth: not known"),
    }
}

fn reached(finding: &Finding, threshold: Option<&Threshold>) -> Markup {
    match threshold.filter(|_| finding.is_scored()) {
        None => badge("", "not scored"),
        Some(threshold) if finding.score >= threshold.value => {
            badge("positive", "at or above the threshold")
        }
        Some(_) => badge("negative", "below the threshold"),
    }
}

/// The slice with the highest score.
fn highest_slice(finding: &Finding) -> Option<&Slice> {
    finding.highest_slice().map(|found| &finding.subject.slices[found.slice])
}
