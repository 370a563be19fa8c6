//! Slices side by side in one greyscale PNG: the compact form in which a page holds its maps.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder as _};
use ndarray::Array2;

use crate::cohort::Slice;
use crate::{Error, Result};

/// Shown around the region of interest, mm.
const MARGIN_MM: f64 = 15.0;

/// The part of a subject's slices that a page shows: the same of all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Crop {
    pub rows: Range<usize>,
    pub columns: Range<usize>,
}

impl Crop {
    /// Around the regions of interest of all slices; the whole field where they are empty.
    pub fn around(slices: &[Slice]) -> Self {
        let Some(first) = slices.first() else { return Self { rows: 0..0, columns: 0..0 } };
        let (rows, columns) = first.region.dim();
        let mut inside = slices
            .iter()
            .flat_map(|slice| slice.region.indexed_iter().filter(|(_, inside)| **inside));
        let Some(((row, column), _)) = inside.next() else {
            return Self { rows: 0..rows, columns: 0..columns };
        };
        let (mut down, mut across) = ((row, row), (column, column));
        for ((row, column), _) in inside {
            down = (down.0.min(row), down.1.max(row));
            across = (across.0.min(column), across.1.max(column));
        }
        let widened = |(from, to): (usize, usize), spacing_mm: f64, size: usize| {
            let margin = (MARGIN_MM / spacing_mm).ceil() as usize;
            from.saturating_sub(margin)..(to + margin + 1).min(size)
        };
        Self {
            rows: widened(down, first.pixel_spacing_mm.0, rows),
            columns: widened(across, first.pixel_spacing_mm.1, columns),
        }
    }
}

/// A PNG in base64 whose grey levels are `level` of the pixels of `maps`, from left to right.
///
/// # Errors
/// If the picture cannot be encoded.
pub(super) fn sprite<T: Copy>(
    maps: &[&Array2<T>],
    crop: &Crop,
    level: impl Fn(T) -> u8,
) -> Result<String> {
    let mut pixels = Vec::new();
    add_plane(&mut pixels, maps, crop, level);
    encoded(&pixels, crop.columns.len() * maps.len(), crop.rows.len())
}

/// The same of levels of two bytes: the picture of the high bytes stands above that of the low ones.
///
/// # Errors
/// As [`sprite`].
pub(super) fn sprite_of_two_bytes(maps: &[&Array2<u16>], crop: &Crop) -> Result<String> {
    let mut pixels = Vec::new();
    for byte in 0..2 {
        add_plane(&mut pixels, maps, crop, |level| level.to_be_bytes()[byte]);
    }
    encoded(&pixels, crop.columns.len() * maps.len(), 2 * crop.rows.len())
}

fn add_plane<T: Copy>(
    pixels: &mut Vec<u8>,
    maps: &[&Array2<T>],
    crop: &Crop,
    level: impl Fn(T) -> u8,
) {
    for row in crop.rows.clone() {
        for map in maps {
            pixels.extend(crop.columns.clone().map(|column| level(map[(row, column)])));
        }
    }
}

fn encoded(pixels: &[u8], columns: usize, rows: usize) -> Result<String> {
    let side = |pixels: usize| u32::try_from(pixels).unwrap_or(u32::MAX);
    let mut png = Vec::new();
    PngEncoder::new_with_quality(&mut png, CompressionType::Best, FilterType::Adaptive)
        .write_image(pixels, side(columns), side(rows), ExtendedColorType::L8)
        .map_err(|error| Error::Figure(format!("a map cannot be encoded: {error}")))?;
    Ok(STANDARD.encode(png))
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn slices_stand_side_by_side() {
        let crop = Crop { rows: 0..2, columns: 1..3 };
        let (a, b) = (array![[9_u8, 1, 2], [9, 3, 4]], array![[9_u8, 5, 6], [9, 7, 8]]);
        let png = STANDARD.decode(sprite(&[&a, &b], &crop, |level| level).unwrap()).unwrap();
        let decoded = image::load_from_memory(&png).unwrap().to_luma8();
        assert_eq!(decoded.dimensions(), (4, 2));
        assert_eq!(decoded.into_raw(), [1, 2, 5, 6, 3, 4, 7, 8]);
    }

    #[test]
    fn high_bytes_stand_above_low_ones() {
        let crop = Crop { rows: 0..1, columns: 0..2 };
        let map = array![[0x0102_u16, 0xfffe]];
        let png = STANDARD.decode(sprite_of_two_bytes(&[&map, &map], &crop).unwrap()).unwrap();
        let decoded = image::load_from_memory(&png).unwrap().to_luma8();
        assert_eq!(decoded.dimensions(), (4, 2));
        assert_eq!(decoded.into_raw(), [1, 255, 1, 255, 2, 254, 2, 254]);
    }
}
