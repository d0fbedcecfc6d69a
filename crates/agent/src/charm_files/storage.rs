//! [`read_storages`] reads the storages of a charm, and [`check_devices`] checks its devices.

use std::collections::BTreeSet;

use serde_json::Value;

use super::document::Node;
use crate::error::Error;
use crate::names::is_application;

/// Reads the names of the storages, and checks each storage.
///
/// # Errors
/// Returns an error if Juju would refuse a storage.
pub(super) fn read_storages(root: &Node<'_>) -> Result<BTreeSet<String>, Error> {
    let mut names = BTreeSet::new();
    for (name, storage) in root.entries_of("storage")? {
        if !is_application(name) {
            return Err(storage.refuse(
                "a storage's name is lower-case letters and digits in words joined by hyphens, a \
                 letter in each",
            ));
        }
        read_storage(&storage)?;
        names.insert(name.to_owned());
    }
    Ok(names)
}

fn read_storage(storage: &Node<'_>) -> Result<(), Error> {
    storage.map()?;
    let kind = storage.require("type")?;
    if !matches!(kind.text()?, "block" | "filesystem") {
        return Err(kind.refuse("expected filesystem or block"));
    }
    for flag in ["shared", "read-only"] {
        if let Some(flag) = storage.get(flag) {
            flag.boolean()?;
        }
    }
    if let Some(description) = storage.get("description") {
        description.text()?;
    }
    if let Some(location) = storage.get("location")
        && !location.text()?.is_empty()
        && kind.text()? == "block"
    {
        return Err(location.refuse("only a storage of type filesystem has a location"));
    }
    if let Some(size) = storage.get("minimum-size") {
        read_size(&size)?;
    }
    if let Some(multiple) = storage.get("multiple") {
        multiple.map()?;
        read_range(&multiple.require("range")?)?;
    }
    if let Some(properties) = storage.get("properties") {
        for property in properties.items()? {
            if property.text()? != "transient" {
                return Err(property.refuse("the only property is transient"));
            }
        }
    }
    Ok(())
}

/// Checks the number of instances of a storage, such as `10`, `1-3`, `2+` or `2-`.
fn read_range(range: &Node<'_>) -> Result<(), Error> {
    let wrong = || range.refuse("expected a count such as 2, 1-3 or 0+");
    if let Value::String(text) = range.value() {
        // A text that is an integer is a count, which is checked below like a number.
        if range.integer().is_err() {
            let least = text.trim_end_matches(|c: char| c.is_ascii_digit());
            let (least, most) = match least.strip_suffix(['-', '+']) {
                Some(least) => (least, text.get(least.len() + 1..).unwrap_or_default()),
                None => return Err(wrong()),
            };
            let is_count = |digits: &str| {
                digits.bytes().all(|b| b.is_ascii_digit()) && digits.parse::<i64>().is_ok()
            };
            let open = most.is_empty();
            let plus = text.contains('+');
            if !is_count(least) || !(open || is_count(most) && !plus) {
                return Err(wrong());
            }
            if !open && most.parse::<i64>() == Ok(0) {
                return Err(range.refuse("the largest count is 0"));
            }
            return Ok(());
        }
    }
    match range.integer() {
        Ok(count) if count > 0 => Ok(()),
        Ok(_) => Err(range.refuse("the count is not above 0")),
        Err(_) => Err(wrong()),
    }
}

/// Checks a size such as `1G`, `512M` or `1.5TiB`. A number without a unit is in MiB.
fn read_size(size: &Node<'_>) -> Result<(), Error> {
    let text = size.text()?;
    let digits = text.find(char::is_alphabetic).filter(|at| *at > 0).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let base = unit.strip_suffix("iB").or_else(|| unit.strip_suffix('B')).unwrap_or(unit);
    let known = unit.is_empty() || (base.len() == 1 && "MGTPEZY".contains(base));
    if !known {
        return Err(size.refuse("expected one of the units M, G, T, P, E, Z, Y"));
    }
    match number.parse::<f64>() {
        Ok(number) if number >= 0.0 => Ok(()),
        _ => Err(size.refuse("expected a number that is not negative, with a unit such as G")),
    }
}

/// Checks the devices.
///
/// # Errors
/// Returns an error if Juju would refuse a device.
pub(super) fn check_devices(root: &Node<'_>) -> Result<(), Error> {
    for (_, device) in root.entries_of("devices")? {
        device.map()?;
        if let Some(description) = device.get("description") {
            description.text()?;
        }
        let kind = device.require("type")?;
        if kind.text()?.is_empty() {
            return Err(kind.refuse("expected a type such as gpu"));
        }
        let count = |key: &str| match device.get(key) {
            None => Ok(1),
            Some(node) => match node.integer()? {
                count if count < 0 => Err(node.refuse("a count is not negative")),
                count => Ok(count),
            },
        };
        if count("countmin")? > count("countmax")? {
            return Err(device.refuse("countmin is larger than countmax"));
        }
    }
    Ok(())
}
