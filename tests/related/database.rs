//! A provider and two requirers of a database.

use std::collections::BTreeSet;

use charmwright_agent::{Deployment, EndpointMeta, EndpointRole, RelationNumber, Report};

use super::charms::{
    database_provider::DatabaseProvider as Provider,
    database_requirer::DatabaseRequirer as Requirer,
};
use super::juju::{Juju, assert_all_done, hooks_of, name};

const BLOCKED: &str = "blocked: relate this application to a database";
const USES: &str = "active: uses pg:5432";

/// A model with a provider, and a requirer of two units that is not related to it.
fn deployed() -> Juju {
    let mut juju = Juju::new();
    juju.deploy("pg", "database_provider", 1, || Provider);
    juju.deploy("web", "database_requirer", 2, || Requirer);
    assert_all_done(&juju.settle());
    juju
}

/// The same, related, with the number of the relation.
fn related() -> (Juju, RelationNumber) {
    let mut juju = deployed();
    let relation = juju.integrate("web", "pg");
    assert_all_done(&juju.settle());
    (juju, relation)
}

/// Returns the labels of the secrets of a report.
fn labels(report: &Report) -> Vec<&str> {
    report.secrets.iter().map(|secret| secret.label.as_str()).collect()
}

#[test]
fn requirers_are_blocked_and_then_wait_and_then_use_the_database() {
    let mut juju = deployed();
    assert_eq!([juju.status("web/0"), juju.status("web/1")], [BLOCKED, BLOCKED]);
    assert_eq!(juju.status("pg/0"), "active: ");

    let relation = juju.integrate("web", "pg");
    // The provider has not run yet.
    assert_all_done(&juju.settle_unit("web/0"));
    assert_eq!(juju.status("web/0"), "waiting: database: pg has written nothing yet");
    assert_eq!(juju.app_data(relation, "web")["database"], "web");

    assert_all_done(&juju.settle());
    assert_eq!([juju.status("web/0"), juju.status("web/1")], [USES, USES]);
    let answer = juju.app_data(relation, "pg");
    assert_eq!(answer.keys().collect::<Vec<_>>(), ["endpoints", "secret-user"]);
    assert_eq!(answer["endpoints"], "pg:5432");

    // Both units of the requirer have read the secret that the provider owns.
    let owned = juju.report("pg/0");
    assert_eq!(labels(&owned), [format!("user-{relation}")]);
    assert_eq!(owned.secrets[0].owner, "pg");
    assert!(answer["secret-user"].ends_with(owned.secrets[0].id.trim_start_matches("secret:")));
    for unit in ["web/0", "web/1"] {
        let seen = juju.report(unit).secrets;
        assert_eq!((seen.len(), seen[0].tracked), (1, Some(1)), "{unit}");
        assert_eq!(seen[0].id, owned.secrets[0].id);
    }

    // What is settled stays so: a further hook writes nothing that another would have to hear of.
    let ran = juju.update_status();
    assert_all_done(&ran);
    assert_eq!(ran.len(), 3, "{ran:#?}");
}

#[test]
fn each_client_has_a_user_of_its_own() {
    let (mut juju, first) = related();
    juju.deploy("shop", "database_requirer", 1, || Requirer);
    let second = juju.integrate("shop", "pg");
    assert_all_done(&juju.settle());
    assert_eq!([juju.status("web/0"), juju.status("shop/0")], [USES, USES]);
    let users =
        [first, second].map(|relation| juju.app_data(relation, "pg")["secret-user"].clone());
    assert_ne!(users[0], users[1]);
    let read = |unit: &str| -> BTreeSet<String> {
        juju.report(unit).secrets.into_iter().map(|secret| secret.id).collect()
    };
    assert_eq!((read("web/0").len(), read("shop/0").len()), (1, 1));
    assert!(read("web/0").is_disjoint(&read("shop/0")));
}

#[test]
fn a_relation_that_is_removed_is_forgotten_with_its_user() {
    let (mut juju, first) = related();
    let user = juju.app_data(first, "pg")["secret-user"].clone();
    juju.with(|model| model.remove_relation("web", "pg")).unwrap();
    let ran = juju.settle();
    assert_all_done(&ran);
    assert_eq!(hooks_of(&ran, "web/1"), ["database-relation-departed", "database-relation-broken"]);
    assert_eq!([juju.status("web/0"), juju.status("web/1")], [BLOCKED, BLOCKED]);
    assert_eq!(labels(&juju.report("pg/0")), [""; 0]);

    let second = juju.integrate("web", "pg");
    assert_all_done(&juju.settle());
    assert_eq!(juju.status("web/1"), USES);
    assert_ne!(juju.app_data(second, "pg")["secret-user"], user);
}

#[test]
fn another_leader_goes_on_with_what_the_first_one_made() {
    let (mut juju, first) = related();
    let before = juju.app_data(first, "pg");
    juju.with(|model| model.add_unit("pg")).unwrap();
    juju.with(|model| model.set_leader(&name("pg/1"))).unwrap();
    assert_all_done(&juju.settle());
    assert_eq!(juju.app_data(first, "pg"), before);

    juju.deploy("shop", "database_requirer", 1, || Requirer);
    let second = juju.integrate("shop", "pg");
    let ran = juju.settle();
    assert_all_done(&ran);
    assert_eq!(juju.status("shop/0"), USES);
    let adds = ran.iter().filter(|hook| hook.finished.tools().contains_key("secret-add"));
    assert_eq!(adds.map(|hook| hook.unit.as_str()).collect::<Vec<_>>(), ["pg/1"]);

    // The first leader's user can be removed by the second one.
    juju.with(|model| model.remove_relation_number(first)).unwrap();
    assert_all_done(&juju.settle());
    assert_eq!(labels(&juju.report("pg/1")), [format!("user-{second}")]);
}

#[test]
fn a_unit_that_is_removed_leaves_the_others_their_database() {
    let (mut juju, relation) = related();
    juju.with(|model| model.remove_unit(&name("web/0"))).unwrap();
    let ran = juju.settle();
    assert_all_done(&ran);
    assert_eq!(
        hooks_of(&ran, "web/0"),
        ["database-relation-departed", "database-relation-broken", "stop", "remove"]
    );
    assert_eq!(hooks_of(&ran, "pg/0"), ["database-relation-departed"]);
    // The leader was removed, so the other unit leads now.
    assert!(juju.report("web/1").leader);
    assert_eq!(juju.status("web/1"), USES);
    assert_eq!(juju.app_data(relation, "web")["database"], "web");

    juju.with(|model| model.remove_application("pg")).unwrap();
    assert_all_done(&juju.settle());
    assert_eq!(juju.status("web/1"), BLOCKED);
}

#[test]
fn a_leader_that_is_removed_leaves_the_clients_their_users() {
    let (mut juju, relation) = related();
    let before = juju.app_data(relation, "pg");
    juju.with(|model| model.add_unit("pg")).unwrap();
    assert_all_done(&juju.settle());
    juju.with(|model| model.remove_unit(&name("pg/0"))).unwrap();
    // The unit that leaves still leads in its last hooks, as it does in Juju until its lease ends.
    juju.tools_of("pg/0").answer_once("is-leader", "true");
    let ran = juju.settle();
    assert_all_done(&ran);
    assert_eq!(
        hooks_of(&ran, "pg/0"),
        [
            "database-relation-departed",
            "database-relation-departed",
            "database-relation-broken",
            "stop",
            "remove"
        ]
    );
    assert_eq!(juju.app_data(relation, "pg"), before);
    assert_eq!(labels(&juju.report("pg/1")), [format!("user-{relation}")]);
    assert_eq!([juju.status("web/0"), juju.status("web/1")], [USES, USES]);
}

#[test]
fn a_leader_that_loses_its_place_in_a_hook_fails_it_and_the_next_one_answers() {
    let mut juju = deployed();
    juju.with(|model| model.add_unit("pg")).unwrap();
    assert_all_done(&juju.settle());
    let relation = juju.integrate("web", "pg");
    assert_all_done(&juju.settle_unit("web/0"));
    // Juju has told pg/0 that it leads, and then appoints the other unit.
    juju.tools_of("pg/0").answer_once("is-leader", "true");
    juju.with(|model| model.set_leader(&name("pg/1"))).unwrap();
    let failed: Vec<_> =
        juju.settle_unit("pg/0").into_iter().filter(|ran| !ran.finished.committed()).collect();
    assert!(!failed.is_empty());
    juju.with(|model| {
        let resolved = model.resolved(&name("pg/0"), charmwright_agent::Resolve::Retry);
        resolved.unwrap();
    });
    assert_all_done(&juju.settle());
    assert_eq!([juju.status("web/0"), juju.status("web/1")], [USES, USES]);
    assert_eq!(juju.app_data(relation, "pg")["endpoints"], "pg:5432");
}

#[test]
fn an_answer_that_names_no_secret_is_an_error_that_names_the_relation() {
    for (planted, expected) in [
        ("hunter2", "the value of \"secret-user\" cannot be used: expected the id of a secret"),
        ("secret:hunter2", "cannot use the answer of database: pg"),
    ] {
        let mut juju = Juju::new();
        juju.deploy("web", "database_requirer", 1, || Requirer);
        let endpoint = EndpointMeta::new("database", EndpointRole::Provider, "example_database");
        juju.with(|model| model.deploy("pg", Deployment::remote([endpoint]))).unwrap();
        let relation = juju.integrate("web", "pg");
        let answer = [("endpoints", "pg:5432"), ("secret-user", planted)];
        juju.with(|model| model.set_remote_app_data(relation, "pg", answer)).unwrap();
        let ran = juju.settle();
        let failed = ran.iter().find(|ran| !ran.finished.committed()).unwrap();
        let told = format!("{:?}", failed.report);
        assert!(told.contains("database") && told.contains("pg"), "{told}");
        assert!(told.contains(&expected.replace('"', "\\\"")), "{told}");
        // Only what looks like the id of a secret is taken for one.
        let shown = told + &juju.output.text() + &format!("{:?}", failed.calls);
        assert_eq!(shown.contains("hunter2"), planted.starts_with("secret:"), "{shown}");
    }
}
