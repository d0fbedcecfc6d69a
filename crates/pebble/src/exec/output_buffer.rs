//! One stream of output on its way from the websocket to whoever reads it, and what becomes of it
//! when nobody does.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// How much of a stream is held for its reader.
pub(super) const HELD: usize = 1024 * 1024;

/// How long a wait is held up by a reader that has begun to read and does not go on.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// The bytes of one stream that have come and were not read yet.
pub(super) struct OutputBuffer {
    name: &'static str,
    buffer: VecDeque<u8>,
    limit: usize,
    reader: Reader,
    /// The rest of the stream is thrown away.
    cut: bool,
    discarded: u64,
    full_since: Option<Instant>,
    ended: bool,
    /// Its reader is held by somebody else.
    taken: bool,
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
            buffer: VecDeque::new(),
            limit: HELD,
            reader: Reader::Idle,
            cut: false,
            discarded: 0,
            full_since: None,
            ended: false,
            taken: false,
        }
    }

    /// The stream that is part of another one, and so has nothing of its own.
    pub(super) fn none(name: &'static str) -> Self {
        Self { ended: true, ..Self::new(name) }
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    pub(super) fn discarded(&self) -> u64 {
        self.discarded
    }

    fn keeps(&self) -> bool {
        self.reader != Reader::Gone && !self.cut
    }

    /// Whether more may come: nothing is read from a websocket whose reader has to catch up.
    pub(super) fn wants_more(&self) -> bool {
        !self.ended
            && (!self.keeps()
                || self.reader == Reader::Collecting
                || self.buffer.len() < self.limit)
    }

    /// Takes what came.
    pub(super) fn push(&mut self, bytes: &[u8], now: Instant) {
        if self.reader == Reader::Gone {
            return;
        }
        let room = match self.reader {
            _ if self.cut => 0,
            // Held whole: how much is too much is decided when the next piece waits.
            Reader::Idle | Reader::Reading(_) => bytes.len(),
            Reader::Collecting | Reader::Gone => self.limit.saturating_sub(self.buffer.len()),
        };
        let (kept, rest) = bytes.split_at(room.min(bytes.len()));
        self.buffer.extend(kept);
        self.discarded = self.discarded.saturating_add(rest.len() as u64);
        self.cut |= !rest.is_empty();
        if self.buffer.len() >= self.limit {
            self.full_since.get_or_insert(now);
        }
    }

    /// The stream is complete.
    pub(super) fn end(&mut self) {
        self.ended = true;
    }

    /// When the wait for the command stops being held up by this stream; `None` while it does not
    /// hold it up.
    pub(super) fn gives_way_at(&self) -> Option<Instant> {
        let full_since = self.full_since.filter(|_| !self.wants_more() && !self.ended)?;
        match self.reader {
            Reader::Idle => Some(full_since),
            Reader::Reading(last) => Some(last.max(full_since) + PATIENCE),
            Reader::Gone | Reader::Collecting => None,
        }
    }

    /// Keeps the first bytes and throws the rest away from here on.
    pub(super) fn give_way(&mut self) {
        let over = self.buffer.len().saturating_sub(self.limit);
        self.buffer.truncate(self.limit);
        self.discarded = self.discarded.saturating_add(over as u64);
        self.cut = true;
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
        let waited = !self.wants_more();
        let mut moved = 0;
        while into.remaining() > 0 && !self.buffer.is_empty() {
            let (front, _) = self.buffer.as_slices();
            let count = front.len().min(into.remaining());
            into.put_slice(front.get(..count).unwrap_or_default());
            self.buffer.drain(..count);
            moved += count;
        }
        if self.buffer.len() < self.limit {
            self.full_since = None;
        }
        (moved, waited && self.wants_more())
    }

    /// Nobody reads it any more.
    pub(super) fn abandon(&mut self) {
        self.reader = Reader::Gone;
        self.buffer = VecDeque::new();
    }

    /// It is to be kept up to `limit`, and then cut.
    pub(super) fn collect(&mut self, limit: usize) {
        // What somebody else reads, or may, stays his.
        if self.reader == Reader::Idle && !self.taken {
            self.reader = Reader::Collecting;
            self.limit = limit;
            if self.buffer.len() > limit {
                self.give_way();
            }
        }
    }

    /// Everything that was kept, and how much was not; nothing if it is somebody else's to read.
    pub(super) fn take(&mut self) -> (Vec<u8>, u64) {
        if self.taken {
            return (Vec::new(), 0);
        }
        (std::mem::take(&mut self.buffer).into(), self.discarded)
    }

    /// Whether its reader was free to be taken; now it is taken.
    pub(super) fn take_reader(&mut self) -> bool {
        !std::mem::replace(&mut self.taken, true)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::ReadBuf;

    use super::*;

    fn read(outlet: &mut OutputBuffer, count: usize, now: Instant) -> usize {
        let mut space = vec![0; count];
        outlet.read(&mut ReadBuf::new(&mut space), now).0
    }

    #[tokio::test(start_paused = true)]
    async fn an_unread_stream_keeps_its_first_mebibyte() {
        let now = Instant::now();
        let mut outlet = OutputBuffer::new("stdout");
        outlet.push(&vec![1; HELD - 1], now);
        assert!(outlet.wants_more() && outlet.gives_way_at().is_none());
        outlet.push(&[2; 3], now);
        assert!(!outlet.wants_more());
        assert_eq!(outlet.gives_way_at(), Some(now));
        outlet.give_way();
        outlet.push(&[3; 5], now);
        outlet.end();
        assert_eq!((outlet.buffer.len(), outlet.discarded()), (HELD, 2 + 5));
        assert_eq!(outlet.take().0.last(), Some(&2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_is_waited_for_and_not_for_ever() {
        let now = Instant::now();
        let mut outlet = OutputBuffer::new("stdout");
        assert_eq!(read(&mut outlet, 1, now), 0);
        outlet.push(&vec![1; HELD], now);
        assert_eq!(outlet.gives_way_at(), Some(now + PATIENCE));
        let later = now + PATIENCE / 2;
        let mut space = [0; 10];
        assert_eq!(outlet.read(&mut ReadBuf::new(&mut space), later), (10, true));
        assert_eq!(outlet.gives_way_at(), None);
        outlet.push(&[1; 10], later);
        assert_eq!(outlet.gives_way_at(), Some(later + PATIENCE));
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_will_read_is_not_kept() {
        let now = Instant::now();
        let mut outlet = OutputBuffer::new("stdout");
        outlet.push(&vec![1; HELD], now);
        outlet.abandon();
        assert!(outlet.wants_more());
        outlet.push(&[1], now);
        assert_eq!((outlet.buffer.len(), outlet.discarded()), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_collection_is_cut_at_its_limit() {
        let now = Instant::now();
        let mut outlet = OutputBuffer::new("stdout");
        outlet.push(&[1; 3], now);
        outlet.collect(4);
        outlet.push(&[2; 3], now);
        assert!(outlet.wants_more());
        outlet.push(&[3; 3], now);
        assert_eq!(outlet.discarded(), 5);
        assert_eq!(outlet.take().0, [1, 1, 1, 2]);
        let mut late = OutputBuffer::new("stderr");
        late.push(&[1; 10], now);
        late.collect(4);
        assert_eq!((late.buffer.len(), late.discarded()), (4, 6));
    }
}
