//! Files and folders that are never visible half-written, and folders that end with the process.

mod confinement;
pub(crate) mod content_pointer;
mod file_log;
mod fingerprint;
mod growing;
mod lazy_folder;
#[cfg(feature = "shell")]
mod output_path;
mod places;
mod process_folder;
mod regular_file;
#[cfg(feature = "shell")]
mod user_path;
mod whole_file;
mod whole_folder;
mod work_lock;

#[cfg(feature = "shell")]
pub(crate) use confinement::confine_writes;
pub(crate) use file_log::{
    FileRead, files_read, files_written, note_header_read, note_listed, note_read, sha256,
    sha256_of, sha256_while,
};
#[cfg(feature = "shell")]
pub(crate) use file_log::{
    check_no_input, files_changed, is_left_over, log_files, log_places, note_resumed,
};
pub(crate) use fingerprint::Fingerprint;
pub use lazy_folder::LazyFolder;
#[cfg(feature = "shell")]
pub(crate) use output_path::{output_path, saved_path};
pub(crate) use places::{file_name, make_folder};
pub use process_folder::remove_process_folders;
#[cfg(feature = "shell")]
pub(crate) use process_folder::{ProcessFolder, clear_abandoned};
#[cfg(feature = "shell")]
pub(crate) use regular_file::read_regular_text;
pub(crate) use regular_file::{open_regular, read_json, read_regular, read_regular_unlogged};
#[cfg(feature = "shell")]
pub(crate) use user_path::user_path;
#[cfg(feature = "shell")]
pub(crate) use whole_file::write_new;
pub(crate) use whole_file::{
    check_file_place, write_json, write_whole, write_whole_making_folder, write_whole_with,
};
pub(crate) use whole_folder::{WholeFolder, check_folder_place, remove_unfinished};
pub(crate) use work_lock::{Claim, WorkLock};
