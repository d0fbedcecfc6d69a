//! What is written to a databag reaches the tool as Juju's YAML reader takes it.

use std::collections::BTreeMap;

use charmwright_juju::{ErrorKind, RelationId};

use crate::tools::Tools;

/// Values that a careless encoder would break: Juju's reader refuses some characters as they are,
/// and a surrogate pair as an escape (measured 2.1 row 21).
fn hostile_values() -> Vec<(&'static str, String)> {
    vec![
        ("controls", "\u{1}\u{8}\u{b}\u{c}\u{1b}\u{1f}".to_owned()),
        ("del-and-c1", "\u{7f}\u{80}\u{85}\u{9f}\u{a0}".to_owned()),
        ("separators", "a\u{2028}b\u{2029}c\u{feff}d".to_owned()),
        ("emoji", "\u{1f600}\u{10ffff}\u{fffd}".to_owned()),
        ("lines", "a\r\n\n\tb \n ".to_owned()),
        ("yaml", "&a *b !c |d >e %f @g `h : # - ? [x] {y: z} --- ... \"q\" 'r'".to_owned()),
        ("true", "yes".to_owned()),
        ("0o17", "1.50".to_owned()),
        (" spaced = ", " spaced ".to_owned()),
        ("$a.b\u{7f}\u{2028}", "~".to_owned()),
        ("large", "\u{e9}".repeat(1 << 19)),
        ("large-line", "x y ".repeat(1 << 18)),
    ]
}

#[test]
fn hostile_values_reach_the_tool_whole() {
    let tools = Tools::new();
    tools.add_script("keep", "cat > \"$(dirname \"$0\")/got\"");
    tools.set("relation-set", "keep");
    let relation: RelationId = "db:7".parse().unwrap();
    let hook_tools = tools.hook_tools(None);
    let values = hostile_values();
    let changes: BTreeMap<String, Option<String>> =
        values.iter().map(|(key, value)| ((*key).to_owned(), Some(value.clone()))).collect();
    for write in [0, 1] {
        if write == 0 {
            hook_tools.set_unit_databag(&relation, &changes).unwrap();
        } else {
            hook_tools.set_app_databag(&relation, &changes).unwrap();
        }
        let got = tools.take("got");
        let text = std::str::from_utf8(&got).unwrap();
        let refused = |character: char| character.is_control() && character != '\n';
        assert!(!text.contains(refused), "a character that Juju's reader refuses");
        assert!(!text.to_lowercase().contains("\\ud8"), "an escape that Juju's reader refuses");
        let read = charmwright_yaml::juju::strings(&got).unwrap();
        for (key, value) in &values {
            assert_eq!(read.get(*key), Some(value), "{key}");
        }
    }
}

#[test]
fn what_juju_would_not_keep_starts_no_tool() {
    let tools = Tools::new();
    let relation: RelationId = "db:7".parse().unwrap();
    let hook_tools = tools.hook_tools(None);
    for (key, value) in [("", "x"), ("a\0b", "x"), ("a", "x\0y")] {
        let changes = BTreeMap::from([(key.to_owned(), Some(value.to_owned()))]);
        let error = hook_tools.set_unit_databag(&relation, &changes).unwrap_err();
        // There is no tool at all, so the kind shows that none was looked for.
        assert_eq!(error.kind(), &ErrorKind::Invalid, "{error}");
        assert!(error.to_string().starts_with("cannot write a databag in the relation db:7: "));
    }
}
