//! Tests of the declarations in charmcraft.yaml, alone and beside the other files.

use std::collections::BTreeMap;

use serde_json::json;

use super::{HEAD, assert_error};
use crate::{CharmMeta, CharmSources};

fn with_charmcraft(
    metadata: Option<&str>,
    config: Option<&str>,
    actions: Option<&str>,
    charmcraft: &str,
) -> Result<CharmSources, String> {
    let sources = CharmSources::parse(metadata, config, actions, Some(charmcraft));
    let sources = sources.map_err(|error| error.to_string())?;
    match CharmMeta::from_sources(&sources) {
        Ok(_) => Ok(sources),
        Err(error) => Err(error.to_string()),
    }
}

#[test]
fn charmcraft_yaml_alone_declares_a_charm() {
    let charmcraft = "type: charm\nname: web\ntitle: Web\nsummary: s\ndescription: d\n\
                      platforms: {amd64: }\nlinks: {contact: me, issues: [a]}\n\
                      parts: {charm: {plugin: nil}}\ncontainers: {web: {resource: i}}\n\
                      resources: {i: {type: oci-image}}\n\
                      config: {options: {port: {type: int, default: 0755}}}\n\
                      actions: {do: {params: {a: {type: string}}}}\n";
    let sources = with_charmcraft(None, None, None, charmcraft).unwrap();
    let meta = CharmMeta::from_sources(&sources).unwrap();
    assert_eq!(meta.name(), "web");
    assert_eq!(meta.containers().collect::<Vec<_>>(), ["web"]);
    assert_eq!(meta.options().get("port").unwrap().default(), Some(&json!(493)));
    assert!(meta.actions().contains_key("do"));
    // The files that charmcraft writes declare the same, without the keys that only charmcraft
    // reads.
    let written: BTreeMap<&str, String> = sources.written_by_charmcraft().collect();
    let text = |name: &str| written.get(name).map(String::as_str);
    let again =
        CharmMeta::parse(text("metadata.yaml").unwrap(), text("config.yaml"), text("actions.yaml"));
    assert_eq!(again.unwrap(), meta);
    let metadata = text("metadata.yaml").unwrap();
    assert!(!metadata.contains("parts") && !metadata.contains("platforms"), "{metadata}");
    for part in [r#""display-name":"Web""#, r#""maintainers":["me"]"#, r#""issues":["a"]"#] {
        assert!(metadata.contains(part), "{metadata}");
    }
}

#[test]
fn charmcraft_yaml_beside_the_others_is_not_lost() {
    let sections = "type: charm\nconfig: {options: {a: {}}}\nactions: {do: {}}\nparts: {}\n";
    let sources = with_charmcraft(Some(HEAD), None, None, sections).unwrap();
    let meta = CharmMeta::from_sources(&sources).unwrap();
    assert!(meta.options().contains_key("a") && meta.actions().contains_key("do"));
    let written: Vec<&str> = sources.written_by_charmcraft().map(|(name, _)| name).collect();
    assert_eq!(written, ["config.yaml", "actions.yaml"], "metadata.yaml is the author's own");
    let sources = with_charmcraft(
        Some(HEAD),
        Some("options: {b: {}}"),
        None,
        "containers: {web: {}}\nconfig: \n",
    )
    .unwrap();
    let meta = CharmMeta::from_sources(&sources).unwrap();
    assert_eq!(meta.containers().count(), 1);
    assert!(meta.options().contains_key("b"));
    let written: Vec<&str> = sources.written_by_charmcraft().map(|(name, _)| name).collect();
    assert_eq!(written, ["metadata.yaml"]);
    for (metadata, config, actions, charmcraft, part) in [
        (
            Some(HEAD),
            None,
            None,
            "name: web\nsummary: s",
            "cannot use charmcraft.yaml: metadata.yaml has the same keys (name, summary)",
        ),
        (
            Some(HEAD),
            Some("options: {}"),
            None,
            "config: {options: {a: {}}}",
            "cannot use charmcraft.yaml: config: config.yaml is there too",
        ),
        (
            Some(HEAD),
            None,
            Some("do: {}"),
            "actions: {do: {}}",
            "cannot use charmcraft.yaml: actions: actions.yaml is there too",
        ),
        (None, None, None, "type: bundle\nname: web", "type: a bundle is no charm"),
        (None, None, None, "summary: s", "cannot use charmcraft.yaml: name: missing"),
        (None, None, None, "", "cannot use charmcraft.yaml: name: missing"),
        (None, None, None, "[a", "cannot read charmcraft.yaml as YAML: "),
        (None, None, None, "[a]", "cannot use charmcraft.yaml: expected a map"),
        (
            Some(HEAD),
            None,
            None,
            "config: [a]",
            "cannot use charmcraft.yaml: config: expected a map",
        ),
        (
            Some(HEAD),
            None,
            None,
            "config: {options: {a: {type: x}}}",
            "cannot use charmcraft.yaml: config.options.a.type: ",
        ),
        (Some(HEAD), None, None, "actions: {Do: {}}", "cannot use charmcraft.yaml: actions.Do: "),
    ] {
        let error_text = with_charmcraft(metadata, config, actions, charmcraft).unwrap_err();
        assert_error(&error_text, part, charmcraft);
    }
}
