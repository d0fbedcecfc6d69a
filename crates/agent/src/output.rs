//! [`render`] formats the output of a tool as smart, yaml or json, byte for byte as Juju does.
//!
//! Source: reference `juju-agent.md` 1.2. The forms of YAML and JSON were compared with the output
//! of Go's own libraries.

use serde_json::Value;

use super::data::Data;
use super::go_number::json_number;
use super::go_yaml;

/// The value of `--format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Smart,
    Yaml,
    Json,
}

/// The output of a tool. Juju prints some Go types differently that are equal in JSON, such as an
/// empty list and a nil list, so they are variants here.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Output {
    /// The tool prints nothing in any format.
    Nothing,
    /// The tool prints this text without a newline at its end, in any format.
    Raw(String),
    /// A list of strings inside the agent. smart prints each on its own line.
    Strings(Vec<String>),
    /// A nil slice of strings, for which json prints `null`.
    NilStrings,
    /// A nil map, for which json prints `null`.
    NilMap,
    /// Any other value; `Null` if there is none.
    Value(Value),
    /// A Go struct, whose fields have a fixed order.
    Struct(Data),
    /// A Go struct with other fields in YAML than in JSON.
    PerFormat { yaml: Data, json: Data },
}

impl Output {
    pub(super) fn strings<I: IntoIterator<Item = String>>(items: I) -> Self {
        Self::Strings(items.into_iter().collect())
    }
}

/// Formats an output for standard output or for the file of `--output`.
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
    // Juju adds a newline only where something is printed.
    if text.is_empty() { text } else { text + "\n" }
}

/// Formats a value without the newline at its end.
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

/// Formats a value as YAML. Juju cuts every newline at the end and then adds one.
fn yaml(data: &Data) -> String {
    go_yaml::document(data).trim_end_matches('\n').to_owned()
}

/// Formats a value as Go's `encoding/json` does: without spaces, with the keys of a map sorted, and
/// with `<`, `>` and `&` escaped.
fn json(data: &Data) -> String {
    let mut text = String::new();
    write_json(data, &mut text);
    text
}

fn write_json(data: &Data, text: &mut String) {
    match data {
        Data::Null => text.push_str("null"),
        Data::Bool(flag) => text.push_str(if *flag { "true" } else { "false" }),
        // Juju's agent has every number as a float64, since config comes to it as JSON.
        Data::Number(number) => text.push_str(&json_number(number.as_f64().unwrap_or_default())),
        Data::String(string) | Data::Time(string) => write_json_string(string, text),
        Data::Bytes(bytes) => {
            text.push('"');
            for chunk in bytes.utf8_chunks() {
                write_json_characters(chunk.valid(), text);
                // Go escapes the replacement character only where it replaces a byte.
                chunk.invalid().iter().for_each(|_| text.push_str("\\ufffd"));
            }
            text.push('"');
        }
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
    write_json_characters(string, text);
    text.push('"');
}

fn write_json_characters(string: &str, text: &mut String) {
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
            (
                Output::Struct(Data::Time("2031-01-02T03:04:05Z".to_owned())),
                "2031-01-02T03:04:05Z\n",
                "2031-01-02T03:04:05Z\n",
                "\"2031-01-02T03:04:05Z\"\n",
            ),
            // Bytes that are not text (measured).
            (
                Output::Struct(Data::record([("x", Data::go_string(vec![0xff, 0xfe, b'a']))])),
                "x: !!binary //5h\n",
                "x: !!binary //5h\n",
                "{\"x\":\"\\ufffd\\ufffda\"}\n",
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
            // Multiples of 1/64, because serde_json does not parse every float exactly.
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

    /// Converts every number to a float: the agent prints floats, but a parser reads `3` as an
    /// integer.
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
            // The value stands inside a map: null alone prints nothing, and Juju cuts the newlines
            // at the end of a document.
            let value = json!({ "value": value, "z": 1 });
            let text = render(Format::Yaml, &Output::Value(value.clone()));
            // Juju's writer makes broken YAML of these two characters in a block (measured).
            prop_assume!(!text.contains(['\u{2028}', '\u{2029}']));
            // It writes the key `<<` plain, which a reader takes for a merge (measured).
            prop_assume!(!text.contains("<<:"));
            let read = charmwright_yaml::juju::value(text.as_bytes());
            let read = read.map_err(|why| TestCaseError::fail(format!("{why}\n{text}")))?;
            prop_assert_eq!(as_floats(read), as_floats(value), "{}", text);
        }
    }
}
