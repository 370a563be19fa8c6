//! The data set of a DICOM file, read without copying.
//!
//! No length in the file is trusted: every value is a slice of bytes that are there, sequences nest to a
//! fixed depth, and only the elements in `tags` are kept, up to a fixed number.

use super::tags::{self, ITEM, ITEM_END, Kind, SEQUENCE_END, Tag, kind_of, shown};

/// Sequences within sequences; scanners write about five.
const DEEPEST: usize = 32;
/// Kept elements of one file: twelve in each of 20 000 frames.
const MOST_KEPT: usize = 1 << 18;

/// How elements are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// Whether each element names its kind.
    pub(super) explicit: bool,
    pub(super) big_endian: bool,
}

impl Layout {
    pub(super) const EXPLICIT: Self = Self { explicit: true, big_endian: false };
    pub(super) const IMPLICIT: Self = Self { explicit: false, big_endian: false };
    pub(super) const BIG_ENDIAN: Self = Self { explicit: true, big_endian: true };

    pub(super) fn u16(self, bytes: [u8; 2]) -> u16 {
        if self.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
    }

    pub(super) fn u32(self, bytes: [u8; 4]) -> u32 {
        if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    }
}

/// The value of an element.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value<'a> {
    pub(super) kind: Kind,
    pub(super) bytes: &'a [u8],
}

/// Elements of one item with their values.
pub(super) type Items<'a> = Vec<(Tag, Value<'a>)>;

/// The pixels of a file, as they are stored.
#[derive(Clone, Debug)]
pub(super) enum StoredPixels<'a> {
    Plain(Value<'a>),
    /// A table of offsets, then pieces of compressed frames.
    Fragments(Vec<&'a [u8]>),
    /// Floating-point numbers.
    Floating,
}

/// The kept elements of a file.
#[derive(Clone, Debug)]
pub(super) struct DataSet<'a> {
    pub(super) layout: Layout,
    pub(super) elements: Items<'a>,
    /// What the functional groups say of all frames, and of each.
    pub(super) shared: Items<'a>,
    pub(super) frames: Vec<Items<'a>>,
    pub(super) pixels: Option<StoredPixels<'a>>,
    /// Whether the elements before the pixels are complete.
    pub(super) reaches_pixels: bool,
}

impl<'a> DataSet<'a> {
    /// Reads all elements up to the pixels, and the pixels if `with_pixels`. The error is a clause.
    pub(super) fn read(bytes: &'a [u8], layout: Layout, with_pixels: bool) -> Result<Self, String> {
        let mut data_set = Self {
            layout,
            elements: Vec::new(),
            shared: Vec::new(),
            frames: Vec::new(),
            pixels: None,
            reaches_pixels: false,
        };
        let mut kept = 0;
        let mut reader = Reader { bytes, layout, kept: &mut kept };
        while !reader.bytes.is_empty() {
            let header = reader.header()?;
            if matches!(header.tag, tags::FLOAT_PIXELS | tags::DOUBLE_PIXELS | tags::PIXELS) {
                data_set.reaches_pixels = true;
                if with_pixels {
                    data_set.pixels = Some(reader.pixels(&header)?);
                }
                break;
            }
            reader.element(&header, &mut Keep::Root(&mut data_set), 0)?;
        }
        Ok(data_set)
    }
}

struct Header {
    tag: Tag,
    kind: Kind,
    /// Number of bytes; `None` up to a delimiter.
    length: Option<usize>,
    /// The layout of a sequence's items.
    inside: Layout,
}

/// What becomes of the elements of one item.
enum Keep<'k, 'a> {
    Nothing,
    Root(&'k mut DataSet<'a>),
    /// The item of a frame or of all frames, whose elements are sequences of one item.
    Groups(&'k mut Items<'a>),
    /// The item of one of these sequences.
    Group(&'k mut Items<'a>),
}

/// What becomes of the items of a sequence.
enum KeepItems<'k, 'a> {
    None,
    Frames(&'k mut Vec<Items<'a>>),
    Shared(&'k mut Items<'a>),
    FirstOfGroup(&'k mut Items<'a>),
}

impl<'a> Keep<'_, 'a> {
    fn sequence(&mut self, tag: Tag) -> KeepItems<'_, 'a> {
        match self {
            Self::Root(data_set) => match tag {
                tags::PER_FRAME_FUNCTIONAL_GROUPS => KeepItems::Frames(&mut data_set.frames),
                tags::SHARED_FUNCTIONAL_GROUPS => KeepItems::Shared(&mut data_set.shared),
                _ => KeepItems::None,
            },
            Self::Groups(items) => KeepItems::FirstOfGroup(items),
            _ => KeepItems::None,
        }
    }

    fn items(&mut self) -> Option<&mut Items<'a>> {
        match self {
            Self::Nothing => None,
            Self::Root(data_set) => Some(&mut data_set.elements),
            Self::Groups(items) | Self::Group(items) => Some(items),
        }
    }
}

impl<'a> KeepItems<'_, 'a> {
    fn item(&mut self, number: usize) -> Keep<'_, 'a> {
        match self {
            Self::Frames(frames) => {
                frames.push(Vec::new());
                frames.last_mut().map_or(Keep::Nothing, Keep::Groups)
            }
            Self::Shared(items) if number == 0 => Keep::Groups(items),
            Self::FirstOfGroup(items) if number == 0 => Keep::Group(items),
            _ => Keep::Nothing,
        }
    }
}

/// Reads elements from the front of `bytes`.
struct Reader<'r, 'a> {
    bytes: &'a [u8],
    layout: Layout,
    kept: &'r mut usize,
}

impl<'a> Reader<'_, 'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(count)?;
        self.bytes = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let taken = self.take(N).and_then(|taken| taken.try_into().ok());
        taken.ok_or_else(|| "is truncated between two elements".to_owned())
    }

    fn u16(&mut self) -> Result<u16, String> {
        self.array().map(|bytes| self.layout.u16(bytes))
    }

    fn length(&mut self) -> Result<Option<usize>, String> {
        let length = self.layout.u32(self.array()?);
        Ok(if length == u32::MAX { None } else { Some(length as usize) })
    }

    fn header(&mut self) -> Result<Header, String> {
        let inside = self.layout;
        let tag = Tag::from(self.u16()?) << 16 | Tag::from(self.u16()?);
        if tag >> 16 == ITEM >> 16 || !self.layout.explicit {
            let kind = kind_of(tag).unwrap_or(*b"UN");
            return Ok(Header { tag, kind, length: self.length()?, inside });
        }
        let kind: Kind = self.array()?;
        if !kind.iter().all(u8::is_ascii_uppercase) {
            return Err(format!("is damaged: element {} has no kind of value", shown(tag)));
        }
        let long = [
            b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT",
            b"UV",
        ];
        let length = if long.contains(&&kind) {
            self.u16()?;
            self.length()?
        } else {
            Some(usize::from(self.u16()?))
        };
        if kind != *b"UN" {
            return Ok(Header { tag, kind, length, inside });
        }
        // Whoever did not know the kind of a value kept it as it came: in the layout without kinds.
        let kind = kind_of(tag).unwrap_or(kind);
        Ok(Header { tag, kind, length, inside: Layout::IMPLICIT })
    }

    fn value(&mut self, tag: Tag, length: usize) -> Result<&'a [u8], String> {
        let left = self.bytes.len();
        self.take(length).ok_or_else(|| {
            format!("is truncated: element {} takes {length} bytes, {left} are left", shown(tag))
        })
    }

    /// Reads the value behind a header.
    fn element(
        &mut self,
        header: &Header,
        keep: &mut Keep<'_, 'a>,
        depth: usize,
    ) -> Result<(), String> {
        if header.tag >> 16 == ITEM >> 16 {
            return Err("is damaged: an item stands outside of any sequence".into());
        }
        let Some(length) = header.length else {
            let outer = std::mem::replace(&mut self.layout, header.inside);
            self.items(&mut keep.sequence(header.tag), true, depth + 1)?;
            self.layout = outer;
            return Ok(());
        };
        let bytes = self.value(header.tag, length)?;
        let mut items = keep.sequence(header.tag);
        // Without kinds, only their beginning tells sequences that are not in `tags`.
        let is_sequence = header.kind == *b"SQ"
            || !header.inside.explicit && starts_with_item(bytes, header.inside);
        if is_sequence && !matches!(items, KeepItems::None) {
            let mut part = Reader { bytes, layout: header.inside, kept: self.kept };
            return part.items(&mut items, false, depth + 1);
        }
        let Some(kept) = keep.items().filter(|_| !is_sequence && kind_of(header.tag).is_some())
        else {
            return Ok(());
        };
        if *self.kept >= MOST_KEPT {
            return Err("has far more elements than an image".into());
        }
        *self.kept += 1;
        kept.push((header.tag, Value { kind: header.kind, bytes }));
        Ok(())
    }

    /// Reads the items of a sequence: all bytes or, if `delimited`, up to the end of the sequence.
    fn items(
        &mut self,
        keep: &mut KeepItems<'_, 'a>,
        delimited: bool,
        depth: usize,
    ) -> Result<(), String> {
        if depth > DEEPEST {
            return Err("is damaged: its sequences nest without end".into());
        }
        let mut number = 0;
        while !self.bytes.is_empty() {
            let header = self.header()?;
            if header.tag == SEQUENCE_END && delimited {
                return Ok(());
            }
            if header.tag != ITEM {
                return Err("is damaged: a sequence holds something else than items".into());
            }
            let mut inside = keep.item(number);
            number += 1;
            match header.length {
                Some(length) => {
                    let bytes = self.value(ITEM, length)?;
                    if !matches!(inside, Keep::Nothing) {
                        let mut part = Reader { bytes, layout: self.layout, kept: self.kept };
                        part.elements(&mut inside, false, depth)?;
                    }
                }
                None => self.elements(&mut inside, true, depth)?,
            }
        }
        if delimited { Err("is truncated inside a sequence".into()) } else { Ok(()) }
    }

    /// Reads the elements of an item: all bytes or, if `delimited`, up to the end of the item.
    fn elements(
        &mut self,
        keep: &mut Keep<'_, 'a>,
        delimited: bool,
        depth: usize,
    ) -> Result<(), String> {
        while !self.bytes.is_empty() {
            let header = self.header()?;
            if header.tag == ITEM_END && delimited {
                return Ok(());
            }
            self.element(&header, keep, depth)?;
        }
        if delimited { Err("is truncated inside an item".into()) } else { Ok(()) }
    }

    fn pixels(&mut self, header: &Header) -> Result<StoredPixels<'a>, String> {
        if header.tag != tags::PIXELS {
            return Ok(StoredPixels::Floating);
        }
        if let Some(length) = header.length {
            let bytes = self.value(header.tag, length)?;
            return Ok(StoredPixels::Plain(Value { kind: header.kind, bytes }));
        }
        let mut fragments = Vec::new();
        while !self.bytes.is_empty() {
            let header = self.header()?;
            match (header.tag, header.length) {
                (SEQUENCE_END, _) => return Ok(StoredPixels::Fragments(fragments)),
                (ITEM, Some(length)) => fragments.push(self.value(ITEM, length)?),
                _ => return Err("is damaged: its pixels are no sequence of fragments".into()),
            }
        }
        Err("is truncated inside its pixels".into())
    }
}

fn starts_with_item(bytes: &[u8], layout: Layout) -> bool {
    let Some(&[a, b, c, d]) = bytes.first_chunk() else { return false };
    Tag::from(layout.u16([a, b])) << 16 | Tag::from(layout.u16([c, d])) == ITEM
}
