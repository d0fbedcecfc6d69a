//! [`CharmMeta`] holds the declarations of a charm, read from `metadata.yaml`, `config.yaml` and
//! `actions.yaml` by Juju's rules.
//!
//! Every error names the file and the key. Source: reference `juju-charm-runtime.md` section 8.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::action_schema::ActionSchema;
use super::charm_files::{CharmSources, read_actions, read_config, read_metadata};
use super::config::ConfigOption;
use super::endpoint::EndpointMeta;
use super::error::Error;
use super::storage_meta::{MountMeta, ResourceMeta, StorageMeta};

/// The declarations of a charm: its containers, endpoints, storages, resources, config options and
/// actions.
#[derive(Debug, Clone, PartialEq)]
pub struct CharmMeta {
    name: String,
    /// The mounts of each container.
    containers: BTreeMap<String, Vec<MountMeta>>,
    is_subordinate: bool,
    endpoints: BTreeMap<String, EndpointMeta>,
    extra_bindings: BTreeSet<String>,
    storages: BTreeMap<String, StorageMeta>,
    resources: BTreeMap<String, ResourceMeta>,
    options: BTreeMap<String, ConfigOption>,
    actions: BTreeMap<String, ActionSchema>,
}

impl CharmMeta {
    /// Reads the declarations in a charm's directory, from metadata.yaml, config.yaml and
    /// actions.yaml, or from their sections in charmcraft.yaml.
    ///
    /// # Errors
    /// - [`ErrorKind::Unreadable`](super::ErrorKind::Unreadable) if neither metadata.yaml nor
    ///   charmcraft.yaml exists, or a file cannot be read.
    /// - [`ErrorKind::Metadata`](super::ErrorKind::Metadata) if Juju or charmcraft would refuse a
    ///   file. The text names the file, the key and the rule.
    pub fn read(dir: &Path) -> Result<Self, Error> {
        Self::from_sources(&CharmSources::read(dir)?)
    }

    /// Parses the declarations from the texts of metadata.yaml, config.yaml and actions.yaml.
    ///
    /// # Errors
    /// [`ErrorKind::Metadata`](super::ErrorKind::Metadata) if Juju would refuse a file. The text
    /// names the file, the key and the rule.
    pub fn parse(
        metadata: &str,
        config: Option<&str>,
        actions: Option<&str>,
    ) -> Result<Self, Error> {
        Self::from_sources(&CharmSources::parse(Some(metadata), config, actions, None)?)
    }

    /// Checks the declarations of a charm, as Juju does when the charm is added.
    ///
    /// # Errors
    /// [`ErrorKind::Metadata`](super::ErrorKind::Metadata) if Juju would refuse the charm. The text
    /// names the file, the key and the rule.
    pub fn from_sources(sources: &CharmSources) -> Result<Self, Error> {
        let metadata = read_metadata(&sources.metadata)?;
        let options = sources.config.as_ref().map(read_config).transpose()?;
        let actions = sources.actions.as_ref().map(|actions| read_actions(&metadata.name, actions));
        Ok(Self {
            name: metadata.name,
            containers: metadata.containers,
            is_subordinate: metadata.is_subordinate,
            endpoints: metadata.endpoints,
            extra_bindings: metadata.extra_bindings,
            storages: metadata.storages,
            resources: metadata.resources,
            options: options.unwrap_or_default(),
            actions: actions.transpose()?.unwrap_or_default(),
        })
    }

    /// Makes the declarations of an application without a charm, which has endpoints only.
    pub(super) fn of_remote(
        name: &str,
        endpoints: Vec<EndpointMeta>,
        is_subordinate: bool,
    ) -> Self {
        let endpoints =
            endpoints.into_iter().map(|endpoint| (endpoint.name().to_owned(), endpoint));
        Self {
            name: name.to_owned(),
            containers: BTreeMap::new(),
            is_subordinate,
            endpoints: endpoints.collect(),
            extra_bindings: BTreeSet::new(),
            storages: BTreeMap::new(),
            resources: BTreeMap::new(),
            options: BTreeMap::new(),
            actions: BTreeMap::new(),
        }
    }

    /// Returns the charm's name, which is also the default name of its application.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the names of the workload containers, sorted.
    pub fn containers(&self) -> impl Iterator<Item = &str> {
        self.containers.keys().map(String::as_str)
    }

    /// Returns `true` for a subordinate charm, whose units run beside those of another application.
    #[must_use]
    pub fn is_subordinate(&self) -> bool {
        self.is_subordinate
    }

    /// Returns the declared endpoints by name. `juju-info`, which every charm provides without
    /// declaring it, is not among them.
    #[must_use]
    pub fn endpoints(&self) -> &BTreeMap<String, EndpointMeta> {
        &self.endpoints
    }

    /// Adds an endpoint to the declarations of an application without a charm.
    pub(super) fn add_endpoint(&mut self, endpoint: EndpointMeta) {
        self.endpoints.insert(endpoint.name().to_owned(), endpoint);
    }

    /// Returns the config options by name.
    #[must_use]
    pub fn options(&self) -> &BTreeMap<String, ConfigOption> {
        &self.options
    }

    /// Returns the actions by name.
    #[must_use]
    pub fn actions(&self) -> &BTreeMap<String, ActionSchema> {
        &self.actions
    }

    /// Returns the storages by name.
    #[must_use]
    pub fn storages(&self) -> &BTreeMap<String, StorageMeta> {
        &self.storages
    }

    /// Returns the resources by name.
    #[must_use]
    pub fn resources(&self) -> &BTreeMap<String, ResourceMeta> {
        &self.resources
    }

    /// Returns the storages that are mounted in a container, in the order of the declaration. A
    /// container that the charm does not declare has none.
    #[must_use]
    pub fn mounts(&self, container: &str) -> &[MountMeta] {
        self.containers.get(container).map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn has_container(&self, name: &str) -> bool {
        self.containers.contains_key(name)
    }

    /// Returns `true` if the charm has a binding of this name. Every charm has `juju-info`, without
    /// declaring it.
    pub(super) fn has_binding(&self, name: &str) -> bool {
        name == "juju-info"
            || self.endpoints.contains_key(name)
            || self.extra_bindings.contains(name)
    }

    pub(super) fn has_resource(&self, name: &str) -> bool {
        self.resources.contains_key(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ErrorKind, OptionType};
    use serde_json::json;

    #[test]
    fn a_charms_declarations_are_read() {
        let meta = CharmMeta::parse(
            "name: web\nsummary: s\ndescription: d\ncontainers: {web: {resource: \
                 image}}\nresources: {image: {type: oci-image}}\npeers: {ring: {interface: r}}",
            Some(
                "options:\n  port: {type: int, default: 80}\n  ratio: {type: float, default: \
                     1}\n  name: {type: string}\n",
            ),
            Some(
                "restart:\n  description: Again\n  params: {force: {type: boolean, default: \
                     false}}\n  required: [force]\n",
            ),
        )
        .unwrap();
        assert_eq!(meta.name(), "web");
        assert_eq!(meta.containers().collect::<Vec<_>>(), ["web"]);
        assert!(
            meta.has_binding("ring") && meta.has_binding("juju-info") && !meta.has_binding("db")
        );
        assert!(meta.has_resource("image"));
        assert_eq!(meta.options().get("port").unwrap().default(), Some(&json!(80)));
        assert_eq!(meta.options().get("name").unwrap().default(), None);
        assert_eq!(meta.actions().get("restart").unwrap().description(), "Again");
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
            "name: web\nname: db\nsummary: s\ndescription: d\n",
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
    fn a_directory_without_metadata_says_what_is_missing() {
        let dir = tempfile::tempdir().unwrap();
        let error = CharmMeta::read(dir.path()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unreadable);
        assert!(error.to_string().contains("metadata.yaml"));
        std::fs::write(dir.path().join("metadata.yaml"), "name: web\nsummary: s\ndescription: d")
            .unwrap();
        assert_eq!(CharmMeta::read(dir.path()).unwrap().name(), "web");
    }
}
