//! What a charm declares: `metadata.yaml`, `config.yaml` and `actions.yaml`, read as Juju reads them.
//!
//! Every refusal names the file and the key. Source: reference `juju-charm-runtime.md` section 8.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Map, Value};

use super::config::{ConfigOption, OptionType};
use super::error::{Error, ErrorKind};

const ACTIONS: &str = "actions.yaml";

/// What a charm declares.
#[derive(Debug, Clone, PartialEq)]
pub struct CharmMeta {
    name: String,
    containers: BTreeSet<String>,
    endpoints: BTreeSet<String>,
    resources: BTreeSet<String>,
    options: BTreeMap<String, ConfigOption>,
    actions: BTreeMap<String, ActionSchema>,
}

/// One action of `actions.yaml`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ActionSchema {
    description: String,
    pub(super) params: Map<String, Value>,
    pub(super) required: Vec<String>,
    pub(super) additional: bool,
}

impl ActionSchema {
    /// What the action is for, as its author wrote it; may be empty.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The names of the declared parameters.
    pub fn params(&self) -> impl Iterator<Item = &str> {
        self.params.keys().map(String::as_str)
    }
}

impl CharmMeta {
    /// Reads a charm's directory. `config.yaml` and `actions.yaml` may be missing.
    ///
    /// # Errors
    /// [`ErrorKind::Unreadable`] if `metadata.yaml` is missing or a file cannot be read; [`ErrorKind::Metadata`] if a file does not say what
    /// Juju wants of it: the text names the file and the key.
    pub fn read(dir: &Path) -> Result<Self, Error> {
        let read = |file: &str| match std::fs::read_to_string(dir.join(file)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::unreadable(
                format!("cannot read {file} of the charm at {}", dir.display()),
                error,
            )),
        };
        let Some(metadata) = read("metadata.yaml")? else {
            return Err(Error::new(
                ErrorKind::Unreadable,
                format!(
                    "cannot find metadata.yaml in {}: a charm directory holds one (charmcraft writes it from charmcraft.yaml when it packs)",
                    dir.display()
                ),
            ));
        };
        Self::parse(
            &metadata,
            read("config.yaml")?.as_deref(),
            read("actions.yaml")?.as_deref(),
        )
    }

    /// The same from the files' text.
    ///
    /// # Errors
    /// [`ErrorKind::Metadata`]: the text names the file and the key.
    pub fn parse(metadata: &str, config: Option<&str>, actions: Option<&str>) -> Result<Self, Error> {
        let file = "metadata.yaml";
        let top = document(file, metadata)?;
        let name = match top.get("name") {
            Some(Value::String(name)) if is_application_name(name) => name.clone(),
            Some(other) => {
                return Err(wrong(
                    file,
                    "name",
                    &format!("{other} is not a charm name (lower-case words joined by hyphens)"),
                ));
            }
            None => return Err(wrong(file, "name", "missing")),
        };
        let mut endpoints = BTreeSet::new();
        for role in ["requires", "provides", "peers"] {
            for endpoint in keys(file, &top, role)? {
                if !endpoints.insert(endpoint.clone()) {
                    return Err(wrong(
                        file,
                        &format!("{role}.{endpoint}"),
                        "this endpoint's name is used twice",
                    ));
                }
            }
        }
        endpoints.extend(keys(file, &top, "extra-bindings")?);
        let containers = keys(file, &top, "containers")?;
        if let Some(bad) = containers.iter().find(|name| !is_plain_name(name) || name.len() > 63) {
            return Err(wrong(
                file,
                &format!("containers.{bad}"),
                "a container's name is at most 63 lower-case letters, digits and hyphens",
            ));
        }
        let options = config.map(parse_config).transpose()?.unwrap_or_default();
        let actions = actions.map(parse_actions).transpose()?.unwrap_or_default();
        Ok(Self {
            name,
            containers,
            endpoints,
            resources: keys(file, &top, "resources")?,
            options,
            actions,
        })
    }

    /// The charm's name; an application takes it when no other is given.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The workload containers, sorted.
    pub fn containers(&self) -> impl Iterator<Item = &str> {
        self.containers.iter().map(String::as_str)
    }

    /// The config options by name.
    #[must_use]
    pub fn options(&self) -> &BTreeMap<String, ConfigOption> {
        &self.options
    }

    /// The actions by name.
    #[must_use]
    pub fn actions(&self) -> &BTreeMap<String, ActionSchema> {
        &self.actions
    }

    pub(super) fn has_container(&self, name: &str) -> bool {
        self.containers.contains(name)
    }

    /// `juju-info` is there without being declared.
    pub(super) fn has_binding(&self, name: &str) -> bool {
        name == "juju-info" || self.endpoints.contains(name)
    }

    pub(super) fn has_resource(&self, name: &str) -> bool {
        self.resources.contains(name)
    }
}

fn parse_config(text: &str) -> Result<BTreeMap<String, ConfigOption>, Error> {
    let file = "config.yaml";
    let top = document(file, text)?;
    let mut options = BTreeMap::new();
    for (name, declared) in map_at(file, &top, "options")? {
        let key = format!("options.{name}");
        let Value::Object(declared) = declared else {
            return Err(wrong(file, &key, "expected a map with type, default and description"));
        };
        let kind = match declared.get("type") {
            // Juju takes a missing type for this one.
            None | Some(Value::Null) => OptionType::String,
            Some(Value::String(kind)) if kind.is_empty() => OptionType::String,
            Some(Value::String(kind)) => OptionType::parse(kind).ok_or_else(|| {
                wrong(
                    file,
                    &format!("{key}.type"),
                    &format!("{kind:?} is not a type; it is one of string, int, float, boolean, secret"),
                )
            })?,
            Some(_) => return Err(wrong(file, &format!("{key}.type"), "expected a string")),
        };
        let default = match declared.get("default") {
            None | Some(Value::Null) => None,
            Some(value) => Some(kind.admit(value).ok_or_else(|| {
                wrong(
                    file,
                    &format!("{key}.default"),
                    &format!("expected {}, found {value}", kind.name()),
                )
            })?),
        };
        let description = text_at(&declared, "description");
        options.insert(name, ConfigOption::new(kind, default, description));
    }
    Ok(options)
}

fn parse_actions(text: &str) -> Result<BTreeMap<String, ActionSchema>, Error> {
    let file = ACTIONS;
    let mut actions = BTreeMap::new();
    for (name, declared) in document(file, text)? {
        if !is_plain_name(&name) {
            return Err(wrong(
                file,
                &name,
                "an action's name is lower-case letters, digits and hyphens",
            ));
        }
        let declared = match declared {
            Value::Object(declared) => declared,
            Value::Null => Map::new(),
            _ => return Err(wrong(file, &name, "expected a map")),
        };
        let params =
            map_at(file, &declared, "params").map_err(|_| wrong(file, &format!("{name}.params"), "expected a map"))?;
        for (param, schema) in &params {
            if !schema.is_object() {
                return Err(wrong(
                    file,
                    &format!("{name}.params.{param}"),
                    "expected a map that describes the parameter",
                ));
            }
        }
        let required = match declared.get("required") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(items)) if items.iter().all(Value::is_string) => {
                items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
            }
            Some(_) => {
                return Err(wrong(
                    file,
                    &format!("{name}.required"),
                    "expected a list of parameter names",
                ));
            }
        };
        let additional = match declared.get("additionalProperties") {
            None | Some(Value::Null) => true,
            Some(Value::Bool(allowed)) => *allowed,
            Some(_) => {
                return Err(wrong(
                    file,
                    &format!("{name}.additionalProperties"),
                    "expected true or false",
                ));
            }
        };
        actions.insert(
            name,
            ActionSchema {
                description: text_at(&declared, "description"),
                params,
                required,
                additional,
            },
        );
    }
    Ok(actions)
}

/// A document that is a map, or nothing at all. Of equal keys the last counts, as it does for Juju.
fn document(file: &str, text: &str) -> Result<Map<String, Value>, Error> {
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    // Below an action's own keys Juju takes no key that is a boolean or a number, such as `on`.
    let read = match file {
        ACTIONS => crate::yaml::juju::value_keyed_by_text(text.as_bytes(), 2),
        _ => crate::yaml::juju::value(text.as_bytes()),
    };
    match read {
        Ok(Value::Object(map)) => Ok(map),
        Ok(Value::Null) => Ok(Map::new()),
        Ok(_) => Err(Error::new(
            ErrorKind::Metadata,
            format!("cannot use {file}: expected a map at the top"),
        )),
        Err(why) => Err(Error::new(
            ErrorKind::Metadata,
            format!("cannot read {file} as YAML: {}", why.reason()),
        )),
    }
}

fn map_at(file: &str, parent: &Map<String, Value>, key: &str) -> Result<Map<String, Value>, Error> {
    match parent.get(key) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(map)) => Ok(map.clone()),
        Some(_) => Err(wrong(file, key, "expected a map")),
    }
}

fn keys(file: &str, parent: &Map<String, Value>, key: &str) -> Result<BTreeSet<String>, Error> {
    Ok(map_at(file, parent, key)?.into_iter().map(|(name, _)| name).collect())
}

fn text_at(parent: &Map<String, Value>, key: &str) -> String {
    parent
        .get(key)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .trim()
        .to_owned()
}

fn wrong(file: &str, key: &str, why: &str) -> Error {
    Error::new(ErrorKind::Metadata, format!("cannot use {file}: {key}: {why}"))
}

/// `[a-z0-9]` words joined by hyphens: actions and containers.
fn is_plain_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('-')
        && !name.ends_with('-')
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// Words of letters and digits joined by single hyphens, each with a letter in it, the first beginning with a letter.
pub(super) fn is_application_name(name: &str) -> bool {
    is_plain_name(name)
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.split('-').all(|word| word.chars().any(|c| c.is_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refusal(metadata: &str, config: Option<&str>, actions: Option<&str>) -> String {
        CharmMeta::parse(metadata, config, actions).unwrap_err().to_string()
    }

    #[test]
    fn reads_what_a_charm_declares() {
        let meta = CharmMeta::parse(
            "name: web\ncontainers: {web: {resource: image}}\nresources: {image: {type: oci-image}}\npeers: {ring: {interface: r}}",
            Some("options:\n  port: {type: int, default: 80}\n  ratio: {type: float, default: 1}\n  name: {type: string}\n"),
            Some("restart:\n  description: Again\n  params: {force: {type: boolean, default: false}}\n  required: [force]\n"),
        )
        .unwrap();
        assert_eq!(meta.name(), "web");
        assert_eq!(meta.containers().collect::<Vec<_>>(), ["web"]);
        assert!(meta.has_binding("ring") && meta.has_binding("juju-info") && !meta.has_binding("db"));
        assert!(meta.has_resource("image"));
        assert_eq!(meta.options().get("port").unwrap().default(), Some(&json!(80)));
        assert_eq!(meta.options().get("name").unwrap().default(), None);
        assert_eq!(meta.actions().get("restart").unwrap().description(), "Again");
    }

    #[test]
    fn every_refusal_names_the_file_and_the_key() {
        let good = "name: web";
        for (text, part) in [
            (
                refusal("summary: x", None, None),
                "cannot use metadata.yaml: name: missing",
            ),
            (
                refusal("name: Web", None, None),
                "cannot use metadata.yaml: name: \"Web\" is not a charm name",
            ),
            (refusal("- a", None, None), "cannot use metadata.yaml: expected a map"),
            (
                refusal("name: web\ncontainers: [a]", None, None),
                "metadata.yaml: containers: expected a map",
            ),
            (
                refusal("name: web\n- a", None, None),
                "cannot read metadata.yaml as YAML: line 2: ",
            ),
            (
                refusal("name: web\nrequires: {a: {}}\npeers: {a: {}}", None, None),
                "metadata.yaml: peers.a: this endpoint",
            ),
            (
                refusal("name: web\ncontainers: {A: {}}", None, None),
                "metadata.yaml: containers.A: ",
            ),
            (
                refusal(good, Some("options: {port: 1}"), None),
                "config.yaml: options.port: expected a map",
            ),
            (
                refusal(good, Some("options: {port: {type: [int]}}"), None),
                "config.yaml: options.port.type: expected a string",
            ),
            (
                refusal(good, Some("options: {port: {type: number}}"), None),
                "config.yaml: options.port.type: \"number\"",
            ),
            (
                refusal(good, Some("options: {port: {type: int, default: x}}"), None),
                "config.yaml: options.port.default: expected int, found \"x\"",
            ),
            (
                refusal(good, Some("options: {a: {type: float, default: 1e6}}"), None),
                "config.yaml: options.a.default: expected float, found \"1e6\"",
            ),
            (refusal(good, None, Some("Do: {}")), "actions.yaml: Do: "),
            (
                refusal(good, None, Some("do: {params: [a]}")),
                "actions.yaml: do.params: expected a map",
            ),
            (
                refusal(good, None, Some("do: {params: {a: 1}}")),
                "actions.yaml: do.params.a: ",
            ),
            (
                refusal(good, None, Some("do: {params: {on: {type: string}}}")),
                "cannot read actions.yaml as YAML: line 1: map keyed with non-string value",
            ),
            (
                refusal(good, None, Some("do: {required: a}")),
                "actions.yaml: do.required: ",
            ),
            (
                refusal(good, None, Some("do: {additionalProperties: 1}")),
                "actions.yaml: do.additionalProperties: ",
            ),
        ] {
            assert!(text.starts_with("cannot "), "{text}");
            assert!(text.contains(part), "{text:?} has no {part:?}");
        }
    }

    #[test]
    fn the_yaml_is_read_as_juju_reads_it() {
        let config = "options:
  twice: {type: int, default: 1, default: 0755}
  twice: {type: int, default: 0755, description: a, description: b}
  untyped: {default: x}
  nulls: {type: , default: , description: }
  word: {type: boolean, default: yes}
  quoted: {type: boolean, default: 'true'}
  letter: {type: boolean, default: \"F\"}
  text: {type: int, default: '0x10'}
  ratio: {type: float, default: 1}
  date: {type: string, default: 2001-01-02}
  on: {type: string, default: 'on'}
";
        let meta = CharmMeta::parse(
            "name: web\nname: db\n",
            Some(config),
            Some("do: {description: a}\ndo: {description: b}\n"),
        )
        .unwrap();
        let default = |name: &str| meta.options().get(name).unwrap().default().cloned();
        assert_eq!(meta.name(), "db");
        assert_eq!(meta.actions().get("do").unwrap().description(), "b");
        assert_eq!(default("twice"), Some(json!(493)));
        assert_eq!(meta.options().get("twice").unwrap().description(), "b");
        assert_eq!(default("untyped"), Some(json!("x")));
        assert_eq!(meta.options().get("untyped").unwrap().kind(), OptionType::String);
        assert_eq!(default("nulls"), None);
        assert_eq!(default("word"), Some(json!(true)));
        assert_eq!(default("quoted"), Some(json!(true)));
        assert_eq!(default("letter"), Some(json!(false)));
        assert_eq!(default("text"), Some(json!(16)));
        assert_eq!(default("ratio"), Some(json!(1.0)));
        assert_eq!(default("date"), Some(json!("2001-01-02")));
        assert_eq!(default("on"), Some(json!("on")));
    }

    #[test]
    fn empty_documents_declare_nothing() {
        let meta = CharmMeta::parse("name: web", Some("options:\n"), Some("")).unwrap();
        assert!(meta.options().is_empty() && meta.actions().is_empty());
        assert!(
            CharmMeta::parse("name: web", Some("# nothing\n"), None)
                .unwrap()
                .options()
                .is_empty()
        );
    }

    #[test]
    fn a_directory_without_metadata_says_what_is_missing() {
        let dir = tempfile::tempdir().unwrap();
        let error = CharmMeta::read(dir.path()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unreadable);
        assert!(error.to_string().contains("metadata.yaml"));
        std::fs::write(dir.path().join("metadata.yaml"), "name: web").unwrap();
        assert_eq!(CharmMeta::read(dir.path()).unwrap().name(), "web");
    }
}
