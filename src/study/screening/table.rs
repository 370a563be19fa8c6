//! What was found, one row per image.

use super::{ScreenedImage, Screening};
use crate::Result;
use crate::report::{Cell, Column, Table, Tabulate};

/// The column of what is told below the table in a terminal, where it would be cut.
pub const REMARKS: &str = "remarks";

impl Tabulate for Screening {
    /// Name, masks, score and level of the highest finding; the p-value where the method is calibrated; and what to
    /// know about the image and its masks, or why it could not be used. The images are in the order in which they
    /// were given.
    fn table(&self) -> Result<Table> {
        let calibration = self.calibration();
        let mut columns = vec![
            Column::text("subject"),
            Column::text("masks"),
            Column::number("AnaScore", 4),
            Column::text("highest at"),
        ];
        if calibration.is_some() {
            columns.push(Column::number("p", 3));
        }
        columns.push(Column::text(REMARKS));
        let mut table = Table::new("Findings", columns);
        for image in &self.images {
            let score = self.score(image);
            let mut row = vec![
                Cell::from(&*image.name),
                Cell::from(&*image.masks),
                Cell::from(score),
                Cell::from(self.level(image)),
            ];
            if let Some(calibration) = calibration {
                row.push(Cell::from(score.map(|score| calibration.p_value(score))));
            }
            let reason = image.finding.as_ref().err();
            row.push(Cell::list(reason.map_or(&image.remarks, std::slice::from_ref)));
            table.push(row)?;
        }
        Ok(table)
    }
}

impl Screening {
    /// The AnaScore of an image; `None` where it could not be scored.
    pub fn score(&self, image: &ScreenedImage) -> Option<f64> {
        self.finding(image).filter(|finding| finding.is_scored()).map(|finding| finding.score)
    }

    /// The vertebral level or bin of an image's highest score; `None` where there is none.
    pub fn level(&self, image: &ScreenedImage) -> Option<String> {
        Some(self.finding(image)?.highest_segment()?.name.clone())
    }
}
