//! [`parse_counts`] parses the arguments of `storage-add`: `NAME`, or `NAME=` and a list of a pool,
//! a count and a size. Juju parses all three, but refuses a pool and a size afterwards.
//!
//! Source: Juju, `storage.ParseConstraintsMap` (3.6) and `ParseDirectivesMap` (4.0); reference
//! `juju-agent-measured.md` 3.8.

use super::go_text::go_quote;

/// Returns the requested number of instances of each storage, in the order of the arguments. `word`
/// is Juju's word for the part after the name: `constraint` before 4.0, then `directive`.
///
/// # Errors
/// Returns Juju's text for a malformed argument, or one with a pool or a size.
pub(super) fn parse_counts(args: &[String], word: &str) -> Result<Vec<(String, u64)>, String> {
    let mut all: Vec<(String, Directive)> = Vec::new();
    for arg in args {
        let plural = if word == "constraint" { "constraints" } else { word };
        let (name, directive) = match arg.split_once('=') {
            None => (arg.as_str(), "1"),
            Some((name, directive)) => (name, directive),
        };
        if name.is_empty() || directive.contains('=') {
            let got = go_quote(arg);
            return Err(format!("expected \"name={plural}\" or \"name\", got {got}"));
        }
        if all.iter().any(|(other, _)| other == name) {
            return Err(format!("storage {} specified more than once", go_quote(name)));
        }
        let parsed = Directive::parse(directive, word).map_err(|why| {
            format!("cannot parse {plural} for storage {}: {why}", go_quote(name))
        })?;
        all.push((name.to_owned(), parsed));
    }
    let only_count = |(name, directive): (String, Directive)| {
        if directive.pool.is_some() || directive.size != 0 {
            return Err(format!("only count can be specified for {}", go_quote(&name)));
        }
        Ok((name, directive.count.max(1)))
    };
    all.into_iter().map(only_count).collect()
}

/// The fields of one argument. As in Juju, zero stands for a number that was not given.
#[derive(Default)]
struct Directive {
    pool: Option<String>,
    count: u64,
    /// The size in MiB.
    size: u64,
}

impl Directive {
    fn parse(text: &str, word: &str) -> Result<Self, String> {
        let mut directive = Self::default();
        for field in text.split(',').filter(|field| !field.is_empty()) {
            if is_pool(field) {
                if let Some(pool) = &directive.pool {
                    let (pool, field) = (go_quote(pool), go_quote(field));
                    return Err(format!(
                        "pool name is already set to {pool}, new value {field} not valid"
                    ));
                }
                directive.pool = Some(field.to_owned());
            } else if let Some(count) = parse_count(field) {
                let count = count.map_err(|why| format!("parsing storage count: {why}"))?;
                set_once(&mut directive.count, count, "storage instance count")?;
            } else if let Some(size) = parse_size(field) {
                let size = size.map_err(|why| format!("cannot parse size: {why}"))?;
                set_once(&mut directive.size, size, "storage size")?;
            } else {
                return Err(format!("unrecognized storage {word} {} not valid", go_quote(field)));
            }
        }
        if directive.pool.is_none() && directive.count == 0 && directive.size == 0 {
            return Err(format!("storage {word}s require at least one field to be specified"));
        }
        Ok(directive)
    }
}

/// Sets a field, unless it has a value already.
fn set_once(field: &mut u64, value: u64, what: &str) -> Result<(), String> {
    if *field != 0 {
        return Err(format!("{what} is already set to {field}, new value {value} not valid"));
    }
    *field = value;
    Ok(())
}

/// Returns `true` for the name of a pool: a letter, then letters, digits, hyphens and question
/// marks.
fn is_pool(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'?'))
}

/// Parses a count, which must be at least 1. Returns `None` if the text is no integer of 64 bits,
/// so that it may be a size.
fn parse_count(text: &str) -> Option<Result<u64, String>> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let below_one =
        || Some(Err(format!("count must be greater than zero, got {}", go_quote(text))));
    if text.starts_with('-') {
        return below_one();
    }
    match text.parse() {
        Ok(0) => below_one(),
        Ok(count) => Some(Ok(count)),
        Err(_) => None,
    }
}

/// Parses a size such as `1.5G` or `10MiB` to MiB, rounded up. Returns `None` if the text is no
/// size.
fn parse_size(text: &str) -> Option<Result<u64, String>> {
    let number = text.strip_suffix('B').unwrap_or(text);
    let number = match number.strip_suffix('i') {
        Some(number) if text.ends_with('B') => number,
        _ => number,
    };
    let unit = number.chars().next_back()?;
    let power = "MGTPEZY".find(unit)?;
    let number = number.get(..number.len() - 1)?;
    let (whole, fraction) = match number.split_once('.') {
        None => (number, "0"),
        Some((whole, fraction)) => (whole, fraction),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole.strip_prefix('-').unwrap_or(whole)) || !digits(fraction) {
        return None;
    }
    if text.starts_with('-') {
        // Juju's error shows the whole text, because its parser does not find the end of a number
        // that has a sign.
        return Some(Err(format!("expected a non-negative number, got {}", go_quote(text))));
    }
    let multiplier = 1024_f64.powi(i32::try_from(power).unwrap_or_default());
    let mib = number.parse::<f64>().unwrap_or_default() * multiplier;
    // The size is only compared with zero and printed in an error, so a limit does no harm.
    Some(Ok(if mib > 0.0 { mib.ceil().min(1e18) as u64 } else { 0 }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(args: &[&str], word: &str) -> Result<Vec<(String, u64)>, String> {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        parse_counts(&args, word)
    }

    #[test]
    fn counts_are_read_and_all_else_is_refused() {
        for (args, counts) in [
            (&["data"][..], &[("data", 1)][..]),
            (&["data=3", "nope"], &[("data", 3), ("nope", 1)]),
            (&["Data", "data,1", "data=,2,"], &[("Data", 1), ("data,1", 1), ("data", 2)]),
            (&["data=007"], &[("data", 7)]),
        ] {
            let counts = counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
            assert_eq!(parse(args, "constraint"), Ok(counts), "{args:?}");
        }
        for (args, error) in [
            (&["data=1G"][..], "only count can be specified for \"data\""),
            (&["data=x"], "only count can be specified for \"data\""),
            (&["data=pool,1"], "only count can be specified for \"data\""),
            (
                &["data=0"],
                "cannot parse constraints for storage \"data\": parsing storage count: \
                 count must be greater than zero, got \"0\"",
            ),
            (
                &["data=-1"],
                "cannot parse constraints for storage \"data\": parsing storage count: \
                 count must be greater than zero, got \"-1\"",
            ),
            (
                &["data="],
                "cannot parse constraints for storage \"data\": storage constraints require at \
                 least one field to be specified",
            ),
            (
                &["data=0M"],
                "cannot parse constraints for storage \"data\": storage constraints require at \
                 least one field to be specified",
            ),
            (&["data", "data"], "storage \"data\" specified more than once"),
            (&["=1"], "expected \"name=constraints\" or \"name\", got \"=1\""),
            (&["a=1=2"], "expected \"name=constraints\" or \"name\", got \"a=1=2\""),
            (&[""], "expected \"name=constraints\" or \"name\", got \"\""),
            (
                &["data=1,2"],
                "cannot parse constraints for storage \"data\": storage instance count is already \
                 set to 1, new value 2 not valid",
            ),
            (
                &["data=1G,2MiB"],
                "cannot parse constraints for storage \"data\": storage size is already set to \
                 1024, new value 2 not valid",
            ),
            (
                &["data=a,b"],
                "cannot parse constraints for storage \"data\": pool name is already set to \
                 \"a\", new value \"b\" not valid",
            ),
            (
                &["data=-1.5GB"],
                "cannot parse constraints for storage \"data\": cannot parse size: expected a \
                 non-negative number, got \"-1.5GB\"",
            ),
            (
                &["data=99999999999999999999"],
                "cannot parse constraints for storage \"data\": \
                 unrecognized storage constraint \"99999999999999999999\" not valid",
            ),
            (
                &["data=1K"],
                "cannot parse constraints for storage \"data\": unrecognized storage constraint \
                 \"1K\" not valid",
            ),
        ] {
            assert_eq!(parse(args, "constraint"), Err(error.to_owned()), "{args:?}");
            let newer = error
                .replace("constraints for", "directive for")
                .replace("name=constraints", "name=directive");
            assert_eq!(
                parse(args, "directive"),
                Err(newer.replace("constraint", "directive")),
                "{args:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_argument_panics(
            args in prop::collection::vec("[-a0-9=,.MGB]{0,10}|\\PC{0,8}", 0..4)
        ) {
            let _ = parse_counts(&args, "constraint");
        }
    }
}
