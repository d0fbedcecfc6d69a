//! Tests of the version of a bag type: old writers and new readers, new writers and old readers.

use serde::{Deserialize, Serialize};

use super::bag;
use crate::relation::bag::{BagFault, changes, decode};
use crate::{Bag, Codec, JsonPerKey, JsonUnder, KeyName, Plain};

/// The types of three versions of one interface, in one codec.
macro_rules! versions {
    ($module:ident $codec:ty) => {
        mod $module {
            use super::*;

            #[derive(Debug, PartialEq, Serialize, Deserialize)]
            pub struct One {
                pub host: String,
            }

            impl Bag for One {
                type Codec = $codec;
                const VERSION: Option<u32> = Some(1);
            }

            /// The second version adds a field that an old writer does not have.
            #[derive(Debug, PartialEq, Serialize, Deserialize)]
            pub struct Two {
                pub host: String,
                #[serde(default)]
                pub tls: bool,
            }

            impl Bag for Two {
                type Codec = $codec;
                const VERSION: Option<u32> = Some(2);
            }

            /// The third version replaces the first field, so it is read by no older one.
            #[derive(Debug, PartialEq, Serialize, Deserialize)]
            pub struct Three {
                pub hosts: u32,
                pub tls: bool,
            }

            impl Bag for Three {
                type Codec = $codec;
                const VERSION: Option<u32> = Some(3);
            }
        }
    };
}

pub enum Data {}

impl KeyName for Data {
    const KEY: &'static str = "data";
}

versions!(plain Plain);
versions!(json JsonPerKey);
versions!(document JsonUnder<Data>);

/// Returns the databag that a charm has after it wrote this value.
fn written<T: Bag>(value: &T) -> std::collections::BTreeMap<String, String> {
    let changes = changes(&bag([]), value).unwrap();
    changes.into_iter().filter_map(|(key, text)| Some((key, text?))).collect()
}

macro_rules! test_versions {
    ($($name:ident $module:ident),*) => {$(
        #[test]
        fn $name() {
            use $module::{One, Three, Two};

            let one = written(&One { host: "a".into() });
            let two = written(&Two { host: "a".into(), tls: true });
            let three = written(&Three { hosts: 7, tls: true });
            // Old writer, new reader, and the other way round.
            assert_eq!(decode(&one), Ok(Two { host: "a".into(), tls: false }));
            assert_eq!(decode(&two), Ok(One { host: "a".into() }));
            // The newer writer does not write what the old reader needs.
            let fault = decode::<Two>(&three).unwrap_err();
            assert!(matches!(fault, BagFault::Newer { written: 3, known: 2, .. }), "{fault:?}");
            // The older writer does not write what the new reader needs.
            let fault = decode::<Three>(&two).unwrap_err();
            assert!(matches!(fault, BagFault::Older { written: 2, known: 3, .. }), "{fault:?}");
            // What is of the same version, or of none, is not explained by it.
            let fault = decode::<Three>(&bag([])).unwrap_err();
            assert_eq!(fault, BagFault::Nothing);
        }
    )*};
}

test_versions!(
    versions_of_plain_texts plain,
    versions_of_json_per_key json,
    versions_of_one_document document
);

#[test]
fn the_version_is_a_key_of_its_own() {
    assert_eq!(
        written(&plain::Two { host: "a".into(), tls: true }),
        bag([("host", "a"), ("tls", "true"), ("version", "2")])
    );
    assert_eq!(
        written(&document::One { host: "a".into() }),
        bag([("data", r#"{"version":1,"host":"a"}"#)])
    );
    // A type with a field of that name cannot be written.
    #[derive(Serialize, Deserialize)]
    struct Clash {
        version: String,
    }
    impl Bag for Clash {
        type Codec = Plain;
        const VERSION: Option<u32> = Some(1);
    }
    let error = changes(&bag([]), &Clash { version: "x".into() }).unwrap_err();
    assert_eq!(error.key(), Some("version"));
}

#[test]
fn a_wrong_value_of_a_newer_writer_is_explained_by_its_version() {
    let newer = bag([("host", "a"), ("tls", "maybe"), ("version", "9")]);
    let fault = decode::<plain::Two>(&newer).unwrap_err();
    assert!(matches!(fault, BagFault::Newer { written: 9, known: 2, .. }), "{fault:?}");
    for version in ["2", "1", "x", ""] {
        let wrong = bag([("host", "a"), ("tls", "maybe"), ("version", version)]);
        let fault = decode::<plain::Two>(&wrong).unwrap_err();
        assert!(matches!(fault, BagFault::Wrong(_)), "{version}: {fault:?}");
    }
    // Half of the data of the same version is not there yet.
    let half = bag([("tls", "true"), ("version", "2")]);
    assert!(matches!(decode::<plain::Two>(&half), Err(BagFault::Missing(_))));
    assert!(Plain::decode::<plain::Two>(&half).unwrap_err().is_missing());
}
