//! Where the log of a service was left, and how that place is found in a buffer that is read from
//! its start.
//!
//! Entries have no number and their time only counts milliseconds, so the place is a time and the
//! text that came at that time. The text is compared without regard to where one entry ends and the
//! next begins: a line that a service has written in two parts may be two entries for who follows
//! and is one for who reads later.

use super::super::logs::LogEntry;
use super::super::timestamp::Timestamp;

/// As much text of one time as is kept, at least, and at most twice as much; more than Pebble's own
/// buffer of 100 KiB holds.
const MOST_TEXT: usize = 256 * 1024;

/// What became of an entry.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// It is new.
    New(LogEntry),
    /// The place is no longer there: what came between it and the next entry may be missing.
    Lost,
}

/// The last entries that were seen, all of one time.
#[derive(Debug, Clone, PartialEq, Eq)]
struct WaiterSlot {
    time: Timestamp,
    text: String,
    /// How many entries without text came last.
    blanks: usize,
    /// There may have been more text of this time before it, which was not seen.
    torn: bool,
}

/// The log of one service.
#[derive(Debug, Default)]
pub(super) struct Track {
    place: Option<WaiterSlot>,
    /// The latest time up to the place: not the place's own where the clock was set back.
    latest: Option<Timestamp>,
    search: Search,
    /// The next entry does not follow upon the last one that was seen.
    torn: bool,
}

#[derive(Debug, Default)]
enum Search {
    /// The place was passed: all that comes is new.
    #[default]
    Over,
    /// The place is looked for.
    On {
        /// What came at its time so far.
        run: String,
        /// What is new if the place does not come.
        held: Vec<LogEntry>,
        /// Where the buffer has been read to.
        passed: Option<WaiterSlot>,
    },
    /// The text of the place was passed, and so many entries without text belong to it, too.
    Blanks(usize),
}

impl Track {
    /// The log of a service of which something came before what will be seen.
    pub(super) fn torn() -> Self {
        Self { torn: true, ..Self::default() }
    }

    /// Something was left out before the next entry.
    pub(super) fn tear(&mut self) {
        self.torn = true;
    }

    /// Whether anything of this service was ever seen.
    pub(super) fn has_place(&self) -> bool {
        self.place.is_some()
    }

    /// The time of what was seen last.
    pub(super) fn time(&self) -> Option<Timestamp> {
        self.place.as_ref().map(|place| place.time)
    }

    /// Whether the place is still looked for.
    pub(super) fn is_searching(&self) -> bool {
        matches!(self.search, Search::On { .. })
    }

    /// The buffer is read from its start again.
    pub(super) fn rewind(&mut self) {
        self.search = if self.place.is_some() {
            Search::On { run: String::new(), held: Vec::new(), passed: None }
        } else {
            Search::Over
        };
    }

    /// Counts an entry as seen.
    pub(super) fn pass(&mut self, entry: &LogEntry) {
        self.latest = self.latest.max(Some(entry.time()));
        if std::mem::take(&mut self.torn) {
            self.place = Some(WaiterSlot::new(entry, true));
        } else {
            advance(&mut self.place, entry);
        }
    }

    /// Takes the next entry of the buffer, and says what is new.
    pub(super) fn take(&mut self, entry: LogEntry, seen: &mut Vec<Seen>) {
        let Some(place) = &self.place else {
            self.give(entry, seen);
            return;
        };
        // Then the place may come after later times, and its time more than once.
        let set_back = self.latest > Some(place.time);
        match &mut self.search {
            Search::Over => self.give(entry, seen),
            Search::Blanks(left) => {
                if *left > 0 && entry.time() == place.time && entry.message().is_empty() {
                    *left -= 1;
                } else {
                    self.search = Search::Over;
                    self.give(entry, seen);
                }
            }
            Search::On { run, held, passed } => {
                if entry.time() < place.time && held.is_empty() {
                    advance(passed, &entry);
                } else if entry.time() != place.time {
                    let found = !run.is_empty() && place.text.ends_with(run.as_str());
                    let size: usize = held
                        .iter()
                        .map(|entry| entry.message().len() + size_of::<LogEntry>())
                        .sum();
                    if set_back && !found && Some(entry.time()) <= self.latest && size <= MOST_TEXT
                    {
                        run.clear();
                        held.push(entry);
                    } else {
                        self.settle(seen);
                        self.give(entry, seen);
                    }
                } else if place.text.is_empty() {
                    self.search = Search::Blanks(place.blanks);
                    self.take(entry, seen);
                } else {
                    run.push_str(entry.message());
                    held.push(entry);
                    match compare(place, run) {
                        Match::More => {}
                        Match::Found { rest } => {
                            let rest = run.get(rest..).unwrap_or_default().to_owned();
                            let last = held.pop();
                            self.search = Search::Blanks(place.blanks);
                            if let Some(last) = last.filter(|_| !rest.is_empty()) {
                                self.search = Search::Over;
                                self.give(last.with_message(rest), seen);
                            }
                        }
                        Match::Differs if set_back => run.clear(),
                        Match::Differs => self.settle(seen),
                    }
                }
            }
        }
    }

    /// The buffer has been read to its end.
    pub(super) fn end(&mut self, seen: &mut Vec<Seen>) {
        if self.is_searching() {
            self.settle(seen);
        }
    }

    /// No more of the place will come: either it was there, though cut off at its front, or it is
    /// lost.
    fn settle(&mut self, seen: &mut Vec<Seen>) {
        let Search::On { run, held, passed } = std::mem::take(&mut self.search) else {
            return;
        };
        let found =
            self.place.as_ref().is_some_and(|place| !run.is_empty() && place.text.ends_with(&run));
        if found {
            return;
        }
        seen.push(Seen::Lost);
        // What was passed in vain was seen before or is lost; where nothing was passed, whatever
        // comes is new.
        self.latest = passed.as_ref().map(|place| place.time);
        self.place = passed;
        for entry in held {
            self.give(entry, seen);
        }
    }

    fn give(&mut self, entry: LogEntry, seen: &mut Vec<Seen>) {
        self.pass(&entry);
        seen.push(Seen::New(entry));
    }
}

fn advance(place: &mut Option<WaiterSlot>, entry: &LogEntry) {
    match place {
        Some(place) if place.time == entry.time() => {
            if entry.message().is_empty() {
                place.blanks += 1;
                return;
            }
            place.blanks = 0;
            place.text.push_str(entry.message());
            let over = place.text.len().saturating_sub(MOST_TEXT);
            // Not at each entry of a line that never ends: the rest is moved.
            if over > MOST_TEXT {
                let cut = (over..place.text.len())
                    .find(|at| place.text.is_char_boundary(*at))
                    .unwrap_or(over);
                place.text.drain(..cut);
            }
        }
        _ => {
            *place = Some(WaiterSlot::new(entry, false));
        }
    }
}

impl WaiterSlot {
    fn new(entry: &LogEntry, torn: bool) -> Self {
        Self {
            time: entry.time(),
            text: entry.message().to_owned(),
            blanks: usize::from(entry.message().is_empty()),
            torn,
        }
    }
}

enum Match {
    /// It may be the place, once more of it has come.
    More,
    /// It is, and from this byte of the run on it is new.
    Found { rest: usize },
    /// It is not.
    Differs,
}

/// Compares what came at a time with the text of the place, whose front may have fallen out of the
/// buffer.
fn compare(place: &WaiterSlot, run: &str) -> Match {
    let text = place.text.as_str();
    if place.torn {
        // Where the text repeats, rather one line twice than one too few.
        return run.find(text).map_or(Match::More, |at| Match::Found { rest: at + text.len() });
    }
    for (at, _) in text.char_indices() {
        let Some(tail) = text.get(at..) else { continue };
        if run.starts_with(tail) {
            return Match::Found { rest: tail.len() };
        }
        if tail.starts_with(run) {
            return Match::More;
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

    /// What is new of a buffer, `!` for what is lost.
    fn read(track: &mut Track, buffer: &[(u32, &str)], whole: bool) -> Vec<String> {
        let mut seen = Vec::new();
        for (millis, message) in buffer {
            track.take(entry(*millis, message), &mut seen);
        }
        if whole {
            track.end(&mut seen);
        }
        seen.into_iter()
            .map(|seen| match seen {
                Seen::New(entry) => entry.message().to_owned(),
                Seen::Lost => "!".to_owned(),
            })
            .collect()
    }

    fn after(buffer: &[(u32, &str)]) -> Track {
        let mut track = Track::default();
        read(&mut track, buffer, false);
        track.rewind();
        track
    }

    #[test]
    fn what_was_seen_is_not_new() {
        let before = [(1, "a"), (2, "b"), (2, "b"), (2, "c")];
        for whole in [false, true] {
            let more = [&before[..], &[(2, "c"), (3, "d")]].concat();
            assert_eq!(read(&mut after(&before), &more, whole), ["c", "d"]);
            // The front has fallen out of the buffer, in the middle of a time and before it.
            assert_eq!(read(&mut after(&before), &more[2..], whole), ["c", "d"]);
            assert_eq!(read(&mut after(&before), &more[3..], whole), ["c", "d"]);
        }
        assert_eq!(read(&mut after(&before), &before, true), [""; 0]);
    }

    #[test]
    fn a_place_that_is_not_there_is_lost() {
        let before = [(1, "a"), (2, "b")];
        assert_eq!(read(&mut after(&before), &[(3, "c")], false), ["!", "c"]);
        assert_eq!(read(&mut after(&before), &[(2, "x"), (3, "c")], false), ["!", "x", "c"]);
        assert_eq!(read(&mut after(&before), &[], true), ["!"]);
        assert_eq!(read(&mut after(&before), &[(1, "a")], true), ["!"]);
        // It is told once.
        let mut track = after(&before);
        read(&mut track, &[], true);
        track.rewind();
        assert_eq!(read(&mut track, &[(3, "c")], true), ["c"]);
    }

    #[test]
    fn what_came_before_the_first_that_was_seen_is_not_new() {
        let mut track = Track::torn();
        assert_eq!(read(&mut track, &[(2, "c"), (2, "d")], true), ["c", "d"]);
        track.rewind();
        let whole = [(1, "a"), (2, "b"), (2, "c"), (2, "d"), (2, "e"), (3, "f")];
        assert_eq!(read(&mut track, &whole, true), ["e", "f"]);
        track.tear();
        assert_eq!(read(&mut track, &[(3, "x")], false), ["x"]);
        track.rewind();
        assert_eq!(read(&mut track, &[(3, "f"), (3, "g"), (3, "x"), (4, "h")], true), ["h"]);
        track.tear();
        read(&mut track, &[(4, "y")], false);
        track.rewind();
        assert_eq!(read(&mut track, &[(4, "z"), (5, "i")], true), ["!", "z", "i"]);
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
    fn a_clock_that_was_set_back_hides_nothing_that_comes_after_the_place() {
        let before = [(5, "a")];
        assert_eq!(read(&mut after(&before), &[(5, "a"), (2, "b"), (3, "c")], false), ["b", "c"]);
    }

    #[test]
    fn a_place_after_the_clock_was_set_back_is_found() {
        let before = [(3, "x"), (5, "a"), (2, "b"), (3, "c")];
        for whole in [false, true] {
            let more = [&before[..], &[(3, "d"), (4, "e"), (6, "f")]].concat();
            assert_eq!(read(&mut after(&before), &more, whole), ["d", "e", "f"]);
            assert_eq!(read(&mut after(&before), &more[2..], whole), ["d", "e", "f"]);
        }
        assert_eq!(read(&mut after(&before), &before, true), [""; 0]);
        // Where it is lost, all that the buffer has comes: some of it may have been seen before.
        let lost = [(4, "e"), (3, "x"), (4, "f"), (6, "g")];
        for end in 1..=lost.len() {
            let mut expected = vec!["!"];
            expected.extend(lost[..end].iter().map(|(_, text)| *text));
            assert_eq!(read(&mut after(&before), &lost[..end], true), expected);
        }
        // Nor is it waited for until the clock has caught up.
        let long = "x".repeat(1000);
        let many: Vec<(u32, &str)> =
            std::iter::repeat_n((4, long.as_str()), MOST_TEXT / 1000 + 2).collect();
        let seen = read(&mut after(&before), &many, false);
        assert_eq!((seen[0].as_str(), seen.len()), ("!", many.len() + 1));
    }

    proptest! {
        #[test]
        fn each_entry_comes_once_wherever_it_broke_off(
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
            // The buffer still holds the last entry that was seen.
            let dropped = dropped.index(split.max(1));
            let mut track = after(&log[..split]);
            let new = read(&mut track, &log[dropped..], true).concat();
            if dropped == 0 || split == 0 {
                // With the whole log there, there is one answer.
                let from = if split == 0 { dropped } else { split };
                let expected: String = log[from..].iter().map(|(_, text)| *text).collect();
                prop_assert_eq!(new, expected);
            } else {
                // Where the front is gone and texts repeat, the place is ambiguous, but nothing
                // that follows its time may be missing.
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
            whole: bool,
        ) {
            let [before, then]: [Vec<(u32, &str)>; 2] =
                [&before, &then]
                    .map(|log| log.iter().map(|(at, text)| (*at, text.as_str())).collect());
            read(&mut after(&before), &then, whole);
        }
    }
}
