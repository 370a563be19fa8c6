//! Tables, and the folder a run leaves behind.

mod run_folder;
mod run_record;
mod table;

pub use run_folder::{RunFolder, file_stem};
pub use run_record::{RunRecord, RunStatus};
pub use table::{Alignment, Cell, Column, Table};
