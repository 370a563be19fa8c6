//! Findings as the user sees them.

use super::{Cell, Column, Display, Part, Show, Table, Tabulate};
use crate::context::shown_number;
use crate::detection::{Finding, Findings};
use crate::evaluation::calibrated_threshold;
use crate::figures::{Figure, anomaly_curve, reconstruction_panels};
use crate::{Error, Result};

/// Decimals of a score, and the most that are shown to tell one from a threshold.
const DECIMALS: usize = 4;
const MOST_DECIMALS: usize = 12;

/// The decimals at which no score above a limit looks like the limit.
fn decimals_apart(scores: &[f64], limit: f64) -> usize {
    let looks_equal = |decimals: &usize| {
        let shown = shown_number(limit, *decimals);
        scores.iter().any(|score| *score > limit && shown_number(*score, *decimals) == shown)
    };
    (DECIMALS..MOST_DECIMALS).find(|decimals| !looks_equal(decimals)).unwrap_or(MOST_DECIMALS)
}

/// One row per subject, in the order of the cohort.
impl Tabulate for Findings {
    fn table(&self) -> Result<Table> {
        let threshold = calibrated_threshold(self)?;
        let scores = self.subjects.iter().filter(|finding| finding.is_scored());
        let scores: Vec<f64> = scores.map(|finding| finding.score).collect();
        // A threshold from healthy subjects lies next to a score of one of them, just above it.
        let highest_negative = threshold.as_ref().map(|threshold| threshold.value.next_down());
        let decimals = highest_negative.map_or(DECIMALS, |limit| decimals_apart(&scores, limit));
        let mut columns = vec![Column::text("subject"), Column::number("score", decimals)];
        if threshold.is_some() {
            columns.push(Column::text("positive"));
        }
        columns.extend([
            Column::text("segment"),
            Column::number("slice", 0).with_unit("from the right"),
            Column::number("voxel", 0).with_unit("in the file"),
            Column::text("true lesion"),
        ]);
        let mut table = Table::new(format!("Findings: {}", self.method), columns);
        for finding in &self.subjects {
            let peak = finding.highest_segment();
            let slice = finding.highest_slice();
            let slice = slice.and_then(|found| finding.subject.slices.get(found.slice));
            let native = finding.subject.native_transform.as_ref();
            let voxel = slice.zip(native).map(|(slice, native)| native.slice_voxel(slice.index));
            let score = finding.is_scored().then_some(finding.score);
            let word = |yes: bool| if yes { "yes" } else { "no" };
            let mut row = vec![Cell::from(&*finding.subject.name), Cell::from(score)];
            if let Some(threshold) = &threshold {
                row.push(Cell::from(score.map(|score| word(score >= threshold.value))));
            }
            row.extend([
                Cell::from(peak.map(|segment| segment.name.clone())),
                Cell::from(slice.map(|slice| slice.index)),
                Cell::from(voxel),
                Cell::from(finding.subject.has_lesion().map(word)),
            ]);
            table.push(row)?;
        }
        Ok(table)
    }
}

/// The table, and the panels of the subject with the highest score.
impl Show for Findings {
    fn show(&self) -> Result<Display> {
        let mut display = Display::of([Part::Table(self.table()?)]);
        if let Some(threshold) = calibrated_threshold(self)? {
            let text =
                format!("threshold {} from {}", shown_number(threshold.value, 4), threshold.origin);
            display.parts.push(Part::Text(text));
        }
        if let Some(highest) = self.highest() {
            display.parts.push(Part::Figure(finding_panels(highest, self)?));
        }
        Ok(display)
    }
}

/// Image, reconstruction, error and uncertainty of the slice with the highest score. `of` are the findings that it is
/// one of.
///
/// # Errors
/// If the subject has no slices.
pub fn finding_panels(finding: &Finding, of: &Findings) -> Result<Figure> {
    let found = finding.shown_slice().ok_or_else(|| {
        Error::subject(&*finding.subject.name, "has no slices to show findings in")
    })?;
    let slice = &finding.subject.slices[found.slice];
    Ok(reconstruction_panels(slice, found, &of.method, of.reconstructs))
}

/// Panels and anomaly curve of one subject's finding.
///
/// # Errors
/// If the subject has no slices.
pub fn finding_display(finding: &Finding, of: &Findings) -> Result<Display> {
    let panels = finding_panels(finding, of)?;
    let curve = anomaly_curve(finding, &of.method);
    Ok(Display::of([Part::Figure(panels), Part::Figure(curve)]))
}

#[cfg(test)]
mod tests {
    use super::decimals_apart;

    #[test]
    fn a_score_above_the_threshold_does_not_look_like_it() {
        assert_eq!(decimals_apart(&[0.5, 0.7], 0.6), 4);
        assert_eq!(decimals_apart(&[0.508_312, 0.508_35], 0.508_31), 6);
        // One that is the limit itself is not above it.
        assert_eq!(decimals_apart(&[0.508_31], 0.508_31), 4);
    }
}
