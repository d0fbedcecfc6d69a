//! Every typed call about relations, secrets, storage, resources, ports, networks and the model,
//! and the scripts of tools that answer them well.

use std::collections::BTreeMap;

use charmwright_juju::{
    Error, HookTools, NewSecret, PayloadStatus, Port, RelationId, SecretFields, SecretId,
    SecretOwner, SecretText, SecretUpdate, UnitAddress,
};

pub(crate) const ID: &str = "secret:9m4e2mr0ui3e8a215n4g";

/// A part of the content that the calls send, which no error may show.
pub(crate) const PLANTED: &str = "hunter2-planted-in-this-test";

/// What a call reads of that which its tool prints.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reads {
    /// The call does not look at it.
    Nothing,
    /// Juju leaves out of a map what it has nothing for, so that a map without a key that the call
    /// knows is an answer.
    AnyMap,
    /// Nothing of what the faults print is an answer.
    Answer,
}

/// A typed call, and the tool of it that a test breaks.
pub(crate) struct Call {
    /// The name of the method and what it is given, for the texts of failed tests.
    pub(crate) name: &'static str,
    /// The tool that is broken. Other tools that the call needs work.
    pub(crate) tool: &'static str,
    /// What an error has to name: the relation, the secret, the storage and so on.
    pub(crate) subject: &'static str,
    pub(crate) reads: Reads,
    pub(crate) run: fn(&HookTools) -> Result<(), Error>,
}

/// The scripts of tools that work, by the name of the tool. They answer the calls below.
pub(crate) const WORKING: &[(&str, &str)] = &[
    ("is-leader", "echo true"),
    ("relation-ids", "echo '[\"db:7\"]'"),
    ("relation-list", "case \"$*\" in *--app*) echo '\"pg\"';; *) echo '[\"pg/0\"]';; esac"),
    ("relation-get", "echo '{\"user\":\"u\"}'"),
    ("relation-set", "cat > /dev/null"),
    ("relation-model-get", "echo '{\"uuid\":\"deadbeef-0000\"}'"),
    ("secret-get", "echo '{\"password\":\"x\"}'"),
    (
        "secret-info-get",
        "case \"$*\" in *--label=new*) echo 'ERROR secret \"new\" not found' >&2; exit 1;; esac\n\
         echo '{\"9m4e2mr0ui3e8a215n4g\":{\"revision\":3,\"owner\":\"unit\"}}'",
    ),
    ("secret-ids", "echo '[\"9m4e2mr0ui3e8a215n4g\"]'"),
    ("secret-add", "echo secret:9m4e2mr0ui3e8a215n4g"),
    ("secret-set", ":"),
    ("secret-grant", ":"),
    ("secret-revoke", ":"),
    ("secret-remove", ":"),
    ("network-get", "echo '{\"ingress-addresses\":[\"10.0.0.1\"]}'"),
    ("goal-state", "echo '{\"units\":{\"web/0\":{\"status\":\"active\"}}}'"),
    ("credential-get", "echo '{\"type\":\"lxd\",\"name\":\"localhost\"}'"),
    ("juju-reboot", ":"),
    ("unit-get", "echo '\"10.0.0.1\"'"),
    ("leader-get", "echo '{\"user\":\"u\"}'"),
    ("leader-set", ":"),
    ("payload-register", ":"),
    ("payload-unregister", ":"),
    ("payload-status-set", ":"),
    ("k8s-spec-get", "echo 'version: 3'"),
    ("k8s-spec-set", "cat > /dev/null"),
    ("k8s-raw-get", "echo 'kind: Pod'"),
    ("k8s-raw-set", "cat > /dev/null"),
    ("storage-list", "echo '[\"data/0\"]'"),
    ("storage-get", "echo '{\"kind\":\"filesystem\",\"location\":\"/srv/data\"}'"),
    ("storage-add", ":"),
    ("resource-get", "printf /var/lib/juju/resources/config"),
    ("opened-ports", "echo '[\"80/tcp (*)\"]'"),
    ("open-port", ":"),
    ("close-port", ":"),
];

fn relation() -> RelationId {
    "db:7".parse().unwrap()
}

fn id() -> SecretId {
    ID.parse().unwrap()
}

fn content() -> SecretFields {
    SecretFields::new().with("password", &SecretText::from(PLANTED))
}

fn changes() -> BTreeMap<String, Option<String>> {
    BTreeMap::from([("password".to_owned(), Some(PLANTED.to_owned()))])
}

macro_rules! calls {
    ($($tool:literal $subject:literal $reads:ident: $name:ident => $run:expr;)*) => {
        &[$(Call {
            name: concat!(stringify!($name), " (", $tool, ")"),
            tool: $tool,
            subject: $subject,
            reads: Reads::$reads,
            run: $run,
        }),*]
    };
}

/// Every call, once for each tool that it may need. A call that needs another tool first names the
/// one that is broken.
pub(crate) const CALLS: &[Call] = calls! {
    "is-leader" "leader" Answer: is_leader => |tools| tools.is_leader().map(drop);
    "relation-ids" "db" Answer: relation_ids =>
        |tools| tools.relation_ids(&"db".parse().unwrap()).map(drop);
    "relation-list" "db:7" Answer: relation_units =>
        |tools| tools.relation_units(&relation()).map(drop);
    "relation-list" "db:7" Answer: relation_app =>
        |tools| tools.relation_app(&relation()).map(drop);
    "relation-get" "db:7" Answer: unit_databag =>
        |tools| tools.unit_databag(&relation(), &"pg/0".parse().unwrap()).map(drop);
    "relation-get" "db:7" Answer: app_databag =>
        |tools| tools.app_databag(&relation(), &"pg".parse().unwrap()).map(drop);
    "relation-set" "db:7" Nothing: set_unit_databag =>
        |tools| tools.set_unit_databag(&relation(), &changes());
    "relation-set" "db:7" Nothing: set_app_databag =>
        |tools| tools.set_app_databag(&relation(), &changes());
    "relation-model-get" "db:7" Answer: relation_model =>
        |tools| tools.relation_model(&relation()).map(drop);
    "secret-get" "secret:9m4e2mr0ui3e8a215n4g" Answer: secret =>
        |tools| tools.secret(&id()).map(drop);
    "secret-get" "\"key\"" Answer: secret_by_label => |tools| tools.secret("key").map(drop);
    "secret-get" "secret:9m4e2mr0ui3e8a215n4g" Answer: peek_secret =>
        |tools| tools.peek_secret(&id()).map(drop);
    "secret-get" "secret:9m4e2mr0ui3e8a215n4g" Answer: refresh_secret =>
        |tools| tools.refresh_secret(&id()).map(drop);
    "secret-get" "secret:9m4e2mr0ui3e8a215n4g" Answer: label_secret =>
        |tools| tools.label_secret(&id(), "key").map(drop);
    "secret-info-get" "secret:9m4e2mr0ui3e8a215n4g" Answer: secret_info =>
        |tools| tools.secret_info(&id()).map(drop);
    "secret-info-get" "\"key\"" Answer: secret_id => |tools| tools.secret_id("key").map(drop);
    "secret-ids" "this unit's secrets" Answer: secret_ids => |tools| tools.secret_ids().map(drop);
    "secret-add" "a secret" Answer: add_secret =>
        |tools| tools.add_secret(&NewSecret::new(SecretOwner::Unit, content())).map(drop);
    "secret-info-get" "\"new\"" Answer: add_secret_with_label =>
        |tools| {
            let new = NewSecret::new(SecretOwner::Unit, content()).label("new");
            tools.add_secret(&new).map(drop)
        };
    "secret-set" "secret:9m4e2mr0ui3e8a215n4g" Nothing: set_content =>
        |tools| tools.set_secret(&id(), &SecretUpdate::new().content(content()));
    "secret-set" "secret:9m4e2mr0ui3e8a215n4g" Nothing: set_options =>
        |tools| tools.set_secret(&id(), &SecretUpdate::new().description("d"));
    "secret-info-get" "secret:9m4e2mr0ui3e8a215n4g" Answer: set_secret =>
        |tools| tools.set_secret(&id(), &SecretUpdate::new().content(content()));
    "secret-grant" "db:7" Nothing: grant_secret =>
        |tools| tools.grant_secret(&id(), &relation(), None);
    "secret-revoke" "db:7" Nothing: revoke_secret =>
        |tools| tools.revoke_secret(&id(), &relation(), None).map(drop);
    "secret-info-get" "secret:9m4e2mr0ui3e8a215n4g" Answer: revoke_secret =>
        |tools| tools.revoke_secret(&id(), &relation(), None).map(drop);
    "secret-remove" "secret:9m4e2mr0ui3e8a215n4g" Nothing: remove_secret =>
        |tools| tools.remove_secret(&id()).map(drop);
    "secret-remove" "secret:9m4e2mr0ui3e8a215n4g" Nothing: remove_secret_revision =>
        |tools| tools.remove_secret_revision(&id(), 2).map(drop);
    "secret-info-get" "secret:9m4e2mr0ui3e8a215n4g" Answer: remove_secret =>
        |tools| tools.remove_secret(&id()).map(drop);
    "network-get" "\"db\"" AnyMap: network =>
        |tools| tools.network(&"db".parse().unwrap()).map(drop);
    "network-get" "db:7" AnyMap: relation_network =>
        |tools| tools.relation_network(&"db".parse().unwrap(), &relation()).map(drop);
    "goal-state" "units and relations" AnyMap: goal_state => |tools| tools.goal_state().map(drop);
    "credential-get" "credential" Answer: cloud_spec => |tools| tools.cloud_spec().map(drop);
    "juju-reboot" "the machine" Nothing: reboot => HookTools::reboot;
    "juju-reboot" "the machine" Nothing: reboot_now => HookTools::reboot_now;
    "unit-get" "public-address" Answer: unit_address =>
        |tools| tools.unit_address(UnitAddress::Public).map(drop);
    "leader-get" "settings" Answer: leader_settings => |tools| tools.leader_settings().map(drop);
    "leader-set" "settings" Nothing: set_leader_settings =>
        |tools| tools.set_leader_settings(&changes());
    "payload-register" "\"1\"" Nothing: register_payload =>
        |tools| tools.register_payload("docker", "web", "1", &["tag"]);
    "payload-unregister" "\"1\"" Nothing: unregister_payload =>
        |tools| tools.unregister_payload("web", "1");
    "payload-status-set" "\"1\"" Nothing: set_payload_status =>
        |tools| tools.set_payload_status("web", "1", PayloadStatus::Running);
    "k8s-spec-set" "pod spec" Nothing: set_k8s_spec => |tools| tools.set_k8s_spec(PLANTED, None);
    "k8s-raw-set" "raw Kubernetes spec" Nothing: set_k8s_raw_spec =>
        |tools| tools.set_k8s_raw_spec(PLANTED);
    "storage-list" "\"data\"" Answer: storage_ids =>
        |tools| tools.storage_ids(&"data".parse().unwrap()).map(drop);
    "storage-get" "data/0" Answer: storage =>
        |tools| tools.storage(&"data/0".parse().unwrap()).map(drop);
    "storage-add" "\"data\"" Nothing: add_storage =>
        |tools| tools.add_storage(&"data".parse().unwrap(), 2);
    "resource-get" "\"config\"" Answer: resource => |tools| tools.resource("config").map(drop);
    "opened-ports" "open ports" Answer: opened_ports => |tools| tools.opened_ports().map(drop);
    "open-port" "80/tcp" Nothing: open_port => |tools| tools.open_port(Port::tcp(80));
    "open-port" "80/tcp (db)" Nothing: open_port_on =>
        |tools| tools.open_port_on(Port::tcp(80), &"db".parse().unwrap());
    "close-port" "80/tcp" Nothing: close_port => |tools| tools.close_port(Port::tcp(80));
    "close-port" "80/tcp (db)" Nothing: close_port_on =>
        |tools| tools.close_port_on(Port::tcp(80), &"db".parse().unwrap());
};
