//! The parser of the commands, one a line, and the errors of mistyped ones.

use super::command::{Command, DEFAULT_WAIT, PebbleVerb};
use super::help::{self, redacted};
use super::{relations, secrets, storage};
use crate::dev::line_words::{parse_duration, unquoted, words};
use crate::dev::redaction::before_value;
use crate::dev::spelling::nearest;
use crate::dev::wanted_status::{wanted_outcome, wanted_status};

/// Parses one line. An empty line or a comment is `None`.
///
/// # Errors
/// Says what is wrong with the line and how the command is written, or which command was probably
/// meant.
pub fn parse(line: &str) -> Result<Option<Command>, String> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    let usage = || {
        let takes =
            help::commands().find(|(known, ..)| *known == name).map_or("", |(_, takes, _)| takes);
        format!("cannot understand `{}`; it goes: {name} {takes}", redacted(line))
            .trim_end()
            .to_owned()
    };
    let told = |reason: Option<String>| {
        reason.map_or_else(usage, |reason| format!("{}: {reason}", usage()))
    };
    let nothing_after = |command: Command| {
        if rest.is_empty() { Ok(Some(command)) } else { Err(usage()) }
    };
    match name {
        "config" => config(rest).ok_or_else(usage).map(Some),
        "run" => run(rest).map_err(told).map(Some),
        "pebble" => pebble(rest).ok_or_else(usage).map(Some),
        "leader" => yes_or_no(rest).map(|yes| Some(Command::Leader(yes))).ok_or_else(usage),
        "trust" => yes_or_no(rest).map(|yes| Some(Command::Trust(yes))).ok_or_else(usage),
        "upgrade" => nothing_after(Command::Upgrade),
        "resolved" => match rest {
            "" => Ok(Some(Command::Resolved { retry: true })),
            "--no-retry" => Ok(Some(Command::Resolved { retry: false })),
            _ => Err(usage()),
        },
        "update-status" => nothing_after(Command::UpdateStatus),
        "status" => nothing_after(Command::Status),
        "log" => nothing_after(Command::Log),
        "sleep" => parse_duration(rest)
            .map(|time| Some(Command::Sleep(time)))
            .map_err(|reason| format!("{}: {reason}", usage())),
        "wait-for" => wait_for(rest).map_err(|reason| format!("{}: {reason}", usage())).map(Some),
        "expect" => expect(rest).map_err(|reason| format!("{}: {reason}", usage())).map(Some),
        "expect-action" => {
            expect_action(rest).map_err(|reason| format!("{}: {reason}", usage())).map(Some)
        }
        "try" if !rest.is_empty() => Ok(Some(Command::Try(rest.to_owned()))),
        "try" => Err(usage()),
        "notify" => word_and_container(rest)
            .map(|(key, container)| Some(Command::Notify { key, container }))
            .ok_or_else(usage),
        "kill" => word_and_container(rest)
            .map(|(service, container)| Some(Command::Kill { service, container }))
            .ok_or_else(usage),
        "fetch" if !rest.is_empty() && !rest.contains(char::is_whitespace) => {
            Ok(Some(Command::Fetch(rest.to_owned())))
        }
        "fetch" => Err(usage()),
        name if relations::is_command(name) => {
            relations::parse(name, rest).map(|it| Some(Command::Relation(it))).map_err(told)
        }
        name if secrets::is_command(name) => {
            secrets::parse(name, rest).map(|it| Some(Command::Secret(it))).map_err(told)
        }
        name if storage::is_command(name) => {
            storage::parse(name, rest).map(|it| Some(Command::Storage(it))).map_err(told)
        }
        "help" | "?" => nothing_after(Command::Help),
        "quit" | "exit" => nothing_after(Command::Quit),
        _ => {
            let name = before_value(name);
            let known = help::commands().map(|(name, ..)| *name).filter(|name| *name != "#");
            Err(match nearest(name, known) {
                Some(meant) => format!(
                    "cannot run `{name}`: there is no such command; did you mean `{meant}`?"
                ),
                None => format!(
                    "cannot run `{name}`: there is no such command; the commands are: {}",
                    help::names()
                ),
            })
        }
    }
}

fn yes_or_no(rest: &str) -> Option<bool> {
    match rest {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

fn config(rest: &str) -> Option<Command> {
    if let Some(key) = rest.strip_prefix("--reset") {
        let key = key.trim();
        return (!key.is_empty() && !key.contains(char::is_whitespace))
            .then(|| Command::ConfigReset { key: key.to_owned() });
    }
    let (key, value) = rest.split_once('=')?;
    (!key.is_empty() && !key.contains(char::is_whitespace))
        .then(|| Command::Config { key: key.to_owned(), value: unquoted(value).to_owned() })
}

fn run(rest: &str) -> Result<Command, Option<String>> {
    let words = words(rest).map_err(Some)?;
    let (action, params) = words.split_first().ok_or(None)?;
    let params = params
        .iter()
        .map(|word| word.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned())));
    Ok(Command::Run { action: action.clone(), params: params.collect::<Option<_>>().ok_or(None)? })
}

fn pebble(rest: &str) -> Option<Command> {
    let mut words = rest.split_whitespace();
    let verb = match words.next()? {
        "start" => PebbleVerb::Start,
        "stop" => PebbleVerb::Stop,
        "kill" => PebbleVerb::Kill,
        _ => return None,
    };
    let container = words.next().map(str::to_owned);
    words.next().is_none().then_some(Command::Pebble { verb, container })
}

fn wait_for(rest: &str) -> Result<Command, String> {
    let mut words = rest.split_whitespace();
    let status = wanted_status(words.next().unwrap_or(""))?;
    let limit = words.next().map_or(Ok(DEFAULT_WAIT), parse_duration)?;
    match words.next() {
        None => Ok(Command::WaitFor { status, limit }),
        Some(word) => Err(format!("`{word}` is too much")),
    }
}

fn expect(rest: &str) -> Result<Command, String> {
    let (status, message_part) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let message_part = unquoted(message_part.trim());
    Ok(Command::Expect {
        status: wanted_status(status)?,
        message_part: (!message_part.is_empty()).then(|| message_part.to_owned()),
    })
}

fn expect_action(rest: &str) -> Result<Command, String> {
    let (word, message_part) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let message_part = unquoted(message_part.trim());
    Ok(Command::ExpectAction {
        outcome: wanted_outcome(word)?,
        message_part: (!message_part.is_empty()).then(|| message_part.to_owned()),
    })
}

/// Parses one word and, optionally, the container that it is about.
fn word_and_container(rest: &str) -> Option<(String, Option<String>)> {
    let mut words = rest.split_whitespace();
    let word = words.next()?.to_owned();
    let container = words.next().map(str::to_owned);
    words.next().is_none().then_some((word, container))
}
