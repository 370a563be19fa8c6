//! Files of tensors that tell when they were damaged: safetensors whose description begins with a checksum.

use std::collections::{BTreeMap, HashMap};

use candle_core::Tensor;
use serde::Serialize;

use crate::files::sha256;
use crate::{Error, Result};

/// How the description begins, as JSON within the JSON of a safetensors header, up to the checksum.
const MARK: &[u8] = br#""{\"sha256\":\""#;
/// What stands for the checksum while it is computed.
const BLANK: [u8; 64] = [b'0'; 64];

/// Tensors and their description, which stands as JSON under `key` in the metadata. The checksum covers
/// every byte of the result but its own.
///
/// # Errors
/// If a tensor cannot be read, or the description is not a record with at least one field.
pub(crate) fn to_bytes(
    tensors: &BTreeMap<String, Tensor>,
    key: &str,
    description: &impl Serialize,
) -> Result<Vec<u8>> {
    let failed = |error: &dyn std::fmt::Display| Error::input(error.to_string());
    let json = serde_json::to_string(description).map_err(|error| failed(&error))?;
    let fields = json.strip_prefix('{').filter(|fields| fields.len() > 1);
    let fields = fields.ok_or_else(|| failed(&"the description has no fields"))?;
    let blank = String::from_utf8_lossy(&BLANK);
    let metadata = HashMap::from([(key.to_owned(), format!("{{\"sha256\":\"{blank}\",{fields}"))]);
    let mut bytes =
        safetensors::serialize(tensors, Some(metadata)).map_err(|error| failed(&error))?;
    let place = place_of_checksum(&bytes).ok_or_else(|| failed(&"its header has no checksum"))?;
    let checksum = sha256(&bytes);
    bytes[place..place + BLANK.len()].copy_from_slice(checksum.as_bytes());
    Ok(bytes)
}

/// The SHA-256 of tensors and their names, in hexadecimal digits.
pub(crate) fn digest(tensors: &BTreeMap<String, Tensor>) -> String {
    // Tensors that cannot be read cannot reconstruct either, which says why.
    sha256(&safetensors::serialize(tensors, None).unwrap_or_default())
}

/// Fails if the content of a file has changed since [`to_bytes`] made it. A file without a checksum passes: it
/// is older than the checksum, or another program's.
///
/// # Errors
/// In words that follow the name of the file.
pub(crate) fn check(bytes: &[u8]) -> Result<()> {
    let Some(place) = place_of_checksum(bytes) else { return Ok(()) };
    let end = place + BLANK.len();
    let blank = [&bytes[..place], &BLANK, &bytes[end..]].concat();
    if sha256(&blank).as_bytes() == &bytes[place..end] {
        return Ok(());
    }
    Err(Error::input(
        "is damaged: its content does not fit its checksum; load another copy of it (if another program changed it \
         on purpose, take \"sha256\" out of its metadata)",
    ))
}

/// Where the checksum begins in a file; `None` if its header has none.
fn place_of_checksum(bytes: &[u8]) -> Option<usize> {
    let length = u64::from_le_bytes(bytes.get(..8)?.try_into().ok()?);
    let end = usize::try_from(length).ok()?.checked_add(8)?;
    let header = bytes.get(..end)?;
    let mark = header.windows(MARK.len()).position(|window| window == MARK)?;
    let place = mark + MARK.len();
    (place + BLANK.len() <= end).then_some(place)
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;

    fn file() -> Vec<u8> {
        let tensor = Tensor::arange(0f32, 6., &Device::Cpu).unwrap();
        let other = Tensor::zeros((2, 3), DType::F32, &Device::Cpu).unwrap();
        let tensors = BTreeMap::from([("a".to_owned(), tensor), ("b".to_owned(), other)]);
        let description = serde_json::json!({"threshold": 0.25, "version": 1});
        to_bytes(&tensors, "u2ad", &description).unwrap()
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let bytes = file();
        check(&bytes).unwrap();
        assert_eq!(bytes, file(), "the same content has the same bytes");
        let mark = place_of_checksum(&bytes).unwrap() - MARK.len();
        for place in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[place] ^= 1;
            // Without its length or mark a header has no checksum; then the format or the description is broken.
            let is_marked = place_of_checksum(&damaged).is_some();
            assert_eq!(check(&damaged).is_err(), is_marked, "byte {place}");
            let may_lack = place < 8 || (mark..mark + MARK.len()).contains(&place);
            assert!(is_marked || may_lack, "byte {place}");
        }
    }

    #[test]
    fn the_description_stays_a_record_with_its_fields() {
        let bytes = file();
        let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
        let text = &header.metadata().as_ref().unwrap()["u2ad"];
        let record: serde_json::Value = serde_json::from_str(text).unwrap();
        assert_eq!((&record["threshold"], &record["version"]), (&0.25.into(), &1.into()));
    }

    #[test]
    fn files_without_a_checksum_pass_and_descriptions_without_fields_are_refused() {
        let tensors =
            BTreeMap::from([("a".to_owned(), Tensor::zeros(2, DType::F32, &Device::Cpu).unwrap())]);
        check(&safetensors::serialize(&tensors, None).unwrap()).unwrap();
        for bytes in [&b""[..], b"12345678", &u64::MAX.to_le_bytes(), b"not a file of tensors"] {
            check(bytes).unwrap();
        }
        assert!(to_bytes(&tensors, "u2ad", &serde_json::json!({})).is_err());
        assert!(to_bytes(&tensors, "u2ad", &3).is_err());
    }
}
