//! One hash of many things.

use sha2::{Digest, Sha256};

use super::file_log::digits;

/// A SHA-256 that grows. Each part is hashed with its length, so that no two lists of parts are alike.
#[derive(Clone, Default)]
pub(crate) struct Fingerprint(Sha256);

impl Fingerprint {
    /// Adds a part.
    pub fn add(&mut self, part: impl AsRef<[u8]>) -> &mut Self {
        let part = part.as_ref();
        self.0.update((part.len() as u64).to_le_bytes());
        self.0.update(part);
        self
    }

    /// In hexadecimal digits.
    pub fn finish(self) -> String {
        digits(&self.0.finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_border_between_parts_counts() {
        let of = |parts: &[&str]| {
            let mut all = Fingerprint::default();
            for part in parts {
                all.add(part);
            }
            all.finish()
        };
        assert_eq!(of(&["ab", "c"]), of(&["ab", "c"]));
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
        assert_ne!(of(&["ab"]), of(&["ab", ""]));
    }
}
