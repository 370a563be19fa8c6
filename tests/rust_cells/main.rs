//! Rust cells with the real compiler: in scripts, in a kernel and on a terminal.
//!
//! All of them compile in one folder, `target/evcxr`, one after the other: the first run builds the
//! library there, later ones find it.
#![cfg(target_os = "linux")]

#[allow(dead_code)]
#[path = "../kernel/client.rs"]
mod client;
#[allow(dead_code)]
#[path = "../common/mod.rs"]
mod common;
#[allow(dead_code)]
#[path = "../shell/screen.rs"]
mod screen;

mod notebook;
mod script;
mod terminal;

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The folder for compiled code, and the right to use it alone.
pub fn cells() -> (PathBuf, MutexGuard<'static, ()>) {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    (PathBuf::from(client::RUST_CELLS), turn)
}
