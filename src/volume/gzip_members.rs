//! Gzip streams of one or more members, whatever follows them.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

/// The first bytes of a gzip member.
pub(super) const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// The plain bytes of all members. Bytes behind the last member, such as the padding of a tape or a
/// file system, end the stream: flate2's own reader of several members takes them for damage.
pub(super) struct GzipMembers<R> {
    /// Taken out only while one member gives way to the next.
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> GzipMembers<R> {
    /// A source that begins with a member.
    pub(super) fn new(source: R) -> Self {
        Self { member: Some(GzDecoder::new(source)) }
    }
}

impl<R: BufRead> Read for GzipMembers<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let count = member.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            let source = self.member.take().map(GzDecoder::into_inner);
            if let Some(mut source) = source
                && source.fill_buf()?.starts_with(&GZIP_MAGIC)
            {
                self.member = Some(GzDecoder::new(source));
            }
        }
        Ok(0)
    }
}
