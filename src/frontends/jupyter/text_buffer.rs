//! Text that waits to be sent, so that a loop of prints becomes few messages: Jupyter Server drops
//! the outputs of a kernel that sends thousands a second.

use std::mem::{discriminant, take};
use std::time::{Duration, Instant};

use jupyter_protocol::{Stdio, StreamContent};

/// How long text waits at most where somebody watches.
pub(super) const WATCHED_PERIOD: Duration = Duration::from_millis(100);
/// How long it waits where a program runs the notebook. That stores every message as an output of its
/// own, so text between two displays should be one message on every machine; but a log of hours
/// should not come at their end.
pub(super) const UNWATCHED_PERIOD: Duration = Duration::from_secs(10);
/// So many bytes do not wait.
const MOST_BYTES: usize = 256 << 10;
/// Changes between the two streams that are kept in order. A flood of more is sent as two pieces.
const MOST_PIECES: usize = 32;

/// Text of one cell, in the order in which it was written.
#[derive(Debug, Default)]
pub(super) struct TextBuffer {
    pieces: Vec<StreamContent>,
    bytes: usize,
    since: Option<Instant>,
    /// The last piece when [`Self::mark`] was called, and its length then.
    mark: Option<(usize, usize)>,
    /// How often the buffer was emptied.
    emptied: u64,
}

/// What to do after text was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// It waits with what was there before.
    Waiting,
    /// It is the first to wait: take it after a period, unless [`TextBuffer::emptied`] has changed.
    Begun,
    /// Take it now.
    Full,
}

impl TextBuffer {
    pub fn push(&mut self, stream: Stdio, text: &str) -> Due {
        let is_same =
            |piece: &&mut StreamContent| discriminant(&piece.name) == discriminant(&stream);
        let is_crowded = self.pieces.len() >= MOST_PIECES;
        self.bytes += text.len();
        let last = match is_crowded {
            true => self.pieces.iter_mut().rev().find(is_same),
            false => self.pieces.last_mut().filter(is_same),
        };
        match last {
            Some(piece) => piece.text.push_str(text),
            None => self.pieces.push(StreamContent { name: stream, text: text.to_owned() }),
        }
        // Streams that change slowly are no flood: their order is kept.
        let is_slow = self.since.is_some_and(|since| since.elapsed() >= WATCHED_PERIOD);
        if self.bytes >= MOST_BYTES || (self.pieces.len() >= MOST_PIECES && is_slow) {
            return Due::Full;
        }
        match self.since {
            Some(_) => Due::Waiting,
            None => {
                self.since = Some(Instant::now());
                Due::Begun
            }
        }
    }

    /// Everything that waits.
    pub fn take(&mut self) -> Vec<StreamContent> {
        let pieces = take(&mut self.pieces);
        let emptied = self.emptied + u64::from(!pieces.is_empty());
        *self = Self { emptied, ..Self::default() };
        pieces
    }

    /// Remembers what has been written by now, for [`Self::take_marked`].
    pub fn mark(&mut self) {
        let last = self.pieces.last().map(|piece| piece.text.len());
        self.mark = last.map(|length| (self.pieces.len() - 1, length));
    }

    /// What was written before the mark. What came later goes on waiting.
    pub fn take_marked(&mut self) -> Vec<StreamContent> {
        let Some((last, length)) = self.mark.take() else { return Vec::new() };
        let mut later = self.pieces.split_off(last);
        let mut earlier = take(&mut self.pieces);
        let rest = later[0].text.split_off(length);
        let name = later[0].name.clone();
        earlier.push(std::mem::replace(&mut later[0], StreamContent { name, text: rest }));
        later.retain(|piece| !piece.text.is_empty());
        self.bytes = later.iter().map(|piece| piece.text.len()).sum();
        self.pieces = later;
        earlier
    }

    /// How often the buffer was emptied.
    pub fn emptied(&self) -> u64 {
        self.emptied
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stdout(buffer: &mut TextBuffer, text: &str) -> Due {
        buffer.push(Stdio::Stdout, text)
    }

    fn stderr(buffer: &mut TextBuffer, text: &str) -> Due {
        buffer.push(Stdio::Stderr, text)
    }

    fn texts(pieces: Vec<StreamContent>) -> Vec<(bool, String)> {
        let piece = |piece: StreamContent| (matches!(piece.name, Stdio::Stderr), piece.text);
        pieces.into_iter().map(piece).collect()
    }

    #[test]
    fn text_of_one_stream_is_joined_and_the_streams_keep_their_order() {
        let mut buffer = TextBuffer::default();
        assert_eq!(stdout(&mut buffer, "a"), Due::Begun);
        assert_eq!(stdout(&mut buffer, "b"), Due::Waiting);
        stderr(&mut buffer, "c");
        stdout(&mut buffer, "d");
        let expected = [(false, "ab".into()), (true, "c".into()), (false, "d".into())];
        assert_eq!(texts(buffer.take()), expected);
        assert_eq!((buffer.emptied(), texts(buffer.take())), (1, Vec::new()));
        assert_eq!((buffer.emptied(), stdout(&mut buffer, "e")), (1, Due::Begun));
    }

    #[test]
    fn much_text_does_not_wait_and_a_flood_of_both_streams_is_few_pieces() {
        let mut buffer = TextBuffer::default();
        assert_eq!(stdout(&mut buffer, &"x".repeat(MOST_BYTES)), Due::Full);
        buffer.take();
        for line in 0..10_000 {
            stdout(&mut buffer, &format!("{line}\n"));
            stderr(&mut buffer, &format!("{line}\n"));
        }
        let pieces = texts(buffer.take());
        assert!(pieces.len() <= MOST_PIECES, "{}", pieces.len());
        for is_error in [false, true] {
            let own = pieces.iter().filter(|(of, _)| *of == is_error);
            let text: String = own.map(|(_, text)| text.as_str()).collect();
            let expected: String = (0..10_000).map(|line| format!("{line}\n")).collect();
            assert_eq!(text, expected);
        }
    }

    #[test]
    fn what_was_written_before_the_mark_can_go_first() {
        let mut buffer = TextBuffer::default();
        assert!(buffer.take_marked().is_empty());
        stderr(&mut buffer, "a");
        stdout(&mut buffer, "b");
        buffer.mark();
        stdout(&mut buffer, "c");
        stderr(&mut buffer, "d");
        assert_eq!(texts(buffer.take_marked()), [(true, "a".into()), (false, "b".into())]);
        assert!(buffer.take_marked().is_empty());
        assert_eq!(texts(buffer.take()), [(false, "c".into()), (true, "d".into())]);
        stdout(&mut buffer, "e");
        buffer.mark();
        buffer.take();
        stdout(&mut buffer, "f");
        assert!(buffer.take_marked().is_empty(), "the mark went with its text");
    }
}
