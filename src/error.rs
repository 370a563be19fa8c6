//! The one error type. Its `Display` is written for the user: one sentence, with the place and,
//! where there is one, what to do.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Shorthand for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong, worded for the user.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder cannot be used; `reason` is a clause without a full stop.
    #[error("{}: {reason}", controls_escaped(&path.display().to_string()))]
    File { path: PathBuf, reason: String },
    /// A subject of a cohort cannot be used.
    #[error("subject {subject}: {reason}")]
    Subject { subject: String, reason: String },
    /// An argument, a configuration or a combination of values is invalid.
    #[error("{0}")]
    Input(String),
    /// The user interrupted; the caller reports what was kept.
    #[error("interrupted")]
    Cancelled,
    /// A tensor operation failed: a bug here or too little memory.
    #[error("tensor operation failed: {0}")]
    Tensor(#[source] candle_core::Error),
    /// A figure could not be drawn.
    #[error("figure could not be drawn: {0}")]
    Figure(String),
}

/// Lets an error of this crate cross candle, from inside a custom operation to whoever called
/// candle.
impl From<Error> for candle_core::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Tensor(error) => error,
            error => Self::WrappedContext {
                wrapped: Box::new(error),
                context: "in an operation of u2ad".to_owned(),
            },
        }
    }
}

/// A failed tensor operation, or the error of this crate that crossed candle.
impl From<candle_core::Error> for Error {
    fn from(error: candle_core::Error) -> Self {
        use candle_core::Error::WrappedContext;
        match without_backtrace(error) {
            WrappedContext { wrapped, context } => match wrapped.downcast() {
                Ok(error) => *error,
                Err(wrapped) => Self::Tensor(WrappedContext { wrapped, context }),
            },
            error => Self::Tensor(error),
        }
    }
}

/// What went wrong, without the stack that candle adds to the message where `RUST_BACKTRACE` is set: it
/// tells users nothing, and hides errors of this crate that cross candle.
pub(crate) fn without_backtrace(mut error: candle_core::Error) -> candle_core::Error {
    while let candle_core::Error::WithBacktrace { inner, .. } = error {
        error = *inner;
    }
    error
}

/// What the system says, and what that means.
const SYSTEM_REASONS: [(&str, &str); 5] = [
    ("No such file or directory", "there is no such file or folder"),
    ("File exists", "a file of this name is in the way"),
    ("Is a directory", "it is a folder, where a file is needed"),
    ("Not a directory", "it is a file or lies inside one, where a folder is needed"),
    ("File name too long", "the name is too long for this disk"),
];

/// A text in one line: characters that would break it, or steer a terminal, are written as code has them.
pub(crate) fn controls_escaped(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter.is_control() {
            true => line.extend(letter.escape_default()),
            false => line.push(letter),
        }
    }
    line
}

/// A text in one line, with one space wherever there is white space.
#[cfg(feature = "shell")]
pub(crate) fn spaces_collapsed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A reason without what the system adds for programmers, in one line: what it quotes of a file may have several.
fn plain(reason: &str) -> String {
    let mut reason = reason.replace(['\n', '\r'], " ");
    for (told, plain) in SYSTEM_REASONS {
        if reason.contains(told) {
            reason = reason.replace(told, plain);
        }
    }
    let mut parts = reason.split(" (os error ");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let after = part.trim_start_matches(|c: char| c.is_ascii_digit());
        plain.push_str(after.strip_prefix(')').unwrap_or(after));
    }
    plain
}

/// Locks, also after a panic elsewhere: what is inside is whole, or shown again, and a second panic here
/// would only hide the first.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Error {
    /// A file error with its reason.
    pub fn file(path: impl AsRef<Path>, reason: impl std::fmt::Display) -> Self {
        Self::File { path: path.as_ref().to_path_buf(), reason: plain(&reason.to_string()) }
    }

    /// A file that this version cannot read because a newer one wrote it, and what to do.
    pub(crate) fn newer_version(path: impl AsRef<Path>) -> Self {
        Self::file(path, "was saved by a newer version of u2ad; update u2ad to use it")
    }

    /// A subject error with its reason.
    pub fn subject(subject: impl Into<String>, reason: impl std::fmt::Display) -> Self {
        Self::Subject { subject: subject.into(), reason: reason.to_string() }
    }

    /// An input error from a sentence.
    pub fn input(sentence: impl std::fmt::Display) -> Self {
        Self::Input(sentence.to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::backtrace::Backtrace;

    use super::*;

    fn traced(error: candle_core::Error) -> candle_core::Error {
        let backtrace = Box::new(Backtrace::force_capture());
        candle_core::Error::WithBacktrace { inner: Box::new(error), backtrace }
    }

    #[test]
    fn a_reason_of_the_system_is_told_in_plain_words() {
        let missing = std::io::Error::from_raw_os_error(2);
        let error = Error::file("image", &missing).to_string();
        assert_eq!(error, "image: there is no such file or folder");
        for (number, plain) in
            [(17, "in the way"), (20, "inside one"), (21, "is a folder"), (36, "too long")]
        {
            let error = Error::file("x", std::io::Error::from_raw_os_error(number)).to_string();
            assert!(!cfg!(target_os = "linux") || error.contains(plain), "{error}");
        }
        let error = Error::file("a\nb\u{1b}[31m", "is no image").to_string();
        assert_eq!(error, "a\\nb\\u{1b}[31m: is no image");
        let error = Error::file("table", "unknown field `a\nb`").to_string();
        assert_eq!(error, "table: unknown field `a b`");
        let error = Error::file("image", format!("cannot be read ({missing}); look")).to_string();
        assert_eq!(error, "image: cannot be read (there is no such file or folder); look");
    }

    #[test]
    fn a_backtrace_neither_shows_nor_hides_an_error() {
        let error = Error::from(traced(traced(candle_core::Error::msg("too few rows"))));
        assert_eq!(error.to_string(), "tensor operation failed: too few rows");
        let crossing = Error::from(traced(candle_core::Error::from(Error::Cancelled)));
        assert!(matches!(crossing, Error::Cancelled), "{crossing}");
    }
}
