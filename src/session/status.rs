//! The state of a session after its last cell, which front ends can read while the next one runs.

use std::sync::{Mutex, MutexGuard};

use super::Name;
use crate::error::locked;
use crate::language::{Transcript, TypedCell};

/// Written by the engine after every cell, read by anyone at any time.
#[derive(Default)]
pub(super) struct SessionStatus(Mutex<Facts>);

#[derive(Clone, Default)]
pub(super) struct Facts {
    /// The user's names in alphabetical order.
    pub names: Vec<Name>,
    /// Name of the device that the next cell computes on.
    pub device: String,
    pub transcript: Transcript,
    /// Source of the cell that runs.
    pub running: Option<String>,
    /// Names of models that have learned something that is not in a file of the user.
    pub unsaved: Vec<String>,
}

impl Facts {
    /// What was typed, with the cell that runs as one that did not end.
    pub fn so_far(&self) -> Transcript {
        let mut transcript = self.transcript.clone();
        transcript.cells.extend(self.running.clone().map(|source| TypedCell {
            source,
            stopped: Some("the session ended while it ran".to_owned()),
        }));
        transcript
    }
}

impl SessionStatus {
    pub fn lock(&self) -> MutexGuard<'_, Facts> {
        locked(&self.0)
    }
}
