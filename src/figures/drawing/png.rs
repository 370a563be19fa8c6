//! RGB pixels as PNG bytes.

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};

use crate::{Error, Result};

/// Encodes rows of RGB triples; the settings are fixed so that equal pixels are equal bytes.
pub(in crate::figures) fn encode((width, height): (u32, u32), rgb: &[u8]) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    PngEncoder::new_with_quality(&mut bytes, CompressionType::Default, FilterType::Adaptive)
        .write_image(rgb, width, height, ExtendedColorType::Rgb8)
        .map_err(|error| Error::Figure(error.to_string()))?;
    Ok(bytes)
}

/// Halves an image of (2 width) × (2 height) pixels by averaging 2 × 2 blocks: what smooths the
/// edges of everything drawn.
pub(in crate::figures) fn halved((width, height): (u32, u32), rgb: &[u8]) -> Vec<u8> {
    let (width, height) = (width as usize, height as usize);
    let stride = width * 2 * 3;
    let mut small = Vec::with_capacity(width * height * 3);
    for y in 0..height {
        let (upper, lower) = rgb[2 * y * stride..][..2 * stride].split_at(stride);
        for (up, down) in upper.chunks_exact(6).zip(lower.chunks_exact(6)) {
            for channel in 0..3 {
                let sum = [up[channel], up[channel + 3], down[channel], down[channel + 3]]
                    .into_iter()
                    .map(u16::from)
                    .sum::<u16>();
                small.push(((sum + 2) / 4) as u8);
            }
        }
    }
    small
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halving_averages_blocks_of_four_pixels() {
        let rgb = [[0u8; 3], [255; 3], [9; 3], [9; 3], [0; 3], [255; 3], [9; 3], [9; 3]].concat();
        assert_eq!(halved((2, 1), &rgb), [128, 128, 128, 9, 9, 9]);
    }

    #[test]
    fn an_encoded_image_decodes_to_the_same_pixels() {
        let rgb: Vec<u8> = (0..4 * 3 * 3).map(|value| value as u8 * 7).collect();
        let decoded = image::load_from_memory(&encode((4, 3), &rgb).unwrap()).unwrap().to_rgb8();
        assert_eq!((decoded.width(), decoded.height()), (4, 3));
        assert_eq!(decoded.into_raw(), rgb);
    }
}
