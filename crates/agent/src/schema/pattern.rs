//! [`Pattern`] is a regular expression in Go's syntax (RE2). It is translated to the syntax of
//! `regex_lite`, which is nearly the same.
//!
//! Syntax that only Go accepts is rewritten: a `{` that begins no count, `[` and `&&` in a class,
//! `\Q…\E`. Syntax that only the engine accepts is refused: a repetition of a repetition, a count
//! above 1000. The classes of Unicode (`\p{…}`) are not supported.

use std::iter::Peekable;
use std::str::Chars;

use regex_lite::Regex;

/// The largest count of a repetition that Go accepts.
const REPEAT_LIMIT: u32 = 1_000;

/// A compiled pattern.
#[derive(Debug)]
pub(super) struct Pattern {
    text: String,
    compiled: Regex,
}

impl Pattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// Returns the reason if the pattern is not valid in Go, or not supported here.
    pub(super) fn compile(pattern: &str) -> Result<Self, String> {
        let compiled = Regex::new(&translate(pattern)?).map_err(|why| why.to_string())?;
        Ok(Self { text: pattern.to_owned(), compiled })
    }

    /// Returns `true` if the pattern matches anywhere in a text.
    pub(super) fn is_match(&self, text: &str) -> bool {
        self.compiled.is_match(text)
    }

    /// Returns the pattern as the charm has it.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }
}

/// The kind of the last token, which decides whether a repetition may follow.
#[derive(PartialEq, Eq)]
enum LastToken {
    Other,
    Repetition,
    /// A repetition with the `?` that makes it lazy.
    Lazy,
}

/// Translates a pattern from Go's syntax.
fn translate(pattern: &str) -> Result<String, String> {
    let mut text = String::with_capacity(pattern.len());
    let mut rest = pattern.chars().peekable();
    let mut last = LastToken::Other;
    while let Some(character) = rest.next() {
        let repeats = match character {
            '*' | '+' | '?' => true,
            '{' => match count(rest.clone().collect::<String>().as_str())? {
                Some(length) => {
                    text.push('{');
                    text.extend(rest.by_ref().take(length));
                    take_repetition(&mut last, '{')?;
                    continue;
                }
                None => {
                    text.push_str("\\{");
                    last = LastToken::Other;
                    continue;
                }
            },
            _ => false,
        };
        if repeats {
            // A `?` at the beginning of a group is part of its syntax, as in `(?:a)`.
            if !(character == '?' && text.ends_with('(') && !text.ends_with("\\(")) {
                take_repetition(&mut last, character)?;
            }
            text.push(character);
            continue;
        }
        last = LastToken::Other;
        match character {
            '\\' => escape(&mut text, &mut rest),
            '[' => class(&mut text, &mut rest),
            other => text.push(other),
        }
    }
    Ok(text)
}

/// Records a repetition, and refuses one that follows another.
fn take_repetition(last: &mut LastToken, character: char) -> Result<(), String> {
    *last = match last {
        LastToken::Other => LastToken::Repetition,
        LastToken::Repetition if character == '?' => LastToken::Lazy,
        LastToken::Repetition | LastToken::Lazy => {
            return Err("invalid nested repetition operator".to_owned());
        }
    };
    Ok(())
}

/// Returns the length of the text after a `{` if it is a count, such as `2,3}`, and `None` if it is
/// not.
fn count(after: &str) -> Result<Option<usize>, String> {
    let Some((counts, _)) = after.split_once('}') else {
        return Ok(None);
    };
    let (least, most) = counts.split_once(',').unwrap_or((counts, ""));
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !number(least) || !(most.is_empty() || number(most)) {
        return Ok(None);
    }
    for text in [least, most].into_iter().filter(|text| !text.is_empty()) {
        if text.parse::<u32>().map_or(true, |count| count > REPEAT_LIMIT) {
            return Err("invalid repeat count".to_owned());
        }
    }
    Ok(Some(counts.len() + 1))
}

/// Translates an escape outside of a class. The backslash has been taken already.
fn escape(text: &mut String, rest: &mut Peekable<Chars<'_>>) {
    match rest.next() {
        Some('Q') => {
            // Without `\E` the literal text goes to the end of the pattern.
            let all: String = rest.clone().collect();
            let literal = all.split("\\E").next().unwrap_or_default();
            text.push_str(&regex_lite::escape(literal));
            let taken = literal.chars().count() + if all.len() > literal.len() { 2 } else { 0 };
            rest.by_ref().take(taken).for_each(drop);
        }
        Some(other) => text.extend(['\\', other]),
        None => text.push('\\'),
    }
}

/// Translates a class up to its end. In Go `[`, `&` and `~` have no meaning in a class.
fn class(text: &mut String, rest: &mut Peekable<Chars<'_>>) {
    text.push('[');
    if rest.next_if_eq(&'^').is_some() {
        text.push('^');
    }
    if rest.next_if_eq(&']').is_some() {
        text.push_str("\\]");
    }
    while let Some(character) = rest.next() {
        match character {
            ']' => return text.push(']'),
            '\\' => {
                text.push('\\');
                text.extend(rest.next());
            }
            '[' if rest.peek() == Some(&':') => {
                text.push('[');
                // The `]` of a named class such as `[:alnum:]` does not end the outer class.
                for inner in rest.by_ref() {
                    text.push(inner);
                    if inner == ']' {
                        break;
                    }
                }
            }
            '[' | '&' | '~' => text.extend(['\\', character]),
            other => text.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_read_as_go_reads_them() {
        for (pattern, good, bad) in [
            (r"^[a-z][a-z0-9_-]*$", "ab-1_", "1a"),
            (r"^\d{2,3}$", "12", "1"),
            (r"^{.*}$", "{a}", "a"),
            (r"^a{,2}$", "a{,2}", "aa"),
            (r"^[[a]$", "[", "b"),
            (r"^[a&&b]+$", "a&b", "c"),
            (r"^[]a]+$", "]a", "b"),
            (r"^[^]a]+$", "b", "]"),
            (r"^[[:alnum:]_]+$", "aZ_", "-"),
            (r"^[\w.\]]+$", "a.]", "-"),
            (r"^\Qa.b\E$", "a.b", "axb"),
            (r"\Q(", "(", "x"),
            (r"^(?:a|b)+?$", "ab", "c"),
            (r"(?i)^ÄB$", "ÄB", "c"),
            (r"^\(?x\)$", "(x)", "x"),
            (r"^a.c\z", "abc", "abcd"),
        ] {
            let compiled =
                Pattern::compile(pattern).unwrap_or_else(|why| panic!("{pattern}: {why}"));
            assert!(compiled.is_match(good) && !compiled.is_match(bad), "{pattern}");
        }
        for pattern in [
            "(",
            "a**",
            "a{2}{3}",
            "a+*",
            "a{1001}",
            "a{2,1001}",
            "(?<!a)b",
            "(?=a)",
            r"\8",
            "[a",
            "\\",
            "*a",
        ] {
            assert!(Pattern::compile(pattern).is_err(), "{pattern}");
        }
    }
}
