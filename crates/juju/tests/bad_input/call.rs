//! Every typed call that relations and secrets use, and the scripts of tools that answer them well.

use std::collections::BTreeMap;

use charmwright_juju::{
    Error, HookTools, NewSecret, RelationId, SecretFields, SecretId, SecretOwner, SecretText,
    SecretUpdate,
};

pub(crate) const ID: &str = "secret:9m4e2mr0ui3e8a215n4g";

/// A part of the content that the calls send, which no error may show.
pub(crate) const PLANTED: &str = "hunter2-planted-in-this-test";

/// A typed call, and the tool of it that a test breaks.
pub(crate) struct Call {
    /// The name of the method and what it is given, for the texts of failed tests.
    pub(crate) name: &'static str,
    /// The tool that is broken. Other tools that the call needs work.
    pub(crate) tool: &'static str,
    /// The relation, secret or label that an error has to name.
    pub(crate) subject: &'static str,
    /// `true` if the call reads what the tool prints.
    pub(crate) reads_output: bool,
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
    ($($tool:literal $subject:literal $reads:literal: $name:ident => $run:expr;)*) => {
        &[$(Call {
            name: concat!(stringify!($name), " (", $tool, ")"),
            tool: $tool,
            subject: $subject,
            reads_output: $reads,
            run: $run,
        }),*]
    };
}

/// Every call, once for each tool that it may need. A call that needs another tool first names the
/// one that is broken.
pub(crate) const CALLS: &[Call] = calls! {
    "is-leader" "leader" true: is_leader => |tools| tools.is_leader().map(drop);
    "relation-ids" "db" true: relation_ids =>
        |tools| tools.relation_ids(&"db".parse().unwrap()).map(drop);
    "relation-list" "db:7" true: relation_units =>
        |tools| tools.relation_units(&relation()).map(drop);
    "relation-list" "db:7" true: relation_app =>
        |tools| tools.relation_app(&relation()).map(drop);
    "relation-get" "db:7" true: unit_databag =>
        |tools| tools.unit_databag(&relation(), &"pg/0".parse().unwrap()).map(drop);
    "relation-get" "db:7" true: app_databag =>
        |tools| tools.app_databag(&relation(), &"pg".parse().unwrap()).map(drop);
    "relation-set" "db:7" false: set_unit_databag =>
        |tools| tools.set_unit_databag(&relation(), &changes());
    "relation-set" "db:7" false: set_app_databag =>
        |tools| tools.set_app_databag(&relation(), &changes());
    "relation-model-get" "db:7" true: relation_model =>
        |tools| tools.relation_model(&relation()).map(drop);
    "secret-get" "secret:9m4e2mr0ui3e8a215n4g" true: secret =>
        |tools| tools.secret(&id()).map(drop);
    "secret-get" "\"key\"" true: secret_by_label => |tools| tools.secret("key").map(drop);
    "secret-get" "secret:9m4e2mr0ui3e8a215n4g" true: peek_secret =>
        |tools| tools.peek_secret(&id()).map(drop);
    "secret-get" "secret:9m4e2mr0ui3e8a215n4g" true: refresh_secret =>
        |tools| tools.refresh_secret(&id()).map(drop);
    "secret-get" "secret:9m4e2mr0ui3e8a215n4g" true: label_secret =>
        |tools| tools.label_secret(&id(), "key").map(drop);
    "secret-info-get" "secret:9m4e2mr0ui3e8a215n4g" true: secret_info =>
        |tools| tools.secret_info(&id()).map(drop);
    "secret-info-get" "\"key\"" true: secret_id => |tools| tools.secret_id("key").map(drop);
    "secret-ids" "this unit's secrets" true: secret_ids => |tools| tools.secret_ids().map(drop);
    "secret-add" "a secret" true: add_secret =>
        |tools| tools.add_secret(&NewSecret::new(SecretOwner::Unit, content())).map(drop);
    "secret-info-get" "\"new\"" true: add_secret_with_label =>
        |tools| {
            let new = NewSecret::new(SecretOwner::Unit, content()).label("new");
            tools.add_secret(&new).map(drop)
        };
    "secret-set" "secret:9m4e2mr0ui3e8a215n4g" false: set_content =>
        |tools| tools.set_secret(&id(), &SecretUpdate::new().content(content()));
    "secret-set" "secret:9m4e2mr0ui3e8a215n4g" false: set_options =>
        |tools| tools.set_secret(&id(), &SecretUpdate::new().description("d"));
    "secret-info-get" "secret:9m4e2mr0ui3e8a215n4g" true: set_secret =>
        |tools| tools.set_secret(&id(), &SecretUpdate::new().content(content()));
    "secret-grant" "db:7" false: grant_secret =>
        |tools| tools.grant_secret(&id(), &relation(), None);
    "secret-revoke" "db:7" false: revoke_secret =>
        |tools| tools.revoke_secret(&id(), &relation(), None).map(drop);
    "secret-info-get" "secret:9m4e2mr0ui3e8a215n4g" true: revoke_secret =>
        |tools| tools.revoke_secret(&id(), &relation(), None).map(drop);
    "secret-remove" "secret:9m4e2mr0ui3e8a215n4g" false: remove_secret =>
        |tools| tools.remove_secret(&id()).map(drop);
    "secret-remove" "secret:9m4e2mr0ui3e8a215n4g" false: remove_secret_revision =>
        |tools| tools.remove_secret_revision(&id(), 2).map(drop);
    "secret-info-get" "secret:9m4e2mr0ui3e8a215n4g" true: remove_secret =>
        |tools| tools.remove_secret(&id()).map(drop);
};
