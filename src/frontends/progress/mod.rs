//! Progress on standard error: bars on a terminal, sparse plain lines elsewhere.

mod bars;
mod sparkline;

use self::bars::Bars;
use crate::context::Event;
use crate::report::ProgressLines;

/// The progress of the running tasks on standard error.
pub(super) enum ProgressDisplay {
    Bars(Bars),
    Lines(ProgressLines),
}

impl ProgressDisplay {
    /// Bars on a terminal, plain lines elsewhere.
    pub fn new(terminal: bool, colour: bool) -> Self {
        match terminal {
            true => Self::Bars(Bars::new(colour)),
            false => Self::Lines(ProgressLines::default()),
        }
    }

    /// Writes something else, without bars in the way.
    pub fn aside<R>(&self, write: impl FnOnce() -> R) -> R {
        match self {
            Self::Bars(bars) => bars.aside(write),
            Self::Lines(_) => write(),
        }
    }

    /// Draws bars no more, or again. They go on meanwhile.
    pub fn hide_bars(&self, hidden: bool) {
        if let Self::Bars(bars) = self {
            bars.hide(hidden);
        }
    }

    /// Brings the display up to date; gives the plain line to write, if any.
    pub fn advance(&mut self, event: Event) -> Option<String> {
        match (self, event) {
            (Self::Bars(bars), Event::Started { task, title, unit, total }) => {
                bars.start(task, title, unit, total);
            }
            (Self::Bars(bars), Event::Advanced { task, done, figures }) => {
                bars.advance(task, done, &figures);
            }
            (Self::Bars(bars), Event::Finished { task }) => bars.finish(task),
            (Self::Lines(lines), Event::Started { task, title, unit, total }) => {
                lines.start(task, title, unit, total);
            }
            (Self::Lines(lines), Event::Advanced { task, done, figures }) => {
                return lines.advance(task, done, &figures);
            }
            (Self::Lines(lines), Event::Finished { task }) => return lines.finish(task),
            (_, Event::Note(_) | Event::Remark(_) | Event::Warning(_)) => {}
        }
        None
    }
}
