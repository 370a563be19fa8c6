//! A model and its history as the user sees them.

use super::{Cell, Column, Display, Part, Show, Table, Tabulate};
use crate::Result;
use crate::context::counted;
use crate::figures::training_history;
use crate::options::Choice;
use crate::training::{EpochRecord, History, Model};

/// The sizes of the network, and the history if there is one.
impl Show for Model {
    fn show(&self) -> Result<Display> {
        let config = self.config;
        let mut display = Display::text(format!(
            "masked autoencoder: {0} × {0} pixels for {1} × {1} mm in patches of {2}, {3} + {4} \
             blocks, {5} parameters, {6} epochs; intensities by {7}{8}",
            config.image,
            config.fov_mm,
            config.patch,
            config.depth,
            config.decoder_depth,
            self.parameters.count(),
            self.history.epochs.len(),
            config.intensity.name(),
            match config.slice_mm {
                0 => String::new(),
                mm => format!(", thin slices averaged to {mm} mm"),
            },
        ));
        if let Some(scorer) = &self.scorer {
            let learned = scorer.description();
            display.parts.push(Part::Text(format!(
                "scorer: {}, trained after epoch {} on {} healthy and {} clinical subjects",
                counted(learned.training.members, "network"),
                learned.model_epochs,
                learned.healthy,
                learned.clinical
            )));
        }
        if !self.history.epochs.is_empty() {
            display.parts.extend(self.history.show()?.parts);
        }
        Ok(display)
    }
}

/// The last epoch, and the curves.
impl Show for History {
    fn show(&self) -> Result<Display> {
        Ok(match self.epochs.last() {
            None => Display::text("no epoch was trained yet"),
            Some(last) => {
                Display::of([Part::Text(last.to_string()), Part::Figure(training_history(self))])
            }
        })
    }
}

/// One row per epoch.
impl Tabulate for History {
    fn table(&self) -> Result<Table> {
        let columns = vec![
            Column::number("epoch", 0),
            Column::text("stage"),
            Column::text("masks"),
            Column::number("loss", 4),
            Column::number("reconstruction", 4),
            Column::number("edge", 4),
            Column::number("learning rate", 6),
            Column::number("variance", 6),
            Column::number("error", 4),
        ];
        let mut table = Table::new("Training history", columns);
        for epoch in &self.epochs {
            table.push(vec![
                Cell::from(epoch.epoch),
                Cell::from(epoch.stage.name()),
                Cell::from(epoch.masking.name()),
                Cell::from(epoch.loss),
                Cell::from(epoch.reconstruction),
                Cell::from(epoch.edge),
                Cell::from(epoch.learning_rate),
                Cell::from(epoch.variance),
                Cell::from(epoch.error),
            ])?;
        }
        Ok(table)
    }
}

impl Show for EpochRecord {
    fn show(&self) -> Result<Display> {
        Ok(Display::text(self.to_string()))
    }
}
