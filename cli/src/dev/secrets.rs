//! The commands on secrets: those of the operator, and those of a remote application.

use std::fs::{self, File};
use std::io::Read as _;

use charmwright_agent::{Model, RelationNumber, SecretId, SecretUpdate, UnitName};

use super::commands::{Content, SecretCommand};
use super::secret_names::SecretNames;
use crate::error::{Error, Result};

/// The suffix of a key whose value is in a file, as in `juju add-secret`.
const FILE_SUFFIX: &str = "#file";

/// One byte more than Juju takes of a value before it is in base64.
const FILE_LIMIT: u64 = 750_001;

/// Runs a command on secrets, and returns the line to print. It has the URI of a secret, and never
/// a content.
///
/// # Errors
/// Says what was attempted and why the model, or Juju, refuses it.
pub fn run(
    model: &mut Model,
    unit: &UnitName,
    names: &mut SecretNames,
    command: SecretCommand,
) -> Result<String> {
    let own = unit.application().as_str();
    match command {
        SecretCommand::Add { name, content } => add(model, own, names, &name, &content),
        SecretCommand::Update { secret, content } => {
            let known = Known::find(names, &secret)?;
            let id = known.id()?;
            let revision = |model: &Model| model.secret_report(unit, &id).map(|it| it.revision);
            let before = revision(model);
            let content = values_of(&content)?;
            let pairs = pairs_of(&content);
            match &known.owner {
                Some(owner) => model.set_remote_secret(owner, &known.label, &pairs).map(drop),
                None => {
                    let update = SecretUpdate::new();
                    let update =
                        pairs.into_iter().fold(update, |it, (key, value)| it.value(key, value));
                    model.update_secret(&known.uri, update)
                }
            }
            .map_err(to_error)?;
            Ok(match revision(model) {
                Some(same) if before == Some(same) => {
                    format!("{} has this content already, in revision {same}", known.uri)
                }
                Some(new) => format!("{} has a new content, revision {new}", known.uri),
                None => format!("{} has a new content", known.uri),
            })
        }
        SecretCommand::Grant { secret, application } => {
            let known = Known::find(names, &secret)?;
            let to = application.as_deref().unwrap_or(own);
            match &known.owner {
                Some(owner) => {
                    let relation = relation_between(model, unit, owner, to)?;
                    model.grant_remote_secret(owner, &known.id()?, relation)
                }
                None => model.grant_secret(&known.uri, to),
            }
            .map_err(to_error)?;
            // A charm that waits for the grant reads again in its next hook, whatever that is.
            Ok(format!("{to} may read {}; Juju runs no hook for a grant", known.uri))
        }
        SecretCommand::Revoke { secret, application } => {
            let known = Known::find(names, &secret)?;
            let from = application.as_deref().unwrap_or(own);
            match &known.owner {
                Some(owner) => model.revoke_remote_secret(owner, &known.id()?, from),
                None => model.revoke_secret(&known.uri, from),
            }
            .map_err(to_error)?;
            Ok(format!("{from} may not read {} any more", known.uri))
        }
        SecretCommand::Remove { secret } => {
            let known = Known::find(names, &secret)?;
            match &known.owner {
                Some(owner) => model.remove_remote_secret(owner, &known.id()?),
                None => model.remove_secret(&known.uri, None),
            }
            .map_err(to_error)?;
            names.remove_uri(&known.uri);
            Ok(format!("{} is removed", known.uri))
        }
    }
}

/// Adds a secret. `NAME` is one of the operator, `APP/NAME` one that the remote application owns.
fn add(
    model: &mut Model,
    own: &str,
    names: &mut SecretNames,
    name: &str,
    content: &Content,
) -> Result<String> {
    if names.contains(name) {
        return Err(Error::new(format!("cannot add secret {name:?}"))
            .because("there is one of this name")
            .advice("`update-secret` replaces its content"));
    }
    let content = values_of(content)?;
    let pairs = pairs_of(&content);
    let id = match name.split_once('/') {
        None => model.add_secret(name, &pairs).map_err(to_error)?,
        Some((owner, _)) if owner == own => {
            return Err(Error::new(format!("cannot add secret {name:?}"))
                .because(format!("{owner} is the charm's own application"))
                .advice("its charm makes its own secrets"));
        }
        Some((owner, label)) => model.set_remote_secret(owner, label, &pairs).map_err(|error| {
            match model.application(owner) {
                Ok(_) => to_error(error),
                Err(_) => to_error(error).advice(format!("`relate ENDPOINT {owner}` makes it")),
            }
        })?,
    };
    names.insert(name, id.as_str());
    Ok(format!("{id} (`secret:{name}` stands for it)"))
}

/// Returns the keys with their values, those of `KEY#file` read from their files.
///
/// # Errors
/// Fails if a file cannot be read or is no text. Nothing of it is quoted.
fn values_of(content: &Content) -> Result<Vec<(String, String)>> {
    let read = |(key, value): (&str, &str)| {
        let Some(key) = key.strip_suffix(FILE_SUFFIX) else {
            return Ok((key.to_owned(), value.to_owned()));
        };
        let failed = || Error::new(format!("cannot read the file for {key:?} of the secret"));
        // A pipe without a writer would hold up the whole session.
        let kind = fs::metadata(value).map_err(|error| failed().because(error))?;
        if !kind.is_file() {
            return Err(failed().because("it is not a regular file"));
        }
        let mut bytes = Vec::new();
        // The model refuses what is too long, as Juju does.
        File::open(value)
            .and_then(|file| file.take(FILE_LIMIT).read_to_end(&mut bytes))
            .map_err(|error| failed().because(error))?;
        let text = String::from_utf8(bytes).map_err(|_| {
            failed().because("it is no text").advice("KEY#base64=VALUE takes bytes in base64")
        })?;
        Ok((key.to_owned(), text))
    };
    content.pairs().map(read).collect()
}

fn pairs_of(content: &[(String, String)]) -> Vec<(&str, &str)> {
    content.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
}

/// A secret that a command names.
struct Known {
    uri: String,
    /// The remote application that owns the secret; `None` for one of the operator.
    owner: Option<String>,
    /// The label that the remote application has given to it; else empty.
    label: String,
}

impl Known {
    fn find(names: &SecretNames, named: &str) -> Result<Self> {
        let uri = names.uri(named)?;
        let name = names.name(&uri).and_then(|name| name.split_once('/'));
        let owner = name.map(|(owner, _)| owner.to_owned());
        let label = name.map_or_else(String::new, |(_, label)| label.to_owned());
        Ok(Self { uri, owner, label })
    }

    fn id(&self) -> Result<SecretId> {
        self.uri
            .parse()
            .map_err(|error| Error::new(format!("cannot use secret {}", self.uri)).because(error))
    }
}

/// Returns the first relation of the charm's application with the owner of a secret. A grant of an
/// application's secret has the scope of a relation.
fn relation_between(
    model: &Model,
    unit: &UnitName,
    owner: &str,
    to: &str,
) -> Result<RelationNumber> {
    let refuse = |why: String| Error::new(format!("cannot grant a secret of {owner}")).because(why);
    if to != unit.application().as_str() {
        return Err(refuse(format!("{to} is not the charm's own application")));
    }
    let relations = model.report(unit).map_err(to_error)?.relations;
    let relation = relations.iter().find(|it| it.remote_app == owner && it.state != "dying");
    relation.map(|relation| relation.id).ok_or_else(|| {
        refuse(format!("{to} has no relation with it"))
            .advice(format!("`relate ENDPOINT {owner}` makes one"))
    })
}

fn to_error(error: charmwright_agent::Error) -> Error {
    Error::new(error.to_string())
}
