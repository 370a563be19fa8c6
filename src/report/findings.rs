//! Findings as the user sees them.

use super::{Cell, Column, Display, Part, Show, Table, Tabulate, shown_number};
use crate::detection::{Finding, Findings};
use crate::evaluation::calibrated_threshold;
use crate::figures::{Figure, anomaly_curve, reconstruction_panels};
use crate::{Error, Result};

/// One row per subject, in the order of the cohort.
impl Tabulate for Findings {
    fn table(&self) -> Result<Table> {
        let threshold = calibrated_threshold(self)?;
        let mut columns = vec![Column::text("subject"), Column::number("score", 4)];
        if let Some(threshold) = &threshold {
            columns.push(Column::text(format!("at least {}", shown_number(threshold.value, 4))));
        }
        columns.extend([
            Column::text("segment"),
            Column::number("slice", 0),
            Column::text("lesion"),
        ]);
        let mut table = Table::new(format!("Findings: {}", self.method), columns);
        for finding in &self.subjects {
            let peak = finding.highest_segment();
            let slice = finding.highest_slice();
            let index = slice.and_then(|found| finding.subject.slices.get(found.slice));
            let score = finding.is_scored().then_some(finding.score);
            let word = |yes: bool| if yes { "yes" } else { "no" };
            let mut row = vec![Cell::from(&*finding.subject.name), Cell::from(score)];
            if let Some(threshold) = &threshold {
                row.push(Cell::from(score.map(|score| word(score >= threshold.value))));
            }
            row.extend([
                Cell::from(peak.map(|segment| segment.name.clone())),
                Cell::from(index.map(|slice| slice.index)),
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
            display.parts.push(Part::Figure(finding_panels(highest, &self.method)?));
        }
        Ok(display)
    }
}

/// Image, reconstruction, error and uncertainty of the slice with the highest score.
///
/// # Errors
/// If the subject has no slices.
pub fn finding_panels(finding: &Finding, method: &str) -> Result<Figure> {
    let found = finding.shown_slice().ok_or_else(|| {
        Error::subject(&*finding.subject.name, "has no slices to show findings in")
    })?;
    Ok(reconstruction_panels(&finding.subject.slices[found.slice], &found.reconstruction, method))
}

/// Panels and anomaly curve of one subject's finding.
///
/// # Errors
/// If the subject has no slices.
pub fn finding_display(finding: &Finding, method: &str) -> Result<Display> {
    let panels = finding_panels(finding, method)?;
    Ok(Display::of([Part::Figure(panels), Part::Figure(anomaly_curve(finding, method))]))
}
