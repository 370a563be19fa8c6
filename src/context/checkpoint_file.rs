//! The file of a checkpoint: a header in JSON, then parts of bytes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::files::Fingerprint;

const VERSION: u32 = 1;
/// First bytes of a checkpoint.
const MAGIC: &[u8; 8] = b"u2adCKPT";

/// Bytes by name.
pub(crate) type Parts = BTreeMap<String, Vec<u8>>;

/// What stands before the parts of a checkpoint.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Header {
    pub version: u32,
    /// Name of the training, such as "pretrain".
    pub training: String,
    /// Fingerprint of everything that the result depends on.
    pub fingerprint: String,
    pub finished: bool,
    /// Whether it cannot be made again once the run is past it.
    pub is_essential: bool,
    /// How far it is, such as "epoch 3 of 20, batch 2".
    pub place: String,
    /// How long it took so far.
    pub seconds: f64,
    pub notes: Vec<Note>,
    /// Name and length of every part, in their order.
    pub parts: Vec<(String, u64)>,
    /// SHA-256 of all parts.
    pub sha256: String,
}

/// A message of the training to the user, repeated when the checkpoint takes its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Note {
    Note(String),
    Warning(String),
}

/// A whole checkpoint as bytes; `header` needs neither the lengths of the parts nor their hash.
///
/// # Errors
/// If the header cannot be written.
pub(super) fn write(mut header: Header, parts: &Parts) -> serde_json::Result<Vec<u8>> {
    header.version = VERSION;
    header.parts = parts.iter().map(|(name, part)| (name.clone(), part.len() as u64)).collect();
    header.sha256 = hash(parts.values().map(Vec::as_slice));
    let json = serde_json::to_vec(&header)?;
    let mut bytes = MAGIC.to_vec();
    bytes.extend((json.len() as u64).to_le_bytes());
    bytes.extend(json);
    parts.values().for_each(|part| bytes.extend(part));
    Ok(bytes)
}

fn hash<'a>(parts: impl Iterator<Item = &'a [u8]>) -> String {
    let mut all = Fingerprint::default();
    for part in parts {
        all.add(part);
    }
    all.finish()
}

/// The header of a checkpoint, and where its parts begin.
pub(super) fn read_header(bytes: &[u8]) -> Option<(Header, usize)> {
    let rest = bytes.strip_prefix(MAGIC)?;
    let (length, rest) = rest.split_first_chunk::<8>()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let header: Header = serde_json::from_slice(rest.get(..length)?).ok()?;
    (header.version == VERSION).then_some((header, MAGIC.len() + 8 + length))
}

/// A whole checkpoint; `None` if a byte of it is not as it was written.
pub(super) fn read(bytes: &[u8]) -> Option<(Header, Parts)> {
    let (header, begin) = read_header(bytes)?;
    let mut rest = bytes.get(begin..)?;
    let mut parts = Parts::new();
    for (name, length) in &header.parts {
        let (part, others) = rest.split_at_checked(usize::try_from(*length).ok()?)?;
        parts.insert(name.clone(), part.to_vec());
        rest = others;
    }
    let is_whole = rest.is_empty() && hash(parts.values().map(Vec::as_slice)) == header.sha256;
    is_whole.then_some((header, parts))
}
