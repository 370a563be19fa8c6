//! Run-length encoding, as DICOM has it.

/// Run-length encoding: a segment for each byte of a sample, the most significant first.
pub fn run_lengths(words: &[u32], bytes_each: usize) -> Vec<u8> {
    let mut header = vec![bytes_each as u32];
    let mut segments = Vec::new();
    for byte in (0..bytes_each).rev() {
        header.push((64 + segments.len()) as u32);
        let bytes: Vec<u8> = words.iter().map(|word| word.to_le_bytes()[byte]).collect();
        for run in bytes.chunk_by(|a, b| a == b) {
            for part in run.chunks(128) {
                match part.len() {
                    1 => segments.extend([0, part[0]]),
                    length => segments.extend([(257 - length) as u8, part[0]]),
                }
            }
        }
        segments.resize(segments.len().next_multiple_of(2), 0x80);
    }
    header.resize(16, 0);
    header.into_iter().flat_map(u32::to_le_bytes).chain(segments).collect()
}
