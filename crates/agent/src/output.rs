//! What a tool prints: the formats smart, yaml and json, byte for byte as Juju prints them.
//!
//! Source: reference `juju-agent.md` 1.2; the shapes of YAML and JSON were tried against Go's own
//! libraries.

use serde_json::Value;

use super::data::Data;
use super::go_number::json_number;
use super::go_yaml;

/// `--format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Smart,
    Yaml,
    Json,
}

/// A tool's value, with what Go's types tell apart and JSON does not.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Output {
    /// The tool has no output at all.
    Nothing,
    /// Printed as it is, with no line end added.
    Raw(String),
    /// A list of strings: smart prints one a line.
    Strings(Vec<String>),
    /// A list of strings that was never made: json prints `null`.
    NilStrings,
    /// A map that was never made: json prints `null`.
    NilMap,
    /// Anything else; `Null` where there is no value.
    Value(Value),
    /// A struct of Go's: its keys have an order of their own.
    Struct(Data),
    /// A struct whose YAML is not its JSON.
    PerFormat { yaml: Data, json: Data },
}

impl Output {
    pub(super) fn strings<I: IntoIterator<Item = String>>(items: I) -> Self {
        Self::Strings(items.into_iter().collect())
    }
}

/// The bytes for standard output or the `--output` file.
pub(super) fn render(format: Format, output: &Output) -> String {
    let text = match output {
        Output::Nothing => return String::new(),
        Output::Raw(text) => return text.clone(),
        Output::Strings(items) => match format {
            Format::Smart => items.join("\n"),
            Format::Yaml => yaml(&Data::from(items.clone())),
            Format::Json => json(&Data::from(items.clone())),
        },
        Output::NilStrings => match format {
            Format::Smart => String::new(),
            Format::Yaml => "[]".to_owned(),
            Format::Json => "null".to_owned(),
        },
        Output::NilMap => match format {
            Format::Smart | Format::Yaml => "{}".to_owned(),
            Format::Json => "null".to_owned(),
        },
        Output::Value(value) => render_data(format, &Data::from(value.clone())),
        Output::Struct(data) => render_data(format, data),
        Output::PerFormat { yaml: in_yaml, json: in_json } => match format {
            Format::Smart | Format::Yaml => render_data(format, in_yaml),
            Format::Json => json(in_json),
        },
    };
    if text.is_empty() { text } else { text + "\n" }
}

fn render_data(format: Format, data: &Data) -> String {
    match (format, data) {
        (Format::Smart, Data::String(text)) => text.clone(),
        (Format::Smart, Data::Bool(true)) => "True".to_owned(),
        (Format::Smart, Data::Bool(false)) => "False".to_owned(),
        (Format::Smart | Format::Yaml, Data::Null) => String::new(),
        (Format::Smart | Format::Yaml, _) => yaml(data),
        (Format::Json, _) => json(data),
    }
}

fn yaml(data: &Data) -> String {
    go_yaml::document(data).trim_end_matches('\n').to_owned()
}

/// JSON as Go writes it: no spaces, a map's keys sorted, and `<`, `>`, `&` escaped.
fn json(data: &Data) -> String {
    let mut text = String::new();
    write_json(data, &mut text);
    text
}

fn write_json(data: &Data, text: &mut String) {
    match data {
        Data::Null => text.push_str("null"),
        Data::Bool(flag) => text.push_str(if *flag { "true" } else { "false" }),
        Data::Number(number) => text.push_str(&json_number(number.as_f64().unwrap_or_default())),
        Data::String(string) => write_json_string(string, text),
        Data::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write_json(item, text);
            }
            text.push(']');
        }
        Data::Object(fields) => {
            let mut keys: Vec<(&String, &Data)> = fields.iter().collect();
            if fields.is_sorted() {
                keys.sort_by_key(|(key, _)| *key);
            }
            text.push('{');
            for (index, (key, item)) in keys.into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write_json_string(key, text);
                text.push(':');
                write_json(item, text);
            }
            text.push('}');
        }
    }
}

fn write_json_string(string: &str, text: &mut String) {
    text.push('"');
    for character in string.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            '\u{0}'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                text.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            other => text.push(other),
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Map, json};

    #[test]
    fn each_kind_of_value_in_each_format() {
        for (output, smart, yaml, json) in [
            (Output::Nothing, "", "", ""),
            (Output::Raw("/x".into()), "/x", "/x", "/x"),
            (Output::Value(Value::Null), "", "", "null\n"),
            (Output::Value(json!("")), "", "\"\"\n", "\"\"\n"),
            (Output::Value(json!("12345")), "12345\n", "\"12345\"\n", "\"12345\"\n"),
            (Output::Value(json!("a\n")), "a\n\n", "|\n  a\n", "\"a\\n\"\n"),
            (Output::Value(json!(true)), "True\n", "true\n", "true\n"),
            (Output::Value(json!(false)), "False\n", "false\n", "false\n"),
            (Output::Value(json!(1_000_000)), "1e+06\n", "1e+06\n", "1000000\n"),
            (Output::Value(json!({})), "{}\n", "{}\n", "{}\n"),
            (Output::Value(json!([])), "[]\n", "[]\n", "[]\n"),
            (Output::NilMap, "{}\n", "{}\n", "null\n"),
            (Output::NilStrings, "", "[]\n", "null\n"),
            (Output::strings([]), "", "[]\n", "[]\n"),
            (Output::strings(["a".into(), "b".into()]), "a\nb\n", "- a\n- b\n", "[\"a\",\"b\"]\n"),
            (
                Output::Value(json!({"b": "<&>", "a": [1, "x"]})),
                "a:\n- 1\n- x\nb: <&>\n",
                "a:\n- 1\n- x\nb: <&>\n",
                "{\"a\":[1,\"x\"],\"b\":\"\\u003c\\u0026\\u003e\"}\n",
            ),
            // A struct's fields keep their order, a map's keys do not.
            (
                Output::Struct(Data::record([
                    ("z", "1".into()),
                    (
                        "m",
                        Data::map([
                            ("b".to_owned(), Data::Null),
                            ("a".to_owned(), Data::Bool(true)),
                        ]),
                    ),
                    ("a", vec!["x"].into()),
                ])),
                "z: \"1\"\nm:\n  a: true\n  b: null\na:\n- x\n",
                "z: \"1\"\nm:\n  a: true\n  b: null\na:\n- x\n",
                "{\"z\":\"1\",\"m\":{\"a\":true,\"b\":null},\"a\":[\"x\"]}\n",
            ),
        ] {
            assert_eq!(render(Format::Smart, &output), smart, "smart {output:?}");
            assert_eq!(render(Format::Yaml, &output), yaml, "yaml {output:?}");
            assert_eq!(render(Format::Json, &output), json, "json {output:?}");
        }
    }

    #[test]
    fn json_strings_are_escaped_as_go_escapes_them() {
        assert_eq!(
            json(&Data::from(json!(
                "a<>&\u{2028}\u{2029}\u{7f}\u{0}\u{1f}\u{8}\u{c}\n\r\t\"\\/é😀"
            ))),
            "\"a\\u003c\\u003e\\u0026\\u2028\\u2029\u{7f}\\u0000\\u001f\\b\\f\\n\\r\\t\\\"\\\\/é😀\""
        );
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            // Sixty-fourths: serde_json does not read every float back exactly.
            (-1_000_000_000..1_000_000_000_i32).prop_map(|n| Value::from(f64::from(n) / 64.0)),
            (-10_000_000..10_000_000_i32).prop_map(|n| Value::from(f64::from(n))),
            "\\PC{0,12}".prop_map(Value::from),
            "[-+0-9a-fxo._:,yn ~#'\"\n]{0,10}".prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[-a-z0-9:\n]{0,6}|\\PC{0,4}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect::<Map<_, _>>())),
            ]
        })
    }

    /// Numbers are floats inside the agent; a reader may take 3 for a whole one.
    fn as_floats(value: Value) -> Value {
        match value {
            Value::Number(number) => Value::from(number.as_f64().unwrap() + 0.0),
            Value::Array(items) => items.into_iter().map(as_floats).collect(),
            Value::Object(map) => {
                Value::Object(map.into_iter().map(|(key, value)| (key, as_floats(value))).collect())
            }
            other => other,
        }
    }

    proptest! {
        #[test]
        fn json_reads_back(value in value()) {
            let text = render(Format::Json, &Output::Value(value.clone()));
            prop_assert!(text.ends_with('\n'));
            prop_assert_eq!(as_floats(serde_json::from_str(&text).unwrap()), as_floats(value));
        }

        #[test]
        fn yaml_reads_back(value in value()) {
            // Nothing is printed for no value, and the last line ends are Juju's to cut.
            let value = json!({ "value": value, "z": 1 });
            let text = render(Format::Yaml, &Output::Value(value.clone()));
            // In a block Juju's writer takes these for the end of a line, and goes on without one.
            prop_assume!(!text.contains(['\u{2028}', '\u{2029}']));
            let read = charmwright_yaml::juju::value(text.as_bytes());
            let read = read.map_err(|why| TestCaseError::fail(format!("{why}\n{text}")))?;
            prop_assert_eq!(as_floats(read), as_floats(value), "{}", text);
        }
    }
}
