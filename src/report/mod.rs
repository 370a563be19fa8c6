//! How values are shown (tables, pages, displays of several parts), and the folder in which a run
//! saves its results.

mod display;
mod evaluation;
mod findings;
mod page;
mod progress_lines;
mod run_folder;
mod run_record;
mod show;
mod table;
mod training;

pub use display::{Display, Markup, Part, TEXT_WIDTH};
pub use evaluation::{evaluation_table, summary_table};
pub use findings::{finding_display, finding_panels};
pub use page::{List, Page};
pub use progress_lines::{Figures, ProgressLines, listed};
pub use run_folder::{RunFolder, file_stem};
pub use run_record::{RunRecord, RunStatus};
pub use show::{Show, Tabulate, cohort_display};
pub use table::{Alignment, Cell, Column, Table};
