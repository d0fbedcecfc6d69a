//! The commands, one a line: their names, their arguments, and the errors of mistyped ones.

use std::time::Duration;

use super::line_words::{parse_duration, unquoted, words};
use super::redaction::{self, before_value};
use super::spelling::nearest;
use super::wanted_status::{WantedOutcome, WantedStatus, wanted_outcome, wanted_status};

/// The time that `wait-for` and `expect` wait if the line names none.
pub const DEFAULT_WAIT: Duration = Duration::from_secs(180);

/// A line of input, parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    Config {
        key: String,
        value: String,
    },
    ConfigReset {
        key: String,
    },
    Run {
        action: String,
        params: Vec<(String, String)>,
    },
    Pebble {
        verb: PebbleVerb,
        container: Option<String>,
    },
    Leader(bool),
    Upgrade,
    Resolved {
        retry: bool,
    },
    UpdateStatus,
    Status,
    Log,
    Sleep(Duration),
    WaitFor {
        status: WantedStatus,
        limit: Duration,
    },
    Expect {
        status: WantedStatus,
        message_part: Option<String>,
    },
    ExpectAction {
        outcome: WantedOutcome,
        message_part: Option<String>,
    },
    /// Another line. Its failure does not end the script.
    Try(String),
    Notify {
        key: String,
        container: Option<String>,
    },
    Kill {
        service: String,
        container: Option<String>,
    },
    Fetch(String),
    Help,
    Quit,
}

/// A change of a container's Pebble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PebbleVerb {
    Start,
    Stop,
    Kill,
}

impl Command {
    /// Returns `true` if the command changes something that a failed hook may depend on.
    pub fn may_affect_hooks(&self) -> bool {
        match self {
            Self::Status
            | Self::Log
            | Self::Help
            | Self::Sleep(_)
            | Self::WaitFor { .. }
            | Self::Expect { .. }
            | Self::ExpectAction { .. }
            | Self::Try(_)
            | Self::Fetch(_) => false,
            Self::Config { .. }
            | Self::ConfigReset { .. }
            | Self::Run { .. }
            | Self::Pebble { .. }
            | Self::Leader(_)
            | Self::Upgrade
            | Self::Resolved { .. }
            | Self::UpdateStatus
            | Self::Notify { .. }
            | Self::Kill { .. }
            | Self::Quit => true,
        }
    }
}

/// Every command: its name, its arguments, and what it does. `help` prints this list, and the
/// nearest name for a mistyped one is taken from it.
const COMMANDS: [(&str, &str, &str); 21] = [
    (
        "config",
        "KEY=VALUE",
        "set a config option (the value is the rest of the line); `config --reset KEY` unsets it",
    ),
    ("run", "ACTION [KEY=VALUE...]", "run an action"),
    (
        "pebble",
        "stop|start|kill [CONTAINER]",
        "stop Pebble in order, start it, or kill the container as a crash would",
    ),
    (
        "kill",
        "SERVICE [CONTAINER]",
        "kill a service's process in its container as a crash would; \
         Pebble then does what its layer says",
    ),
    (
        "notify",
        "KEY [CONTAINER]",
        "record a custom notice, such as example.com/backup/done: its hook follows",
    ),
    ("leader", "yes|no", "make the unit the leader, or not"),
    (
        "upgrade",
        "",
        "refresh the charm: upgrade-charm, config-changed; on Kubernetes that is a new pod, \
         so Pebble starts anew too",
    ),
    ("resolved", "[--no-retry]", "run a failed hook again now, or count it as done"),
    ("update-status", "", "run update-status as soon as nothing else is to do"),
    ("status", "", "print the table"),
    ("log", "", "print the unit's log"),
    ("sleep", "SECONDS", "wait before the next command; the unit goes on"),
    ("wait-for", "STATUS [TIME]", "wait (180s) until the unit is settled and has this status"),
    ("expect", "STATUS [MESSAGE-PART]", "once the unit is settled, fail unless this is its status"),
    (
        "expect-action",
        "completed|failed [MESSAGE-PART]",
        "once the last action that was run has ended, fail unless it ended so",
    ),
    ("try", "COMMAND", "carry out a command that may fail: it is told, and a script goes on"),
    (
        "fetch",
        "URL",
        "print an answer's code and first line; fail if there is none or the code is 400 or more",
    ),
    ("help", "", "print this"),
    ("quit", "", "run stop and remove, stop what was started, and end"),
    ("exit", "", "the same"),
    ("#", "...", "a comment"),
];

/// The part of the help that explains waiting, which is too long for a line of the list.
const WAITING_HELP: &str = "\
STATUS is active, blocked, waiting, maintenance, unknown, error, or idle for any of a settled unit.
`wait-for`, `expect` and --until-idle give up before their time once the unit is in error for good:
a hook has failed three times in a row (or was killed ten times), and nothing that could help has
happened in between: no command, and no change of Pebble.
In a script a line that fails ends the run with exit code 1; on a terminal it is only told.
";

/// Returns the text of `help`.
pub fn help() -> String {
    let mut text = String::from("Commands, one a line:\n");
    for (name, takes, does) in COMMANDS.iter().filter(|(name, ..)| !matches!(*name, "exit" | "#")) {
        text.push_str(&format!("  {:<46} {does}\n", format!("{name} {takes}")));
    }
    text.push_str(WAITING_HELP);
    text
}

/// Returns `line` as it may be printed, without the parts that may be a secret.
pub fn redacted(line: &str) -> String {
    redaction::redact_line(line, |name| COMMANDS.iter().any(|(known, ..)| *known == name))
}

/// Returns the names of the commands on one line, for the first lines of a run.
pub fn names() -> String {
    let names: Vec<&str> = COMMANDS
        .iter()
        .map(|(name, ..)| *name)
        .filter(|name| !matches!(*name, "exit" | "#"))
        .collect();
    names.join(", ")
}

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
            COMMANDS.iter().find(|(known, ..)| *known == name).map_or("", |(_, takes, _)| takes);
        format!("cannot understand `{}`; it goes: {name} {takes}", redacted(line))
            .trim_end()
            .to_owned()
    };
    let nothing_after = |command: Command| {
        if rest.is_empty() { Ok(Some(command)) } else { Err(usage()) }
    };
    match name {
        "config" => config(rest).ok_or_else(usage).map(Some),
        "run" => run(rest)
            .map_err(|reason| reason.map_or_else(usage, |reason| format!("{}: {reason}", usage())))
            .map(Some),
        "pebble" => pebble(rest).ok_or_else(usage).map(Some),
        "leader" => match rest {
            "yes" => Ok(Some(Command::Leader(true))),
            "no" => Ok(Some(Command::Leader(false))),
            _ => Err(usage()),
        },
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
        "help" | "?" => nothing_after(Command::Help),
        "quit" | "exit" => nothing_after(Command::Quit),
        _ => {
            let name = before_value(name);
            let known = COMMANDS.iter().map(|(name, ..)| *name).filter(|name| *name != "#");
            Err(match nearest(name, known) {
                Some(meant) => format!(
                    "cannot run `{name}`: there is no such command; did you mean `{meant}`?"
                ),
                None => format!(
                    "cannot run `{name}`: there is no such command; the commands are: {}",
                    names()
                ),
            })
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn command(line: &str) -> Command {
        parse(line).unwrap().unwrap()
    }

    #[test]
    fn every_command_is_read() {
        let text = str::to_owned;
        assert_eq!(
            command("config port=9191"),
            Command::Config { key: text("port"), value: text("9191") }
        );
        assert_eq!(
            command("config command='sleep 5 a=b'"),
            Command::Config { key: text("command"), value: text("sleep 5 a=b") }
        );
        assert_eq!(
            command("config command=sleep 5"),
            Command::Config { key: text("command"), value: text("sleep 5") }
        );
        assert_eq!(command("config a="), Command::Config { key: text("a"), value: text("") });
        assert_eq!(command("config --reset port"), Command::ConfigReset { key: text("port") });
        assert_eq!(
            command("run backup to='/a b' n=1"),
            Command::Run {
                action: text("backup"),
                params: vec![(text("to"), text("/a b")), (text("n"), text("1"))]
            }
        );
        assert_eq!(
            command("pebble kill"),
            Command::Pebble { verb: PebbleVerb::Kill, container: None }
        );
        assert_eq!(
            command("pebble start web"),
            Command::Pebble { verb: PebbleVerb::Start, container: Some(text("web")) }
        );
        assert_eq!(command("leader no"), Command::Leader(false));
        assert_eq!(command("resolved --no-retry"), Command::Resolved { retry: false });
        assert_eq!(command("sleep 0.5"), Command::Sleep(Duration::from_millis(500)));
        assert_eq!(
            command("wait-for active 90s"),
            Command::WaitFor { status: WantedStatus::Active, limit: Duration::from_secs(90) }
        );
        assert_eq!(
            command("wait-for error"),
            Command::WaitFor { status: WantedStatus::Error, limit: DEFAULT_WAIT }
        );
        assert_eq!(
            command("expect blocked 'port: must be'"),
            Command::Expect {
                status: WantedStatus::Blocked,
                message_part: Some(text("port: must be"))
            }
        );
        assert_eq!(
            command("expect-action failed 'no disk'"),
            Command::ExpectAction {
                outcome: WantedOutcome::Failed,
                message_part: Some(text("no disk"))
            }
        );
        assert_eq!(command("try fetch x"), Command::Try(text("fetch x")));
        assert_eq!(
            command("notify example.com/a"),
            Command::Notify { key: text("example.com/a"), container: None }
        );
        assert_eq!(
            command("kill web db"),
            Command::Kill { service: text("web"), container: Some(text("db")) }
        );
        assert_eq!(
            command("fetch http://127.0.0.1:1/"),
            Command::Fetch(text("http://127.0.0.1:1/"))
        );
        for (line, wanted) in [
            ("upgrade", Command::Upgrade),
            ("update-status", Command::UpdateStatus),
            ("status", Command::Status),
            ("log", Command::Log),
            ("help", Command::Help),
            (" quit ", Command::Quit),
        ] {
            assert_eq!(command(line), wanted);
        }
        assert_eq!(parse("  "), Ok(None));
        assert_eq!(parse("# wait"), Ok(None));
    }

    #[test]
    fn a_wrong_line_says_how_it_goes() {
        for (line, says) in [
            ("config port", "it goes: config KEY=VALUE"),
            ("pebble burn", "it goes: pebble stop|start|kill"),
            ("quit now", "it goes: quit"),
            ("wait-for actve", "did you mean `active`?"),
            ("wait-for active soon", "`soon` is no time"),
            ("wait-fro active", "did you mean `wait-for`?"),
            ("confg port=1", "did you mean `config`?"),
            ("frobnicate", "the commands are: config, run"),
            ("run x y", "it goes: run ACTION"),
            ("expect-action complete", "did you mean `completed`?"),
            ("expect-action", "one of completed, failed"),
            ("expect-action done", "there is no outcome `done`; one of completed, failed"),
            ("try", "it goes: try COMMAND"),
            ("notify", "it goes: notify KEY [CONTAINER]"),
            ("notify a b c", "it goes: notify KEY [CONTAINER]"),
            ("kill", "it goes: kill SERVICE [CONTAINER]"),
            ("run x 'y", "a ' is not closed"),
            ("sleep", "no time"),
        ] {
            let message = parse(line).unwrap_err();
            assert!(message.starts_with("cannot") && message.contains(says), "{line}: {message}");
        }
    }

    #[test]
    fn what_may_be_secret_is_not_shown() {
        for (line, message) in [
            ("config key=SECRET and=more", "config key=..."),
            ("config key SECRET", "config ..."),
            ("config key x=SECRET", "config ..."),
            ("config --reset key", "config --reset key"),
            ("run act a=SECRET b='SECRET x' SECRET", "run act a=... b=... ..."),
            ("run act a='SECRET", "run ..."),
            ("run a=SECRET", "run ..."),
            ("try config key=SECRET", "try config key=..."),
            ("confg key=SECRET", "confg ..."),
            ("key=SECRET", "key"),
            ("fetch http://me:SECRET@host:1/path?token=SECRET", "fetch http://...@host:1/path?..."),
            ("fetch http://host/path", "fetch http://host/path"),
            ("fetch me:SECRET@host", "fetch host"),
            ("wait-for active 90s", "wait-for active 90s"),
            (" quit ", "quit"),
        ] {
            assert_eq!(redacted(line), message, "{line}");
            if let Err(error) = parse(line) {
                assert!(!error.contains("SECRET"), "{error}");
            }
        }
    }

    #[test]
    fn help_has_every_command() {
        let help = help();
        for (name, takes, does) in
            COMMANDS.iter().filter(|(name, ..)| !matches!(*name, "exit" | "#"))
        {
            let line =
                help.lines().find(|line| line.trim_start().starts_with(&format!("{name} {takes}")));
            assert!(line.is_some_and(|line| line.ends_with(does)), "{name}");
        }
    }
}
