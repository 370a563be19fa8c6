//! Changed copies of bytes, as fuzzers make them.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Numbers at which lengths and counts go wrong.
const NUMBERS: [u64; 14] = [
    0,
    1,
    2,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0x8000,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x7fff_ffff_ffff_ffff,
    u64::MAX,
];

/// What means something in one of the formats or languages.
const WORDS: [&str; 44] = [
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "\"",
    "'",
    "\"\"\"",
    "f\"{",
    "\\",
    "\n",
    "\r\n",
    "\t",
    ",",
    ":",
    ";",
    "#",
    "?",
    "%%rust",
    "# %%",
    "def f():\n",
    "lambda x: ",
    " if ",
    " not ",
    "-",
    "é",
    "\u{feff}",
    "\0",
    "null",
    "true",
    "1e999",
    "-0",
    "0x",
    "99999999999999999999",
    "NaN",
    "{\"\":",
    "[[[[[[[[",
    "n/a",
    "sub-01",
    "\\u0000",
    "../",
    "~",
    "[markdown]",
];

/// Numbers in text at which lengths and counts go wrong.
const TEXT_NUMBERS: [&str; 16] = [
    "0",
    "-1",
    "1",
    "2",
    "255",
    "65536",
    "2147483648",
    "4294967295",
    "9223372036854775807",
    "18446744073709551616",
    "1e9",
    "1e308",
    "1e999",
    "-0.0",
    "0.5",
    "00",
];

/// Longest copy.
const LONGEST: usize = 1 << 18;

/// A copy of `bytes` with a few changes. `others` lend pieces.
pub fn changed(bytes: &[u8], others: &[&[u8]], draw: &mut ChaCha8Rng) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..[1, 1, 1, 2, 2, 3, 5, 16][draw.random_range(0..8)] {
        let as_text = draw.random_bool(0.7);
        if let Some(text) = std::str::from_utf8(&bytes).ok().filter(|_| as_text) {
            bytes = changed_text(text, others, draw).into_bytes();
        } else if let Some((header, rest)) = length_and_text(&bytes).filter(|_| as_text) {
            // The length before the header of a safetensors file goes with it.
            let header = changed_text(header, &[], draw);
            let length = (header.len() as u64).to_le_bytes();
            bytes = [&length, header.as_bytes(), rest].concat();
        } else {
            change(&mut bytes, others, draw);
        }
        bytes.truncate(LONGEST);
    }
    bytes
}

/// A text behind its length in eight bytes, and what follows.
fn length_and_text(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let (header, rest) = rest.split_at_checked(length)?;
    Some((std::str::from_utf8(header).ok()?, rest))
}

/// The words, numbers, strings and marks of a text.
fn pieces(text: &str) -> Vec<&str> {
    let kind = |c: char| match c {
        '0'..='9' | '.' => 0,
        _ if c.is_alphanumeric() || c == '_' => 1,
        ' ' => 2,
        _ => 3,
    };
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = match kind(first) {
            3 => first.len_utf8(),
            of => rest.find(|c| kind(c) != of).unwrap_or(rest.len()),
        };
        pieces.push(&rest[..end]);
        rest = &rest[end..];
    }
    pieces
}

/// A text with one of its words, numbers or marks changed.
fn changed_text(text: &str, others: &[&[u8]], draw: &mut ChaCha8Rng) -> String {
    let mut pieces = pieces(text);
    if pieces.is_empty() {
        return WORDS[draw.random_range(0..WORDS.len())].to_owned();
    }
    let at = draw.random_range(0..pieces.len());
    let is_number = |piece: &&str| piece.starts_with(|c: char| c.is_ascii_digit());
    // Numbers are few, and most of what can be claimed is one.
    let number = pieces[at..].iter().position(is_number).map(|place| at + place);
    match draw.random_range(0..8) {
        0 | 1 => match number {
            Some(place) => pieces[place] = TEXT_NUMBERS[draw.random_range(0..TEXT_NUMBERS.len())],
            None => pieces[at] = "0",
        },
        2 => drop(pieces.remove(at)),
        3 => {
            let end = at + draw.random_range(0..=(pieces.len() - at).min(8));
            let copied: Vec<&str> = pieces[at..end].to_vec();
            let copied = copied.repeat(1usize << draw.random_range(0..5));
            pieces.splice(at..at, copied);
        }
        4 => pieces.insert(at, WORDS[draw.random_range(0..WORDS.len())]),
        5 => pieces[at] = WORDS[draw.random_range(0..WORDS.len())],
        6 => {
            let other = draw.random_range(0..pieces.len());
            pieces.swap(at, other);
        }
        _ => {
            let other = others.get(draw.random_range(0..others.len().max(1)));
            let other = other.and_then(|other| std::str::from_utf8(other).ok()).unwrap_or(text);
            let lent = self::pieces(other);
            if !lent.is_empty() {
                pieces[at] = lent[draw.random_range(0..lent.len())];
                return pieces.concat();
            }
        }
    }
    pieces.concat()
}

fn change(bytes: &mut Vec<u8>, others: &[&[u8]], draw: &mut ChaCha8Rng) {
    let length = bytes.len();
    // Headers are short and stand near the beginning.
    let at = match draw.random_range(0..10) {
        0 => draw.random_range(0..=length.min(64)),
        1..5 => draw.random_range(0..=length.min(600)),
        _ => draw.random_range(0..=length),
    };
    let end = |draw: &mut ChaCha8Rng| at + draw.random_range(0..=(length - at).min(64));
    match draw.random_range(0..10) {
        0 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << draw.random_range(0..8);
            }
        }
        1 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = draw.random();
            }
        }
        2 => {
            let width = 1usize << draw.random_range(0..4);
            let mut number =
                NUMBERS[draw.random_range(0..NUMBERS.len())].to_le_bytes()[..width].to_vec();
            if draw.random_bool(0.5) {
                number.reverse();
            }
            let to = (at + width).min(length);
            bytes.splice(at..to, number);
        }
        3 => {
            let to = end(draw);
            bytes.drain(at..to);
        }
        4 => {
            let piece = bytes[at..end(draw)].to_vec();
            let times = 1usize << draw.random_range(0..7);
            bytes.splice(at..at, piece.repeat(times));
        }
        5 => {
            let word = WORDS[draw.random_range(0..WORDS.len())];
            bytes.splice(at..at, word.bytes());
        }
        6 => bytes.truncate(at),
        7 => {
            let other = others[draw.random_range(0..others.len())];
            let from = draw.random_range(0..=other.len());
            let to = from + draw.random_range(0..=(other.len() - from).min(256));
            bytes.splice(at..at, other[from..to].iter().copied());
        }
        8 => {
            let piece = bytes[at..end(draw)].to_vec();
            let to = draw.random_range(0..=length);
            bytes.splice(to..to, piece);
        }
        _ => {
            // A digit more or another one: numbers in text.
            let digit = bytes[at..].iter().position(u8::is_ascii_digit).map(|place| at + place);
            if let Some(place) = digit {
                let digits = ["9", "0", "-1", "1e9", "00000000", "9223372036854775807"];
                bytes.splice(place..=place, digits[draw.random_range(0..digits.len())].bytes());
            }
        }
    }
}
