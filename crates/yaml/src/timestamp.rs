//! The recognition of timestamps, which Go's YAML packages tell from strings.

/// Returns `true` if Go's packages take the text for a timestamp.
///
/// A timestamp is a date, such as `2006-1-2`, or a date and a time. A time after `T` or `t` needs a
/// zone, and a time after a blank must have none.
pub(super) fn is_timestamp(text: &str) -> bool {
    let mut cursor = Cursor(text);
    cursor.date().is_some()
        && (cursor.0.is_empty() || cursor.time().is_some() && cursor.0.is_empty())
}

/// The rest of a text that is not parsed yet. Each method removes what it parsed from its start,
/// and returns `None` if the text does not match.
struct Cursor<'a>(&'a str);

impl Cursor<'_> {
    /// Parses one character.
    fn expect_char(&mut self, character: char) -> Option<()> {
        self.0 = self.0.strip_prefix(character)?;
        Some(())
    }

    /// Parses a number of one or two digits.
    fn one_or_two_digits(&mut self) -> Option<u32> {
        let length = self.0.bytes().take(2).take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        digits.parse().ok()
    }

    /// Parses a number of exactly two digits.
    fn two_digits(&mut self) -> Option<u32> {
        let before = self.0.len();
        let number = self.one_or_two_digits()?;
        (before - self.0.len() == 2).then_some(number)
    }

    /// Parses `YEAR-MONTH-DAY` and checks that the day exists.
    fn date(&mut self) -> Option<()> {
        let (year, rest) = self.0.split_at_checked(4)?;
        if !year.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let year: u32 = year.parse().ok()?;
        self.0 = rest;
        self.expect_char('-')?;
        let month = self.one_or_two_digits()?;
        self.expect_char('-')?;
        let day = self.one_or_two_digits()?;
        (day >= 1 && day <= days_in_month(year, month)?).then_some(())
    }

    /// Parses the separator, the time, its fraction and its zone.
    fn time(&mut self) -> Option<()> {
        let has_zone = if self.0.starts_with(' ') {
            self.0 = self.0.trim_start_matches(' ');
            false
        } else {
            self.0 = self.0.strip_prefix(['T', 't'])?;
            true
        };
        let hour = self.one_or_two_digits()?;
        self.expect_char(':')?;
        let minute = self.one_or_two_digits()?;
        self.expect_char(':')?;
        let second = self.one_or_two_digits()?;
        if hour >= 24 || minute >= 60 || second >= 60 {
            return None;
        }
        // Go accepts a fraction of any length after a dot or a comma, but at least one digit.
        if let Some(fraction) = self.0.strip_prefix(['.', ','])
            && fraction.starts_with(|first: char| first.is_ascii_digit())
        {
            self.0 = fraction.trim_start_matches(|digit: char| digit.is_ascii_digit());
        }
        if has_zone { self.zone() } else { Some(()) }
    }

    /// Parses `Z`, `+HH:MM` or `-HH:MM`.
    fn zone(&mut self) -> Option<()> {
        if self.expect_char('Z').is_some() {
            return Some(());
        }
        self.0 = self.0.strip_prefix(['+', '-'])?;
        let hours = self.two_digits()?;
        self.expect_char(':')?;
        let minutes = self.two_digits()?;
        // Go's `time.Parse` accepts 24 hours and 60 minutes in a zone.
        (hours <= 24 && minutes <= 60).then_some(())
    }
}

/// Returns the number of days of a month; `None` if there is no such month.
fn days_in_month(year: u32, month: u32) -> Option<u32> {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => Some(31),
        4 | 6 | 9 | 11 => Some(30),
        2 => Some(if is_leap { 29 } else { 28 }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Go's `time.Parse` accepts the texts of the first list with one of the four formats of the
    /// YAML packages, and refuses those of the second list.
    #[test]
    fn timestamps_are_those_of_go() {
        for text in [
            "2001-1-1",
            "2000-2-29",
            "0000-01-01",
            "2001-1-1T1:1:1.5Z",
            "2001-1-1t1:1:1Z",
            "2001-01-01T01:01:01+24:60",
            "2001-1-1 1:1:1,5",
            "2001-1-1  1:1:1",
            "2001-1-1 1:1:1.1234567890123",
        ] {
            assert!(is_timestamp(text), "{text}");
        }
        for text in [
            "2001",
            "2001-1",
            "201-1-1",
            "2001-2-29",
            "2001-13-1",
            "2001-0-1",
            "2001-1-0",
            "2001-001-1",
            "2001-1-1 ",
            "2001-1-1 24:0:0",
            "2001-1-1 1:1:60",
            "2001-1-1 1:1:1.",
            "2001-1-1 1:1:1Z",
            "2001-1-1T1:1:1",
            "2001-1-1T1:1:1z",
            "2001-01-01T01:01:01+1:00",
            "2001-01-01T01:01:01+25:00",
            "é001-1-1",
        ] {
            assert!(!is_timestamp(text), "{text}");
        }
    }
}
