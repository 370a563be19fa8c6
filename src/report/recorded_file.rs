//! A file in the record of a run.

use serde::{Deserialize, Serialize};

/// A file that a run read or wrote, or a folder of images that it read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written")]
pub struct RecordedFile {
    pub path: String,
    /// Size, or the number of a folder's files; not known of files in records of earlier versions, and of files that still grow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// SHA-256 in hexadecimal digits; not there where the size is not known either, and for an
    /// input whose header alone was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

impl RecordedFile {
    /// A file of which only the name is known.
    pub fn named(path: impl Into<String>) -> Self {
        Self { path: path.into(), bytes: None, sha256: None }
    }
}

/// The forms in which a file stands in a record: earlier versions wrote its name only.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Name(String),
    Described {
        path: String,
        #[serde(default)]
        bytes: Option<u64>,
        #[serde(default)]
        sha256: Option<String>,
    },
}

impl From<Written> for RecordedFile {
    fn from(written: Written) -> Self {
        match written {
            Written::Name(path) => Self::named(path),
            Written::Described { path, bytes, sha256 } => Self { path, bytes, sha256 },
        }
    }
}
