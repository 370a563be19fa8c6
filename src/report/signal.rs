//! Signal curves as the user sees them.

use super::{Cell, Column, Display, Part, Show, Table, Tabulate};
use crate::Result;
use crate::detection::SignalCurve;
use crate::figures::{signal_curve, signal_levels};

/// One row per subject and vertebral level.
impl Tabulate for [SignalCurve] {
    fn table(&self) -> Result<Table> {
        let columns = vec![
            Column::text("subject"),
            Column::text("level"),
            Column::number("from_mm", 1),
            Column::number("to_mm", 1),
            Column::number("pixels", 0),
            Column::number("mean", 3),
            Column::number("standard_deviation", 3),
            Column::number("mean_relative_to_csf", 3),
        ];
        let mut table = Table::new("Signal of the cord", columns);
        for curve in self {
            let fluid = curve.fluid.filter(|fluid| *fluid > 0.0);
            for level in &curve.levels {
                table.push(vec![
                    Cell::from(&*curve.subject),
                    Cell::from(&*level.name),
                    Cell::from(level.from_mm),
                    Cell::from(level.to_mm),
                    Cell::from(level.pixels),
                    Cell::from(level.mean),
                    Cell::from(level.standard_deviation),
                    Cell::from(fluid.map(|fluid| level.mean / fluid)),
                ])?;
            }
        }
        Ok(table)
    }
}

/// One row per vertebral level.
impl Tabulate for SignalCurve {
    fn table(&self) -> Result<Table> {
        std::slice::from_ref(self).table()
    }
}

impl Show for SignalCurve {
    fn show(&self) -> Result<Display> {
        Ok(Display::of([Part::Table(self.table()?), Part::Figure(signal_curve(self))]))
    }
}

impl Show for [SignalCurve] {
    fn show(&self) -> Result<Display> {
        Ok(Display::of([Part::Table(self.table()?), Part::Figure(signal_levels(self))]))
    }
}
