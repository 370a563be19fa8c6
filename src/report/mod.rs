//! How values are shown (tables, pages, displays of several parts), and the folder in which a run
//! saves its results.

mod claimed_run;
mod comparison;
mod difference;
mod display;
mod evaluation;
mod findings;
mod page;
mod progress_lines;
mod recorded_file;
mod run_files;
mod run_folder;
mod run_names;
mod run_record;
mod run_summary;
mod show;
mod signal;
mod table;
mod training;

pub use claimed_run::ClaimedRun;
pub use comparison::summary_table;
pub use difference::{FirstDifference, TableChange, first_difference, table_changes};
pub use display::{Display, Markup, Part, TEXT_WIDTH};
pub use evaluation::evaluation_table;
pub use findings::{finding_display, finding_panels};
pub use page::{List, Page};
pub use progress_lines::{Figures, ProgressLines, listed};
pub use recorded_file::RecordedFile;
pub use run_files::is_owned;
pub use run_folder::RunFolder;
pub use run_names::file_stem;
pub use run_record::{Answer, Resumption, RunRecord, RunStatus, program_commit};
pub use run_summary::{Headline, RunSummary, run_summaries};
pub use show::{Show, Tabulate, cohort_display};
#[cfg(feature = "shell")]
pub(crate) use table::shortened;
pub use table::{Alignment, Cell, Column, Table};
