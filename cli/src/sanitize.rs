//! Text from outside (a charm, a workload, Pebble) without the characters that would act on a
//! terminal.

use charmwright_yaml::text::{clean, clean_lines};

/// Returns `text` on one line, with one blank for each run of white space.
pub fn one_line(text: &str) -> String {
    clean(text, usize::MAX).into_owned()
}

/// Returns `text` on one line with its blanks unchanged. A tab or the end of a line becomes one
/// blank.
pub fn line(text: &str) -> String {
    clean_lines(text, usize::MAX).replace(['\n', '\t'], " ")
}

/// Returns a JSON document with the same meaning in which every character that would act on a
/// terminal is escaped.
pub fn json(document: &str) -> String {
    let mut text = String::with_capacity(document.len());
    for character in document.chars() {
        if character.is_ascii() || !is_terminal_control(character) {
            text.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            text.push_str(&format!("\\u{unit:04x}"));
        }
    }
    // U+007F is the one control character of ASCII that JSON allows unescaped.
    text.replace('\u{7f}', "\\u007f")
}

/// Returns `true` for a character that [`clean_lines`] would remove or replace.
fn is_terminal_control(character: char) -> bool {
    let spelled = character.encode_utf8(&mut [0; 4]).to_owned();
    clean_lines(&spelled, usize::MAX) != spelled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_acts_on_the_terminal() {
        let hostile = "a\u{1b}[2J\u{7}\r\0\u{202e}\u{9b}0mb\nc";
        let sanitized = line(hostile);
        assert!(sanitized.starts_with('a') && sanitized.ends_with("b c"), "{sanitized:?}");
        assert!(sanitized.chars().all(|c| c == ' ' || c.is_ascii_lowercase()), "{sanitized:?}");
        assert_eq!(one_line(" two\nlines \t here "), "two lines here");
        assert_eq!(line("a\tb  c"), "a b  c");
        assert_eq!(line("grüße 漢字 🙂"), "grüße 漢字 🙂");
    }

    #[test]
    fn json_says_the_same() {
        let value = serde_json::json!({"a": "\u{202e}\u{9b}\u{e0001}\u{1b}\u{7f}ü", "b": 1});
        let document = serde_json::to_string_pretty(&value).unwrap();
        let shown = json(&document);
        assert!(shown.lines().all(|line| !line.chars().any(is_terminal_control)), "{shown}");
        let same = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(same(&shown), value);
    }
}
