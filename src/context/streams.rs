//! Random streams by name: every draw of the crate comes from one of these, so the same seed
//! gives the same bits whatever ran before, in whatever order and on however many threads.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// One random stream.
pub type Stream = ChaCha8Rng;

/// The source of all streams of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Streams {
    seed: u64,
}

impl Streams {
    /// The streams of one seed.
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The seed all streams derive from.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The stream called `name`, at `place` (for example `[epoch, batch]`). Different names,
    /// seeds or places give independent streams; the same ones give the same stream.
    pub fn stream(&self, name: &str, place: &[u64]) -> Stream {
        let mut key = [0u8; 32];
        key[..8].copy_from_slice(&self.seed.to_le_bytes());
        key[8..16].copy_from_slice(&fnv1a(name.bytes()).to_le_bytes());
        let place_hash = fnv1a(place.iter().flat_map(|p| p.to_le_bytes()));
        key[16..24].copy_from_slice(&place_hash.to_le_bytes());
        key[24..].copy_from_slice(&(place.len() as u64).to_le_bytes());
        ChaCha8Rng::from_seed(key)
    }
}

/// 64-bit FNV-1a: stable across versions and platforms, unlike the standard library's hasher.
fn fnv1a(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use rand::Rng;

    use super::*;

    #[test]
    fn the_same_name_and_place_give_the_same_stream() {
        let draw = |seed, name, place: &[u64]| Streams::new(seed).stream(name, place).next_u64();
        assert_eq!(draw(1, "masking", &[3, 4]), draw(1, "masking", &[3, 4]));
        assert_ne!(draw(1, "masking", &[3, 4]), draw(2, "masking", &[3, 4]));
        assert_ne!(draw(1, "masking", &[3, 4]), draw(1, "noise", &[3, 4]));
        assert_ne!(draw(1, "masking", &[3, 4]), draw(1, "masking", &[4, 3]));
        assert_ne!(draw(1, "masking", &[3]), draw(1, "masking", &[3, 0]));
    }
}
