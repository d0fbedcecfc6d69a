//! The commands, one a line: what they are called, what they take, and what a mistyped one is told.

use std::fmt;
use std::time::Duration;

/// How long `wait-for` waits when it is not told.
pub const DEFAULT_WAIT: Duration = Duration::from_secs(180);

/// A line, understood.
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
        part: Option<String>,
    },
    Fetch(String),
    Help,
    Quit,
}

/// What to do with a container's Pebble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PebbleVerb {
    Start,
    Stop,
    Kill,
}

/// What `wait-for` and `expect` look for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WantedStatus {
    /// Any status: the unit only has nothing left to do.
    Idle,
    Active,
    Blocked,
    Waiting,
    Maintenance,
    Unknown,
    Error,
}

const STATUSES: [(&str, WantedStatus); 7] = [
    ("active", WantedStatus::Active),
    ("blocked", WantedStatus::Blocked),
    ("waiting", WantedStatus::Waiting),
    ("maintenance", WantedStatus::Maintenance),
    ("unknown", WantedStatus::Unknown),
    ("error", WantedStatus::Error),
    ("idle", WantedStatus::Idle),
];

impl fmt::Display for WantedStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            STATUSES
                .iter()
                .find(|(_, status)| status == self)
                .map_or("", |(name, _)| name),
        )
    }
}

/// Every command: its name, what follows it, what it does. `help` prints this; the nearest name of a mistyped one is found here.
const COMMANDS: [(&str, &str, &str); 17] = [
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
    ("leader", "yes|no", "make the unit the leader, or not"),
    (
        "upgrade",
        "",
        "refresh the charm: upgrade-charm, config-changed; on Kubernetes that is a new pod, so Pebble starts anew too",
    ),
    (
        "resolved",
        "[--no-retry]",
        "run a failed hook again now, or count it as done",
    ),
    (
        "update-status",
        "",
        "run update-status as soon as nothing else is to do",
    ),
    ("status", "", "print the table"),
    ("log", "", "print the unit's log"),
    ("sleep", "SECONDS", "wait before the next command; the unit goes on"),
    (
        "wait-for",
        "STATUS [TIME]",
        "wait (180s) until the unit is settled with this status: active, blocked, waiting, ..., error, idle",
    ),
    (
        "expect",
        "STATUS [MESSAGE-PART]",
        "once the unit is settled, fail unless this is its status",
    ),
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

/// The text of `help`.
pub fn help() -> String {
    let mut text = String::from("commands, one a line:\n");
    for (name, takes, does) in COMMANDS.iter().filter(|(name, ..)| !matches!(*name, "exit" | "#")) {
        text.push_str(&format!("  {:<38} {does}\n", format!("{name} {takes}")));
    }
    text
}

/// The commands' names on one line, for the first lines of a run.
pub fn names() -> String {
    let names: Vec<&str> = COMMANDS
        .iter()
        .map(|(name, ..)| *name)
        .filter(|name| !matches!(*name, "exit" | "#"))
        .collect();
    names.join(", ")
}

/// Reads one line; `None` is an empty line or a comment.
///
/// # Errors
/// Says what is wrong with the line and how the command goes, or which command was probably meant.
pub fn parse(line: &str) -> Result<Option<Command>, String> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    let usage = || {
        let takes = COMMANDS
            .iter()
            .find(|(known, ..)| *known == name)
            .map_or("", |(_, takes, _)| takes);
        format!("cannot understand `{line}`; it goes: {name} {takes}")
            .trim_end()
            .to_owned()
    };
    let nothing_after = |command: Command| {
        if rest.is_empty() {
            Ok(Some(command))
        } else {
            Err(usage())
        }
    };
    match name {
        "config" => config(rest).ok_or_else(usage).map(Some),
        "run" => run(rest).map_err(|reason| reason.unwrap_or_else(usage)).map(Some),
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
        "wait-for" => wait_for(rest)
            .map_err(|reason| format!("{}: {reason}", usage()))
            .map(Some),
        "expect" => expect(rest)
            .map_err(|reason| format!("{}: {reason}", usage()))
            .map(Some),
        "fetch" if !rest.is_empty() && !rest.contains(char::is_whitespace) => Ok(Some(Command::Fetch(rest.to_owned()))),
        "fetch" => Err(usage()),
        "help" | "?" => nothing_after(Command::Help),
        "quit" | "exit" => nothing_after(Command::Quit),
        _ => {
            let known = COMMANDS.iter().map(|(name, ..)| *name).filter(|name| *name != "#");
            Err(match nearest(name, known) {
                Some(meant) => format!("cannot run `{name}`: there is no such command; did you mean `{meant}`?"),
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
    (!key.is_empty() && !key.contains(char::is_whitespace)).then(|| Command::Config {
        key: key.to_owned(),
        value: unquoted(value).to_owned(),
    })
}

fn run(rest: &str) -> Result<Command, Option<String>> {
    let words = words(rest).map_err(|reason| Some(format!("cannot understand `run {rest}`: {reason}")))?;
    let (action, params) = words.split_first().ok_or(None)?;
    let params = params.iter().map(|word| {
        word.split_once('=')
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
    });
    Ok(Command::Run {
        action: action.clone(),
        params: params.collect::<Option<_>>().ok_or(None)?,
    })
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
    let status = wanted(words.next().unwrap_or(""))?;
    let limit = words.next().map_or(Ok(DEFAULT_WAIT), parse_duration)?;
    match words.next() {
        None => Ok(Command::WaitFor { status, limit }),
        Some(word) => Err(format!("`{word}` is too much")),
    }
}

fn expect(rest: &str) -> Result<Command, String> {
    let (status, part) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let part = unquoted(part.trim());
    Ok(Command::Expect {
        status: wanted(status)?,
        part: (!part.is_empty()).then(|| part.to_owned()),
    })
}

fn wanted(word: &str) -> Result<WantedStatus, String> {
    STATUSES
        .iter()
        .find(|(name, _)| *name == word)
        .map(|(_, status)| *status)
        .ok_or_else(|| {
            let names: Vec<&str> = STATUSES.iter().map(|(name, _)| *name).collect();
            match nearest(word, names.iter().copied()) {
                Some(meant) => format!("there is no status `{word}`; did you mean `{meant}`?"),
                None => format!("there is no status `{word}`; one of {}", names.join(", ")),
            }
        })
}

/// A time: `90` and `90s` are seconds; `500ms`, `2m`, `1m30s`, `1h` work too.
///
/// # Errors
/// Says what was given and what a time looks like.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no time; write 90s, 500ms or 1m30s");
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).map_err(|_| wrong());
    }
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
        let (number, after) = rest.split_at(digits);
        let letters = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let seconds = match unit {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return Err(wrong()),
        };
        let number = number.parse::<f64>().map_err(|_| wrong())?;
        let part = Duration::try_from_secs_f64(number * seconds).map_err(|_| wrong())?;
        total = total.checked_add(part).ok_or_else(wrong)?;
        rest = after;
    }
    if text.is_empty() { Err(wrong()) } else { Ok(total) }
}

/// `text` without one pair of quotes around it.
fn unquoted(text: &str) -> &str {
    ['"', '\'']
        .iter()
        .find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote))
        .unwrap_or(text)
}

/// The words of a line; quotes hold a word together: `note='a b'`.
fn words(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    for c in text.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => word.get_or_insert_default().push(c),
            None if c == '"' || c == '\'' => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            None if c.is_whitespace() => words.extend(word.take()),
            None => word.get_or_insert_default().push(c),
        }
    }
    if let Some(open) = quote {
        return Err(format!("a {open} is not closed"));
    }
    words.extend(word);
    Ok(words)
}

/// The name most like `word`, when one is near enough to be a slip of the fingers.
pub fn nearest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (word.chars().count() / 3).max(1);
    names
        .into_iter()
        .map(|name| (edits(word, name), name))
        .filter(|(edits, _)| *edits <= allowed)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, name)| name)
}

/// How many letters have to be put in, left out, changed or swapped with their neighbour to turn `from` into `to`.
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    let mut previous = None;
    for (i, a) in from.chars().enumerate() {
        let mut next = vec![i + 1];
        for (j, b) in to.iter().enumerate() {
            let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX - 1);
            let mut best = (at(&row, j) + usize::from(a != *b))
                .min(at(&row, j + 1) + 1)
                .min(at(&next, j) + 1);
            let swapped = j > 0 && previous == Some(*b) && to.get(j - 1) == Some(&a);
            if swapped {
                best = best.min(at(&before, j - 1) + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut row, next);
        previous = Some(a);
    }
    row.last().copied().unwrap_or(0)
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
            Command::Config {
                key: text("port"),
                value: text("9191")
            }
        );
        assert_eq!(
            command("config command='sleep 5 a=b'"),
            Command::Config {
                key: text("command"),
                value: text("sleep 5 a=b")
            }
        );
        assert_eq!(
            command("config command=sleep 5"),
            Command::Config {
                key: text("command"),
                value: text("sleep 5")
            }
        );
        assert_eq!(
            command("config a="),
            Command::Config {
                key: text("a"),
                value: text("")
            }
        );
        assert_eq!(
            command("config --reset port"),
            Command::ConfigReset { key: text("port") }
        );
        assert_eq!(
            command("run backup to='/a b' n=1"),
            Command::Run {
                action: text("backup"),
                params: vec![(text("to"), text("/a b")), (text("n"), text("1"))]
            }
        );
        assert_eq!(
            command("pebble kill"),
            Command::Pebble {
                verb: PebbleVerb::Kill,
                container: None
            }
        );
        assert_eq!(
            command("pebble start web"),
            Command::Pebble {
                verb: PebbleVerb::Start,
                container: Some(text("web"))
            }
        );
        assert_eq!(command("leader no"), Command::Leader(false));
        assert_eq!(command("resolved --no-retry"), Command::Resolved { retry: false });
        assert_eq!(command("sleep 0.5"), Command::Sleep(Duration::from_millis(500)));
        assert_eq!(
            command("wait-for active 90s"),
            Command::WaitFor {
                status: WantedStatus::Active,
                limit: Duration::from_secs(90)
            }
        );
        assert_eq!(
            command("wait-for error"),
            Command::WaitFor {
                status: WantedStatus::Error,
                limit: DEFAULT_WAIT
            }
        );
        assert_eq!(
            command("expect blocked 'port: must be'"),
            Command::Expect {
                status: WantedStatus::Blocked,
                part: Some(text("port: must be"))
            }
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
            ("run x 'y", "a ' is not closed"),
            ("sleep", "no time"),
        ] {
            let told = parse(line).unwrap_err();
            assert!(told.starts_with("cannot") && told.contains(says), "{line}: {told}");
        }
    }

    #[test]
    fn times_are_read_as_people_write_them() {
        assert_eq!(parse_duration("90"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_duration("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
        for wrong in [
            "",
            "s",
            "-1",
            "1x",
            "1m2",
            "nan",
            "inf",
            "1e400",
            "99999999999999999999h",
        ] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn near_means_a_slip_and_not_another_word() {
        assert_eq!(nearest("prot", ["port", "user"]), Some("port"));
        assert_eq!(nearest("health-chek", ["health-check", "port"]), Some("health-check"));
        assert_eq!(nearest("colour", ["port", "user"]), None);
    }
}
