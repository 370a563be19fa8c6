//! The messages between a session and the host of its Rust cells, one JSON value per line.

use std::collections::BTreeMap;

use std::io::{Write, stdout};

use serde::{Deserialize, Serialize};

/// What a cell showed at its end, by MIME type; pictures in Base64.
pub type Media = BTreeMap<String, String>;

/// From the session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ToHost {
    Run {
        code: String,
    },
    /// The answer to the cell's question.
    Answer {
        text: String,
    },
    /// End the process that the cell runs in.
    Kill,
}

/// From the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum FromHost {
    /// The host can take cells.
    Ready,
    /// The host cannot take cells, and why.
    Broken {
        reason: String,
    },
    /// The cell is compiled and runs now.
    Running,
    /// What the cell prints, as it does.
    Printed {
        text: String,
        error: bool,
    },
    /// A question, for the user or the session; an answer must follow.
    Asked {
        prompt: String,
    },
    /// A crate is being compiled.
    Compiling {
        name: String,
    },
    Ended {
        outcome: Outcome,
    },
}

/// Sends a message from the host to the session.
pub(super) fn send(message: &FromHost) {
    let Ok(mut line) = serde_json::to_string(message) else { return };
    line.push('\n');
    let mut out = stdout().lock();
    // If the session is gone, the end of standard input ends the host.
    out.write_all(line.as_bytes()).and_then(|()| out.flush()).ok();
}

/// How a cell ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Outcome {
    Shown {
        media: Media,
    },
    /// It does not compile.
    CompileErrors {
        diagnostics: Vec<Diagnostic>,
    },
    /// It panicked, or `?` met an error.
    Stopped {
        message: String,
    },
    /// The process it ran in is gone, and the variables with it.
    Died {
        status: String,
    },
    /// Anything else, such as a variable that cannot be kept.
    Refused {
        message: String,
    },
}

/// What the compiler says about one place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Line and column of the cell, from 1 in characters, and how many characters are meant;
    /// `None` for places in other code.
    pub place: Option<(usize, usize, usize)>,
}
