//! Buffers a stream between the websocket and its reader, and decides what happens if nobody reads.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// The bytes that are held for the reader of a stream: 1 MiB.
pub(super) const CAPACITY: usize = 1024 * 1024;

/// The time for which a reader that has begun to read and then stops can hold up
/// [`ExecProcess::wait`](super::ExecProcess::wait).
pub(super) const STALLED_READER_LIMIT: Duration = Duration::from_secs(10);

/// The bytes of one stream that have come and were not read yet.
pub(super) struct OutputBuffer {
    name: &'static str,
    bytes: VecDeque<u8>,
    limit: usize,
    reader: Reader,
    /// The rest of the stream is discarded.
    is_truncated: bool,
    discarded: u64,
    full_since: Option<Instant>,
    has_ended: bool,
    /// The reader of the stream was given away.
    is_taken: bool,
}

/// Says what the reader of the stream does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    /// Nobody has read from the stream yet.
    Idle,
    /// The stream was last read from at this moment.
    Reading(Instant),
    /// The reader was dropped, so nobody will read.
    Gone,
    /// The bytes are kept up to the limit for [`OutputBuffer::take_kept`].
    Collecting,
}

impl OutputBuffer {
    pub(super) fn new(name: &'static str) -> Self {
        Self {
            name,
            bytes: VecDeque::new(),
            limit: CAPACITY,
            reader: Reader::Idle,
            is_truncated: false,
            discarded: 0,
            full_since: None,
            has_ended: false,
            is_taken: false,
        }
    }

    /// Makes the buffer of a stream that is part of another one. It has ended from the start.
    pub(super) fn absent(name: &'static str) -> Self {
        Self { has_ended: true, ..Self::new(name) }
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn has_ended(&self) -> bool {
        self.has_ended
    }

    pub(super) fn discarded(&self) -> u64 {
        self.discarded
    }

    /// Returns `true` if further bytes are kept.
    fn keeps_bytes(&self) -> bool {
        self.reader != Reader::Gone && !self.is_truncated
    }

    /// Returns `true` if the websocket is to be read. It is not while the reader has to catch up:
    /// then the command is held up, as by a full pipe.
    pub(super) fn wants_more(&self) -> bool {
        !self.has_ended
            && (!self.keeps_bytes()
                || self.reader == Reader::Collecting
                || self.bytes.len() < self.limit)
    }

    /// Adds the bytes of a frame.
    pub(super) fn push(&mut self, bytes: &[u8], now: Instant) {
        if self.reader == Reader::Gone {
            return;
        }
        let space_left = match self.reader {
            _ if self.is_truncated => 0,
            // A frame is kept as a whole, beyond the capacity. It is truncated only once another
            // frame waits.
            Reader::Idle | Reader::Reading(_) => bytes.len(),
            Reader::Collecting | Reader::Gone => self.limit.saturating_sub(self.bytes.len()),
        };
        let (kept, rest) = bytes.split_at(space_left.min(bytes.len()));
        self.bytes.extend(kept);
        self.discarded = self.discarded.saturating_add(rest.len() as u64);
        self.is_truncated |= !rest.is_empty();
        if self.bytes.len() >= self.limit {
            self.full_since.get_or_insert(now);
        }
    }

    /// Marks the end of the stream.
    pub(super) fn end(&mut self) {
        self.has_ended = true;
    }

    /// Returns the moment from which this stream no longer holds up the wait for the command, so
    /// that it is truncated. It returns `None` if the stream does not hold up the wait.
    pub(super) fn truncates_at(&self) -> Option<Instant> {
        let full_since = self.full_since.filter(|_| !self.wants_more() && !self.has_ended)?;
        match self.reader {
            Reader::Idle => Some(full_since),
            Reader::Reading(last) => Some(last.max(full_since) + STALLED_READER_LIMIT),
            Reader::Gone | Reader::Collecting => None,
        }
    }

    /// Keeps the first bytes, and discards the rest of the stream.
    pub(super) fn truncate_now(&mut self) {
        let over = self.bytes.len().saturating_sub(self.limit);
        self.bytes.truncate(self.limit);
        self.discarded = self.discarded.saturating_add(over as u64);
        self.is_truncated = true;
    }

    /// Moves bytes to the reader. Returns their number, and `true` if there is space again where
    /// there was none.
    pub(super) fn read(
        &mut self,
        into: &mut tokio::io::ReadBuf<'_>,
        now: Instant,
    ) -> (usize, bool) {
        if self.reader != Reader::Collecting {
            self.reader = Reader::Reading(now);
        }
        let was_full = !self.wants_more();
        let mut count_read = 0;
        while into.remaining() > 0 && !self.bytes.is_empty() {
            let (front, _) = self.bytes.as_slices();
            let count = front.len().min(into.remaining());
            into.put_slice(front.get(..count).unwrap_or_default());
            self.bytes.drain(..count);
            count_read += count;
        }
        if self.bytes.len() < self.limit {
            self.full_since = None;
        }
        (count_read, was_full && self.wants_more())
    }

    /// Drops the bytes, since nobody will read them.
    pub(super) fn abandon(&mut self) {
        self.reader = Reader::Gone;
        self.bytes = VecDeque::new();
    }

    /// Keeps the bytes up to `limit`, and then truncates the stream.
    pub(super) fn collect(&mut self, limit: usize) {
        // A stream that is read, or whose reader was given away, is left to that reader.
        if self.reader == Reader::Idle && !self.is_taken {
            self.reader = Reader::Collecting;
            self.limit = limit;
            if self.bytes.len() > limit {
                self.truncate_now();
            }
        }
    }

    /// Returns the bytes that were kept and the number of those that were not. It returns nothing
    /// if the reader was given away.
    pub(super) fn take_kept(&mut self) -> (Vec<u8>, u64) {
        if self.is_taken {
            return (Vec::new(), 0);
        }
        (std::mem::take(&mut self.bytes).into(), self.discarded)
    }

    /// Gives the reader away. Returns `false` if it was given away before.
    pub(super) fn take_reader(&mut self) -> bool {
        !std::mem::replace(&mut self.is_taken, true)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::ReadBuf;

    use super::*;

    fn read(buffer: &mut OutputBuffer, count: usize, now: Instant) -> usize {
        let mut space = vec![0; count];
        buffer.read(&mut ReadBuf::new(&mut space), now).0
    }

    #[tokio::test(start_paused = true)]
    async fn an_unread_stream_keeps_its_first_mebibyte() {
        let now = Instant::now();
        let mut buffer = OutputBuffer::new("stdout");
        buffer.push(&vec![1; CAPACITY - 1], now);
        assert!(buffer.wants_more() && buffer.truncates_at().is_none());
        buffer.push(&[2; 3], now);
        assert!(!buffer.wants_more());
        assert_eq!(buffer.truncates_at(), Some(now));
        buffer.truncate_now();
        buffer.push(&[3; 5], now);
        buffer.end();
        assert_eq!((buffer.bytes.len(), buffer.discarded()), (CAPACITY, 2 + 5));
        assert_eq!(buffer.take_kept().0.last(), Some(&2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_stalled_reader_holds_the_wait_up_for_a_limited_time() {
        let now = Instant::now();
        let mut buffer = OutputBuffer::new("stdout");
        assert_eq!(read(&mut buffer, 1, now), 0);
        buffer.push(&vec![1; CAPACITY], now);
        assert_eq!(buffer.truncates_at(), Some(now + STALLED_READER_LIMIT));
        let later = now + STALLED_READER_LIMIT / 2;
        let mut space = [0; 10];
        assert_eq!(buffer.read(&mut ReadBuf::new(&mut space), later), (10, true));
        assert_eq!(buffer.truncates_at(), None);
        buffer.push(&[1; 10], later);
        assert_eq!(buffer.truncates_at(), Some(later + STALLED_READER_LIMIT));
    }

    #[tokio::test(start_paused = true)]
    async fn the_bytes_of_a_dropped_reader_are_not_kept() {
        let now = Instant::now();
        let mut buffer = OutputBuffer::new("stdout");
        buffer.push(&vec![1; CAPACITY], now);
        buffer.abandon();
        assert!(buffer.wants_more());
        buffer.push(&[1], now);
        assert_eq!((buffer.bytes.len(), buffer.discarded()), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_collection_is_cut_at_its_limit() {
        let now = Instant::now();
        let mut buffer = OutputBuffer::new("stdout");
        buffer.push(&[1; 3], now);
        buffer.collect(4);
        buffer.push(&[2; 3], now);
        assert!(buffer.wants_more());
        buffer.push(&[3; 3], now);
        assert_eq!(buffer.discarded(), 5);
        assert_eq!(buffer.take_kept().0, [1, 1, 1, 2]);
        let mut late = OutputBuffer::new("stderr");
        late.push(&[1; 10], now);
        late.collect(4);
        assert_eq!((late.bytes.len(), late.discarded()), (4, 6));
    }
}
