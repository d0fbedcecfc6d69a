//! Keeps the position in the log of one service, and finds it again in a buffer that is read from
//! its start.
//!
//! A log entry has no number, and its time has a resolution of one millisecond. So the position is
//! a time and the text of all entries of that time. The text is compared without regard to where
//! one entry ends and the next begins: a line that a service writes in two parts may come as two
//! entries while the log is followed, and as one entry when the buffer is read later.

use super::super::logs::LogEntry;
use super::super::timestamp::Timestamp;

/// The text of one time that a position keeps, in bytes: at least this much and at most twice as
/// much. It is more than Pebble's own buffer of 100 KiB holds.
const MAX_TEXT: usize = 256 * 1024;

/// Says what reading an entry gives.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum CursorEvent {
    /// The entry is new.
    New(LogEntry),
    /// The position is no longer in the buffer: entries between it and the next one may be missing.
    Lost,
}

/// A position in a log: the last entries that were seen, all of one time.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Position {
    time: Timestamp,
    text: String,
    /// The number of entries without text at the end.
    blank_lines: usize,
    /// Earlier text of this time may exist that was not seen.
    may_lack_start: bool,
}

/// A cursor keeps the position in the log of one service.
#[derive(Debug, Default)]
pub(super) struct LogCursor {
    position: Option<Position>,
    /// The latest time of all entries that were seen. It is later than the time of the position if
    /// the clock was set back.
    latest: Option<Timestamp>,
    search: Search,
    /// The next entry does not directly follow the last one that was seen.
    follows_gap: bool,
}

/// The state of the search for the position.
#[derive(Debug, Default)]
enum Search {
    /// The position was passed, so every further entry is new.
    #[default]
    Done,
    /// The search goes on.
    Searching {
        /// The text that has come so far at the time of the position.
        text: String,
        /// The entries that are new if the position does not come.
        held: Vec<LogEntry>,
        /// The position up to which the buffer was read.
        passed: Option<Position>,
    },
    /// The text of the position was passed, and this many entries without text still belong to it.
    BlankLines(usize),
}

impl LogCursor {
    /// Makes a cursor for a log that has earlier entries than those that it will see.
    pub(super) fn after_gap() -> Self {
        Self { follows_gap: true, ..Self::default() }
    }

    /// Notes that entries are missing before the next one.
    pub(super) fn note_gap(&mut self) {
        self.follows_gap = true;
    }

    /// Returns `true` if an entry of the service was ever seen.
    pub(super) fn has_position(&self) -> bool {
        self.position.is_some()
    }

    /// Returns the time of the last entry that was seen.
    pub(super) fn last_time(&self) -> Option<Timestamp> {
        self.position.as_ref().map(|position| position.time)
    }

    /// Returns `true` while the position has not been found yet.
    pub(super) fn is_searching(&self) -> bool {
        matches!(self.search, Search::Searching { .. })
    }

    /// Starts the search for the position: the buffer is read from its start again.
    pub(super) fn rewind(&mut self) {
        self.search = if self.position.is_some() {
            Search::Searching { text: String::new(), held: Vec::new(), passed: None }
        } else {
            Search::Done
        };
    }

    /// Moves the position past an entry.
    pub(super) fn mark_seen(&mut self, entry: &LogEntry) {
        self.latest = self.latest.max(Some(entry.time()));
        if std::mem::take(&mut self.follows_gap) {
            self.position = Some(Position::new(entry, true));
        } else {
            advance(&mut self.position, entry);
        }
    }

    /// Reads the next entry of the buffer and adds what is new to `events`.
    pub(super) fn read(&mut self, entry: LogEntry, events: &mut Vec<CursorEvent>) {
        let Some(position) = &self.position else {
            self.emit(entry, events);
            return;
        };
        // After the clock was set back, later times may come before the position, and its time
        // may come more than once.
        let was_set_back = self.latest > Some(position.time);
        match &mut self.search {
            Search::Done => self.emit(entry, events),
            Search::BlankLines(left) => {
                if *left > 0 && entry.time() == position.time && entry.message().is_empty() {
                    *left -= 1;
                } else {
                    self.search = Search::Done;
                    self.emit(entry, events);
                }
            }
            Search::Searching { text, held, passed } => {
                if entry.time() < position.time && held.is_empty() {
                    advance(passed, &entry);
                } else if entry.time() != position.time {
                    let is_found = !text.is_empty() && position.text.ends_with(text.as_str());
                    let size: usize = held
                        .iter()
                        .map(|entry| entry.message().len() + size_of::<LogEntry>())
                        .sum();
                    // The size bounds the memory, and the wait: a position that was lost would
                    // otherwise be looked for until the clock has caught up with `latest`.
                    if was_set_back
                        && !is_found
                        && Some(entry.time()) <= self.latest
                        && size <= MAX_TEXT
                    {
                        text.clear();
                        held.push(entry);
                    } else {
                        self.finish_search(events);
                        self.emit(entry, events);
                    }
                } else if position.text.is_empty() {
                    self.search = Search::BlankLines(position.blank_lines);
                    self.read(entry, events);
                } else {
                    text.push_str(entry.message());
                    held.push(entry);
                    match compare(position, text) {
                        Match::Incomplete => {}
                        Match::Found { rest } => {
                            let rest = text.get(rest..).unwrap_or_default().to_owned();
                            let last = held.pop();
                            self.search = Search::BlankLines(position.blank_lines);
                            // The last entry may go on after the text of the position: only its
                            // rest is new.
                            if let Some(last) = last.filter(|_| !rest.is_empty()) {
                                self.search = Search::Done;
                                self.emit(last.with_message(rest), events);
                            }
                        }
                        Match::Differs if was_set_back => text.clear(),
                        Match::Differs => self.finish_search(events),
                    }
                }
            }
        }
    }

    /// Ends the search, since the buffer was read to its end.
    pub(super) fn finish(&mut self, events: &mut Vec<CursorEvent>) {
        if self.is_searching() {
            self.finish_search(events);
        }
    }

    /// Decides whether the position was found: no more of it will come. It was found if the buffer
    /// has only its end, since its start may have been dropped.
    fn finish_search(&mut self, events: &mut Vec<CursorEvent>) {
        let Search::Searching { text, held, passed } = std::mem::take(&mut self.search) else {
            return;
        };
        let is_found = self
            .position
            .as_ref()
            .is_some_and(|position| !text.is_empty() && position.text.ends_with(&text));
        if is_found {
            return;
        }
        events.push(CursorEvent::Lost);
        // Entries that were passed are older than the lost position, so they are not new. If none
        // was passed, every entry of the buffer is new.
        self.latest = passed.as_ref().map(|position| position.time);
        self.position = passed;
        for entry in held {
            self.emit(entry, events);
        }
    }

    fn emit(&mut self, entry: LogEntry, events: &mut Vec<CursorEvent>) {
        self.mark_seen(&entry);
        events.push(CursorEvent::New(entry));
    }
}

fn advance(position: &mut Option<Position>, entry: &LogEntry) {
    match position {
        Some(position) if position.time == entry.time() => {
            if entry.message().is_empty() {
                position.blank_lines += 1;
                return;
            }
            position.blank_lines = 0;
            position.text.push_str(entry.message());
            let excess = position.text.len().saturating_sub(MAX_TEXT);
            // Cutting moves the rest of the text, so it is done once for many entries: a line that
            // never ends would otherwise cost time in the square of its length.
            if excess > MAX_TEXT {
                let cut = (excess..position.text.len())
                    .find(|at| position.text.is_char_boundary(*at))
                    .unwrap_or(excess);
                position.text.drain(..cut);
            }
        }
        _ => {
            *position = Some(Position::new(entry, false));
        }
    }
}

impl Position {
    fn new(entry: &LogEntry, may_lack_start: bool) -> Self {
        Self {
            time: entry.time(),
            text: entry.message().to_owned(),
            blank_lines: usize::from(entry.message().is_empty()),
            may_lack_start,
        }
    }
}

/// The result of comparing text with a position.
enum Match {
    /// The text may be that of the position, once more of it has come.
    Incomplete,
    /// The text contains that of the position, and it is new from the byte `rest` on.
    Found { rest: usize },
    /// The text is not that of the position.
    Differs,
}

/// Compares the text that came at the time of the position with the position. The start of the
/// position's text may have been dropped from the buffer.
fn compare(position: &Position, text: &str) -> Match {
    let expected = position.text.as_str();
    if position.may_lack_start {
        // If the text repeats, the first match is taken: one line may then come twice, but none is
        // missing.
        return text
            .find(expected)
            .map_or(Match::Incomplete, |at| Match::Found { rest: at + expected.len() });
    }
    for (at, _) in expected.char_indices() {
        let Some(tail) = expected.get(at..) else { continue };
        if text.starts_with(tail) {
            return Match::Found { rest: tail.len() };
        }
        if tail.starts_with(text) {
            return Match::Incomplete;
        }
    }
    Match::Differs
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn entry(millis: u32, message: &str) -> LogEntry {
        let time = format!("2026-11-22T20:00:{:02}.{:03}Z", millis / 1000, millis % 1000);
        serde_json::from_value(json!({"time": time, "service": "web", "message": message})).unwrap()
    }

    /// Returns the texts of the new entries of a buffer, and `!` for a lost position.
    fn read(cursor: &mut LogCursor, buffer: &[(u32, &str)], is_complete: bool) -> Vec<String> {
        let mut events = Vec::new();
        for (millis, message) in buffer {
            cursor.read(entry(*millis, message), &mut events);
        }
        if is_complete {
            cursor.finish(&mut events);
        }
        events
            .into_iter()
            .map(|event| match event {
                CursorEvent::New(entry) => entry.message().to_owned(),
                CursorEvent::Lost => "!".to_owned(),
            })
            .collect()
    }

    fn after(buffer: &[(u32, &str)]) -> LogCursor {
        let mut cursor = LogCursor::default();
        read(&mut cursor, buffer, false);
        cursor.rewind();
        cursor
    }

    #[test]
    fn what_was_seen_is_not_new() {
        let before = [(1, "a"), (2, "b"), (2, "b"), (2, "c")];
        for is_complete in [false, true] {
            let more = [&before[..], &[(2, "c"), (3, "d")]].concat();
            assert_eq!(read(&mut after(&before), &more, is_complete), ["c", "d"]);
            // The buffer has dropped its front, in the middle of a time and before it.
            assert_eq!(read(&mut after(&before), &more[2..], is_complete), ["c", "d"]);
            assert_eq!(read(&mut after(&before), &more[3..], is_complete), ["c", "d"]);
        }
        assert_eq!(read(&mut after(&before), &before, true), [""; 0]);
    }

    #[test]
    fn a_position_that_is_not_in_the_buffer_is_lost() {
        let before = [(1, "a"), (2, "b")];
        assert_eq!(read(&mut after(&before), &[(3, "c")], false), ["!", "c"]);
        assert_eq!(read(&mut after(&before), &[(2, "x"), (3, "c")], false), ["!", "x", "c"]);
        assert_eq!(read(&mut after(&before), &[], true), ["!"]);
        assert_eq!(read(&mut after(&before), &[(1, "a")], true), ["!"]);
        // The loss is reported once.
        let mut cursor = after(&before);
        read(&mut cursor, &[], true);
        cursor.rewind();
        assert_eq!(read(&mut cursor, &[(3, "c")], true), ["c"]);
    }

    #[test]
    fn what_came_before_the_first_that_was_seen_is_not_new() {
        let mut cursor = LogCursor::after_gap();
        assert_eq!(read(&mut cursor, &[(2, "c"), (2, "d")], true), ["c", "d"]);
        cursor.rewind();
        let buffer = [(1, "a"), (2, "b"), (2, "c"), (2, "d"), (2, "e"), (3, "f")];
        assert_eq!(read(&mut cursor, &buffer, true), ["e", "f"]);
        cursor.note_gap();
        assert_eq!(read(&mut cursor, &[(3, "x")], false), ["x"]);
        cursor.rewind();
        assert_eq!(read(&mut cursor, &[(3, "f"), (3, "g"), (3, "x"), (4, "h")], true), ["h"]);
        cursor.note_gap();
        read(&mut cursor, &[(4, "y")], false);
        cursor.rewind();
        assert_eq!(read(&mut cursor, &[(4, "z"), (5, "i")], true), ["!", "z", "i"]);
    }

    #[test]
    fn entries_may_be_cut_differently() {
        let before = [(1, "one "), (1, "li")];
        assert_eq!(read(&mut after(&before), &[(1, "one line"), (2, "b")], false), ["ne", "b"]);
        assert_eq!(read(&mut after(&before), &[(1, "one li"), (1, "ne")], false), ["ne"]);
    }

    #[test]
    fn blank_lines_are_counted() {
        let before = [(1, "a"), (1, ""), (1, "")];
        assert_eq!(read(&mut after(&before), &before, true), [""; 0]);
        assert_eq!(read(&mut after(&before), &[&before[..], &[(1, "")]].concat(), true), [""]);
        let blanks = [(1, ""), (1, "")];
        assert_eq!(read(&mut after(&blanks), &[(1, ""), (1, ""), (2, "b")], true), ["b"]);
    }

    #[test]
    fn a_clock_that_was_set_back_hides_nothing_that_comes_after_the_position() {
        let before = [(5, "a")];
        assert_eq!(read(&mut after(&before), &[(5, "a"), (2, "b"), (3, "c")], false), ["b", "c"]);
    }

    #[test]
    fn a_position_after_the_clock_was_set_back_is_found() {
        let before = [(3, "x"), (5, "a"), (2, "b"), (3, "c")];
        for is_complete in [false, true] {
            let more = [&before[..], &[(3, "d"), (4, "e"), (6, "f")]].concat();
            assert_eq!(read(&mut after(&before), &more, is_complete), ["d", "e", "f"]);
            assert_eq!(read(&mut after(&before), &more[2..], is_complete), ["d", "e", "f"]);
        }
        assert_eq!(read(&mut after(&before), &before, true), [""; 0]);
        // If the position is lost, all entries of the buffer come, and some of them may have been
        // seen before.
        let lost = [(4, "e"), (3, "x"), (4, "f"), (6, "g")];
        for end in 1..=lost.len() {
            let mut expected = vec!["!"];
            expected.extend(lost[..end].iter().map(|(_, text)| *text));
            assert_eq!(read(&mut after(&before), &lost[..end], true), expected);
        }
        // The search does not go on until the clock has caught up.
        let long = "x".repeat(1000);
        let many: Vec<(u32, &str)> =
            std::iter::repeat_n((4, long.as_str()), MAX_TEXT / 1000 + 2).collect();
        let events = read(&mut after(&before), &many, false);
        assert_eq!((events[0].as_str(), events.len()), ("!", many.len() + 1));
    }

    proptest! {
        #[test]
        fn each_entry_comes_once_wherever_the_reading_stopped(
            steps in proptest::collection::vec((0_u32..3, "[ab]{1,2}"), 1..30),
            split: prop::sample::Index,
            dropped: prop::sample::Index,
        ) {
            let mut millis = 0;
            let log: Vec<(u32, &str)> = steps
                .iter()
                .map(|(step, text)| {
                    millis += step;
                    (millis, text.as_str())
                })
                .collect();
            let split = split.index(log.len() + 1);
            // The buffer still has the last entry that was seen.
            let dropped = dropped.index(split.max(1));
            let mut cursor = after(&log[..split]);
            let new = read(&mut cursor, &log[dropped..], true).concat();
            if dropped == 0 || split == 0 {
                // With the whole log in the buffer, there is one answer.
                let from = if split == 0 { dropped } else { split };
                let expected: String = log[from..].iter().map(|(_, text)| *text).collect();
                prop_assert_eq!(new, expected);
            } else {
                // If the front was dropped and texts repeat, the position is ambiguous, but no
                // entry after its time may be missing.
                let time = log[split - 1].0;
                let later = log[split..].iter().filter(|(at, _)| *at > time);
                let later: String = later.map(|(_, text)| *text).collect();
                prop_assert!(new.ends_with(&later), "{} for {}", new, later);
            }
        }

        #[test]
        fn any_buffer_has_an_answer(
            before in proptest::collection::vec((0_u32..4, ".{0,3}"), 0..9),
            then in proptest::collection::vec((0_u32..4, ".{0,3}"), 0..9),
            is_complete: bool,
        ) {
            let [before, then]: [Vec<(u32, &str)>; 2] =
                [&before, &then]
                    .map(|log| log.iter().map(|(at, text)| (*at, text.as_str())).collect());
            read(&mut after(&before), &then, is_complete);
        }
    }
}
