//! How a Rust cell asks its session. It uses evcxr's own mechanism for questions to the user: the
//! cell prints a request as a line of its own and reads the answer from standard input.

use std::io::{Write, stdin, stdout};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

use super::{SessionValue, ToSessionValue, write_value};
use crate::error::locked;
use crate::{Error, Result};

/// The folder for the files of both sides; set by the process that runs the cells.
pub const FOLDER_VARIABLE: &str = "U2AD_EXCHANGE_FOLDER";
/// What the prompt of a request begins with. (evcxr cuts prompts at colons, so what follows is
/// in Base64.)
pub const PROMPT: &str = "u2ad-exchange ";
/// Ends a line that the cell did not end itself: a request must be a line of its own.
pub const PARTIAL_LINE: char = '\u{1e}';

/// What a cell asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// The value of this name, as a file.
    Get { name: String },
    /// Make the file's content the value of this name.
    Set { name: String, file: PathBuf },
}

/// What the session answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// Here it is.
    File(PathBuf),
    Done,
    /// Not possible; the reason as a sentence.
    Refused(String),
}

impl Request {
    /// As the prompt of a question.
    pub(super) fn to_prompt(&self) -> String {
        let json = serde_json::to_vec(self).unwrap_or_default();
        format!("{PROMPT}{}", BASE64_STANDARD.encode(json))
    }

    /// The request in a prompt; `None` for a question to the user.
    pub fn from_prompt(prompt: &str) -> Option<Self> {
        let json = BASE64_STANDARD.decode(prompt.strip_prefix(PROMPT)?).ok()?;
        serde_json::from_slice(&json).ok()
    }
}

/// The session that runs this cell.
#[derive(Debug)]
pub struct Session(Mutex<()>);

/// The session that runs this cell: `session.get("clinic")?`, `session.set("mine", &tensor)?`.
#[allow(non_upper_case_globals, reason = "cells read like the language of the session")]
pub static session: Session = Session(Mutex::new(()));

impl Session {
    /// A value of the session by its name: a cohort, maps, findings, an image, a table, a number
    /// or a text.
    ///
    /// # Errors
    /// If there is no session, no such name, or its value cannot be exchanged.
    pub fn get(&self, name: &str) -> Result<SessionValue> {
        match self.ask(&Request::Get { name: name.to_owned() })? {
            Reply::File(file) => SessionValue::open(&file),
            Reply::Refused(reason) => Err(Error::input(reason)),
            Reply::Done => Err(misunderstood()),
        }
    }

    /// Makes `value` a value of the session: a tensor, a number, a list of numbers or a text.
    ///
    /// # Errors
    /// If there is no session, the name or the value is not valid in the language, or a file
    /// cannot be written.
    pub fn set(&self, name: &str, value: impl ToSessionValue) -> Result<()> {
        static FILES: AtomicUsize = AtomicUsize::new(0);
        let (arrays, notes) = value.pack()?;
        let number = FILES.fetch_add(1, Ordering::Relaxed);
        let file = exchange_dir()?.join(format!("set-{}-{number}.safetensors", std::process::id()));
        write_value(&file, &arrays, notes)?;
        match self.ask(&Request::Set { name: name.to_owned(), file })? {
            Reply::Done => Ok(()),
            Reply::Refused(reason) => Err(Error::input(reason)),
            Reply::File(_) => Err(misunderstood()),
        }
    }

    /// One at a time, whatever threads the cell has.
    fn ask(&self, request: &Request) -> Result<Reply> {
        exchange_dir()?;
        let _turn = locked(&self.0);
        let gone = |_| Error::input("the session does not answer any more");
        let line = format!("{PARTIAL_LINE}\nEVCXR_INPUT_REQUEST:{}\n", request.to_prompt());
        let mut out = stdout().lock();
        out.write_all(line.as_bytes()).and_then(|()| out.flush()).map_err(gone)?;
        drop(out);
        let mut answer = String::new();
        stdin().read_line(&mut answer).map_err(gone)?;
        serde_json::from_str(answer.trim()).map_err(|_| misunderstood())
    }
}

fn exchange_dir() -> Result<PathBuf> {
    let folder = std::env::var_os(FOLDER_VARIABLE).map(PathBuf::from);
    let folder = folder.filter(|folder| Path::is_dir(folder));
    folder.ok_or_else(|| {
        Error::input("there is no session here; `session` is for the Rust cells of u2ad")
    })
}

fn misunderstood() -> Error {
    Error::input("the session gave an answer that this version of u2ad does not understand")
}
