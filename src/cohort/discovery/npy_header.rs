//! The header of a `.npy` file, read strictly before the array crate sees the file: a hostile
//! shape or an endless header must give an error message, not a huge allocation or a deep recursion.

use std::io::Read;

/// The six bytes every file begins with.
const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// NumPy pads the header of a small array to 118 bytes.
const LONGEST: usize = 512;

/// Element types the layout allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cohort) enum Element {
    F32,
    F64,
}

/// What is in a file, as its header says and its length confirms.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::cohort) struct NpyHeader {
    pub(in crate::cohort) element: Element,
    pub(in crate::cohort) shape: Vec<usize>,
}

impl NpyHeader {
    /// Reads the header of a file of `length` bytes.
    ///
    /// # Errors
    /// A clause: not `.npy`, an element that is not a float, or not as long as it should be.
    pub(in crate::cohort) fn read(file: &mut impl Read, length: u64) -> Result<Self, String> {
        let damaged = || "its .npy header is damaged".to_owned();
        let mut prefix = [0; 10];
        file.read_exact(&mut prefix).map_err(|_| "is not a .npy file".to_owned())?;
        if !prefix.starts_with(MAGIC) {
            return Err("is not a .npy file".into());
        }
        let mut header_length = usize::from(u16::from_le_bytes([prefix[8], prefix[9]]));
        let mut start = prefix.len();
        if prefix[6] > 1 {
            // Versions 2 and 3 have four bytes of length, two of them read already.
            let mut high = [0; 2];
            file.read_exact(&mut high).map_err(|_| damaged())?;
            header_length |= usize::from(u16::from_le_bytes(high)) << 16;
            start += high.len();
        }
        if header_length > LONGEST {
            return Err(damaged());
        }
        let mut text = vec![0; header_length];
        file.read_exact(&mut text).map_err(|_| damaged())?;
        let text = String::from_utf8(text).map_err(|_| damaged())?;
        let header = Self::parse(&text)?;
        let width = if header.element == Element::F64 { 8 } else { 4 };
        let values = header
            .shape
            .iter()
            .try_fold(1u64, |product, &edge| product.checked_mul(u64::try_from(edge).ok()?));
        let expected = values.and_then(|values| {
            values.checked_mul(width)?.checked_add((start + header_length) as u64)
        });
        if expected != Some(length) {
            return Err(format!(
                "is {length} bytes long, which does not fit the shape it declares; copy it again"
            ));
        }
        Ok(header)
    }

    /// Reads the dictionary NumPy writes: `{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4,
    /// 4), }`.
    fn parse(text: &str) -> Result<Self, String> {
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let value = |key: &str, end: char| {
            let key = format!("'{key}':");
            let mut parts = text.split(&*key);
            let (_, value, None) = (parts.next()?, parts.next()?, parts.next()) else {
                return None;
            };
            value.split_once(end).map(|(value, _)| value)
        };
        let damaged = || "its .npy header is damaged".to_owned();
        // Python has other ways to write a key; NumPy uses none of them.
        if text.contains(['"', '\\']) {
            return Err(damaged());
        }
        let element = match value("descr", ',').ok_or_else(damaged)?.trim_matches('\'') {
            "<f8" | ">f8" => Element::F64,
            "<f4" | ">f4" => Element::F32,
            other => {
                return Err(format!("holds {other}; save it as 64- or 32-bit floats (<f8 or <f4)"));
            }
        };
        let shape = value("shape", ')').and_then(|shape| shape.strip_prefix('('));
        let edges = shape.ok_or_else(damaged)?.split(',').filter(|edge| !edge.is_empty());
        let shape =
            edges.map(|edge| edge.parse().map_err(|_| damaged())).collect::<Result<_, _>>()?;
        Ok(Self { element, shape })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file with this dictionary and `values` zeroed 8-byte values.
    fn file(dictionary: &str, values: usize) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend([1, 0]);
        bytes.extend(u16::try_from(dictionary.len()).unwrap().to_le_bytes());
        bytes.extend(dictionary.bytes());
        bytes.extend(vec![0; values * 8]);
        bytes
    }

    fn read(bytes: &[u8]) -> Result<NpyHeader, String> {
        NpyHeader::read(&mut &*bytes, bytes.len() as u64)
    }

    #[test]
    fn a_header_as_numpy_writes_it_is_read() {
        let bytes =
            file("{'descr': '<f8', 'fortran_order': False, 'shape': (3, 2, 2), }           \n", 12);
        assert_eq!(read(&bytes), Ok(NpyHeader { element: Element::F64, shape: vec![3, 2, 2] }));
    }

    #[test]
    fn whatever_else_claims_to_be_npy_is_refused_in_one_sentence() {
        let refusal = |bytes: &[u8]| read(bytes).unwrap_err();
        let header = |descr: &str, shape: &str| {
            format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n")
        };
        assert_eq!(refusal(b"GIF89a"), "is not a .npy file");
        assert_eq!(refusal(b"\x93NUMPY\x01\x00\xff"), "is not a .npy file");
        assert_eq!(
            refusal(&file(&header("<i4", "(2,)"), 1)),
            "holds <i4; save it as 64- or 32-bit floats (<f8 or <f4)"
        );
        let size = file(&header("<f8", "(3, 2, 2)"), 11);
        let sentence = format!(
            "is {} bytes long, which does not fit the shape it declares; copy it again",
            size.len()
        );
        assert_eq!(refusal(&size), sentence);
        let huge = header("<f8", "(3, 18446744073709551615, 18446744073709551615)");
        assert!(refusal(&file(&huge, 1)).contains("does not fit the shape"));
        let damaged = "its .npy header is damaged";
        assert_eq!(refusal(&file(&header("<f8", "(3, -2, 2)"), 1)), damaged);
        assert_eq!(refusal(&file(&"(".repeat(600), 1)), damaged);
        let twice = "{'descr': '<f8', 'shape': (1,), 'shape': (0, 9, 9), }";
        assert_eq!(refusal(&file(twice, 1)), damaged);
        let disguised = "{'descr': '<f8', 'shape': (1,), \"shape\": (0, 9, 9), }";
        assert_eq!(refusal(&file(disguised, 1)), damaged);
        let mut endless = b"\x93NUMPY\x02\x00\xff\xff\xff\xff".to_vec();
        endless.extend([b' '; 64]);
        assert_eq!(refusal(&endless), damaged);
    }
}
