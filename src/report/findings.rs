//! Findings as the user sees them.

use super::{Cell, Column, Display, Part, Show, Table, Tabulate};
use crate::detection::{Finding, Findings};
use crate::figures::{Figure, anomaly_curve, reconstruction_panels};
use crate::{Error, Result};

/// One row per subject, in the order of the cohort.
impl Tabulate for Findings {
    fn table(&self) -> Result<Table> {
        let columns = vec![
            Column::text("subject"),
            Column::number("score", 4),
            Column::text("segment"),
            Column::number("slice", 0),
            Column::text("lesion"),
        ];
        let mut table = Table::new(format!("Findings: {}", self.method), columns);
        for finding in &self.subjects {
            let peak = finding.segments.iter().rev().max_by(|a, b| a.score.total_cmp(&b.score));
            let slice = finding.highest_slice();
            let index = slice.and_then(|found| finding.subject.slices.get(found.slice));
            table.push(vec![
                Cell::from(&*finding.subject.name),
                Cell::from(finding.is_scored().then_some(finding.score)),
                Cell::from(peak.map(|segment| segment.name.clone())),
                Cell::from(index.map(|slice| slice.index)),
                Cell::from(finding.subject.has_lesion().map(|yes| if yes { "yes" } else { "no" })),
            ])?;
        }
        Ok(table)
    }
}

/// The table, and the panels of the subject with the highest score.
impl Show for Findings {
    fn show(&self) -> Result<Display> {
        let mut display = Display::of([Part::Table(self.table()?)]);
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
