//! Where the findings of one session of one participant lie.

use std::path::{Path, PathBuf};

/// Hidden folder of locks and of files in the making.
pub(super) const HIDDEN: &str = ".u2ad";

/// One session of one participant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// `sub-01`.
    pub participant: String,
    /// `ses-1`; `None` in a tree without sessions.
    pub session: Option<String>,
}

impl Place {
    /// How the names of its files begin: `sub-01_ses-1`.
    pub fn stem(&self) -> String {
        match &self.session {
            Some(session) => format!("{}_{session}", self.participant),
            None => self.participant.clone(),
        }
    }

    /// The folder of its findings.
    pub fn folder(&self, output: &Path) -> PathBuf {
        let mut folder = output.join(&self.participant);
        folder.extend(&self.session);
        folder.join("anat")
    }

    /// A file in that folder.
    pub fn file(&self, output: &Path, ending: &str) -> PathBuf {
        self.folder(output).join(format!("{}{ending}", self.stem()))
    }

    /// Its report.
    pub fn report(&self, output: &Path) -> PathBuf {
        output.join(self.report_name())
    }

    /// The report's name in the output folder.
    pub fn report_name(&self) -> String {
        format!("{}.html", self.stem())
    }

    /// Lock file of the process that works on this session.
    pub fn lock(&self, output: &Path) -> PathBuf {
        output.join(HIDDEN).join(format!("{}.lock", self.stem()))
    }
}
