//! Stored samples to values.

use ndarray::Array3;

use super::data_set::{DataSet, Layout, StoredPixels};
use super::elements::Elements;
use super::encoded::{decode_jpeg, frame_fragments, unpack_rle};
use super::file::Compression;
use super::tags;

/// How the samples of one frame are stored, and what they mean.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pixels {
    rows: usize,
    columns: usize,
    /// Bits that a sample takes: 8, 16 or 32.
    allocated: u32,
    /// Bits that it fills of them, below and with `high_bit`.
    stored: u32,
    high_bit: u32,
    signed: bool,
    /// Whether small samples are bright.
    inverted: bool,
    slope: f64,
    intercept: f64,
    /// Samples from the first to the second lie outside of what was measured.
    padding: Option<(i64, i64)>,
}

impl Pixels {
    /// What the elements of a frame say. The error is a clause.
    pub(super) fn of(
        elements: &Elements<'_, '_>,
        rows: usize,
        columns: usize,
    ) -> Result<Self, String> {
        if elements.count(tags::SAMPLES_PER_PIXEL).is_some_and(|samples| samples != 1) {
            return Err("is a colour image; export the original".into());
        }
        let inverted = match elements.text(tags::PHOTOMETRIC_INTERPRETATION).as_deref() {
            Some("MONOCHROME1") => true,
            Some("MONOCHROME2") | None => false,
            Some(other) => return Err(format!("has colours ({other}); export the original")),
        };
        let bits = |tag| elements.count(tag).and_then(|bits| u32::try_from(bits).ok());
        let allocated = bits(tags::BITS_ALLOCATED)
            .filter(|bits| [8, 16, 32].contains(bits))
            .ok_or("has samples that are not of 8, 16 or 32 bits (BitsAllocated)")?;
        let stored = bits(tags::BITS_STORED).unwrap_or(allocated);
        let high_bit = bits(tags::HIGH_BIT).unwrap_or(stored.saturating_sub(1));
        if stored == 0 || high_bit >= allocated || high_bit + 1 < stored {
            return Err(format!(
                "contradicts itself on its samples: {stored} bits up to bit {high_bit} of {allocated}"
            ));
        }
        let slope = elements.number(tags::RESCALE_SLOPE).unwrap_or(1.0);
        if slope == 0.0 {
            return Err("gives all its pixels the same value (RescaleSlope is 0)".into());
        }
        let signed = elements.count(tags::PIXEL_REPRESENTATION) == Some(1);
        Ok(Self {
            rows,
            columns,
            allocated,
            stored,
            high_bit,
            signed,
            inverted,
            slope,
            intercept: elements.number(tags::RESCALE_INTERCEPT).unwrap_or(0.0),
            padding: padding(elements, allocated, signed)
                .filter(|&range| inverted || range != (0, 0)),
        })
    }

    /// The values of frame `index` of `frames`, row by row; NaN for padding. The error is a clause.
    pub(super) fn decode(
        &self,
        data_set: &DataSet<'_>,
        compression: Compression,
        index: usize,
        frames: usize,
    ) -> Result<Vec<f32>, String> {
        let count = self.rows * self.columns;
        let bytes_each = self.allocated as usize / 8;
        let words = match (data_set.pixels.as_ref(), compression) {
            (_, Compression::Other(name)) => {
                return Err(format!(
                    "has pixels in {name}, which is not decoded here; decompress it first, with `gdcmconv \
                     --raw` or, for JPEG and JPEG-LS, dcmdjpeg or dcmdjpls"
                ));
            }
            (None, _) => return Err("has no pixels".into()),
            (Some(StoredPixels::Floating), _) => {
                return Err("has pixels in floating point, which no scanner writes".into());
            }
            (Some(StoredPixels::Plain(value)), Compression::None) => {
                let size = count * bytes_each;
                let frame = index
                    .checked_mul(size)
                    .and_then(|start| value.bytes.get(start..)?.get(..size))
                    .ok_or_else(|| {
                        format!(
                            "is truncated: {frames} frames of {count} pixels take {} bytes, {} are there",
                            size.saturating_mul(frames),
                            value.bytes.len()
                        )
                    })?;
                // In words of two bytes, big-endian layouts exchange neighbours of one byte.
                let swapped = data_set.layout.big_endian && value.kind == *b"OW" && bytes_each == 1;
                if swapped && size.is_multiple_of(2) {
                    frame
                        .chunks_exact(2)
                        .flat_map(|pair| [pair[1], pair[0]])
                        .map(u32::from)
                        .collect()
                } else {
                    words(frame, bytes_each, data_set.layout)
                }
            }
            (Some(StoredPixels::Fragments(fragments)), Compression::Rle) => {
                let frame = frame_fragments(fragments, index, frames)?;
                words(&unpack_rle(&frame, count, bytes_each)?, bytes_each, Layout::EXPLICIT)
            }
            (Some(StoredPixels::Fragments(fragments)), Compression::Jpeg) => {
                decode_jpeg(&frame_fragments(fragments, index, frames)?, self.rows, self.columns)?
            }
            _ => return Err("contradicts itself on whether its pixels are compressed".into()),
        };
        Ok(words.into_iter().map(|word| self.value(word)).collect())
    }

    /// The value of a sample with the bits that surround it.
    fn value(&self, word: u32) -> f32 {
        // To the top, which cuts off what lies above, then down with or without the sign.
        let top = word << (31 - self.high_bit);
        let down = 32 - self.stored;
        let sample =
            if self.signed { i64::from((top as i32) >> down) } else { i64::from(top >> down) };
        if self.is_padding(sample, word) {
            return f32::NAN;
        }
        let sample = if self.inverted { self.mirrored(sample) } else { sample };
        (sample as f64 * self.slope + self.intercept) as f32
    }

    /// Whether a sample is padding. Its value may need the bits above those that samples fill.
    fn is_padding(&self, sample: i64, word: u32) -> bool {
        let up = 32 - self.allocated;
        let whole = match self.signed {
            true => i64::from(((word << up) as i32) >> up),
            false => i64::from(word),
        };
        let is_at_bottom = self.high_bit + 1 == self.stored;
        self.padding.is_some_and(|(least, most)| {
            let range = least..=most;
            range.contains(&sample) || (is_at_bottom && range.contains(&whole))
        })
    }

    /// The sample as far from the largest as this one is from the smallest.
    fn mirrored(&self, sample: i64) -> i64 {
        if self.signed { -1 - sample } else { (1i64 << self.stored) - 1 - sample }
    }
}

/// The range of samples that are padding. Layouts without kinds of values give negative ones as unsigned.
fn padding(elements: &Elements<'_, '_>, allocated: u32, signed: bool) -> Option<(i64, i64)> {
    let sample = |tag| {
        let number = elements.number(tag).filter(|number| number.fract() == 0.0)? as i64;
        Some(match (signed, allocated) {
            (true, 8) => i64::from(number as i8),
            (true, _) => i64::from(number as i16),
            (false, _) => i64::from(number as u16),
        })
    };
    let value = sample(tags::PIXEL_PADDING_VALUE)?;
    let limit = sample(tags::PIXEL_PADDING_RANGE_LIMIT).unwrap_or(value);
    Some((value.min(limit), value.max(limit)))
}

/// Gives padding, which is NaN, the smallest of the other values, and says how many voxels it was.
pub(super) fn fill_padding(voxels: &mut Array3<f32>) -> usize {
    let padded = voxels.iter().filter(|value| value.is_nan()).count();
    if padded > 0 {
        let least = voxels.iter().copied().fold(f32::INFINITY, f32::min);
        let fill = if least.is_finite() { least } else { 0.0 };
        voxels.mapv_inplace(|value| if value.is_nan() { fill } else { value });
    }
    padded
}

fn words(bytes: &[u8], bytes_each: usize, layout: Layout) -> Vec<u32> {
    match bytes_each {
        1 => bytes.iter().map(|&byte| u32::from(byte)).collect(),
        2 => {
            let words = bytes.chunks_exact(2);
            words.map(|word| u32::from(layout.u16([word[0], word[1]]))).collect()
        }
        _ => {
            let words = bytes.chunks_exact(4);
            words.map(|word| layout.u32([word[0], word[1], word[2], word[3]])).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pixels(allocated: u32, stored: u32, high_bit: u32, signed: bool) -> Pixels {
        let (slope, intercept) = (1.0, 0.0);
        let (rows, columns, inverted) = (1, 1, false);
        Pixels {
            rows,
            columns,
            allocated,
            stored,
            high_bit,
            signed,
            inverted,
            slope,
            intercept,
            padding: None,
        }
    }

    #[test]
    fn bits_around_a_sample_do_not_count() {
        assert_eq!(pixels(16, 12, 11, false).value(0xf123), 291.0);
        assert_eq!(pixels(16, 12, 15, false).value(0x123f), 291.0);
        assert_eq!(pixels(16, 12, 11, true).value(0x0fff), -1.0);
        assert_eq!(pixels(16, 12, 11, true).value(0xf7ff), 2047.0);
        assert_eq!(pixels(16, 16, 15, true).value(0x8000), -32768.0);
        assert_eq!(pixels(8, 8, 7, false).value(0xff), 255.0);
        assert_eq!(pixels(32, 32, 31, false).value(u32::MAX), u32::MAX as f32);
        assert_eq!(pixels(32, 32, 31, true).value(u32::MAX), -1.0);
    }

    #[test]
    fn padding_is_told_before_samples_are_rescaled() {
        let padded = |pixels, padding| Pixels { padding: Some(padding), slope: 2.0, ..pixels };
        let unsigned = padded(pixels(16, 12, 11, false), (4000, 4000));
        assert!(unsigned.value(4000).is_nan());
        assert_eq!([2000, 4001].map(|word| unsigned.value(word)), [4000.0, 8002.0]);
        let range = padded(pixels(16, 12, 11, true), (-2000, -1990));
        assert!([0xf830, 0x083a].iter().all(|word| range.value(*word).is_nan()));
        assert_eq!([0xf82f, 0xf83b].map(|word| range.value(word)), [-4002.0, -3978.0]);
        // Above the bits of samples; 0xf123 is no padding for the sample 0x123.
        let above = padded(pixels(16, 12, 11, false), (0xf000, 0xf000));
        assert!(above.value(0xf000).is_nan());
        assert_eq!(above.value(0xf123), 582.0);
    }

    #[test]
    fn samples_are_inverted_before_they_are_rescaled() {
        let inverted =
            Pixels { inverted: true, slope: 2.0, intercept: 1.0, ..pixels(16, 12, 11, false) };
        assert_eq!([0, 4095].map(|word| inverted.value(word)), [8191.0, 1.0]);
        let inverted = Pixels { inverted: true, ..pixels(16, 16, 15, true) };
        assert_eq!([0x8000, 0x7fff].map(|word| inverted.value(word)), [32767.0, -32768.0]);
    }
}
