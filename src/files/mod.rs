//! Files and folders that are whole or absent.

mod lazy_folder;
mod whole_file;

pub use lazy_folder::LazyFolder;
pub(crate) use whole_file::{write_whole, write_whole_with};
