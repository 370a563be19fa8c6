//! The first element in which two arrays differ.

use safetensors::{Dtype, SafeTensors};

use super::first::FirstDifference;

/// How elements are stored, all in little-endian order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Element {
    F64,
    F32,
    Integer { bytes: usize, signed: bool },
}

impl Element {
    fn bytes(self) -> usize {
        match self {
            Self::F64 => 8,
            Self::F32 => 4,
            Self::Integer { bytes, .. } => bytes,
        }
    }

    fn show(self, bytes: &[u8]) -> String {
        match (self, bytes) {
            (Self::F64, &[a, b, c, d, e, f, g, h]) => {
                f64::from_le_bytes([a, b, c, d, e, f, g, h]).to_string()
            }
            (Self::F32, &[a, b, c, d]) => f32::from_le_bytes([a, b, c, d]).to_string(),
            (Self::Integer { signed, .. }, _) if bytes.len() <= 8 => {
                let is_negative = signed && bytes.last().is_some_and(|byte| byte & 0x80 != 0);
                let mut wide = [if is_negative { 0xff } else { 0 }; 8];
                wide[..bytes.len()].copy_from_slice(bytes);
                match signed {
                    true => i64::from_le_bytes(wide).to_string(),
                    false => u64::from_le_bytes(wide).to_string(),
                }
            }
            _ => "no such element".into(),
        }
    }
}

/// The first element that differs of two arrays of one shape. `first_fastest`: whether the first index
/// runs fastest, as in NIfTI.
fn first_element(
    name: &str,
    element: Element,
    shape: &[usize],
    first_fastest: bool,
    [a, b]: [&[u8]; 2],
) -> Option<FirstDifference> {
    let size = element.bytes();
    let (at, (ours, theirs)) =
        a.chunks(size).zip(b.chunks(size)).enumerate().find(|(_, (a, b))| a != b)?;
    let mut rest = at;
    let mut index = vec![0; shape.len()];
    let axes: Vec<usize> = match first_fastest {
        true => (0..shape.len()).collect(),
        false => (0..shape.len()).rev().collect(),
    };
    for axis in axes {
        index[axis] = rest % shape[axis].max(1);
        rest /= shape[axis].max(1);
    }
    let index = index.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
    let place = format!("{name}[{index}]");
    let (ours, theirs) = (element.show(ours), element.show(theirs));
    Some(FirstDifference::new(place, ours, theirs))
}

/// `None` if a file is none, or only something else than elements differs.
pub(super) fn first_in_npy(first: &[u8], second: &[u8]) -> Option<FirstDifference> {
    let ((header, a), (other, b)) = (npy_parts(first)?, npy_parts(second)?);
    if header != other {
        return Some(FirstDifference::new("npy header", header.trim_end(), other.trim_end()));
    }
    let value = |key: &str| header.split(&format!("'{key}':")).nth(1).map(str::trim_start);
    let element = match value("descr")?.split('\'').nth(1)? {
        "<f8" => Element::F64,
        "<f4" => Element::F32,
        "|u1" | "|b1" => Element::Integer { bytes: 1, signed: false },
        "<i8" => Element::Integer { bytes: 8, signed: true },
        "<u8" => Element::Integer { bytes: 8, signed: false },
        _ => return None,
    };
    let shape = value("shape")?.split(['(', ')']).nth(1)?;
    let shape: Vec<usize> = shape.split(',').filter_map(|n| n.trim().parse().ok()).collect();
    let first_fastest = value("fortran_order")?.starts_with("True");
    first_element("array", element, &shape, first_fastest, [a, b])
}

/// The header of an npy file and what follows.
fn npy_parts(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let rest = bytes.strip_prefix(b"\x93NUMPY")?;
    let (start, length): (usize, usize) = match rest.first()? {
        1 => (4, usize::from(u16::from_le_bytes(rest.get(2..4)?.try_into().ok()?))),
        _ => (6, u32::from_le_bytes(rest.get(2..6)?.try_into().ok()?) as usize),
    };
    let header = rest.get(start..start.checked_add(length)?)?;
    Some((std::str::from_utf8(header).ok()?, &rest[start + length..]))
}

/// `None` if a file is none, or only the metadata differs.
pub(super) fn first_in_safetensors(first: &[u8], second: &[u8]) -> Option<FirstDifference> {
    let a = SafeTensors::deserialize(first).ok()?;
    let b = SafeTensors::deserialize(second).ok()?;
    let names = |file: &SafeTensors<'_>| {
        let mut names: Vec<String> =
            file.names().into_iter().map(|name| name.to_string()).collect();
        names.sort();
        names
    };
    let (ours, theirs) = (names(&a), names(&b));
    let missing = |name: &&String| !ours.contains(name) || !theirs.contains(name);
    if let Some(name) = ours.iter().chain(&theirs).find(missing) {
        let has = |names: &[String]| if names.contains(name) { "is there" } else { "is not there" };
        return Some(FirstDifference::new(format!("tensor {name}"), has(&ours), has(&theirs)));
    }
    ours.iter().find_map(|name| {
        let (a, b) = (a.tensor(name).ok()?, b.tensor(name).ok()?);
        if (a.dtype(), a.shape()) != (b.dtype(), b.shape()) {
            let kind = |dtype: Dtype, shape: &[usize]| format!("{dtype:?} {shape:?}");
            let (ours, theirs) = (kind(a.dtype(), a.shape()), kind(b.dtype(), b.shape()));
            return Some(FirstDifference::new(format!("tensor {name}"), ours, theirs));
        }
        let element = match a.dtype() {
            Dtype::F64 => Element::F64,
            Dtype::F32 => Element::F32,
            Dtype::I64 => Element::Integer { bytes: 8, signed: true },
            Dtype::U32 => Element::Integer { bytes: 4, signed: false },
            Dtype::U8 | Dtype::BOOL => Element::Integer { bytes: 1, signed: false },
            // The program writes none of these.
            _ => {
                let differs = a.data() != b.data();
                let place = format!("tensor {name}");
                return differs.then(|| FirstDifference::new(place, "some values", "other values"));
            }
        };
        first_element(&format!("tensor {name}"), element, a.shape(), false, [a.data(), b.data()])
    })
}

/// Of two NIfTI-1 files in little-endian order, as this program writes them. `None` for others, and if
/// only their headers differ.
pub(super) fn first_in_nifti(first: &[u8], second: &[u8]) -> Option<FirstDifference> {
    let number = |bytes: &[u8], at: usize| -> Option<i16> {
        Some(i16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
    };
    let is_nifti = |bytes: &[u8]| bytes.get(344..347) == Some(b"n+1");
    if !is_nifti(first) || !is_nifti(second) {
        return None;
    }
    let shape = |bytes: &[u8]| -> Option<Vec<usize>> {
        let axes = usize::try_from(number(bytes, 40)?).ok()?.min(7);
        (1..=axes).map(|axis| usize::try_from(number(bytes, 40 + 2 * axis)?).ok()).collect()
    };
    let (ours, theirs) = (shape(first)?, shape(second)?);
    if ours != theirs {
        let (ours, theirs) = (format!("{ours:?}"), format!("{theirs:?}"));
        return Some(FirstDifference::new("size in voxels", ours, theirs));
    }
    let element = match number(first, 70)? {
        2 => Element::Integer { bytes: 1, signed: false },
        4 => Element::Integer { bytes: 2, signed: true },
        8 => Element::Integer { bytes: 4, signed: true },
        16 => Element::F32,
        64 => Element::F64,
        512 => Element::Integer { bytes: 2, signed: false },
        _ => return None,
    };
    let offset = f32::from_le_bytes(first.get(108..112)?.try_into().ok()?) as usize;
    let (header, other) = (first.get(..offset)?, second.get(..offset)?);
    let header_difference = || {
        let at = header.iter().zip(other).take_while(|(a, b)| a == b).count();
        let show = |byte: u8| format!("0x{byte:02x}");
        let place = format!("header, byte {at}");
        (header != other).then(|| FirstDifference::new(place, show(header[at]), show(other[at])))
    };
    // Sizes, data type and offset decide how voxels are read; the rest of a header, such as the range of
    // values, follows from them or says less.
    if header.get(40..112) != other.get(40..112) {
        return header_difference();
    }
    let voxels = [&first[offset..], &second[offset..]];
    first_element("voxel ", element, &ours, true, voxels).or_else(header_difference)
}

#[cfg(test)]
mod tests {
    use super::super::by_name::first_difference;
    use super::*;

    #[test]
    fn an_element_of_an_npy_file_is_named_by_its_index() {
        let mut header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }".to_owned();
        header += &" ".repeat(117 - header.len());
        header.push('\n');
        let file = |values: [f32; 6]| {
            let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
            bytes.extend((header.len() as u16).to_le_bytes());
            bytes.extend(header.as_bytes());
            bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
            bytes
        };
        let (a, b) = (file([0., 1., 2., 3., 4., 5.]), file([0., 1., 2., 3., 4.5, 6.]));
        let found = first_difference("image.npy", &a, &b).unwrap();
        assert_eq!(found, FirstDifference::new("array[1, 1]", 4, 4.5));
    }

    #[test]
    fn a_tensor_and_its_element_are_named() {
        let file = |last: f32| {
            let data: Vec<u8> = [1.0, last].iter().flat_map(|v: &f32| v.to_le_bytes()).collect();
            let view = safetensors::tensor::TensorView::new(Dtype::F32, vec![1, 2], &data).unwrap();
            safetensors::serialize([("weight", view)], None).unwrap()
        };
        let found = first_difference("m.safetensors", &file(2.0), &file(-3.0)).unwrap();
        assert_eq!(found, FirstDifference::new("tensor weight[0, 1]", 2, -3));
    }

    #[test]
    fn a_voxel_is_named_by_its_index() {
        let folder = tempfile::tempdir().unwrap();
        let file = |value: f32| {
            let mut voxels = ndarray::Array3::zeros((2, 3, 2));
            voxels[[1, 2, 0]] = value;
            let affine =
                crate::volume::Affine([[1., 0., 0., 0.], [0., 1., 0., 0.], [0., 0., 1., 0.]]);
            let path = folder.path().join("a.nii.gz");
            crate::volume::Volume { voxels, affine }.write(&path, None).unwrap();
            std::fs::read(path).unwrap()
        };
        let found = first_difference("a.nii.gz", &file(1.0), &file(2.5)).unwrap();
        assert_eq!(found, FirstDifference::new("voxel [1, 2, 0]", 1, 2.5));
    }
}
