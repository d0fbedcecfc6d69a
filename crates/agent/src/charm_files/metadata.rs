//! `metadata.yaml` as a whole.

use std::collections::BTreeSet;

use super::assumes::judge_assumes;
use super::containers::read_containers;
use super::document::Place;
use super::relations::{read_endpoints, read_extra_bindings};
use super::resources::{judge_payloads, read_resources};
use super::sources::Declared;
use super::storage::{judge_devices, read_storages};
use super::terms::judge_terms;
use crate::error::Error;
use crate::names::is_application;
use charmwright_juju::JujuVersion;

/// The part of it that the agent needs.
#[derive(Debug)]
pub(crate) struct Metadata {
    pub(crate) name: String,
    pub(crate) containers: BTreeSet<String>,
    /// Endpoints and extra bindings.
    pub(crate) bindings: BTreeSet<String>,
    pub(crate) resources: BTreeSet<String>,
}

/// The keys of the first form of the file, which has no containers.
const FIRST_FORM: [&str; 3] = ["deployment", "min-juju-version", "series"];
const SECOND_FORM: [&str; 3] = ["assumes", "charm-user", "containers"];

/// Reads the file.
///
/// # Errors
/// When Juju would refuse it: the text names the key and the rule.
pub(crate) fn read_metadata(declared: &Declared) -> Result<Metadata, Error> {
    let file = declared.file;
    let document = declared.document.as_ref().ok_or_else(|| file.refuse("it is empty"))?;
    let top = file.top(document)?;
    let keys_of = |form: &[&'static str]| {
        let keys: Vec<&str> = form.iter().copied().filter(|key| top.get(key).is_some()).collect();
        keys.join(", ")
    };
    let (first, second) = (keys_of(&FIRST_FORM), keys_of(&SECOND_FORM));
    if !first.is_empty() && !second.is_empty() {
        return Err(
            file.refuse(&format!("ambiguous metadata: {first} cannot be used with {second}"))
        );
    }
    let name = top.want("name")?;
    if !is_application(name.text()?) {
        return Err(name.refuse(&format!(
            "{:?} is not a charm name (lower-case words joined by hyphens, a letter in each)",
            name.text()?
        )));
    }
    let name = name.text()?;
    top.want("summary")?.text()?;
    top.want("description")?.text()?;
    let subordinate =
        top.get("subordinate").map_or(Ok(false), |subordinate| subordinate.boolean())?;
    for key in ["categories", "tags"] {
        if let Some(list) = top.get(key) {
            list.texts()?;
        }
    }
    for key in ["revision", "format"] {
        if let Some(number) = top.get(key) {
            number.integer()?;
        }
    }
    let resources = read_resources(&top)?;
    let storages = read_storages(&top)?;
    let endpoints = read_endpoints(name, &top, subordinate)?;
    let extra = read_extra_bindings(&top, &endpoints)?;
    let containers = read_containers(&top, &resources, &storages)?;
    judge_devices(&top)?;
    judge_payloads(&top)?;
    judge_terms(&top)?;
    judge_assumes(&top)?;
    judge_charm_user(&top)?;
    judge_series(&top)?;
    judge_min_juju_version(&top)?;
    Ok(Metadata {
        name: name.to_owned(),
        containers,
        bindings: endpoints.into_iter().chain(extra).collect(),
        resources: resources.into_keys().collect(),
    })
}

fn judge_charm_user(top: &Place<'_>) -> Result<(), Error> {
    match top.get("charm-user") {
        Some(user) if !matches!(user.text()?, "root" | "sudoer" | "non-root") => {
            Err(user.refuse("expected root, sudoer or non-root"))
        }
        _ => Ok(()),
    }
}

fn judge_series(top: &Place<'_>) -> Result<(), Error> {
    let series = top.get("series").map(|series| series.items()).transpose()?.unwrap_or_default();
    for name in &series {
        let text = name.text()?;
        let letters = text.bytes().take_while(u8::is_ascii_lowercase).count();
        let known =
            letters > 0 && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if !known {
            return Err(name.refuse("a series is lower-case letters and digits, from a letter on"));
        }
    }
    if let Some(deployment) = top.get("deployment") {
        deployment.map()?;
        if series.first().map(Place::text).transpose()? != Some("kubernetes") {
            return Err(deployment.refuse("only a charm whose first series is kubernetes has one"));
        }
    }
    Ok(())
}

/// `2.9.0`, `3.0-beta1`, `3.0.1.2`.
fn judge_min_juju_version(top: &Place<'_>) -> Result<(), Error> {
    let Some(version) = top.get("min-juju-version") else {
        return Ok(());
    };
    let text = version.text()?;
    // A version as such may leave out its third number.
    let known = text.parse::<JujuVersion>().is_ok() && text.split(['.', '-']).count() > 2;
    if known { Ok(()) } else { Err(version.refuse("expected a whole version such as 3.6.0")) }
}
