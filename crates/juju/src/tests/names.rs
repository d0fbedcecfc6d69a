//! Tests of the names: the texts that each type accepts and refuses.

use super::*;
use proptest::prelude::*;

#[test]
fn good_names_keep_their_text() {
    for text in ["web/0", "any-workload-k8s/12", "remote-0a1b2c/3"] {
        assert_eq!(text.parse::<UnitName>().unwrap().to_string(), text);
    }
    let unit: UnitName = "any-workload-k8s/12".parse().unwrap();
    assert_eq!((unit.application().as_str(), unit.number()), ("any-workload-k8s", 12));

    let relation: RelationId = "db:7".parse().unwrap();
    assert_eq!(relation.endpoint().map(EndpointName::as_str), Some("db"));
    assert_eq!(relation.number(), 7);
    assert_eq!("7".parse::<RelationId>().unwrap().endpoint(), None);

    for text in [
        "secret:9m4e2mr0ui3e8a215n4g",
        "secret://0f3c-1/9m4e2mr0ui3e8a215n4g",
        "9m4e2mr0ui3e8a215n4g",
    ] {
        assert_eq!(text.parse::<SecretId>().unwrap().id(), "9m4e2mr0ui3e8a215n4g");
    }
    assert_eq!("data/0".parse::<StorageId>().unwrap().name().as_str(), "data");
    // Juju allows an underscore in the name of an endpoint, and hyphens in both names.
    for text in ["db", "my_db", "my-db", "db-relation-changed"] {
        assert_eq!(text.parse::<EndpointName>().unwrap().as_str(), text);
        assert_eq!(text.parse::<StorageName>().unwrap().as_str(), text);
    }
}

#[test]
fn the_spellings_of_a_secrets_id_are_equal() {
    let id = |text: &str| text.parse::<SecretId>().unwrap();
    let of_event = id("secret:9m4e2mr0ui3e8a215n4g");
    let same = [id("secret://0f3c-1/9m4e2mr0ui3e8a215n4g"), id("9m4e2mr0ui3e8a215n4g")];
    let other = id("secret:9m4e2mr0ui3e8a215n50");
    for spelling in &same {
        assert_eq!(of_event, *spelling);
        assert_eq!(of_event.cmp(spelling), Ordering::Equal);
        assert_ne!(other, *spelling);
    }
    let [model, bare] = same;
    assert_eq!(model.as_str(), "secret://0f3c-1/9m4e2mr0ui3e8a215n4g");
    let ids = std::collections::HashSet::from([of_event, model, bare, other]);
    assert_eq!(ids.len(), 2);
}

#[test]
fn bad_names_are_refused() {
    for text in [
        "",
        "web",
        "web/",
        "/0",
        "web/-1",
        "web/+1",
        "web/01",
        "web/0/1",
        "Web/0",
        "web-/0",
        "web/4294967296",
        "../0",
    ] {
        assert!(text.parse::<UnitName>().is_err(), "{text}");
    }
    for text in ["", ".", "..", "a/b", "../x", "x..y", "x\0", "a b", "-x", "x\n"] {
        assert!(text.parse::<HookName>().is_err(), "{text:?}");
        assert!(text.parse::<ContainerName>().is_err(), "{text:?}");
        assert!(text.parse::<EndpointName>().is_err(), "{text:?}");
        assert!(text.parse::<StorageName>().is_err(), "{text:?}");
    }
    for text in ["", "db:", ":7", "db:x", "d b:7", "db:7 ", "../db:7"] {
        assert!(text.parse::<RelationId>().is_err(), "{text:?}");
    }
    // The last two are more likely passwords.
    for text in [
        "",
        "secret:",
        "secret://",
        "secret://m",
        "secret:a/b",
        "a b",
        "hunter2",
        "9M4E2MR0UI3E8A215N4G",
    ] {
        assert!(text.parse::<SecretId>().is_err(), "{text:?}");
    }
}

#[test]
fn the_error_quotes_the_text_and_names_the_rule() {
    let error = "web".parse::<UnitName>().unwrap_err();
    assert_eq!(
        error.to_string(),
        r#"cannot use "web" as the name of a unit: expected APPLICATION/NUMBER, such as web/0"#
    );
    assert!("x/".repeat(5000).parse::<UnitName>().unwrap_err().to_string().len() < 200);
}

#[test]
fn names_are_plain_strings_in_documents() {
    let name: UnitName = serde_json::from_str(r#""web/0""#).unwrap();
    assert_eq!(serde_json::to_string(&name).unwrap(), r#""web/0""#);
    assert!(serde_json::from_str::<ContainerName>(r#""../x""#).is_err());
    let name: ContainerName = serde_json::from_str(r#""workload""#).unwrap();
    assert_eq!(serde_json::to_string(&name).unwrap(), r#""workload""#);
}

#[test]
fn runs_of_actions_are_in_the_order_of_their_numbers() {
    let mut ids = [10, 9, 100, 1].map(ActionId::from);
    ids.sort();
    assert_eq!(ids.map(|id| id.number()), [Some(1), Some(9), Some(10), Some(100)]);
    assert_eq!("0f3c-1".parse::<ActionId>().unwrap().number(), None);
}

proptest! {
    #[test]
    fn any_text_is_refused_or_kept(text in ".{0,40}") {
        macro_rules! keeps {
            ($($name:ty),*) => {$(
                if let Ok(name) = text.parse::<$name>() {
                    prop_assert_eq!(name.to_string(), text.clone());
                }
            )*};
        }
        keeps!(
            ApplicationName, UnitName, ContainerName, HookName, ActionName, ActionId, CheckName,
            RelationId, SecretId, StorageId
        );
    }

    #[test]
    fn every_unit_reads_back(
        application in "[a-z][a-z0-9]{0,5}(-[a-z]{1,4}){0,2}",
        number: u32,
    ) {
        let unit: UnitName = format!("{application}/{number}").parse().unwrap();
        prop_assert_eq!(unit.number(), number);
        prop_assert_eq!(unit.application().as_str(), application);
    }
}
