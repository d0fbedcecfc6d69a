//! [`parse`] parses the arguments of a hook tool by Juju's rules. Juju's agent parses them, not the
//! tool's process, so the rules are the same for every tool.
//!
//! The error texts say `option` for a flag, as Juju's do. Source: reference `juju-agent.md` 1.1 and
//! 1.3, and `juju-agent-measured.md` 2.1, row 32.

use std::collections::{BTreeMap, BTreeSet};

use super::go_text::{go_quote, parse_bool, quote_list};

/// The declaration of an option of a tool. A name of one character is a short option.
#[derive(Debug, Clone, Copy)]
pub(super) struct Opt {
    /// Every name, without dashes. The tool's code asks for the option by its first name.
    pub(super) names: &'static [&'static str],
    /// The name of the value in the help, or `None` for a boolean.
    pub(super) value: Option<&'static str>,
    pub(super) help: &'static str,
}

impl Opt {
    pub(super) const fn flag(names: &'static [&'static str], help: &'static str) -> Self {
        Self { names, value: None, help }
    }

    pub(super) const fn value(
        names: &'static [&'static str],
        value: &'static str,
        help: &'static str,
    ) -> Self {
        Self { names, value: Some(value), help }
    }

    fn key(&self) -> &'static str {
        self.names.first().copied().unwrap_or_default()
    }
}

/// A parsed command line.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct ParsedArgs {
    flags: BTreeMap<&'static str, bool>,
    values: BTreeMap<&'static str, String>,
    pub(super) positionals: Vec<String>,
}

impl ParsedArgs {
    /// Returns `true` if a boolean option was given and is true.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.flags.get(name).copied().unwrap_or(false)
    }

    /// Returns the last value that was given for an option.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Returns the positional argument at `index`.
    pub(super) fn positional(&self, index: usize) -> Option<&str> {
        self.positionals.get(index).map(String::as_str)
    }

    /// Refuses the positional arguments from index `from` on.
    ///
    /// # Errors
    /// Returns Juju's text with the arguments that are too many.
    pub(super) fn refuse_positionals_from(&self, from: usize) -> Result<(), String> {
        match self.positionals.get(from..) {
            None | Some([]) => Ok(()),
            Some(rest) => Err(format!("unrecognized args: {}", quote_list(rest))),
        }
    }
}

/// The reason for which the tool does not run.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The caller asked for the help with `-h` or `--help`.
    Help,
    /// The arguments have a mistake. The text follows `ERROR ` on standard error.
    Usage(String),
}

/// A function that judges the value of an option, given the option's first name and the value. It
/// runs while the arguments are parsed, so the first bad value decides which error Juju prints.
pub(super) type Check<'a> = &'a dyn Fn(&str, &str) -> Result<(), String>;

/// Parses the arguments of a tool. `check` judges the value of each option that takes one.
///
/// # Errors
/// Returns [`Stop::Help`] for a request for help, and [`Stop::Usage`] for a mistake.
pub(super) fn parse(
    options: &[&Opt],
    args: &[String],
    check: Check<'_>,
) -> Result<ParsedArgs, Stop> {
    let mut parser =
        Parser { options, args: args.iter(), untaken: "", check, parsed: ParsedArgs::default() };
    while parser.take_next()? {}
    Ok(parser.parsed)
}

struct Parser<'a> {
    options: &'a [&'a Opt],
    args: std::slice::Iter<'a, String>,
    /// The part of the last argument that no option has taken yet.
    untaken: &'a str,
    check: Check<'a>,
    parsed: ParsedArgs,
}

impl<'a> Parser<'a> {
    /// Takes one option or positional argument. Returns `false` when no argument is left.
    fn take_next(&mut self) -> Result<bool, Stop> {
        // Juju looks for a further argument before it looks at the rest of the last one. So the
        // letters behind a short boolean are ignored if the argument is the last (measured).
        let Some(token) = self.args.as_slice().first() else {
            return Ok(false);
        };
        if !self.untaken.is_empty() {
            return self.take_short_option(self.untaken);
        }
        self.args.next();
        match token.strip_prefix('-') {
            // A `-` alone is positional, and so is everything after `--`.
            None | Some("") => self.parsed.positionals.push(token.clone()),
            Some("-") => {
                self.parsed.positionals.extend(self.args.by_ref().cloned());
                return Ok(false);
            }
            Some(letters) => match letters.strip_prefix('-') {
                None => return self.take_short_option(letters),
                Some(long) => {
                    // The value keeps its `=`, so that an empty value differs from no value.
                    let (name, value) = long.split_at(long.find('=').unwrap_or(long.len()));
                    if name.is_empty() {
                        let shown = go_quote(token);
                        return Err(Stop::Usage(format!("empty option in argument {shown}")));
                    }
                    self.untaken = value;
                    return self.take_option(name, true);
                }
            },
        }
        Ok(true)
    }

    /// Takes a short option, such as `-r 3`, `-r3` or the first of `-ab`: its first letter is the
    /// name.
    fn take_short_option(&mut self, letters: &'a str) -> Result<bool, Stop> {
        let length = letters.chars().next().map_or(0, char::len_utf8);
        let (name, rest) = letters.split_at(length);
        self.untaken = rest;
        self.take_option(name, false)
    }

    /// Takes the option of this name, with its value.
    fn take_option(&mut self, name: &str, is_long: bool) -> Result<bool, Stop> {
        let shown = with_dashes(name);
        // Juju does not look at the number of dashes: `--r 3` is the same as `-r 3`.
        let Some(option) = self.options.iter().find(|option| option.names.contains(&name)) else {
            return Err(match name {
                "help" | "h" => Stop::Help,
                _ => Stop::Usage(format!("option provided but not defined: {shown}")),
            });
        };
        let refuse = |value: &str, why: &str| {
            Stop::Usage(format!("invalid value {} for option {shown}: {why}", go_quote(value)))
        };
        if option.value.is_none() {
            let value = if self.untaken.starts_with('=') {
                let value = self.take_inline_value(is_long);
                parse_bool(value).map_err(|why| refuse(value, &why))?
            } else {
                true
            };
            self.parsed.flags.insert(option.key(), value);
            return Ok(true);
        }
        let value = if !self.untaken.is_empty() {
            self.take_inline_value(is_long)
        } else if let Some(value) = self.args.next() {
            value
        } else {
            return Err(Stop::Usage(format!("option needs an argument: {shown}")));
        };
        (self.check)(option.key(), value).map_err(|why| refuse(value, &why))?;
        self.parsed.values.insert(option.key(), value.to_owned());
        Ok(true)
    }

    /// Takes the value in the option's own argument. The `=` belongs to the value of a short option
    /// (measured).
    fn take_inline_value(&mut self, is_long: bool) -> &'a str {
        let value = std::mem::take(&mut self.untaken);
        if is_long { value.strip_prefix('=').unwrap_or(value) } else { value }
    }
}

/// Returns an option's name as Juju's errors print it. It has two dashes if it is longer than one
/// byte, so a single letter beyond ASCII has two as well (measured).
fn with_dashes(name: &str) -> String {
    let dashes = if name.len() > 1 { "--" } else { "-" };
    format!("{dashes}{name}")
}

/// Parses arguments of the form `KEY=VALUE` and returns the pairs in their order. White space
/// around the key and the value is trimmed, and an empty argument is skipped.
///
/// # Errors
/// Returns Juju's text if an argument is no pair, or a key is given twice.
pub(super) fn parse_key_values(items: &[String]) -> Result<Vec<(String, String)>, String> {
    let (mut pairs, mut seen) = (Vec::with_capacity(items.len()), BTreeSet::new());
    for item in items.iter().filter(|item| !item.is_empty()) {
        let Some((key, value)) = item.split_once('=') else {
            return Err(format!("expected \"key=value\", got {}", go_quote(item)));
        };
        let (key, value) = (key.trim(), value.trim());
        if key.is_empty() {
            return Err(format!("expected \"key=value\", got \"={value}\""));
        }
        if !seen.insert(key) {
            return Err(format!("key {} specified more than once", go_quote(key)));
        }
        pairs.push((key.to_owned(), value.to_owned()));
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

    fn run(args: &[&str]) -> Result<ParsedArgs, Stop> {
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
        // The letters after a short boolean are options only if another argument follows.
        let parsed = run(&["-ar7", "x"]).unwrap();
        assert!(parsed.flag("a"));
        assert_eq!(
            (parsed.value("r"), parsed.positionals.as_slice()),
            (Some("7"), &["x".to_owned()][..])
        );
        assert_eq!(run(&["-ar7"]).unwrap().value("r"), None);
        assert!(run(&["-ax"]).unwrap().flag("a"));
        assert_eq!(usage(&["-ax", "y"]), "option provided but not defined: -x");
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
    fn mistakes_have_the_texts_of_juju() {
        assert_eq!(usage(&["--foo"]), "option provided but not defined: --foo");
        assert_eq!(usage(&["-foo"]), "option provided but not defined: -f");
        assert_eq!(usage(&["--forma=json"]), "option provided but not defined: --forma");
        assert_eq!(usage(&["--format"]), "option needs an argument: --format");
        assert_eq!(usage(&["-r"]), "option needs an argument: -r");
        assert_eq!(
            usage(&["--format", "xml"]),
            "invalid value \"xml\" for option --format: unknown format \"xml\""
        );
        let not_bool = |text: &str| format!("strconv.ParseBool: parsing {text:?}: invalid syntax");
        for (args, error) in [
            // The number of dashes does not matter. A name of more than one byte is shown with two.
            (&["--z=1"][..], "option provided but not defined: -z".to_owned()),
            (&["-é"], "option provided but not defined: --é".to_owned()),
            (&["---"], "option provided but not defined: --".to_owned()),
            (&["---x"], "option provided but not defined: ---x".to_owned()),
            (&["--=x"], "empty option in argument \"--=x\"".to_owned()),
            (&["--r"], "option needs an argument: -r".to_owned()),
            (
                &["--all=maybe"],
                format!("invalid value \"maybe\" for option --all: {}", not_bool("maybe")),
            ),
            (&["--all="], format!("invalid value \"\" for option --all: {}", not_bool(""))),
            (
                &["-a=false"],
                format!("invalid value \"=false\" for option -a: {}", not_bool("=false")),
            ),
        ] {
            assert_eq!(usage(args), error, "{args:?}");
        }
        assert!(!run(&["--a=0"]).unwrap().flag("a"));
        assert_eq!(run(&["-r=3"]).unwrap().value("r"), Some("=3"));
        assert_eq!(run(&["--r", "3"]).unwrap().value("r"), Some("3"));
        assert_eq!(run(&["--help=x"]), Err(Stop::Help));
        assert_eq!(run(&["-h"]), Err(Stop::Help));
        assert_eq!(run(&["x", "--help"]), Err(Stop::Help));
        assert_eq!(
            run(&["x", "y"]).unwrap().refuse_positionals_from(0),
            Err("unrecognized args: [\"x\" \"y\"]".to_owned())
        );
        assert_eq!(run(&["x"]).unwrap().refuse_positionals_from(1), Ok(()));
    }

    #[test]
    fn pairs_are_trimmed_and_stand_once() {
        let pairs = |items: &[&str]| {
            parse_key_values(&items.iter().map(|item| (*item).to_owned()).collect::<Vec<_>>())
        };
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(pairs(&[" b = b=c ", "", "a="]), Ok(vec![pair("b", "b=c"), pair("a", "")]));
        for (items, error) in [
            (&["x"][..], "expected \"key=value\", got \"x\""),
            (&[" x\t"], "expected \"key=value\", got \" x\\t\""),
            (&["=x"], "expected \"key=value\", got \"=x\""),
            (&["\t= x\"y "], "expected \"key=value\", got \"=x\"y\""),
            (&["x=1", "x=1"], "key \"x\" specified more than once"),
        ] {
            assert_eq!(pairs(items), Err(error.to_owned()));
        }
    }

    proptest! {
        #[test]
        fn no_command_line_panics(args in prop::collection::vec("[-=a-z]{0,6}|\\PC{0,8}", 0..6)) {
            let _ = parse(&[&RELATION, &APP, &ALL, &FORMAT], &args, &|_, _| Ok(()));
            let _ = parse_key_values(&args);
            let _ = quote_list(&args);
        }
    }
}
