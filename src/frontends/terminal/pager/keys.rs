//! Keys, from the bytes that a terminal sends for them.

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Previous,
    Next,
    First,
    Last,
    /// A digit of the number of a slice.
    Digit(usize),
    /// Another layer on the image.
    Layer,
    Narrower,
    Wider,
    Back,
}

/// What bytes begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Typed {
    /// A key of so many bytes.
    Key(Key, usize),
    /// So many bytes that mean nothing here.
    Other(usize),
    /// What may be the beginning of a longer sequence.
    Unfinished,
}

/// Reads the first key of bytes that are not empty.
pub(super) fn first_key(bytes: &[u8]) -> Typed {
    match bytes {
        [] | [ESCAPE] => Typed::Unfinished,
        [ESCAPE, b'[', rest @ ..] => sequence(rest),
        [ESCAPE, b'O'] => Typed::Unfinished,
        [ESCAPE, b'O', last, ..] => named(*last, 3),
        // Alt with a key, or Escape typed twice.
        [ESCAPE, ESCAPE, ..] => Typed::Key(Key::Back, 2),
        [ESCAPE, ..] => Typed::Other(2),
        [byte, ..] => plain(*byte),
    }
}

const ESCAPE: u8 = 0x1b;

fn plain(byte: u8) -> Typed {
    let key = match byte {
        b'h' | b'p' | b'k' => Key::Previous,
        b'l' | b'n' | b'j' | b' ' => Key::Next,
        b'g' => Key::First,
        b'G' => Key::Last,
        b'0'..=b'9' => Key::Digit(usize::from(byte - b'0')),
        b'o' => Key::Layer,
        b'+' | b'=' => Key::Narrower,
        b'-' | b'_' => Key::Wider,
        // Ctrl-C as a byte, from a terminal that makes no signal of it.
        b'q' | b'Q' | b'\r' | b'\n' | 0x03 | 0x04 => Key::Back,
        _ => return Typed::Other(1),
    };
    Typed::Key(key, 1)
}

/// What follows ESC [: parameters, then a final byte.
fn sequence(rest: &[u8]) -> Typed {
    let Some(end) = rest.iter().position(|byte| !(0x20..0x40).contains(byte)) else {
        return Typed::Unfinished;
    };
    let length = 2 + end + 1;
    match (rest[end], &rest[..end]) {
        (b'~', [b'1' | b'7']) => Typed::Key(Key::First, length),
        (b'~', [b'4' | b'8']) => Typed::Key(Key::Last, length),
        (last, _) => named(last, length),
    }
}

/// A key that its last byte names.
fn named(last: u8, length: usize) -> Typed {
    let key = match last {
        b'A' | b'D' => Key::Previous,
        b'B' | b'C' => Key::Next,
        b'H' => Key::First,
        b'F' => Key::Last,
        _ => return Typed::Other(length),
    };
    Typed::Key(key, length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(bytes: &str) -> Option<Key> {
        match first_key(bytes.as_bytes()) {
            Typed::Key(key, length) => {
                assert_eq!(length, bytes.len(), "{bytes:?}");
                Some(key)
            }
            Typed::Other(_) | Typed::Unfinished => None,
        }
    }

    #[test]
    fn keys_have_several_spellings() {
        for bytes in ["\x1b[D", "\x1bOD", "\x1b[1;2D", "h", "p"] {
            assert_eq!(key(bytes), Some(Key::Previous), "{bytes:?}");
        }
        for bytes in ["\x1b[C", "\x1bOC", "l", "n"] {
            assert_eq!(key(bytes), Some(Key::Next), "{bytes:?}");
        }
        for bytes in ["\x1b[H", "\x1bOH", "\x1b[1~", "\x1b[7~"] {
            assert_eq!(key(bytes), Some(Key::First), "{bytes:?}");
        }
        for bytes in ["\x1b[F", "\x1bOF", "\x1b[4~", "\x1b[8~"] {
            assert_eq!(key(bytes), Some(Key::Last), "{bytes:?}");
        }
        for bytes in ["q", "\r", "\n", "\x03", "\x1b\x1b"] {
            assert_eq!(key(bytes), Some(Key::Back), "{bytes:?}");
        }
        assert_eq!(key("7"), Some(Key::Digit(7)));
    }

    #[test]
    fn what_is_unfinished_waits_and_what_is_unknown_is_skipped_whole() {
        for bytes in ["\x1b", "\x1b[", "\x1b[1;", "\x1bO"] {
            assert_eq!(first_key(bytes.as_bytes()), Typed::Unfinished, "{bytes:?}");
        }
        assert_eq!(first_key(b"\x1b[5~q"), Typed::Other(4), "Page Up");
        assert_eq!(first_key(b"\x1bxq"), Typed::Other(2), "Alt-x");
        assert_eq!(first_key("é".as_bytes()), Typed::Other(1));
        assert_eq!(first_key(b"nq"), Typed::Key(Key::Next, 1));
    }
}
