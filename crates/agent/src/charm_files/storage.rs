//! [`read_storages`] reads the storages of a charm, and [`check_devices`] checks its devices.

use std::collections::BTreeMap;

use charmwright_juju::StorageKind;
use serde_json::Value;

use super::document::Node;
use crate::error::Error;
use crate::names::is_application;
use crate::storage_meta::StorageMeta;

/// Reads the storages by name, and checks each of them.
///
/// # Errors
/// Returns an error if Juju would refuse a storage.
pub(super) fn read_storages(root: &Node<'_>) -> Result<BTreeMap<String, StorageMeta>, Error> {
    let mut storages = BTreeMap::new();
    for (name, storage) in root.entries_of("storage")? {
        if !is_application(name) {
            return Err(storage.refuse(
                "a storage's name is lower-case letters and digits in words joined by hyphens, a \
                 letter in each",
            ));
        }
        storages.insert(name.to_owned(), read_storage(name, &storage)?);
    }
    Ok(storages)
}

fn read_storage(name: &str, storage: &Node<'_>) -> Result<StorageMeta, Error> {
    storage.map()?;
    let kind = storage.require("type")?;
    let is_block = match kind.text()? {
        "block" => true,
        "filesystem" => false,
        _ => return Err(kind.refuse("expected filesystem or block")),
    };
    let flag = |key: &str| storage.get(key).map_or(Ok(false), |flag| flag.boolean());
    let (is_shared, is_read_only) = (flag("shared")?, flag("read-only")?);
    if let Some(description) = storage.get("description") {
        description.text()?;
    }
    let location = match storage.get("location") {
        Some(location) if is_block && !location.text()?.is_empty() => {
            return Err(location.refuse("only a storage of type filesystem has a location"));
        }
        Some(location) => location.text()?.to_owned(),
        None => String::new(),
    };
    if let Some(size) = storage.get("minimum-size") {
        read_size(&size)?;
    }
    let (count_min, count_max) = match storage.get("multiple") {
        Some(multiple) => {
            multiple.map()?;
            read_range(&multiple.require("range")?)?
        }
        None => (1, Some(1)),
    };
    if let Some(properties) = storage.get("properties") {
        for property in properties.items()? {
            if property.text()? != "transient" {
                return Err(property.refuse("the only property is transient"));
            }
        }
    }
    Ok(StorageMeta {
        name: name.to_owned(),
        kind: if is_block { StorageKind::Block } else { StorageKind::Filesystem },
        is_shared,
        is_read_only,
        location,
        count_min,
        count_max,
    })
}

/// Reads the smallest and the largest number of instances of a storage, such as `10`, `1-3`, `2+`
/// or `2-`. A largest number of `None` is no limit.
fn read_range(range: &Node<'_>) -> Result<(u64, Option<u64>), Error> {
    let wrong = || range.refuse("expected a count such as 2, 1-3 or 0+");
    if let Value::String(text) = range.value() {
        // A text that is an integer is a count, which is checked below like a number.
        if range.integer().is_err() {
            let least = text.trim_end_matches(|c: char| c.is_ascii_digit());
            let (least, most) = match least.strip_suffix(['-', '+']) {
                Some(least) => (least, text.get(least.len() + 1..).unwrap_or_default()),
                None => return Err(wrong()),
            };
            let count = |digits: &str| {
                let is_number = digits.bytes().all(|b| b.is_ascii_digit());
                let count = digits.parse::<i64>().ok().filter(|_| is_number);
                count.and_then(|count| u64::try_from(count).ok())
            };
            let least = count(least).ok_or_else(wrong)?;
            if most.is_empty() {
                return Ok((least, None));
            }
            return match count(most) {
                None => Err(wrong()),
                Some(_) if text.contains('+') => Err(wrong()),
                Some(0) => Err(range.refuse("the largest count is 0")),
                Some(most) => Ok((least, Some(most))),
            };
        }
    }
    match range.integer() {
        Ok(count) if count > 0 => {
            let count = u64::try_from(count).map_err(|_| wrong())?;
            Ok((count, Some(count)))
        }
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
