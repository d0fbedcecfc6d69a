//! The commands on the relations of the unit, and on the applications and units around it.

use charmwright_agent::UnitName;

use crate::dev::line_words::{pairs, words};

/// The names of these commands, their arguments, and what they do.
pub const COMMANDS: &[(&str, &str, &str)] = &[
    (
        "relate",
        "ENDPOINT [APP]",
        "relate the charm to APP (or to one named as the endpoint), which is made if it is new",
    ),
    (
        "remote",
        "APP[/N] ENDPOINT [KEY=VALUE...]",
        "write APP's databag, or that of its unit N, which joins if it is new; KEY= deletes; \
         without a key print the databags of the relation",
    ),
    ("depart", "APP/N", "remove a unit of a remote application, or a peer"),
    ("break", "ENDPOINT [APP]", "end the relation with APP, or the only one of the endpoint"),
    ("add-peer", "", "add a unit of the charm's own application without a process"),
];

/// A command on relations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RelationCommand {
    Relate {
        endpoint: String,
        application: Option<String>,
    },
    /// Writes a databag. An empty value deletes its key.
    Write {
        writer: Writer,
        endpoint: String,
        values: Vec<(String, String)>,
    },
    /// Prints the databags of a relation.
    Show {
        writer: Writer,
        endpoint: String,
    },
    Depart(UnitName),
    Break {
        endpoint: String,
        application: Option<String>,
    },
    AddPeer,
}

/// The owner of a databag: an application, or one of its units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Writer {
    Application(String),
    Unit(UnitName),
}

/// Returns `true` for the name of a command that [`parse`] reads.
pub fn is_command(name: &str) -> bool {
    COMMANDS.iter().any(|(known, ..)| *known == name)
}

/// Parses the arguments of a command.
///
/// # Errors
/// Returns the reason, or `None` if the usage alone explains it.
pub fn parse(name: &str, rest: &str) -> Result<RelationCommand, Option<String>> {
    let words = words(rest).map_err(Some)?;
    let texts: Vec<&str> = words.iter().map(String::as_str).collect();
    let optional = |rest: &[&str]| match rest {
        [] => Ok(None),
        [application] => Ok(Some((*application).to_owned())),
        _ => Err(None),
    };
    match (name, texts.as_slice()) {
        ("relate", [endpoint, rest @ ..]) => Ok(RelationCommand::Relate {
            endpoint: name_of(endpoint)?,
            application: optional(rest)?,
        }),
        ("remote", [writer, endpoint, rest @ ..]) => {
            let (writer, endpoint) = (self::writer(writer)?, name_of(endpoint)?);
            match pairs(rest).ok_or(None)? {
                values if values.is_empty() => Ok(RelationCommand::Show { writer, endpoint }),
                values => Ok(RelationCommand::Write { writer, endpoint, values }),
            }
        }
        ("depart", [unit]) => match writer(unit)? {
            Writer::Unit(unit) => Ok(RelationCommand::Depart(unit)),
            Writer::Application(_) => Err(Some("it takes a unit, such as pg/0".to_owned())),
        },
        ("break", [endpoint, rest @ ..]) => Ok(RelationCommand::Break {
            endpoint: name_of(endpoint)?,
            application: optional(rest)?,
        }),
        ("add-peer", []) => Ok(RelationCommand::AddPeer),
        _ => Err(None),
    }
}

/// Returns a name. A word with `=` is a value in the wrong place.
fn name_of(word: &str) -> Result<String, Option<String>> {
    if word.contains('=') { Err(None) } else { Ok(word.to_owned()) }
}

fn writer(word: &str) -> Result<Writer, Option<String>> {
    let word = name_of(word)?;
    if !word.contains('/') {
        return Ok(Writer::Application(word));
    }
    let unit = word.parse().map_err(|_| Some("a unit is named as pg/0 is".to_owned()))?;
    Ok(Writer::Unit(unit))
}
