//! Compares two JSON texts by the values that they stand for.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

/// The depth of nested lists and maps down to which texts are compared. Serde refuses deeper ones.
const DEPTH: u8 = 128;

/// Returns `true` if both texts are JSON of the same value. White space, the order of a map's keys
/// and the escapes of a string make no difference. A number counts as it is written.
pub(super) fn is_same_json(one: &str, other: &str) -> bool {
    is_same(one.trim(), other.trim(), DEPTH)
}

fn is_same(one: &str, other: &str, depth: u8) -> bool {
    type Map<'a> = BTreeMap<String, &'a RawValue>;

    if one == other {
        return true;
    }
    let Some(depth) = depth.checked_sub(1) else { return false };
    let are_same = |one: &RawValue, other: &RawValue| is_same(one.get(), other.get(), depth);
    if let Some((one, other)) = both::<Map<'_>>(one, other) {
        return one.len() == other.len()
            && one
                .iter()
                .zip(&other)
                .all(|((key, one), (other_key, other))| key == other_key && are_same(one, other));
    }
    if let Some((one, other)) = both::<Vec<&RawValue>>(one, other) {
        return one.len() == other.len()
            && one.iter().zip(&other).all(|(one, other)| are_same(one, other));
    }
    both::<String>(one, other).is_some_and(|(one, other)| one == other)
}

/// Reads both texts as a type.
fn both<'a, T: Deserialize<'a>>(one: &'a str, other: &'a str) -> Option<(T, T)> {
    Some((serde_json::from_str(one).ok()?, serde_json::from_str(other).ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_the_form_of_a_text_makes_no_difference() {
        for (one, other) in [
            (r#"{"a": 1, "b": [1, {"c": null}]}"#, r#"{"b":[1,{"c":null}],"a":1}"#),
            (r#" "\u00e9" "#, "\"é\""),
            ("not JSON", "not JSON"),
        ] {
            assert!(is_same_json(one, other) && is_same_json(other, one), "{one}");
        }
        for (one, other) in [
            ("[1,2]", "[2,1]"),
            ("[1]", "[1,1]"),
            (r#"{"a":1}"#, r#"{"a":2}"#),
            (r#"{"a":1}"#, r#"{"b":1}"#),
            (r#"{"a":1}"#, r#"{"a":1,"b":1}"#),
            ("1", "1.0"),
            // Equal as numbers of 64 bits.
            ("340282366920938463463374607431768211455", "340282366920938463463374607431768211454"),
            ("1", "\"1\""),
            ("null", "false"),
            ("{}", "[]"),
            ("a", "b"),
        ] {
            assert!(!is_same_json(one, other) && !is_same_json(other, one), "{one}");
        }
        let deep = |text: &str| format!("{}{text}{}", "[".repeat(2000), "]".repeat(2000));
        assert!(!is_same_json(&deep("1"), &deep("2")));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(one in "[\\[\\]{}\",:1a\\\\]{0,20}", other in "\\PC{0,20}") {
            let _ = is_same_json(&one, &other);
            prop_assert!(is_same_json(&one, &one));
        }
    }
}
