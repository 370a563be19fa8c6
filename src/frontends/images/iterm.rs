//! iTerm2's inline images: one sequence with the whole PNG in base64
//! (<https://iterm2.com/documentation-images.html>).

use std::io::{self, Write};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::escape;

/// Writes a PNG over so many columns and rows.
pub(super) fn write(
    out: &mut impl Write,
    png: &[u8],
    (columns, rows): (u32, u32),
    multiplexed: bool,
) -> io::Result<()> {
    let sequence = format!(
        "\x1b]1337;File=inline=1;size={};width={columns};height={rows};preserveAspectRatio=1:{}\x07",
        png.len(),
        BASE64_STANDARD.encode(png)
    );
    escape(out, &sequence, multiplexed)
}
