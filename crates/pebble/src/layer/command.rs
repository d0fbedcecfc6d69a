//! Splits a command line into words as Pebble does, so that a command which would end the daemon
//! can be refused before it is sent.
//!
//! The rules look like those of a shell, but differ from POSIX (and so from the `shlex` crate) in
//! three ways:
//! - A carriage return is a blank.
//! - A backslash inside double quotes takes away the special meaning of every character, and
//!   vanishes.
//! - A backslash at the end of a line keeps the line end.

/// Says why a command is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CommandFault {
    /// The command has no word. Pebble accepts it, and panics when the command is to be run.
    Empty,
    /// A quote is not closed.
    OpenQuote,
    /// The command ends in a backslash.
    LastBackslash,
    /// The command starts with a group of default arguments.
    GroupFirst,
    /// A group of default arguments contains another.
    GroupNested,
    /// Words follow the group of default arguments.
    GroupNotLast,
    /// A group of default arguments is closed and was not opened.
    GroupNotOpen,
    /// The command contains a NUL, which neither a program nor an argument can have. Pebble accepts
    /// it, and the service never starts.
    Nul,
}

impl CommandFault {
    /// Returns the reason in words, for a message.
    pub(super) fn why(self) -> &'static str {
        match self {
            Self::Empty => "it holds no word, only blanks or a comment",
            Self::OpenQuote => "a quote is not closed",
            Self::LastBackslash => "it ends in a backslash",
            Self::GroupFirst => "it starts with a [ ... ] group of default arguments",
            Self::GroupNested => "a [ ... ] group of default arguments holds another",
            Self::GroupNotLast => "something follows its [ ... ] group of default arguments",
            Self::GroupNotOpen => "it has a ] with no [ before it",
            Self::Nul => "it has a NUL in it",
        }
    }
}

/// Checks the command of a service, including its group of default arguments.
pub(super) fn check_service_command(command: &str) -> Result<(), CommandFault> {
    let words = split(command)?;
    let mut words = words.iter().map(String::as_str);
    match words.next() {
        None => return Err(CommandFault::Empty),
        Some("[") => return Err(CommandFault::GroupFirst),
        Some("]") => return Err(CommandFault::GroupNotOpen),
        Some(_) => {}
    }
    for word in words.by_ref() {
        match word {
            "]" => return Err(CommandFault::GroupNotOpen),
            "[" => break,
            _ => {}
        }
    }
    // From here on the words are inside the group, if there is one. Pebble does not demand that it
    // is closed.
    for word in words.by_ref() {
        match word {
            "[" => return Err(CommandFault::GroupNested),
            "]" => break,
            _ => {}
        }
    }
    if words.next().is_some() { Err(CommandFault::GroupNotLast) } else { Ok(()) }
}

/// Checks the command of an exec check. Brackets have no meaning in it.
pub(super) fn check_exec_command(command: &str) -> Result<(), CommandFault> {
    if split(command)?.is_empty() { Err(CommandFault::Empty) } else { Ok(()) }
}

/// Splits a command line into words. A pair of quotes with nothing inside is an empty word.
fn split(line: &str) -> Result<Vec<String>, CommandFault> {
    let mut words = Vec::new();
    let mut chars = line.chars();
    while let Some(first) = chars.next() {
        if is_blank(first) {
            continue;
        }
        if first == '#' {
            // A comment goes to the end of its line. Inside a word the character has no meaning.
            chars.by_ref().find(|&c| c == '\n');
            continue;
        }
        let word = read_word(first, &mut chars)?;
        if word.contains('\0') {
            return Err(CommandFault::Nul);
        }
        words.push(word);
    }
    Ok(words)
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// Reads a word that begins with `first`, up to the next blank.
fn read_word(first: char, rest: &mut std::str::Chars<'_>) -> Result<String, CommandFault> {
    let mut word = String::new();
    let mut next = Some(first);
    while let Some(c) = next {
        match c {
            c if is_blank(c) => break,
            '\\' => word.push(rest.next().ok_or(CommandFault::LastBackslash)?),
            '\'' | '"' => read_quoted(c, rest, &mut word)?,
            c => word.push(c),
        }
        next = rest.next();
    }
    Ok(word)
}

/// Reads up to the closing quote, and appends the characters inside to `word`.
fn read_quoted(
    quote: char,
    rest: &mut std::str::Chars<'_>,
    word: &mut String,
) -> Result<(), CommandFault> {
    loop {
        match rest.next().ok_or(CommandFault::OpenQuote)? {
            c if c == quote => return Ok(()),
            '\\' if quote == '"' => word.push(rest.next().ok_or(CommandFault::LastBackslash)?),
            c => word.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn splits_as_pebble_does() {
        for (line, words) in [
            ("a b  c", &["a", "b", "c"][..]),
            ("\ta\r\nb\n", &["a", "b"]),
            ("a 'b c' \"d e\"f", &["a", "b c", "d ef"]),
            ("a '' \"\"", &["a", "", ""]),
            ("a\\ b \\'c", &["a b", "'c"]),
            (r#"sh -c "echo \"$HOME\" \n""#, &["sh", "-c", "echo \"$HOME\" n"]),
            ("'a\\' b", &["a\\", "b"]),
            ("a\\\nb", &["a\nb"]),
            ("a # b c\nd", &["a", "d"]),
            ("a#b c", &["a#b", "c"]),
            ("# only", &[]),
            (" \t ", &[]),
            ("#x\n#y", &[]),
            ("", &[]),
            ("''", &[""]),
            ("ü 'ß'", &["ü", "ß"]),
        ] {
            assert_eq!(split(line).unwrap(), words, "{line:?}");
        }
        assert_eq!(split("a 'b"), Err(CommandFault::OpenQuote));
        assert_eq!(split("a \"b"), Err(CommandFault::OpenQuote));
        assert_eq!(split("a \\"), Err(CommandFault::LastBackslash));
        assert_eq!(split("a \"b\\"), Err(CommandFault::LastBackslash));
    }

    #[test]
    fn knows_the_group_of_default_arguments() {
        for good in ["a", "a [ ]", "a b [ c d ]", "a [ b", "a [b] c", "a [", "'' x", "a [ [b ]"] {
            assert_eq!(check_service_command(good), Ok(()), "{good:?}");
        }
        for (bad, fault) in [
            ("", CommandFault::Empty),
            ("  \n", CommandFault::Empty),
            ("# a", CommandFault::Empty),
            ("[ a ]", CommandFault::GroupFirst),
            ("]", CommandFault::GroupNotOpen),
            ("a ]", CommandFault::GroupNotOpen),
            ("a [ b [ c ] ]", CommandFault::GroupNested),
            ("a [ b ] c", CommandFault::GroupNotLast),
            ("a [ b ] ]", CommandFault::GroupNotLast),
            ("a 'b", CommandFault::OpenQuote),
            ("a\0b", CommandFault::Nul),
            ("a 'b \0'", CommandFault::Nul),
        ] {
            assert_eq!(check_service_command(bad), Err(fault), "{bad:?}");
        }
        assert_eq!(check_exec_command("[ -e /tmp ]"), Ok(()));
        assert_eq!(check_exec_command("#"), Err(CommandFault::Empty));
        assert_eq!(check_exec_command("a b\0"), Err(CommandFault::Nul));
    }

    proptest! {
        #[test]
        fn any_line_has_an_answer(line in "[ab \\t\\r\\n'\"\\\\#\\[\\]ü]{0,24}") {
            if let Ok(words) = split(&line) {
                // Words that are quoted again split to themselves.
                let quoted: Vec<String> = words
                    .iter()
                    .map(|word| format!("'{}'", word.replace('\'', "'\\''")))
                    .collect();
                let quoted = quoted.join(" ");
                prop_assert_eq!(split(&quoted).unwrap(), words);
            }
            let _ = check_service_command(&line);
        }
    }
}
