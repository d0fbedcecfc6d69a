//! Tests of the schema against the results of Juju's validator, keyword by keyword.

use serde_json::{Map, Value, json};

use super::{Schema, fill_defaults, refuse_references};

#[test]
fn every_keyword_is_validated() {
    let rows = [
        // (schema, valid values, invalid values each with a part of its violation)
        (json!({}), vec![json!(null), json!([1, {"a": 1}])], vec![]),
        (
            json!({"type": "integer"}),
            vec![json!(3), json!(3.0), json!(-9_007_199_254_740_991_i64)],
            vec![
                (json!(3.5), "must be of type integer, given number"),
                (json!(9_007_199_254_740_992_i64), "must be of type integer"),
                (json!("3"), "must be of type integer, given string"),
                (json!(null), "must be of type integer, given null"),
            ],
        ),
        (
            json!({"type": ["string", "null", "integr"]}),
            vec![json!("a"), json!(null)],
            vec![(json!(1), "must be of type [string,null], given number")],
        ),
        (json!({"type": "number"}), vec![json!(1), json!(1.5)], vec![(json!(true), "type number")]),
        (json!({"type": "boolean"}), vec![json!(true)], vec![(json!("true"), "type boolean")]),
        (json!({"type": "array"}), vec![json!([])], vec![(json!({}), "type array")]),
        (json!({"type": "object"}), vec![json!({})], vec![(json!([]), "type object")]),
        (json!({"type": "null"}), vec![json!(null)], vec![(json!(""), "type null")]),
        (
            json!({"enum": ["soft", 1, [2.0]]}),
            vec![json!("soft"), json!(1.0), json!([2])],
            vec![(json!("loud"), "must match one of the enum values [\"soft\",1,[2.0]]")],
        ),
        (json!({"enum": []}), vec![json!(1)], vec![]),
        (
            json!({"pattern": "^[a-z]+$"}),
            vec![json!("ab"), json!(5)],
            vec![(json!("a1"), "does not match pattern '^[a-z]+$'")],
        ),
        (
            json!({"minLength": 2, "maxLength": 3}),
            vec![json!("äö"), json!("abc"), json!(1)],
            vec![
                (json!("ä"), "string length must be greater or equal to 2"),
                (json!("abcd"), "string length must be lower or equal to 3"),
            ],
        ),
        (
            json!({"minimum": 0, "maximum": 9}),
            vec![json!(0), json!(9), json!("x")],
            vec![
                (json!(-1), "must be greater than or equal to 0"),
                (json!(9.5), "must be lower than or equal to 9"),
            ],
        ),
        (
            json!({"minimum": 0, "exclusiveMinimum": true, "maximum": 9, "exclusiveMaximum": true}),
            vec![json!(0.1), json!(8)],
            vec![(json!(0), "must be greater than 0"), (json!(9), "must be lower than 9")],
        ),
        (
            json!({"minimum": 0, "exclusiveMinimum": false}),
            vec![json!(0)],
            vec![(json!(-1), "greater than or equal to 0")],
        ),
        (
            json!({"multipleOf": 0.5}),
            vec![json!(1.5), json!(0)],
            vec![(json!(1.2), "must be a multiple of 0.5")],
        ),
        (
            json!({"minItems": 1, "maxItems": 2, "uniqueItems": true}),
            vec![json!([1]), json!([1, "1"])],
            vec![
                (json!([]), "array must have at least 1 items"),
                (json!([1, 2, 3]), "array must have at the most 2 items"),
                (json!([1, 1.0]), "array items must be unique"),
            ],
        ),
        (
            json!({"items": {"type": "string"}}),
            vec![json!([]), json!(["a"])],
            vec![(json!(["a", 1]), "(root).1 : must be of type string")],
        ),
        (
            json!({"items": [{"type": "string"}, {"type": "integer"}], "additionalItems": false}),
            // A list of schemas does not validate a list of another length.
            vec![json!(["a", 1]), json!([1])],
            vec![
                (json!([1, 1]), "(root).0 : must be of type string"),
                (json!(["a", 1, 2]), "no additional item allowed on array"),
            ],
        ),
        (
            json!({"items": [{"type": "string"}], "additionalItems": {"type": "integer"}}),
            vec![json!([5, 1])],
            vec![(json!(["a", "b"]), "(root).1 : must be of type integer")],
        ),
        (
            json!({"minProperties": 1, "maxProperties": 2}),
            vec![json!({"a": 1})],
            vec![
                (json!({}), "must have at least 1 properties"),
                (json!({"a": 1, "b": 1, "c": 1}), "must have at the most 2 properties"),
            ],
        ),
        (
            json!({"required": ["a"], "properties": {"a": {"default": 1}}}),
            vec![json!({"a": null})],
            vec![(json!({}), "(root) : \"a\" property is missing and required, given object")],
        ),
        (json!({"required": []}), vec![json!({})], vec![]),
        (
            json!({
                "properties": {"a": {"properties": {"b": {"type": "integer"}}, "required": ["b"]}}
            }),
            vec![json!({}), json!({"a": {"b": 1}}), json!({"a": 5})],
            vec![
                (json!({"a": {"b": "x"}}), "(root).a.b : must be of type integer, given string"),
                (json!({"a": {}}), "(root).a : \"b\" property is missing"),
            ],
        ),
        (
            json!({"properties": {"a": {}}, "additionalProperties": false}),
            vec![json!({"a": 1})],
            vec![(json!({"b": 1}), "additional property \"b\" is not allowed")],
        ),
        (
            json!({"properties": {"a": {}}, "additionalProperties": {"type": "integer"}}),
            vec![json!({"a": "x", "b": 1})],
            vec![(json!({"b": "x"}), "must be of type integer, given string")],
        ),
        (
            json!({
                "properties": {"a": {}}, "patternProperties": {"^n": {"type": "integer"}},
                "additionalProperties": false
            }),
            vec![json!({"a": "x", "n1": 1})],
            vec![
                (json!({"n1": "x"}), "(root).n1 : must be of type integer"),
                (json!({"m": 1}), "additional property \"m\" is not allowed"),
            ],
        ),
        (
            json!({"patternProperties": {"^n": {"type": "integer"}}}),
            vec![json!({"m": "x"})],
            vec![(json!({"n": "x"}), "property \"n\" does not match pattern \"^n\"")],
        ),
        (
            json!({"patternProperties": {"^n": {"type": "integer"}}, "additionalProperties": true}),
            vec![json!({"n": "x"})],
            vec![],
        ),
        (
            json!({"dependencies": {"a": ["b"], "c": {"required": ["d"]}}}),
            vec![json!({}), json!({"a": 1, "b": 2}), json!({"c": 1, "d": 1})],
            vec![
                (json!({"a": 1}), "has a dependency on b"),
                (json!({"c": 1}), "\"d\" property is missing"),
            ],
        ),
        (
            json!({"allOf": [{"type": "integer"}, {"minimum": 3}]}),
            vec![json!(3)],
            vec![
                (json!(2), "must validate all the schemas (allOf)"),
                (json!(2), "must be greater than or equal to 3"),
            ],
        ),
        (
            json!({"anyOf": [{"type": "integer"}, {"type": "string", "minLength": 2}]}),
            vec![json!(3), json!("ab")],
            vec![
                (json!("a"), "must validate at least one schema (anyOf)"),
                (json!("a"), "string length must be greater or equal to 2"),
                (json!(true), "must be of type integer"),
            ],
        ),
        (
            json!({"oneOf": [{"type": "integer"}, {"minimum": 3}]}),
            vec![json!(1), json!(3.5), json!("x")],
            vec![(json!(4), "must validate one and only one schema (oneOf)")],
        ),
        (
            json!({"not": {"type": "integer"}}),
            vec![json!("x")],
            vec![(json!(4), "must not validate the schema (not)")],
        ),
        (
            json!({"format": "ipv4", "unheard-of": {"type": "integr"}}),
            vec![json!("not an address")],
            vec![],
        ),
    ];
    for (document, good, bad) in rows {
        let schema = Schema::parse(&document).unwrap_or_else(|why| panic!("{document}: {why}"));
        for value in good {
            assert_eq!(schema.violations(&value), [""; 0], "{document} {value}");
        }
        for (value, part) in bad {
            let error_text = schema.violations(&value).join("; ");
            assert!(
                error_text.contains(part),
                "{document} {value}: {error_text:?} has no {part:?}"
            );
        }
    }
}

#[test]
fn a_wrong_schema_is_refused() {
    for (document, why) in [
        (json!("integer"), "schema must be of type object"),
        (json!({"type": "integr"}), "integr is not a valid type"),
        (json!({"type": 5}), "type must be of type string/array of strings"),
        (json!({"type": [5]}), "type must be of type string/array of strings"),
        (json!({"type": null}), "type must be of type string/array of strings"),
        (json!({"title": 1}), "title must be of type string"),
        (json!({"description": null}), "description must be of type string"),
        (json!({"id": []}), "id must be of type string"),
        (json!({"properties": []}), "properties must be of type object"),
        (json!({"properties": {"a": "string"}}), "schema must be of type object"),
        (json!({"properties": {"a": {"type": "text"}}}), "text is not a valid type"),
        (json!({"enum": "a"}), "enum must be of an array"),
        (json!({"enum": [1, 1.0]}), "enum items must be unique"),
        (json!({"required": true}), "required must be of an array"),
        (json!({"required": [1]}), "required items must be string"),
        (json!({"required": ["a", "a"]}), "required items must be unique"),
        (json!({"minimum": "1"}), "minimum must be of a number"),
        (json!({"minimum": 2, "maximum": 1}), "minimum cannot be greater than maximum"),
        (json!({"exclusiveMinimum": true}), "exclusiveMinimum cannot be used without minimum"),
        (json!({"minimum": 1, "exclusiveMinimum": 1}), "exclusiveMinimum must be of a boolean"),
        (json!({"exclusiveMaximum": false}), "exclusiveMaximum cannot be used without maximum"),
        (json!({"multipleOf": 0}), "multipleOf must be strictly greater than 0"),
        (json!({"minLength": -1}), "minLength must be greater than or equal to 0"),
        (json!({"minLength": 1.5}), "minLength must be of an integer"),
        (json!({"minLength": 3, "maxLength": 2}), "minLength cannot be greater than maxLength"),
        (json!({"minItems": 3, "maxItems": 2}), "minItems cannot be greater than maxItems"),
        (
            json!({"minProperties": 3, "maxProperties": 2}),
            "minProperties cannot be greater than maxProperties",
        ),
        (json!({"pattern": "("}), "pattern must be a valid regex"),
        (json!({"pattern": 1}), "pattern must be of a string"),
        (json!({"patternProperties": {"(": {}}}), "Invalid regex pattern '('"),
        (json!({"patternProperties": []}), "patternProperties must be of type schema"),
        (json!({"additionalProperties": 1}), "additionalProperties must be of type boolean/schema"),
        (json!({"additionalItems": "x"}), "additionalItems must be of type boolean/schema"),
        (json!({"items": true}), "items must be of type schema/array of schemas"),
        (json!({"items": [1]}), "items must be of type schema/array of schemas"),
        (json!({"items": {"type": "x"}}), "x is not a valid type"),
        (json!({"uniqueItems": 1}), "uniqueItems must be of a boolean"),
        (
            json!({"dependencies": {"a": "b"}}),
            "dependency must be of type schema or array of strings",
        ),
        (
            json!({"dependencies": {"a": [1]}}),
            "dependency must be of type schema or array of strings",
        ),
        (json!({"anyOf": {}}), "anyOf must be of an array"),
        (json!({"allOf": [1]}), "schema must be of type object"),
        (json!({"oneOf": 1}), "oneOf must be of an array"),
        (json!({"not": []}), "not must be of an object"),
        (json!({"definitions": {"a": 1}}), "definitions must be of type array of schemas"),
        (json!({"definitions": {"a": {"type": "x"}}}), "x is not a valid type"),
    ] {
        let error_text = Schema::parse(&document).err();
        assert!(
            error_text.as_ref().is_some_and(|error_text| error_text.starts_with(why)),
            "{document}: {error_text:?}, not {why:?}"
        );
    }
    for document in [
        json!({"a": {"$ref": "#/b"}}),
        json!([{"$schema": "http://json-schema.org/draft-04/schema#"}]),
        json!({"a": {"items": [{"properties": {"$ref": {}}}]}}),
    ] {
        let error_text = refuse_references(&document).unwrap_err();
        assert!(error_text.contains("not compatible with this version of juju"), "{error_text}");
    }
    assert_eq!(refuse_references(&json!({"a": "$ref", "b": 1})), Ok(()));
}

fn filled(properties: &Value, given: Value) -> Result<Value, String> {
    let Value::Object(mut given) = given else { panic!("{given} is no map") };
    let empty = Map::new();
    fill_defaults(&mut given, properties.as_object().unwrap_or(&empty))?;
    Ok(Value::Object(given))
}

#[test]
fn defaults_are_filled_in_at_every_depth() {
    let properties = json!({
        "top": {"default": 1},
        "none": {},
        "who": {"properties": {"first": {"default": "x"}, "last": {}}},
        "deep": {"properties": {"a": {"properties": {"b": {"default": [1]}}}}},
        "whole": {"default": {"k": 1}, "properties": {"other": {"default": 2}}},
    });
    assert_eq!(
        filled(&properties, json!({})),
        Ok(json!({"top": 1, "who": {"first": "x"}, "deep": {"a": {"b": [1]}}, "whole": {"k": 1}}))
    );
    assert_eq!(
        filled(
            &properties,
            json!({"top": null, "who": {"last": "y"}, "deep": 5, "whole": {}, "extra": {"k": 1}})
        ),
        Ok(json!({
            "top": null, "who": {"first": "x", "last": "y"}, "deep": 5, "whole": {"other": 2},
            "extra": {"k": 1}
        }))
    );
    let error_text = filled(&properties, json!({"none": {"k": 1}})).unwrap_err();
    assert!(
        error_text.starts_with("parameter none ") && error_text.contains("declares no properties"),
        "{error_text}"
    );
}
