//! The two kinds of JPEG that scanners write, in their simplest form.

/// Bits, the highest first, with the bytes that JPEG inserts.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    waiting: u32,
    count: u32,
}

impl Bits {
    fn put(&mut self, value: u32, length: u32) {
        for bit in (0..length).rev() {
            self.waiting = self.waiting << 1 | (value >> bit & 1);
            self.count += 1;
            if self.count == 8 {
                self.bytes.push(self.waiting as u8);
                if self.waiting as u8 == 0xff {
                    self.bytes.push(0);
                }
                (self.waiting, self.count) = (0, 0);
            }
        }
    }

    /// A difference: how many bits it has, in a code of five bits, and these bits.
    fn difference(&mut self, difference: i32) {
        let length = 32 - difference.unsigned_abs().leading_zeros();
        self.put(length, 5);
        let bits = if difference < 0 { difference - 1 } else { difference };
        // The largest difference has no bits of its own.
        if length < 16 {
            self.put(bits as u32, length);
        }
    }

    fn finish(mut self) -> Vec<u8> {
        while self.count > 0 {
            self.put(1, 1);
        }
        self.bytes
    }
}

fn segment(marker: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0xff, marker];
    bytes.extend((content.len() as u16 + 2).to_be_bytes());
    bytes.extend(content);
    bytes
}

/// A Huffman table in which all these symbols have codes of one length.
fn table(class: u8, length: usize, symbols: &[u8]) -> Vec<u8> {
    let mut content = vec![class << 4];
    let mut counts = [0; 16];
    counts[length - 1] = symbols.len() as u8;
    content.extend(counts);
    content.extend(symbols);
    segment(0xc4, &content)
}

fn frame(marker: u8, precision: u8, rows: usize, columns: usize) -> Vec<u8> {
    let mut content = vec![precision];
    content.extend((rows as u16).to_be_bytes());
    content.extend((columns as u16).to_be_bytes());
    content.extend([1, 1, 0x11, 0]);
    segment(marker, &content)
}

fn assembled(parts: &[Vec<u8>]) -> Vec<u8> {
    [&[0xff, 0xd8][..], &parts.concat(), &[0xff, 0xd9]].concat()
}

/// Lossless JPEG that predicts from the left neighbour.
pub fn lossless(words: &[u32], rows: usize, columns: usize, precision: u8) -> Vec<u8> {
    let symbols: Vec<u8> = (0..=16).collect();
    let mut bits = Bits::default();
    for (at, &word) in words.iter().enumerate() {
        let predicted = match (at / columns, at % columns) {
            (0, 0) => 1 << (precision - 1),
            (_, 0) => words[at - columns],
            _ => words[at - 1],
        };
        let difference = word.wrapping_sub(predicted) as u16 as i16;
        bits.difference(if difference == i16::MIN { 32768 } else { i32::from(difference) });
    }
    assembled(&[
        frame(0xc3, precision, rows, columns),
        table(0, 5, &symbols),
        segment(0xda, &[1, 1, 0, 1, 0, 0]),
        bits.finish(),
    ])
}

/// Baseline JPEG of an image of 8 bits whose blocks of 8 × 8 pixels are constant: it loses nothing then.
pub fn blocks(words: &[u32], rows: usize, columns: usize) -> Vec<u8> {
    let symbols: Vec<u8> = (0..=16).collect();
    let mut bits = Bits::default();
    let mut before = 0;
    for row in (0..rows).step_by(8) {
        for column in (0..columns).step_by(8) {
            let constant = 8 * (words[row * columns + column] as i32 - 128);
            bits.difference(constant - before);
            before = constant;
            // The end of the block.
            bits.put(0, 1);
        }
    }
    assembled(&[
        segment(0xdb, &[&[0][..], &[1; 64]].concat()),
        frame(0xc0, 8, rows, columns),
        table(0, 5, &symbols),
        table(1, 1, &[0]),
        segment(0xda, &[1, 1, 0, 0, 63, 0]),
        bits.finish(),
    ])
}
