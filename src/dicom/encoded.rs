//! Compressed frames: run-length encoding and JPEG.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use jpeg_decoder::{Decoder, PixelFormat};

/// The compressed bytes of frame `index` of `frames`, out of a table of offsets and fragments behind it. The
/// error is a clause.
pub(super) fn frame_fragments<'a>(
    fragments: &[&'a [u8]],
    index: usize,
    frames: usize,
) -> Result<Cow<'a, [u8]>, String> {
    let missing = || format!("is truncated: the pixels of frame {} are missing", index + 1);
    let (table, fragments) = fragments.split_first().ok_or_else(missing)?;
    let joined = |parts: &[&'a [u8]]| match parts {
        [] => Err(missing()),
        [one] => Ok(Cow::Borrowed(*one)),
        several => Ok(Cow::Owned(several.concat())),
    };
    if frames == 1 {
        return joined(fragments);
    }
    if fragments.len() == frames {
        return joined(fragments.get(index..=index).unwrap_or_default());
    }
    let offsets: Vec<usize> = table
        .chunks_exact(4)
        .map(|bytes| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize)
        .collect();
    if offsets.len() != frames {
        return Err(
            "has frames in several pieces without a table of them; decompress it first, with `gdcmconv --raw`"
                .into(),
        );
    }
    let start = offsets.get(index).copied().ok_or_else(missing)?;
    let end = offsets.get(index + 1).copied().unwrap_or(usize::MAX);
    // A fragment begins behind eight bytes of its own.
    let mut place = 0;
    let mut parts = Vec::new();
    for fragment in fragments {
        if (start..end).contains(&place) {
            parts.push(*fragment);
        }
        place += fragment.len() + 8;
    }
    joined(&parts)
}

/// Bytes of the header of a frame in run-length encoding: number of segments, and where each begins.
const RLE_HEADER: usize = 64;

/// Unpacks a frame in run-length encoding to little-endian samples. The error is a clause.
pub(super) fn unpack_rle(
    bytes: &[u8],
    pixels: usize,
    bytes_each: usize,
) -> Result<Vec<u8>, String> {
    const DAMAGED: &str = "has damaged pixels (RLE)";
    let header = bytes.get(..RLE_HEADER).ok_or(DAMAGED)?;
    let number = |at: usize| {
        let word = header.get(4 * at..).and_then(|word| word.first_chunk());
        word.map_or(0, |word| u32::from_le_bytes(*word) as usize)
    };
    if number(0) != bytes_each {
        return Err(format!(
            "has damaged pixels (RLE): {} segments instead of {bytes_each}",
            number(0)
        ));
    }
    let mut samples = vec![0; pixels * bytes_each];
    for segment in 0..bytes_each {
        let start = number(segment + 1);
        let end = if segment + 1 < bytes_each { number(segment + 2) } else { bytes.len() };
        let packed = bytes.get(start..end).filter(|_| start >= RLE_HEADER).ok_or(DAMAGED)?;
        // The first segment holds the most significant bytes.
        let places = samples.iter_mut().skip(bytes_each - 1 - segment).step_by(bytes_each);
        unpack_segment(packed, places).ok_or(DAMAGED)?;
    }
    Ok(samples)
}

/// Fills all places with what is packed; `None` if there is too little.
fn unpack_segment<'a>(packed: &[u8], mut places: impl Iterator<Item = &'a mut u8>) -> Option<()> {
    let mut packed = packed.iter().copied();
    let mut place = places.next();
    while place.is_some() {
        // A negative number repeats the next byte; others count the bytes that follow as they are.
        match packed.next()? as i8 {
            -128 => {}
            count @ 0.. => {
                for _ in 0..=count {
                    let byte = packed.next()?;
                    if let Some(place) = place.take() {
                        *place = byte;
                    }
                    place = places.next();
                }
            }
            count => {
                let byte = packed.next()?;
                for _ in 0..=count.unsigned_abs() {
                    if let Some(place) = place.take() {
                        *place = byte;
                    }
                    place = places.next();
                }
            }
        }
    }
    Some(())
}

/// Decodes a frame in JPEG to its samples. The error is a clause.
pub(super) fn decode_jpeg(bytes: &[u8], rows: usize, columns: usize) -> Result<Vec<u32>, String> {
    let refused = |reason: &dyn std::fmt::Display| {
        format!(
            "has pixels in JPEG that cannot be decoded ({reason}); if it is undamaged, decompress it first, with \
             `gdcmconv --raw` or dcmdjpeg"
        )
    };
    // Should the decoder panic at a damaged file, that file is refused like others.
    let decoded = catch_unwind(AssertUnwindSafe(|| {
        let mut decoder = Decoder::new(bytes);
        decoder.set_max_decoding_buffer_size(rows * columns * 2);
        decoder.read_info().map_err(|error| refused(&error))?;
        let info = decoder.info().ok_or_else(|| refused(&"it has no header"))?;
        let size = [info.width, info.height].map(usize::from);
        if size != [columns, rows] {
            return Err(refused(&format_args!(
                "it is of {} × {} pixels instead of {columns} × {rows}",
                size[0], size[1]
            )));
        }
        let bytes_each = match info.pixel_format {
            PixelFormat::L8 => 1,
            PixelFormat::L16 => 2,
            _ => return Err(refused(&"it has colours")),
        };
        decoder.decode().map(|pixels| (pixels, bytes_each)).map_err(|error| refused(&error))
    }));
    let (pixels, bytes_each) = decoded.unwrap_or_else(|_| Err(refused(&"it makes no sense")))?;
    let words: Vec<u32> = match bytes_each {
        1 => pixels.iter().map(|&byte| u32::from(byte)).collect(),
        _ => {
            let words = pixels.chunks_exact(2);
            words.map(|word| u32::from(u16::from_ne_bytes([word[0], word[1]]))).collect()
        }
    };
    if words.len() == rows * columns { Ok(words) } else { Err(refused(&"it is incomplete")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(segments: &[&[u8]]) -> Vec<u8> {
        let mut header = vec![segments.len() as u32];
        let mut place = RLE_HEADER as u32;
        for segment in segments {
            header.push(place);
            place += segment.len() as u32;
        }
        header.resize(RLE_HEADER / 4, 0);
        let mut bytes: Vec<u8> = header.into_iter().flat_map(u32::to_le_bytes).collect();
        segments.iter().for_each(|segment| bytes.extend(*segment));
        bytes
    }

    #[test]
    fn runs_and_literals_are_unpacked() {
        // The example of the PackBits algorithm.
        let bytes = [
            0xfe, 0xaa, 0x02, 0x80, 0x00, 0x2a, 0xfd, 0xaa, 0x03, 0x80, 0x00, 0x2a, 0x22, 0xf7,
            0xaa,
        ];
        let plain = [
            0xaa, 0xaa, 0xaa, 0x80, 0x00, 0x2a, 0xaa, 0xaa, 0xaa, 0xaa, 0x80, 0x00, 0x2a, 0x22,
            0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa,
        ];
        assert_eq!(unpack_rle(&packed(&[&bytes]), 24, 1).unwrap(), plain);
        let words = unpack_rle(&packed(&[&[1, 1, 2], &[0xff, 7]]), 2, 2).unwrap();
        assert_eq!(words, [7, 1, 7, 2]);
    }

    #[test]
    fn damaged_runs_are_refused() {
        let good = packed(&[&[1, 1, 2], &[0xff, 7]]);
        for length in 0..good.len() {
            assert!(unpack_rle(&good[..length], 2, 2).is_err(), "{length}");
        }
        assert!(unpack_rle(&good, 3, 2).is_err(), "too few samples");
        assert!(unpack_rle(&good, 2, 1).is_err(), "another number of segments");
    }

    #[test]
    fn pieces_of_a_frame_are_joined() {
        let table: Vec<u8> = [0u32, 20].into_iter().flat_map(u32::to_le_bytes).collect();
        let fragments: [&[u8]; 4] = [&table, b"ab", b"cd", b"ef"];
        let frame = |index, frames, fragments: &[&'static [u8]]| {
            frame_fragments(fragments, index, frames).map(Cow::into_owned)
        };
        let static_parts: [&'static [u8]; 4] = [b"", b"ab", b"cd", b"ef"];
        assert_eq!(frame(0, 1, &static_parts).unwrap(), b"abcdef");
        assert_eq!(frame(1, 3, &static_parts).unwrap(), b"cd");
        assert!(frame(1, 2, &static_parts).unwrap_err().contains("without a table"));
        assert_eq!(*frame_fragments(&fragments, 0, 2).unwrap(), *b"abcd");
        assert_eq!(*frame_fragments(&fragments, 1, 2).unwrap(), *b"ef");
        assert!(frame(0, 1, &static_parts[..1]).is_err() && frame(0, 1, &[]).is_err());
    }
}
