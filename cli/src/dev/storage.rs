//! The commands on the storage of the unit.

use charmwright_agent::{Model, StorageId, StorageState, UnitName};

use super::spelling::nearest;
use crate::error::{Error, Result};

/// Attaches a detached instance, or a new one of a storage, and returns the lines to print.
///
/// # Errors
/// Says what was attempted and why Juju refuses it.
pub fn attach(model: &mut Model, unit: &UnitName, what: &str) -> Result<String> {
    let id = if what.contains('/') {
        let id = instance_id(model, what)?;
        // Juju does nothing for an instance that still belongs to the unit.
        if model.storage(&id).is_ok_and(|instance| instance.state() == StorageState::Detaching) {
            return Err(Error::new(format!("cannot attach storage {id} to {unit}"))
                .because("it is being detached")
                .advice("attach it once its storage-detaching hook has run"));
        }
        model.attach_storage(unit, &id).map_err(|error| unknown(model, &error, what))?;
        id
    } else {
        let added = model.add_storage(unit, what, 1);
        let added = added.map_err(|error| undeclared(model, unit, &error, what))?;
        added.into_iter().next().ok_or_else(|| Error::new(format!("cannot add {what}")))?
    };
    Ok(format!("{id} is attached to {unit}{}", on_kubernetes(model, unit)))
}

/// Begins to detach an instance, and returns the lines to print.
///
/// # Errors
/// Says what was attempted and why Juju refuses it.
pub fn detach(model: &mut Model, unit: &UnitName, what: &str) -> Result<String> {
    let id = instance_id(model, what)?;
    model.detach_storage(&id).map_err(|error| unknown(model, &error, what))?;
    let is_detached = model.storage(&id).is_ok_and(|instance| instance.unit().is_none());
    let said = match is_detached {
        true => format!("{id} is detached"),
        false => format!("{id} is detached once its hook has run"),
    };
    Ok(format!("{said}{}", on_kubernetes(model, unit)))
}

/// Returns a remark for a unit on Kubernetes, where an author must not expect these commands.
fn on_kubernetes(model: &Model, unit: &UnitName) -> &'static str {
    if model.unit(unit).is_ok_and(|unit| unit.is_kubernetes()) {
        "; Juju takes this command on machines only, on Kubernetes storage comes and goes with the \
         unit"
    } else {
        ""
    }
}

fn instance_id(model: &Model, text: &str) -> Result<StorageId> {
    let why = Error::new(format!("cannot find storage {text}"));
    text.parse().map_err(|error| why.because(error).advice(known_instances(model)))
}

/// Returns an error about an instance, with the instances that there are.
fn unknown(model: &Model, error: &charmwright_agent::Error, text: &str) -> Error {
    let message = Error::new(error.to_string());
    match model.storages().any(|instance| instance.id().to_string() == text) {
        true => message,
        false => message.advice(known_instances(model)),
    }
}

fn known_instances(model: &Model) -> String {
    let known: Vec<String> = model.storages().map(|instance| instance.id().to_string()).collect();
    match known.is_empty() {
        true => "there is no storage".to_owned(),
        false => format!("there is {}", known.join(", ")),
    }
}

/// Returns an error about a storage of the charm, with the name that was probably meant.
fn undeclared(
    model: &Model,
    unit: &UnitName,
    error: &charmwright_agent::Error,
    name: &str,
) -> Error {
    let message = Error::new(error.to_string());
    let Ok(unit) = model.unit(unit) else { return message };
    let declared: Vec<&str> = unit.meta().storages().keys().map(String::as_str).collect();
    if declared.contains(&name) {
        return message;
    }
    message.advice(match nearest(name, declared.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if declared.is_empty() => "the charm declares no storage".to_owned(),
        None => format!("the charm declares {}", declared.join(", ")),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use charmwright_agent::{CharmMeta, Deployment, HookExit, ModelSettings, Next};

    use super::*;

    #[test]
    fn an_instance_that_is_being_detached_is_not_attached() {
        let metadata = "name: web\nsummary: s\ndescription: d\nstorage:\n\
            \x20 cache: {type: filesystem, multiple: {range: 0-2}}\n";
        let meta = CharmMeta::parse(metadata, None, None).unwrap();
        let mut model = Model::new(ModelSettings::new().update_status_interval(None));
        model.deploy("web", Deployment::charm(meta)).unwrap();
        let unit: UnitName = "web/0".parse().unwrap();
        let run_all = |model: &mut Model| {
            while let Next::Run(_) = model.next(&unit, Instant::now()).unwrap() {
                model.finish(&unit, &HookExit::Code(0), Instant::now(), b"", b"").unwrap();
            }
        };
        attach(&mut model, &unit, "cache").unwrap();
        run_all(&mut model);
        let said = detach(&mut model, &unit, "cache/0").unwrap();
        assert_eq!(said, "cache/0 is detached once its hook has run");
        let error = attach(&mut model, &unit, "cache/0").unwrap_err().chain();
        assert!(error.contains("it is being detached"), "{error}");
        run_all(&mut model);
        assert_eq!(attach(&mut model, &unit, "cache/0").unwrap(), "cache/0 is attached to web/0");
    }
}
