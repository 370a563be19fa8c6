//! Sixels: six rows of pixels at a time in at most 256 colours.

use std::io::{self, Write};

use icy_sixel::SixelImage;
use image::DynamicImage;

/// Writes the picture's own pixels.
pub(super) fn write(out: &mut impl Write, picture: &DynamicImage) -> io::Result<()> {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let pixels = picture.to_rgba8().into_raw();
    let image = SixelImage::try_from_rgba(pixels, width, height).map_err(io::Error::other)?;
    out.write_all(image.encode().map_err(io::Error::other)?.as_bytes())
}
