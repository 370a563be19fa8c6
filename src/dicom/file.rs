//! One DICOM file: how it is encoded, and its bytes.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use flate2::read::DeflateDecoder;

use super::data_set::{DataSet, Layout};

/// Where the four letters DICM stand.
const MAGIC_AT: usize = 128;
/// Bytes in which the elements before the pixels are looked for: first these, which do for one slice, then
/// those, which do for thousands of frames.
const HEADER_BYTES: [u64; 2] = [1 << 16, 1 << 24];
/// Larger files are refused, also after they are inflated.
const LARGEST: u64 = 1 << 30;

/// How the pixels are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    Rle,
    Jpeg,
    /// One that is not decoded here, by its name.
    Other(&'static str),
}

/// The bytes of a file from its data set on, inflated.
pub(super) struct DicomFile {
    bytes: Vec<u8>,
    layout: Layout,
    /// Whether these are all.
    is_whole: bool,
    pub(super) compression: Compression,
    /// Whether it is a table of contents instead of an image.
    pub(super) is_directory: bool,
}

/// Whether a file is a DICOM file by its first bytes: after a preamble, without one, or a data set without
/// anything before it.
pub(crate) fn is_dicom(path: &Path) -> bool {
    read_up_to(path, MAGIC_AT as u64 + 4).is_ok_and(|start| Start::of(&start).is_some())
}

/// How a file begins.
enum Start {
    /// With elements about the file, at this place.
    Meta(usize),
    /// With the data set.
    DataSet(Layout),
}

impl Start {
    fn of(bytes: &[u8]) -> Option<Self> {
        if bytes.get(MAGIC_AT..MAGIC_AT + 4) == Some(b"DICM") {
            return Some(Self::Meta(MAGIC_AT + 4));
        }
        if bytes.starts_with(b"\x02\0\0\0UL") {
            return Some(Self::Meta(0));
        }
        // Length of group 8, character set, type of the image or of the object.
        let &[8, 0, element, 0, a, b, c, d] = bytes.first_chunk()? else { return None };
        match element {
            0x00 if [a, b] == *b"UL" => Some(Self::DataSet(Layout::EXPLICIT)),
            0x05 | 0x08 if [a, b] == *b"CS" => Some(Self::DataSet(Layout::EXPLICIT)),
            0x16 if [a, b] == *b"UI" => Some(Self::DataSet(Layout::EXPLICIT)),
            0x00 if [a, b, c, d] == [4, 0, 0, 0] => Some(Self::DataSet(Layout::IMPLICIT)),
            0x05 | 0x08 | 0x16 if a > 0 && a % 2 == 0 && [b, c, d] == [0; 3] => {
                Some(Self::DataSet(Layout::IMPLICIT))
            }
            _ => None,
        }
    }
}

impl DicomFile {
    /// Reads the elements before the pixels. The error is a clause.
    pub(super) fn read_header(path: &Path) -> Result<Self, String> {
        let [first, most] = HEADER_BYTES;
        let file = Self::read(path, first)?;
        if file.is_whole || file.header().is_ok_and(|header| header.reaches_pixels) {
            return Ok(file);
        }
        Self::read(path, most)
    }

    /// Reads the whole file. The error is a clause.
    pub(super) fn read_whole(path: &Path) -> Result<Self, String> {
        let length = fs::metadata(path).map_err(|error| format!("cannot be read ({error})"))?.len();
        if length > LARGEST {
            return Err(format!("is larger than {} GiB", LARGEST >> 30));
        }
        let file = Self::read(path, LARGEST + 1)?;
        if !file.is_whole {
            return Err(format!("is larger than {} GiB once inflated", LARGEST >> 30));
        }
        Ok(file)
    }

    /// The elements before the pixels. The error is a clause.
    pub(super) fn header(&self) -> Result<DataSet<'_>, String> {
        DataSet::read(&self.bytes, self.layout, false)
    }

    /// The elements with the pixels. The error is a clause.
    pub(super) fn data_set(&self) -> Result<DataSet<'_>, String> {
        DataSet::read(&self.bytes, self.layout, true)
    }

    /// Reads at most `limit` bytes, and inflates at most as many.
    fn read(path: &Path, limit: u64) -> Result<Self, String> {
        let bytes = read_up_to(path, limit).map_err(|error| format!("cannot be read ({error})"))?;
        Self::of(bytes, limit)
    }

    fn of(mut bytes: Vec<u8>, limit: u64) -> Result<Self, String> {
        let mut is_whole = (bytes.len() as u64) < limit;
        let start = match Start::of(&bytes).ok_or("is no DICOM file")? {
            Start::Meta(start) => start,
            Start::DataSet(layout) => {
                let compression = Compression::None;
                return Ok(Self { bytes, layout, is_whole, compression, is_directory: false });
            }
        };
        let meta = Meta::read(&bytes[start..])?;
        bytes.drain(..start + meta.length);
        let (layout, compression, deflated) = encoding(&meta.transfer_syntax)?;
        if deflated {
            let mut inflated = Vec::new();
            // What follows the end of a part, or of a damaged file, is missed by whoever reads the elements.
            DeflateDecoder::new(bytes.as_slice()).take(limit).read_to_end(&mut inflated).ok();
            is_whole &= (inflated.len() as u64) < limit;
            bytes = inflated;
        }
        let is_directory = meta.class == "1.2.840.10008.1.3.10";
        Ok(Self { bytes, layout, is_whole, compression, is_directory })
    }
}

/// Layout, compression and whether the data set is deflated, by the identifier of the transfer syntax. The
/// error is a clause.
fn encoding(identifier: &str) -> Result<(Layout, Compression, bool), String> {
    use Compression::{Jpeg, None, Other, Rle};
    let number = identifier.strip_prefix("1.2.840.10008.1.2").ok_or_else(|| {
        "is encoded in a way of its maker's own; export it as Explicit VR Little Endian".to_owned()
    })?;
    let compression = match number {
        "" => return Ok((Layout::IMPLICIT, None, false)),
        ".1" => return Ok((Layout::EXPLICIT, None, false)),
        ".1.99" => return Ok((Layout::EXPLICIT, None, true)),
        ".2" => return Ok((Layout::BIG_ENDIAN, None, false)),
        ".5" => Rle,
        ".4.50" | ".4.51" | ".4.57" | ".4.70" => Jpeg,
        ".4.80" | ".4.81" => Other("JPEG-LS"),
        ".4.90" | ".4.91" | ".4.92" | ".4.93" => Other("JPEG 2000"),
        _ if number.starts_with(".4.10") => Other("MPEG video"),
        ".4.110" | ".4.111" | ".4.112" => Other("JPEG XL"),
        ".4.201" | ".4.202" | ".4.203" => Other("High-Throughput JPEG 2000"),
        _ => Other("an encoding that is not known here"),
    };
    Ok((Layout::EXPLICIT, compression, false))
}

/// What a file says about itself before its data set.
struct Meta {
    transfer_syntax: String,
    class: String,
    /// Number of bytes.
    length: usize,
}

impl Meta {
    fn read(bytes: &[u8]) -> Result<Self, String> {
        const TRUNCATED: &str = "is truncated before its data set";
        let mut meta = Self { transfer_syntax: String::new(), class: String::new(), length: 0 };
        loop {
            let rest = &bytes[meta.length..];
            let &[2, 0, a, b, k, l, c, d] = rest.first_chunk().unwrap_or(&[0; 8]) else { break };
            let (start, length): (usize, usize) = match &[k, l] {
                b"OB" | b"OW" | b"UN" | b"UT" => {
                    let &[.., e, f, g, h] = rest.first_chunk::<12>().ok_or(TRUNCATED)?;
                    (12, u32::from_le_bytes([e, f, g, h]) as usize)
                }
                _ => (8, usize::from(u16::from_le_bytes([c, d]))),
            };
            let end = start.checked_add(length).ok_or(TRUNCATED)?;
            let value = rest.get(start..end).ok_or(TRUNCATED)?;
            let text = || {
                let text = String::from_utf8_lossy(value);
                text.trim_matches(|c: char| c.is_whitespace() || c == '\0').to_owned()
            };
            match [a, b] {
                [0x02, 0] => meta.class = text(),
                [0x10, 0] => meta.transfer_syntax = text(),
                _ => {}
            }
            meta.length += end;
        }
        if meta.transfer_syntax.is_empty() {
            return Err("does not say how it is encoded (TransferSyntaxUID)".into());
        }
        Ok(meta)
    }
}

fn read_up_to(path: &Path, limit: u64) -> std::io::Result<Vec<u8>> {
    // Before it is opened: opening a pipe waits for somebody to write.
    if !fs::metadata(path)?.is_file() {
        return Err(std::io::Error::other("it is not a file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}
