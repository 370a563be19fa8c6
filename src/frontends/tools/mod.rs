//! Commands that need no session.

pub mod bench;
pub mod convert;
pub mod import;
pub mod language_server;
pub mod train_segmentation;
