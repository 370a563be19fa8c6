//! kitty's graphics protocol: the PNG in base64, in chunks
//! (<https://sw.kovidgoyal.net/kitty/graphics-protocol/>).

use std::io::{self, Write};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::escape;

/// The longest payload of one sequence, bytes.
const CHUNK: usize = 4096;

/// Writes a PNG over so many columns and rows; in the place of the one before with the same `id`.
pub(super) fn write(
    out: &mut impl Write,
    png: &[u8],
    (columns, rows): (u32, u32),
    id: Option<u32>,
    multiplexed: bool,
) -> io::Result<()> {
    let payload = BASE64_STANDARD.encode(png);
    let chunks: Vec<&str> = payload
        .as_bytes()
        .chunks(CHUNK)
        .map(|chunk| std::str::from_utf8(chunk).expect("base64 is ASCII"))
        .collect();
    for (number, chunk) in chunks.iter().enumerate() {
        // a=T: show at once; f=100: PNG; q=2: no answer; m: more chunks follow.
        let head = match number {
            0 => {
                let id = id.map(|id| format!("i={id},p=1,")).unwrap_or_default();
                format!("a=T,f=100,q=2,{id}c={columns},r={rows},")
            }
            _ => String::new(),
        };
        let more = u8::from(number + 1 < chunks.len());
        escape(out, &format!("\x1b_G{head}m={more};{chunk}\x1b\\"), multiplexed)?;
    }
    Ok(())
}

/// Removes the picture with this id from the screen and from the terminal's memory.
pub(super) fn remove(out: &mut impl Write, id: u32, multiplexed: bool) -> io::Result<()> {
    escape(out, &format!("\x1b_Ga=d,d=I,i={id},q=2\x1b\\"), multiplexed)
}
