//! Juju's argument rules for hook tools. The agent parses, not the client, so every charm meets the same ones.
//!
//! Source: reference `juju-agent.md` 1.1 and 1.3. `option` is the word of the error texts.

use std::collections::BTreeMap;

/// One option a tool takes: its spellings (one character = short), and whether it takes a value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Opt {
    /// Every spelling without dashes; the first is the name that the tool's code asks by.
    pub(super) names: &'static [&'static str],
    /// `None` for a boolean, else what the help calls the value.
    pub(super) value: Option<&'static str>,
    pub(super) help: &'static str,
}

impl Opt {
    pub(super) const fn flag(names: &'static [&'static str], help: &'static str) -> Self {
        Self {
            names,
            value: None,
            help,
        }
    }

    pub(super) const fn value(names: &'static [&'static str], value: &'static str, help: &'static str) -> Self {
        Self {
            names,
            value: Some(value),
            help,
        }
    }

    fn key(&self) -> &'static str {
        self.names.first().copied().unwrap_or_default()
    }
}

/// A parsed command line.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Parsed {
    flags: BTreeMap<&'static str, bool>,
    values: BTreeMap<&'static str, String>,
    pub(super) positionals: Vec<String>,
}

impl Parsed {
    /// Whether a boolean option was given and true.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.flags.get(name).copied().unwrap_or(false)
    }

    /// The last value given for an option.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// The positional at `index`.
    pub(super) fn positional(&self, index: usize) -> Option<&str> {
        self.positionals.get(index).map(String::as_str)
    }

    /// Refuses positionals from `from` on, as Juju words it.
    pub(super) fn no_more_than(&self, from: usize) -> Result<(), String> {
        match self.positionals.get(from..) {
            None | Some([]) => Ok(()),
            Some(rest) => Err(format!("unrecognized args: {}", quote_list(rest))),
        }
    }
}

/// Why parsing stopped.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// `-h` or `--help`.
    Help,
    /// A mistake; the text that follows `ERROR `.
    Usage(String),
}

/// Called with the option's key and its value as each is met: a bad value is refused where it stands.
pub(super) type Check<'a> = &'a dyn Fn(&str, &str) -> Result<(), String>;

/// Parses `args`; `check` judges the value of each option that takes one.
pub(super) fn parse(options: &[&Opt], args: &[String], check: Check<'_>) -> Result<Parsed, Stop> {
    let mut parsed = Parsed::default();
    let mut rest = args.iter();
    while let Some(token) = rest.next() {
        if token == "--" {
            parsed.positionals.extend(rest.cloned());
            break;
        }
        if let Some(long) = token.strip_prefix("--") {
            parse_long(options, long, &mut rest, check, &mut parsed)?;
        } else if token.len() > 1 && token.starts_with('-') {
            parse_short(
                options,
                token.get(1..).unwrap_or_default(),
                &mut rest,
                check,
                &mut parsed,
            )?;
        } else {
            parsed.positionals.push(token.clone());
        }
    }
    Ok(parsed)
}

fn parse_long(
    options: &[&Opt],
    long: &str,
    rest: &mut std::slice::Iter<'_, String>,
    check: Check<'_>,
    parsed: &mut Parsed,
) -> Result<(), Stop> {
    if long.starts_with(['-', '=']) {
        return Err(Stop::Usage(format!("bad option syntax: --{long}")));
    }
    let (name, inline) = match long.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (long, None),
    };
    let shown = format!("--{name}");
    let Some(option) = find(options, name, |spelling| spelling.chars().count() > 1) else {
        return Err(undefined(name, &shown));
    };
    if option.value.is_none() {
        let value = match inline {
            None => true,
            Some(text) => go_bool(text).ok_or_else(|| bad_bool(text, &shown))?,
        };
        parsed.flags.insert(option.key(), value);
        return Ok(());
    }
    let value = match inline {
        Some(value) => value.to_owned(),
        None => rest
            .next()
            .cloned()
            .ok_or_else(|| Stop::Usage(format!("option needs an argument: {shown}")))?,
    };
    set_value(option, &shown, value, check, parsed)
}

/// `-r 3`, `-r3`, `-ab`: a boolean leaves the rest of the token to be read as more options.
fn parse_short(
    options: &[&Opt],
    token: &str,
    rest: &mut std::slice::Iter<'_, String>,
    check: Check<'_>,
    parsed: &mut Parsed,
) -> Result<(), Stop> {
    let mut left = token;
    while let Some(character) = left.chars().next() {
        left = left.get(character.len_utf8()..).unwrap_or_default();
        let name = character.to_string();
        let shown = format!("-{name}");
        let Some(option) = find(options, &name, |spelling| spelling.chars().count() == 1) else {
            return Err(undefined(&name, &shown));
        };
        if option.value.is_none() {
            parsed.flags.insert(option.key(), true);
            continue;
        }
        let value = if left.is_empty() {
            rest.next()
                .cloned()
                .ok_or_else(|| Stop::Usage(format!("option needs an argument: {shown}")))?
        } else {
            left.to_owned()
        };
        return set_value(option, &shown, value, check, parsed);
    }
    Ok(())
}

fn set_value(option: &Opt, shown: &str, value: String, check: Check<'_>, parsed: &mut Parsed) -> Result<(), Stop> {
    check(option.key(), &value)
        .map_err(|why| Stop::Usage(format!("invalid value {} for option {shown}: {why}", go_quote(&value))))?;
    parsed.values.insert(option.key(), value);
    Ok(())
}

fn find<'a>(options: &[&'a Opt], name: &str, fits: impl Fn(&str) -> bool) -> Option<&'a Opt> {
    options
        .iter()
        .copied()
        .find(|option| option.names.iter().any(|spelling| *spelling == name && fits(spelling)))
}

fn undefined(name: &str, shown: &str) -> Stop {
    if name == "help" || name == "h" {
        return Stop::Help;
    }
    Stop::Usage(format!("option provided but not defined: {shown}"))
}

fn bad_bool(text: &str, shown: &str) -> Stop {
    Stop::Usage(format!(
        "invalid boolean value {} for option {shown}: strconv.ParseBool: parsing {}: invalid syntax",
        go_quote(text),
        go_quote(text)
    ))
}

/// The spellings Go takes for a boolean (`True` and `False` are what `ops` prints).
pub(super) fn go_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// A string as Go's `%q` prints it: the form of every name in an error text.
pub(super) fn go_quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\u{7}' => quoted.push_str("\\a"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{b}' => quoted.push_str("\\v"),
            ' '..='~' => quoted.push(character),
            '\u{0}'..='\u{1f}' | '\u{7f}' => quoted.push_str(&format!("\\x{:02x}", u32::from(character))),
            '\u{80}'..='\u{a0}' | '\u{ad}' | '\u{2028}' | '\u{2029}' | '\u{feff}' => {
                quoted.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

/// Several strings as Go's `%q` prints a list.
pub(super) fn quote_list(items: &[String]) -> String {
    let quoted: Vec<String> = items.iter().map(|item| go_quote(item)).collect();
    format!("[{}]", quoted.join(" "))
}

/// `KEY=VALUE` arguments: white space around either side is trimmed, a key may stand once.
pub(super) fn key_values(items: &[String]) -> Result<BTreeMap<String, String>, String> {
    let mut pairs = BTreeMap::new();
    for item in items {
        let pair = item.split_once('=').map(|(key, value)| (key.trim(), value.trim()));
        let Some((key, value)) = pair.filter(|(key, _)| !key.is_empty()) else {
            return Err(format!("expected \"key=value\", got {}", go_quote(item)));
        };
        if pairs.insert(key.to_owned(), value.to_owned()).is_some() {
            return Err(format!("key {} specified more than once", go_quote(key)));
        }
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RELATION: Opt = Opt::value(&["r", "relation"], "id", "a relation");
    const APP: Opt = Opt::flag(&["app"], "the application");
    const ALL: Opt = Opt::flag(&["a", "all"], "all");
    const FORMAT: Opt = Opt::value(&["format"], "format", "the format");

    fn run(args: &[&str]) -> Result<Parsed, Stop> {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        parse(&[&RELATION, &APP, &ALL, &FORMAT], &args, &|key, value| {
            if key == "format" && value == "xml" {
                Err("unknown format \"xml\"".to_owned())
            } else {
                Ok(())
            }
        })
    }

    fn usage(args: &[&str]) -> String {
        match run(args) {
            Err(Stop::Usage(text)) => text,
            other => panic!("{args:?} gave {other:?}"),
        }
    }

    #[test]
    fn options_stand_anywhere_until_two_dashes() {
        let parsed = run(&["-r", "1", "-", "app/0", "--format=json"]).unwrap();
        assert_eq!(parsed.value("r"), Some("1"));
        assert_eq!(parsed.value("format"), Some("json"));
        assert_eq!(parsed.positionals, ["-", "app/0"]);
        let parsed = run(&["x", "--", "--app", "-r"]).unwrap();
        assert_eq!(parsed.positionals, ["x", "--app", "-r"]);
        assert!(!parsed.flag("app"));
    }

    #[test]
    fn short_and_long_spellings_share_one_value_and_the_last_wins() {
        for args in [
            &["-r", "3"][..],
            &["-r3"],
            &["--relation", "3"],
            &["--relation=3"],
            &["-r", "9", "--relation=3"],
        ] {
            assert_eq!(run(args).unwrap().value("r"), Some("3"), "{args:?}");
        }
        assert_eq!(
            run(&["-r", "--app"]).unwrap().value("r"),
            Some("--app"),
            "a value is taken whatever it looks like"
        );
        let parsed = run(&["-ar7"]).unwrap();
        assert!(parsed.flag("a"));
        assert_eq!(parsed.value("r"), Some("7"));
    }

    #[test]
    fn booleans_never_take_the_next_token() {
        let parsed = run(&["--app", "false"]).unwrap();
        assert!(parsed.flag("app"));
        assert_eq!(parsed.positionals, ["false"]);
        assert!(!run(&["--app=False"]).unwrap().flag("app"));
        assert!(run(&["--app=True"]).unwrap().flag("app"));
    }

    #[test]
    fn mistakes_are_worded_as_juju_does() {
        assert_eq!(usage(&["--foo"]), "option provided but not defined: --foo");
        assert_eq!(usage(&["-foo"]), "option provided but not defined: -f");
        assert_eq!(usage(&["--forma=json"]), "option provided but not defined: --forma");
        assert_eq!(usage(&["--format"]), "option needs an argument: --format");
        assert_eq!(usage(&["-r"]), "option needs an argument: -r");
        assert_eq!(
            usage(&["--format", "xml"]),
            "invalid value \"xml\" for option --format: unknown format \"xml\""
        );
        assert_eq!(run(&["-h"]), Err(Stop::Help));
        assert_eq!(run(&["x", "--help"]), Err(Stop::Help));
        assert_eq!(
            run(&["x", "y"]).unwrap().no_more_than(0),
            Err("unrecognized args: [\"x\" \"y\"]".to_owned())
        );
        assert_eq!(run(&["x"]).unwrap().no_more_than(1), Ok(()));
    }

    #[test]
    fn pairs_are_trimmed_and_stand_once() {
        let pairs = |items: &[&str]| key_values(&items.iter().map(|item| (*item).to_owned()).collect::<Vec<_>>());
        assert_eq!(pairs(&[" a = b=c "]).unwrap().get("a").map(String::as_str), Some("b=c"));
        assert_eq!(pairs(&["x"]), Err("expected \"key=value\", got \"x\"".to_owned()));
        assert_eq!(pairs(&["=x"]), Err("expected \"key=value\", got \"=x\"".to_owned()));
        assert_eq!(
            pairs(&["x=1", "x=1"]),
            Err("key \"x\" specified more than once".to_owned())
        );
    }

    proptest! {
        #[test]
        fn no_command_line_panics(args in prop::collection::vec("[-=a-z]{0,6}|\\PC{0,8}", 0..6)) {
            let _ = parse(&[&RELATION, &APP, &ALL, &FORMAT], &args, &|_, _| Ok(()));
            let _ = key_values(&args);
            let _ = quote_list(&args);
        }
    }
}
