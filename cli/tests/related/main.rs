//! The example charms, related to each other, run as hook executables: each hook is a process, each
//! hook tool that it calls is another one, and one model of Juju answers all of them.
//!
//! `charmwright dev` runs one charm. These tests have an agent of their own, which does no more
//! than they need, and share its hook tools.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says by panicking what it found"
)]

mod agent;
#[path = "../common/charms.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod charms;
mod readme;
#[path = "../../src/wire.rs"]
#[expect(dead_code, reason = "the program itself uses the rest")]
mod wire;

use std::time::Duration;

use charmwright_agent::{ActionStatus, UnitName};

use self::agent::Agent;

const BLOCKED: &str = "blocked: relate this application to a database";
const USES: &str = "active: uses pg:5432";

/// An agent with one provider and two requirers, which are not related yet.
fn deployed() -> Agent {
    let mut agent = Agent::new();
    agent.deploy("pg", "database_provider", 1);
    agent.deploy("web", "database_requirer", 2);
    agent.settle();
    agent
}

fn unit(name: &str) -> UnitName {
    name.parse().unwrap()
}

#[test]
fn hook_executables_of_two_charms_relate_and_part() {
    let mut agent = deployed();
    assert_eq!([agent.status("web/0"), agent.status("web/1")], [BLOCKED, BLOCKED]);

    let relation = agent.with(|model| model.integrate("web", "pg")).unwrap();
    agent.settle();
    assert_eq!([agent.status("web/0"), agent.status("web/1")], [USES, USES]);
    let answer = agent.with(|model| model.app_data(relation, "pg").cloned()).unwrap();
    assert_eq!(answer["endpoints"], "pg:5432");
    let owned = agent.with(|model| model.report(&unit("pg/0"))).unwrap().secrets;
    assert_eq!((owned.len(), owned[0].owner.as_str()), (1, "pg"));
    assert!(answer["secret-user"].ends_with(owned[0].id.trim_start_matches("secret:")));

    agent.with(|model| model.remove_relation("web", "pg")).unwrap();
    agent.settle();
    assert_eq!([agent.status("web/0"), agent.status("web/1")], [BLOCKED, BLOCKED]);
    assert!(agent.with(|model| model.report(&unit("pg/0"))).unwrap().secrets.is_empty());
}

#[test]
fn hook_executables_of_peers_elect_and_share() {
    let mut agent = Agent::new();
    agent.deploy("ring", "peers", 2);
    agent.settle();
    let statuses = |agent: &Agent| {
        agent.with(|model| model.units()).iter().map(|it| agent.status(&it.to_string())).collect()
    };
    let before: Vec<String> = statuses(&agent);
    assert_eq!(before, ["active: primary, 2 members", "active: ring/0, 2 members"]);

    agent.with(|model| model.add_unit("ring")).unwrap();
    agent.with(|model| model.remove_unit(&unit("ring/0"))).unwrap();
    agent.settle();
    let after: Vec<String> = statuses(&agent);
    assert_eq!(after, ["active: primary, 2 members", "active: ring/1, 2 members"]);
}

#[test]
fn hook_executables_of_a_token_s_owner_and_observer_rotate_it() {
    let mut agent = Agent::new();
    agent.deploy("owner", "token_owner", 1);
    agent.deploy("app", "token_observer", 2);
    agent.with(|model| model.integrate("owner", "app")).unwrap();
    agent.settle();
    for day in 1..=2 {
        assert_eq!(agent.status("app/0"), format!("active: uses token {day}"));
        assert_eq!(agent.status("app/1"), format!("active: uses token {day}"));
        let owned = agent.with(|model| model.report(&unit("owner/0"))).unwrap().secrets;
        assert_eq!((owned.len(), owned[0].revision), (1, day));
        agent.advance(Duration::from_secs(24 * 60 * 60));
        agent.settle();
    }
    // Each token went by a file, and nobody else could see it.
    let shown = agent.everything_shown();
    let files = agent.files();
    assert_eq!(files.len(), 3);
    for (mode, content) in files {
        assert_eq!(mode & 0o777, 0o600);
        let content: serde_json::Value = serde_json::from_slice(&content).unwrap();
        let token = content["token#base64"].as_str().or(content["token"].as_str()).unwrap();
        assert!(token.len() >= 32 && !shown.contains(token));
    }
}

#[test]
fn a_hook_executable_runs_actions() {
    let mut agent = Agent::new();
    agent.deploy("actions", "actions", 1);
    agent.settle();
    let made = agent.run_action("actions/0", "backup", &[("name", "monday"), ("keep", "2")]);
    assert_eq!(made.status(), ActionStatus::Completed, "{made:?}");
    assert_eq!(made.results()["backup"], serde_json::json!({"name": "monday", "number": "1"}));
    let again = agent.run_action("actions/0", "backup", &[("name", "monday")]);
    assert_eq!(
        (again.status(), again.message()),
        (ActionStatus::Failed, "there is a backup \"monday\" already")
    );
    assert_eq!(agent.status("actions/0"), "active: 1 backups");
}

/// The password that the provider makes goes to the agent in a file, and to the requirer on the
/// standard output of `secret-get`. It is on no command line, on no standard input, in no output of
/// a hook, and in nothing that the model shows.
#[test]
fn a_password_is_in_its_file_alone() {
    let mut agent = deployed();
    agent.with(|model| model.integrate("web", "pg")).unwrap();
    agent.settle();
    let files = agent.files();
    assert_eq!(files.len(), 1, "one secret was made");
    let (mode, content) = &files[0];
    assert_eq!(mode & 0o777, 0o600);
    let content: serde_json::Value = serde_json::from_slice(content).unwrap();
    let encoded = content["password#base64"].as_str().or(content["password"].as_str()).unwrap();
    assert!(encoded.len() >= 32, "a password of 16 bytes");

    let read = agent.answers("secret-get");
    let password: serde_json::Value = serde_json::from_slice(read.last().unwrap()).unwrap();
    let password = password["password"].as_str().unwrap().to_owned();
    assert_eq!(password.len(), 32);
    let shown = agent.everything_shown();
    for told in ["secret-add", "relation-set", "endpoints", "uses pg:5432"] {
        assert!(shown.contains(told), "{told}");
    }
    for planted in [password.as_str(), encoded] {
        let found = shown.lines().find(|line| line.contains(planted));
        assert_eq!(found, None);
    }
}
