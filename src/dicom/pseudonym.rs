//! Names that stand for patients.

use std::collections::BTreeMap;
use std::path::Path;

use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::files::read_regular_unlogged;
use crate::{Error, Result};

/// A shorter key could be found by trying.
const SHORTEST_KEY: usize = 16;
/// Hexadecimal digits of a name: among 1000 patients, two share one once in two million datasets.
const DIGITS: usize = 10;

/// The rule that names patients.
#[derive(Clone, Debug)]
pub(super) enum PseudonymRule {
    /// 001, 002 … in the order of their IDs.
    Numbers,
    /// The first digits of HMAC-SHA-256 of the ID with this key.
    Key(Vec<u8>),
}

impl PseudonymRule {
    /// Numbers or, with a file, its bytes as key.
    ///
    /// # Errors
    /// If the file cannot be read or is too short.
    pub(super) fn read(key: Option<&Path>) -> Result<Self> {
        const MAKE: &str = "make one with `head -c 32 /dev/urandom > FILE`";
        let Some(path) = key else { return Ok(Self::Numbers) };
        if !path.exists() {
            return Err(Error::file(path, format!("there is no such file; {MAKE}")));
        }
        let key = read_regular_unlogged(path)?;
        if key.len() < SHORTEST_KEY {
            return Err(Error::file(
                path,
                format!(
                    "is too short for a key, {} bytes of at least {SHORTEST_KEY}; {MAKE}",
                    key.len()
                ),
            ));
        }
        Ok(Self::Key(key))
    }

    /// The BIDS label of each of these patients, such as `sub-001`.
    ///
    /// # Errors
    /// If two get the same.
    pub(super) fn names<'a>(
        &self,
        patients: impl ExactSizeIterator<Item = &'a str>,
    ) -> Result<BTreeMap<&'a str, String>> {
        let width = patients.len().to_string().len().max(3);
        let mut names = BTreeMap::new();
        let mut taken: BTreeMap<String, &str> = BTreeMap::new();
        for (at, patient) in patients.enumerate() {
            let name = match self {
                Self::Numbers => format!("sub-{:0width$}", at + 1),
                Self::Key(key) => format!("sub-{}", hashed(key, patient)),
            };
            if let Some(other) = taken.insert(name.clone(), patient) {
                return Err(Error::input(format!(
                    "patients {other} and {patient} would both be {name}; use another key"
                )));
            }
            names.insert(patient, name);
        }
        Ok(names)
    }
}

fn hashed(key: &[u8], patient: &str) -> String {
    let mut hash = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    hash.update(patient.as_bytes());
    let bytes = hash.finalize().into_bytes();
    let mut digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.truncate(DIGITS);
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_gives_the_digits_that_others_compute() {
        // RFC 4231, test case 2.
        assert_eq!(hashed(b"Jefe", "what do ya want for nothing?"), "5bdcc146bf");
    }

    #[test]
    fn numbers_follow_the_order_and_have_equal_length() {
        let patients: Vec<String> = (0..1200).map(|n| format!("{n:05}")).collect();
        let names = PseudonymRule::Numbers.names(patients.iter().map(String::as_str)).unwrap();
        assert_eq!((names["00000"].as_str(), names["01199"].as_str()), ("sub-0001", "sub-1200"));
        let names = PseudonymRule::Numbers.names(["a"].into_iter()).unwrap();
        assert_eq!(names["a"], "sub-001");
    }

    #[test]
    fn a_key_that_could_be_guessed_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let refusal = || PseudonymRule::read(Some(&path)).unwrap_err().to_string();
        assert!(refusal().contains("there is no such file; make one"), "{}", refusal());
        std::fs::write(&path, "secret").unwrap();
        assert!(refusal().contains("too short for a key, 6 bytes"), "{}", refusal());
    }
}
