//! The list of the commands: `help` prints it, and the nearest name for a mistyped one is taken
//! from it.

use super::{relations, secrets, storage};
use crate::dev::redaction;

/// The commands on the unit and on the script itself.
const UNIT_COMMANDS: &[(&str, &str, &str)] = &[
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
    ("leader", "yes|no", "make the unit the leader, or a peer if there is one, or none"),
    ("trust", "yes|no", "trust the application, or not, as `juju trust` does"),
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
];

/// The commands that stand at the end of the list.
const LAST_COMMANDS: &[(&str, &str, &str)] = &[
    ("help", "", "print this"),
    ("quit", "", "run stop and remove, stop what was started, and end"),
    ("exit", "", "the same"),
    ("#", "...", "a comment"),
];

/// Returns every command: its name, its arguments, and what it does.
pub fn commands() -> impl Iterator<Item = &'static (&'static str, &'static str, &'static str)> {
    let tables =
        [UNIT_COMMANDS, storage::COMMANDS, relations::COMMANDS, secrets::COMMANDS, LAST_COMMANDS];
    tables.into_iter().flatten()
}

/// Returns the commands without those that need no line in a list.
fn listed() -> impl Iterator<Item = &'static (&'static str, &'static str, &'static str)> {
    commands().filter(|(name, ..)| !matches!(*name, "exit" | "#"))
}

/// The part of the help about the applications around the unit.
const SURROUNDINGS_HELP: &str = "\
ENDPOINT is always the charm's own. APP is an application without a charm, and a peer is a unit
without a process: you write what they would write. `secret:NAME` as a whole value stands for the
URI of the secret to which `add-secret` gave this name; APP owns the secret APP/NAME. No value is
printed but those that the charm itself has written to its databags, by `remote APP ENDPOINT`.
Quotes keep blanks together and are no part of a value, so JSON needs other ones around it:
hosts='[\"a\", \"b\"]'. A database, for example:
  relate database pg
  add-secret pg/user username=app password=s3cret
  grant-secret pg/user
  remote pg database endpoints=10.0.0.9:5432 secret-user=secret:pg/user
";

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
    for (name, takes, does) in listed() {
        text.push_str(&format!("  {:<46} {does}\n", format!("{name} {takes}")));
    }
    text.push_str(SURROUNDINGS_HELP);
    text.push_str(WAITING_HELP);
    text
}

/// Returns `line` as it may be printed, without the parts that may be a secret.
pub fn redacted(line: &str) -> String {
    redaction::redact_line(line, |name| commands().any(|(known, ..)| *known == name))
}

/// Returns the names of the commands on one line, for the first lines of a run.
pub fn names() -> String {
    let names: Vec<&str> = listed().map(|(name, ..)| *name).collect();
    names.join(", ")
}
