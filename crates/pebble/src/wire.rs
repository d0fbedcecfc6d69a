//! These macros and traits convert between the typed model and JSON: words that may be unknown,
//! ids, and objects that keep unknown keys.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::MapAccess;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// Implements the conversions of an enum whose values are words on the wire. The last variant,
/// `Other(String)`, keeps a word that this version does not know, so that a newer Pebble cannot
/// break a reader.
macro_rules! wire_words {
    ($type:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        impl $type {
            /// Returns the word as it is on the wire.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)+
                    Self::Other(word) => word,
                }
            }
        }

        impl From<String> for $type {
            fn from(word: String) -> Self {
                match word.as_str() {
                    $($word => Self::$variant,)+
                    _ => Self::Other(word),
                }
            }
        }

        impl From<&str> for $type {
            fn from(word: &str) -> Self {
                Self::from(word.to_owned())
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer).map(Self::from)
            }
        }
    };
}

/// Implements the conversions of an id, which is a tuple of one text: it is parsed by its own
/// `FromStr`, and printed as it was.
macro_rules! wire_id {
    ($type:ident) => {
        impl $type {
            /// Returns the id as Pebble wrote it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                <String as serde::Deserialize>::deserialize(deserializer)?
                    .parse()
                    .map_err(serde::de::Error::custom)
            }
        }
    };
}

/// Implements reading and writing an object for a struct with a field `extra`. Absent, null and
/// empty are the same; keys are written in the order given here; keys that are not listed are kept
/// in `extra`. `Debug` prints what is written, as [`show`] does. A field that names a getter and
/// its type gets that getter, which returns what [`Get`] does; a text after `=` is added to its
/// documentation.
///
/// Serde's `flatten` does nearly the same, but reads every value through a buffer that has already
/// guessed its type: a YAML `5` could then no longer be read as the string that Go makes of it.
macro_rules! wire_object {
    ($type:ident, $expecting:literal, {
        $(
            $key:literal => $field:ident
                $(: $getter:ident -> $returned:ty $(= $note:literal)?)?
        ),+ $(,)?
    }) => {
        impl $type {
            $($(
                #[doc = concat!("Returns the value of `", $key, "`, if it is set.", $(" ", $note)?)]
                #[must_use]
                pub fn $getter(&self) -> $returned {
                    $crate::wire::Get::get(&self.$field)
                }
            )?)+
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap as _;
                use $crate::wire::Absent as _;
                let mut map = serializer.serialize_map(None)?;
                $(if !self.$field.is_absent() {
                    map.serialize_entry($key, &self.$field)?;
                })+
                for (key, value) in &self.extra {
                    // A known key is written from its field; a second one would make the document
                    // invalid.
                    if !matches!(key.as_str(), $($key)|+) {
                        map.serialize_entry(key, value)?;
                    }
                }
                map.end()
            }
        }

        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                $crate::wire::show(stringify!($type), self, f)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Object;
                impl<'de> serde::de::Visitor<'de> for Object {
                    type Value = $type;
                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str($expecting)
                    }
                    fn visit_map<A: serde::de::MapAccess<'de>>(
                        self,
                        mut map: A,
                    ) -> Result<$type, A::Error> {
                        let mut object = <$type>::default();
                        while let Some(key) = map.next_key::<String>()? {
                            match key.as_str() {
                                $($key => {
                                    object.$field = $crate::wire::next_or_default(&mut map)?;
                                })+
                                _ => {
                                    object.extra.insert(key, map.next_value()?);
                                }
                            }
                        }
                        Ok(object)
                    }
                }
                deserializer.deserialize_map(Object)
            }
        }
    };
}

pub(crate) use {wire_id, wire_object, wire_words};

/// A getter returns a field by reference, and a small one as a copy.
pub(crate) trait Get<'a, T> {
    fn get(&'a self) -> T;
}

impl<'a> Get<'a, Option<&'a str>> for Option<String> {
    fn get(&'a self) -> Option<&'a str> {
        self.as_deref()
    }
}

impl<'a, T> Get<'a, Option<&'a T>> for Option<T> {
    fn get(&'a self) -> Option<&'a T> {
        self.as_ref()
    }
}

impl<T: Copy> Get<'_, Self> for Option<T> {
    fn get(&self) -> Self {
        *self
    }
}

impl<'a, T> Get<'a, &'a [T]> for Vec<T> {
    fn get(&'a self) -> &'a [T] {
        self
    }
}

impl<'a, V> Get<'a, &'a Self> for BTreeMap<String, V> {
    fn get(&'a self) -> &'a Self {
        self
    }
}

/// A field may be absent, and its key is then left out.
pub(crate) trait Absent {
    fn is_absent(&self) -> bool;
}

impl<T> Absent for Option<T> {
    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl<T> Absent for Vec<T> {
    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl<K, V> Absent for BTreeMap<K, V> {
    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

/// Prints an object as it is on the wire, as `NAME {…}`, but without the values of environment
/// variables and headers: one of them may be a password, and a caller who logs a layer does not
/// think of that.
pub(crate) fn show(name: &str, object: &impl Serialize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match serde_json::to_value(object) {
        Ok(mut value) => {
            hide_values(&mut value);
            write!(f, "{name} {value}")
        }
        // The object has a number that JSON cannot hold.
        Err(_) => f.debug_struct(name).finish_non_exhaustive(),
    }
}

fn hide_values(value: &mut Value) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                match value {
                    Value::Object(hidden) if key == "environment" || key == "headers" => {
                        hidden.values_mut().for_each(|value| *value = "..".into());
                    }
                    value => hide_values(value),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(hide_values),
        _ => {}
    }
}

/// Reads the value of the current key. A null is the field's default, as it is for Go.
pub(crate) fn next_or_default<'de, A: MapAccess<'de>, T: Deserialize<'de> + Default>(
    map: &mut A,
) -> Result<T, A::Error> {
    Ok(map.next_value::<Option<T>>()?.unwrap_or_default())
}

/// Reads a field for a derived implementation. A null is the field's default, since Go writes an
/// empty list or map as null.
pub(crate) fn null_as_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
