//! One stream of output on its way from the websocket to whoever reads it, and what becomes of it
//! when nobody does.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// How much of a stream is held for its reader.
pub(super) const CAPACITY: usize = 1024 * 1024;

/// How long a wait is held up by a reader that has begun to read and does not go on.
pub(super) const STALLED_READER_LIMIT: Duration = Duration::from_secs(10);

/// The bytes of one stream that have come and were not read yet.
pub(super) struct OutputBuffer {
    name: &'static str,
    bytes: VecDeque<u8>,
    limit: usize,
    reader: Reader,
    /// The rest of the stream is thrown away.
    is_truncated: bool,
    discarded: u64,
    full_since: Option<Instant>,
    has_ended: bool,
    /// Its reader is held by somebody else.
    is_taken: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    /// Nobody has read from it yet.
    Idle,
    /// When it was last read from.
    Reading(Instant),
    /// Nobody ever will.
    Gone,
    /// It is kept up to its limit for [`OutputBuffer::take`].
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

    /// The stream that is part of another one, and so has nothing of its own.
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

    fn keeps_bytes(&self) -> bool {
        self.reader != Reader::Gone && !self.is_truncated
    }

    /// Whether more may come: nothing is read from a websocket whose reader has to catch up.
    pub(super) fn wants_more(&self) -> bool {
        !self.has_ended
            && (!self.keeps_bytes()
                || self.reader == Reader::Collecting
                || self.bytes.len() < self.limit)
    }

    /// Takes what came.
    pub(super) fn push(&mut self, bytes: &[u8], now: Instant) {
        if self.reader == Reader::Gone {
            return;
        }
        let space_left = match self.reader {
            _ if self.is_truncated => 0,
            // Held whole: how much is too much is decided when the next piece waits.
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

    /// The stream is complete.
    pub(super) fn end(&mut self) {
        self.has_ended = true;
    }

    /// When the wait for the command stops being held up by this stream; `None` while it does not
    /// hold it up.
    pub(super) fn truncates_at(&self) -> Option<Instant> {
        let full_since = self.full_since.filter(|_| !self.wants_more() && !self.has_ended)?;
        match self.reader {
            Reader::Idle => Some(full_since),
            Reader::Reading(last) => Some(last.max(full_since) + STALLED_READER_LIMIT),
            Reader::Gone | Reader::Collecting => None,
        }
    }

    /// Keeps the first bytes and throws the rest away from here on.
    pub(super) fn truncate_now(&mut self) {
        let over = self.bytes.len().saturating_sub(self.limit);
        self.bytes.truncate(self.limit);
        self.discarded = self.discarded.saturating_add(over as u64);
        self.is_truncated = true;
    }

    /// Moves bytes to the reader: how many, and whether there is room again where there was none.
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

    /// Nobody reads it any more.
    pub(super) fn abandon(&mut self) {
        self.reader = Reader::Gone;
        self.bytes = VecDeque::new();
    }

    /// It is to be kept up to `limit`, and then cut.
    pub(super) fn collect(&mut self, limit: usize) {
        // What somebody else reads, or may, stays his.
        if self.reader == Reader::Idle && !self.is_taken {
            self.reader = Reader::Collecting;
            self.limit = limit;
            if self.bytes.len() > limit {
                self.truncate_now();
            }
        }
    }

    /// Everything that was kept, and how much was not; nothing if it is somebody else's to read.
    pub(super) fn take_kept(&mut self) -> (Vec<u8>, u64) {
        if self.is_taken {
            return (Vec::new(), 0);
        }
        (std::mem::take(&mut self.bytes).into(), self.discarded)
    }

    /// Whether its reader was free to be taken; now it is taken.
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
    async fn a_reader_is_waited_for_and_not_for_ever() {
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
    async fn what_nobody_will_read_is_not_kept() {
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
