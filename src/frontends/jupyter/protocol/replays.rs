//! Signed messages are taken once: who recorded one on its way cannot send it again.

use std::collections::{HashSet, VecDeque};
use std::sync::Mutex;

use zeromq::ZmqMessage;

use crate::error::locked;

/// What stands before the signature of a message.
const DELIMITER: &[u8] = b"<IDS|MSG>";
/// So many signatures are remembered, as in the kernels of the Jupyter project.
const KEPT: usize = 1 << 16;

/// The signatures of the messages of a kernel, on whatever channel they came.
#[derive(Default)]
pub(in super::super) struct SeenSignatures(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    all: HashSet<Vec<u8>>,
    /// Oldest first.
    order: VecDeque<Vec<u8>>,
}

impl SeenSignatures {
    /// Remembers the signature of a message that was verified; false if one had it before.
    pub fn is_new(&self, signature: &[u8]) -> bool {
        let mut seen = locked(&self.0);
        // Hexadecimal digits mean the same in both cases.
        let signature = signature.to_ascii_lowercase();
        if !seen.all.insert(signature.clone()) {
            return false;
        }
        seen.order.push_back(signature);
        if seen.order.len() > KEPT
            && let Some(oldest) = seen.order.pop_front()
        {
            seen.all.remove(&oldest);
        }
        true
    }
}

/// The signature of a message, as it was sent; `None` if the frames are no message.
pub(super) fn signature(frames: &ZmqMessage) -> Option<Vec<u8>> {
    let mut frames = frames.iter().skip_while(|frame| frame[..] != *DELIMITER);
    frames.nth(1).map(|signature| signature.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_new_once_and_the_oldest_are_forgotten() {
        let seen = SeenSignatures::default();
        assert!(seen.is_new(b"0a"));
        assert!(!seen.is_new(b"0a") && !seen.is_new(b"0A"));
        for number in 0..KEPT {
            assert!(seen.is_new(number.to_string().as_bytes()));
        }
        assert!(seen.is_new(b"0a"));
    }
}
