//! The writer of strings: it chooses the style of each string and folds long lines.

use super::writer::{INDENT_STEP, Place, Writer};
use crate::base64;
use charmwright_yaml::juju::is_text;

/// The column past which a line is folded at its next single space.
const LINE_WIDTH: usize = 80;
/// The most characters of base64 in a line of `!!binary`.
const BINARY_WIDTH: usize = 70;
/// The most bytes of a key that is written before a `:` on one line. libyaml counts them before it
/// escapes characters (measured).
const SIMPLE_KEY_LIMIT: usize = 128;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    Literal,
}

/// Returns `true` if a key is written on one line with its `:`. Any other key needs `?` before it.
pub(super) fn is_simple_key(key: &str) -> bool {
    key.len() <= SIMPLE_KEY_LIMIT && !key.contains(is_break)
}

/// The styles in which a text can be written. Any text can be double-quoted.
struct AllowedStyles {
    may_be_plain: bool,
    may_be_single_quoted: bool,
    may_be_literal: bool,
}

impl AllowedStyles {
    fn of(text: &str) -> Self {
        let is_space = |character: Option<char>| character == Some(' ');
        let (first, last) = (text.chars().next(), text.chars().next_back());
        let pairs = || text.chars().zip(text.chars().skip(1));
        // A parser would take a space beside a line break for indentation, or fold it.
        let has_break_then_space = pairs().any(|(a, b)| is_break(a) && b == ' ');
        let has_space_then_break = pairs().any(|(a, b)| a == ' ' && is_break(b));
        let is_printable = text.chars().all(is_printable);
        let ends_blank = first.is_some_and(is_break)
            || last.is_some_and(is_break)
            || is_space(first)
            || is_space(last);
        Self {
            may_be_plain: is_printable
                && !ends_blank
                && !text.contains(is_break)
                && !has_indicator(text),
            may_be_single_quoted: is_printable && !has_break_then_space && !has_space_then_break,
            may_be_literal: is_printable
                && !text.is_empty()
                && !has_space_then_break
                && !is_space(last),
        }
    }
}

/// Returns `true` if a parser would take a character of the text for YAML's syntax.
fn has_indicator(text: &str) -> bool {
    let ends_word =
        |character: Option<char>| character.is_none_or(|character| matches!(character, ' ' | '\t'));
    let mut characters = text.chars();
    let first = characters.next();
    let starts_badly = match first {
        Some(
            '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%'
            | '@' | '`',
        ) => true,
        Some('-' | '?' | ':') => ends_word(characters.next()),
        _ => false,
    };
    starts_badly
        || text.starts_with("---")
        || text.starts_with("...")
        || text.contains(": ")
        || text.ends_with(':')
        || text.contains(" #")
}

/// Returns `true` if a character is written without an escape. yaml.v2 escapes every character
/// above U+FFFF.
fn is_printable(character: char) -> bool {
    matches!(
        character,
        '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}'
    )
}

fn is_break(character: char) -> bool {
    matches!(character, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

impl Writer {
    /// Writes a string in the style that yaml.v2 chooses for it.
    pub(super) fn string(&mut self, text: &str, place: Place) {
        let allowed = AllowedStyles::of(text);
        let wanted = if text.contains('\n') {
            Style::Literal
        } else if is_text(text) && !is_sexagesimal(text) {
            Style::Plain
        } else {
            Style::DoubleQuoted
        };
        let style = match wanted {
            Style::Plain if allowed.may_be_plain => Style::Plain,
            Style::Plain if allowed.may_be_single_quoted => Style::SingleQuoted,
            // A block scalar cannot be a key.
            Style::Literal if allowed.may_be_literal && place != Place::Key => Style::Literal,
            _ => Style::DoubleQuoted,
        };
        let outer_indent = self.indent;
        self.indent = Some(outer_indent.map_or(INDENT_STEP, |indent| indent + INDENT_STEP));
        match style {
            Style::Plain => self.plain(text, place),
            Style::SingleQuoted => self.single_quoted(text, place),
            Style::DoubleQuoted => self.double_quoted(text, place),
            Style::Literal => self.literal(text),
        }
        self.indent = outer_indent;
    }

    /// Writes a string that is not UTF-8 in base64, with the tag `!!binary`. yaml.v2 writes more
    /// than one line as a block.
    pub(super) fn binary(&mut self, bytes: &[u8], place: Place) {
        let encoded = base64::encode(bytes);
        self.space();
        self.indicator("!!binary", false);
        if encoded.len() < BINARY_WIDTH {
            return self.plain(&encoded, place);
        }
        let mut lines = String::with_capacity(encoded.len() + encoded.len() / BINARY_WIDTH + 1);
        for (index, character) in encoded.chars().enumerate() {
            if index > 0 && index % BINARY_WIDTH == 0 {
                lines.push('\n');
            }
            lines.push(character);
        }
        lines.push('\n');
        let outer_indent = self.indent;
        self.indent = Some(outer_indent.map_or(INDENT_STEP, |indent| indent + INDENT_STEP));
        self.literal(&lines);
        self.indent = outer_indent;
    }

    fn may_fold(&self, place: Place) -> bool {
        place != Place::Key && self.column > LINE_WIDTH
    }

    pub(super) fn plain(&mut self, text: &str, place: Place) {
        self.space();
        let mut characters = text.chars().peekable();
        let mut was_space = false;
        while let Some(character) = characters.next() {
            let is_space = character == ' ';
            if is_space && !was_space && self.may_fold(place) && characters.peek() != Some(&' ') {
                self.indentation();
            } else {
                self.put(character);
                self.is_at_indentation = false;
            }
            was_space = is_space;
        }
        self.is_after_space = false;
        self.is_at_indentation = false;
    }

    fn single_quoted(&mut self, text: &str, place: Place) {
        self.space();
        self.indicator("'", false);
        let mut characters = text.chars().peekable();
        let mut is_first = true;
        let mut was_space = false;
        let mut was_break = false;
        while let Some(character) = characters.next() {
            let is_space = character == ' ';
            let is_inside = !is_first && characters.peek().is_some_and(|next| *next != ' ');
            is_first = false;
            if is_space && is_inside && !was_space && self.may_fold(place) {
                self.indentation();
                was_space = true;
                continue;
            }
            // Only U+2028 and U+2029 come here: a text with another line break is not
            // single-quoted.
            if is_break(character) {
                self.put(character);
                self.column = 0;
                self.is_at_indentation = true;
                was_break = true;
                continue;
            }
            if !is_space {
                if was_break {
                    self.indentation();
                }
                if character == '\'' {
                    self.put('\'');
                }
                self.is_at_indentation = false;
                was_break = false;
            }
            self.put(character);
            was_space = is_space;
        }
        self.indicator("'", false);
    }

    fn double_quoted(&mut self, text: &str, place: Place) {
        self.space();
        self.indicator("\"", false);
        // libyaml tests the first character of the text where it means the current one. So a byte
        // order mark at the start makes it escape every character (measured).
        let starts_with_mark = text.starts_with('\u{feff}');
        let mut characters = text.chars().peekable();
        let mut is_first = true;
        let mut was_space = false;
        while let Some(character) = characters.next() {
            let is_inside = !is_first && characters.peek().is_some();
            is_first = false;
            let must_escape = starts_with_mark
                || !is_printable(character)
                || is_break(character)
                || matches!(character, '"' | '\\');
            if must_escape {
                for part in escape(character).chars() {
                    self.put(part);
                }
            } else if character == ' ' && is_inside && !was_space && self.may_fold(place) {
                self.indentation();
                // A parser would take a space at the start of a line for indentation.
                if characters.peek() == Some(&' ') {
                    self.put('\\');
                }
            } else {
                self.put(character);
            }
            was_space = character == ' ' && !must_escape;
        }
        self.indicator("\"", false);
    }

    fn literal(&mut self, text: &str) {
        self.space();
        self.indicator("|", false);
        // A parser would take the spaces of the first line for indentation, so the header has its
        // width.
        if text.starts_with(|first| first == ' ' || is_break(first)) {
            self.indicator(&INDENT_STEP.to_string(), false);
        }
        // `-` means that the text does not end with a newline, and `+` that it ends with several.
        let mut from_end = text.chars().rev();
        match (from_end.next().is_some_and(is_break), from_end.next().is_none_or(is_break)) {
            (false, _) => self.indicator("-", false),
            (true, true) => self.indicator("+", false),
            (true, false) => {}
        }
        self.line_end();
        self.is_at_indentation = true;
        self.is_after_space = true;
        let mut was_break = true;
        for character in text.chars() {
            if is_break(character) {
                self.put(character);
                self.column = 0;
                self.is_at_indentation = true;
                was_break = true;
            } else {
                if was_break {
                    self.indentation();
                }
                self.put(character);
                self.is_at_indentation = false;
                was_break = false;
            }
        }
    }
}

fn escape(character: char) -> String {
    let letter = match character {
        '\0' => '0',
        '\u{7}' => 'a',
        '\u{8}' => 'b',
        '\t' => 't',
        '\n' => 'n',
        '\u{b}' => 'v',
        '\u{c}' => 'f',
        '\r' => 'r',
        '\u{1b}' => 'e',
        '"' => '"',
        '\\' => '\\',
        '\u{85}' => 'N',
        '\u{a0}' => '_',
        '\u{2028}' => 'L',
        '\u{2029}' => 'P',
        other => {
            let code = u32::from(other);
            return match code {
                0..=0xff => format!("\\x{code:02X}"),
                0x100..=0xffff => format!("\\u{code:04X}"),
                _ => format!("\\U{code:08X}"),
            };
        }
    };
    format!("\\{letter}")
}

/// Returns `true` if the text is a number of base 60 in YAML 1.1, such as `1:20`. yaml.v2 does not
/// parse it as a number, but quotes it.
fn is_sexagesimal(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    let mut parts = whole.split(':');
    let first = parts.next().unwrap_or_default();
    let mut places = parts.peekable();
    let is_place = |place: &str| match place.as_bytes() {
        [digit] => digit.is_ascii_digit(),
        [b'0'..=b'5', digit] => digit.is_ascii_digit(),
        _ => false,
    };
    first.starts_with(|digit: char| digit.is_ascii_digit())
        && is_digits(first)
        && places.peek().is_some()
        && places.all(is_place)
        && is_digits(fraction)
}
