//! Which comparison fits a file: by its name, else line by line if it is text, else byte by byte.

use std::io::Read;

use super::first::FirstDifference;
use super::{arrays, pictures, tables};

/// The most bytes that a compressed file is unpacked to.
const MOST_UNPACKED: u64 = 1 << 32;

/// Characters of a value that are shown.
const MOST_SHOWN: usize = 60;

/// The first difference of two files of this name; `None` if they are equal byte by byte.
pub fn first_difference(name: &str, first: &[u8], second: &[u8]) -> Option<FirstDifference> {
    if first == second {
        return None;
    }
    let lower = name.to_ascii_lowercase();
    let unpacked = lower.strip_suffix(".gz").and_then(|inner| {
        let (first, second) = (unpacked(first)?, unpacked(second)?);
        // Equal contents that are packed differently differ in their bytes only.
        (first != second).then(|| by_content(inner, &first, &second))
    });
    Some(unpacked.unwrap_or_else(|| by_content(&lower, first, second)))
}

fn by_content(name: &str, first: &[u8], second: &[u8]) -> FirstDifference {
    let ending = name.rsplit('.').next().unwrap_or_default();
    let found = match ending {
        "tsv" => text(first, second).and_then(|(a, b)| tables::first_cell(a, b)),
        "png" => pictures::first_pixel(first, second),
        "npy" => arrays::first_in_npy(first, second),
        "safetensors" => arrays::first_in_safetensors(first, second),
        "nii" => arrays::first_in_nifti(first, second),
        _ => None,
    };
    found
        .or_else(|| text(first, second).and_then(|(a, b)| first_line(a, b)))
        .unwrap_or_else(|| first_byte(first, second))
}

fn text<'a>(first: &'a [u8], second: &'a [u8]) -> Option<(&'a str, &'a str)> {
    let text = |bytes: &'a [u8]| std::str::from_utf8(bytes).ok().filter(|t| !t.contains('\0'));
    Some((text(first)?, text(second)?))
}

fn first_line(first: &str, second: &str) -> Option<FirstDifference> {
    let (mut ours, mut theirs) = (first.lines(), second.lines());
    for number in 1.. {
        let (a, b) = (ours.next(), theirs.next());
        if a.is_none() && b.is_none() {
            break;
        }
        if a != b {
            let (a, b) = shortened(a.unwrap_or("no such line"), b.unwrap_or("no such line"));
            return Some(FirstDifference::new(format!("line {number}"), a, b));
        }
    }
    None
}

/// Two long lines from a little before their first difference on.
fn shortened(first: &str, second: &str) -> (String, String) {
    let equal = first.chars().zip(second.chars()).take_while(|(a, b)| a == b).count();
    let skipped = if equal > MOST_SHOWN / 2 { equal - MOST_SHOWN / 4 } else { 0 };
    let show = |line: &str| {
        let shown: String = line.chars().skip(skipped).take(MOST_SHOWN).collect();
        let before = if skipped > 0 { "…" } else { "" };
        let after = if line.chars().count() > skipped + MOST_SHOWN { "…" } else { "" };
        format!("{before}{shown}{after}")
    };
    (show(first), show(second))
}

fn first_byte(first: &[u8], second: &[u8]) -> FirstDifference {
    let at = first.iter().zip(second).take_while(|(a, b)| a == b).count();
    let show = |bytes: &[u8]| match bytes.get(at) {
        Some(byte) => format!("0x{byte:02x}"),
        None => format!("the end after {} bytes", bytes.len()),
    };
    FirstDifference::new(format!("byte {at}"), show(first), show(second))
}

/// The content of a gzip file, unless it is damaged or too large.
fn unpacked(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    let decoder = flate2::read::MultiGzDecoder::new(bytes);
    decoder.take(MOST_UNPACKED).read_to_end(&mut content).ok()?;
    (content.len() as u64 != MOST_UNPACKED).then_some(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(name: &str, first: &[u8], second: &[u8]) -> String {
        let found = first_difference(name, first, second).unwrap();
        format!("{}: {} | {}", found.place, found.first, found.second)
    }

    #[test]
    fn equal_files_have_no_difference() {
        assert_eq!(first_difference("a.tsv", b"a\n1\n", b"a\n1\n"), None);
    }

    #[test]
    fn text_differs_in_a_line_and_other_files_in_a_byte() {
        assert_eq!(place("log.txt", b"one\ntwo\n", b"one\nthree\n"), "line 2: two | three");
        assert_eq!(place("log.txt", b"one\n", b"one\ntwo\n"), "line 2: no such line | two");
        assert_eq!(place("log.txt", b"one\n", b"one"), "byte 3: 0x0a | the end after 3 bytes");
        assert_eq!(place("x.bin", &[1, 2, 0], &[1, 3, 0]), "byte 1: 0x02 | 0x03");
        assert_eq!(place("x.gz", b"damaged", b"damagee"), "line 1: damaged | damagee");
    }

    #[test]
    fn a_long_line_is_shown_around_its_difference() {
        let (a, b) = (format!("{}x{}", "a".repeat(100), "b".repeat(100)), "a".repeat(201));
        let found = place("x.svg", a.as_bytes(), b.as_bytes());
        assert!(found.starts_with("line 1: …aaaaaaaaaaaaaaaxbbb"), "{found}");
        assert!(found.len() < 160, "{found}");
    }
}
