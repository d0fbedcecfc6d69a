//! Combines two contents of one label, as Pebble does (Pebble 1.32, `CombineLayers` and the `Merge`
//! methods of the plan schema).
//!
//! After a restart of Pebble, the client adds the content of each label again in one request, which
//! finds no list in the label that it could append to. So everything that was combined into a label
//! is combined here first.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{InvalidYaml, Layer, reflect};

/// The parts of a check that are merged key by key, as a whole entry is.
const NESTED: [&str; 3] = ["http", "tcp", "exec"];

/// The keys whose value 0 means "not set" to Pebble.
const ZERO_IS_UNSET: [&str; 2] = ["threshold", "port"];

impl Layer {
    /// Returns the layer that Pebble has after it has combined `later` into this one.
    ///
    /// # Errors
    /// Fails if a number in one of the layers is not finite, so that JSON cannot hold it.
    pub(crate) fn combined_with(&self, later: &Self) -> Result<Self, InvalidYaml> {
        let failed = |why: serde_json::Error| {
            InvalidYaml::new("combine the contents of a layer", why.to_string())
        };
        // The layers are combined as JSON, so that keys that this version does not know are
        // combined, too.
        let mut sections = object(self).map_err(failed)?;
        for (name, section) in object(later).map_err(failed)? {
            match (sections.get_mut(&name), section) {
                (Some(Value::Object(entries)), Value::Object(later)) => {
                    combine_section(entries, later);
                }
                (_, section) if is_unset(&name, &section) => {}
                (_, section) => {
                    sections.insert(name, section);
                }
            }
        }
        serde_json::from_value(Value::Object(sections)).map_err(failed)
    }
}

/// Returns a layer as a JSON object, whose keys can be compared one by one.
fn object(layer: &impl Serialize) -> Result<Map<String, Value>, serde_json::Error> {
    match serde_json::to_value(layer)? {
        Value::Object(object) => Ok(object),
        _ => Ok(Map::new()),
    }
}

/// Combines the entries of a section, each according to its own `override`.
fn combine_section(entries: &mut Map<String, Value>, later: Map<String, Value>) {
    for (name, entry) in later {
        let merges = entry.get("override").is_some_and(|mode| mode == "merge");
        match (entries.get_mut(&name), entry) {
            (Some(Value::Object(entry)), Value::Object(later)) if merges => {
                merge_keys(entry, later);
            }
            (_, entry) => {
                entries.insert(name, entry);
            }
        }
    }
}

/// Merges the keys of an entry: a later value wins, lists are appended, and maps are united. The
/// `override` of the first entry stays, because it says how the result is combined with the layers
/// below.
fn merge_keys(entry: &mut Map<String, Value>, later: Map<String, Value>) {
    for (key, value) in later {
        if key == "override" || is_unset(&key, &value) {
            continue;
        }
        match (entry.get_mut(&key), value) {
            (Some(Value::Object(known)), Value::Object(value)) => {
                if NESTED.contains(&key.as_str()) {
                    merge_keys(known, value);
                } else {
                    known.extend(value);
                }
            }
            (Some(Value::Array(known)), Value::Array(value)) => known.extend(value),
            (_, value) => {
                entry.insert(key, value);
            }
        }
    }
}

/// Returns `true` if Pebble takes this value of the key for "not set".
fn is_unset(key: &str, value: &Value) -> bool {
    let is_zero = value.as_f64() == Some(0.0);
    reflect::is_unset(value) || (is_zero && ZERO_IS_UNSET.contains(&key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(yaml: &str) -> Layer {
        Layer::from_yaml(yaml).unwrap()
    }

    fn combined(contents: &[&str]) -> Layer {
        let mut contents = contents.iter().map(|yaml| layer(yaml));
        let first = contents.next().unwrap();
        contents.fold(first, |all, later| all.combined_with(&later).unwrap())
    }

    #[test]
    fn lists_are_appended_and_maps_united() {
        let all = combined(&[
            "services: {web: {override: replace, command: one, after: [a], environment: {A: '1'}}}",
            "services: {web: {override: merge, after: [b], environment: {A: '', B: '2'}}}",
            "services: {web: {override: merge, command: two, after: [b], summary: ''}}",
        ]);
        let expected = "services: {web: {override: replace, command: two, after: [a, b, b], \
                        environment: {A: '', B: '2'}}}";
        assert_eq!(all, layer(expected));
    }

    #[test]
    fn a_replacement_drops_the_earlier_entry_and_a_merge_stays_a_merge() {
        let all = combined(&[
            "services: {web: {override: merge, command: one, after: [a]}, db: {override: merge, \
             after: [x]}}",
            "services: {web: {override: replace, command: two}, db: {override: merge, after: [y]}}",
        ]);
        let expected = "services: {web: {override: replace, command: two}, \
                        db: {override: merge, after: [x, y]}}";
        assert_eq!(all, layer(expected));
    }

    #[test]
    fn the_parts_of_a_check_are_merged_key_by_key() {
        let all = combined(&[
            "checks: {up: {override: replace, threshold: 7, http: {url: 'http://a/', headers: {A: \
             '1'}}}}",
            "checks: {up: {override: merge, threshold: 0, http: {url: '', headers: {B: '2'}}}}",
        ]);
        let expected = "checks: {up: {override: replace, threshold: 7, \
                        http: {url: 'http://a/', headers: {A: '1', B: '2'}}}}";
        assert_eq!(all, layer(expected));
    }
}
