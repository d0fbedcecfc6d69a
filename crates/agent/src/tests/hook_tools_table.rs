//! Compares the table of hook tools in the docs with the tools of the model and with the typed
//! calls. `UPDATE_DOCS=1 cargo test -p charmwright-agent hook_tools_table` writes the table anew.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use charmwright_juju::{
    Error, HookTools, LogLevel, NewSecret, PayloadStatus, Port, RelationId, SecretExpiry,
    SecretFields, SecretId, SecretOwner, SecretRotation, SecretText, SecretUpdate, Status,
    ToolCall, ToolError, ToolRunner, UnitAddress,
};

use crate::tools::{Tool, all_tools, versions_of};

/// The tools without a typed call, and the reason.
const NO_CALL: &[(&str, &str)] = &[
    ("add-metric", "Juju 3 has removed it"),
    ("pod-spec-get", "the older name of `k8s-spec-get`"),
    ("pod-spec-set", "the older name of `k8s-spec-set`"),
];

/// The options that no typed call gives, and the reason. The tool `*` stands for all.
const NO_OPTION: &[(&str, &str, &str)] = &[
    ("*", "output", "what the tool prints is read from its standard output"),
    ("relation-set", "format", "Juju ignores it and warns"),
    ("open-port", "format", "Juju ignores it and warns"),
    ("close-port", "format", "Juju ignores it and warns"),
    ("juju-log", "format", "Juju ignores it and warns"),
    ("network-get", "bind-address", "the whole configuration is read, and `Network` has it"),
    ("network-get", "ingress-address", "the whole configuration is read, and `Network` has it"),
    ("network-get", "egress-subnets", "the whole configuration is read, and `Network` has it"),
    ("network-get", "primary-address", "Juju deprecates it for the bind address"),
    ("secret-set", "owner", "Juju ignores it: the owner of a secret does not change"),
    (
        "secret-revoke",
        "app",
        "`revoke_secret` takes the relation, and Juju refuses both in the hook of a relation",
    ),
    ("config-get", "a", "an option without a value is one that the map does not have"),
    ("juju-log", "debug", "`log` gives the level"),
    ("state-get", "strict", "the whole state is read, and a missing key is known from it"),
];

type Call = fn(&HookTools) -> Result<(), Error>;

fn relation() -> RelationId {
    "db:7".parse().unwrap()
}

fn secret() -> SecretId {
    "secret:9m4e2mr0ui3e8a215n4g".parse().unwrap()
}

fn content() -> SecretFields {
    SecretFields::new().with("password", &SecretText::from("x"))
}

fn changes() -> BTreeMap<String, Option<String>> {
    BTreeMap::from([("key".to_owned(), None)])
}

fn new_secret() -> NewSecret {
    NewSecret::new(SecretOwner::Unit, content())
        .label("new")
        .description("d")
        .expiry(SecretExpiry::after(Duration::from_secs(1)))
        .rotation(SecretRotation::Daily)
}

fn update() -> SecretUpdate {
    SecretUpdate::new()
        .content(content())
        .label("new")
        .description("d")
        .expiry(SecretExpiry::after(Duration::from_secs(1)))
        .rotation(SecretRotation::Daily)
}

/// Every typed call, with all its options.
const CALLS: &[(&str, Call)] = &[
    ("action_params", |tools| tools.action_params().map(drop)),
    ("action_set", |tools| tools.action_set([("key", "value")])),
    ("action_fail", |tools| tools.action_fail("no")),
    ("action_log", |tools| tools.action_log("on its way")),
    ("config", |tools| tools.config().map(drop)),
    ("is_leader", |tools| tools.is_leader().map(drop)),
    ("log", |tools| tools.log(LogLevel::Info, "text")),
    ("open_port", |tools| tools.open_port(Port::tcp(80))),
    ("close_port", |tools| tools.close_port(Port::tcp(80))),
    ("opened_ports", |tools| tools.opened_ports().map(drop)),
    ("port_openings", |tools| tools.port_openings().map(drop)),
    ("open_port_on", |tools| tools.open_port_on(Port::tcp(80), &"db".parse().unwrap())),
    ("close_port_on", |tools| tools.close_port_on(Port::tcp(80), &"db".parse().unwrap())),
    ("network", |tools| tools.network(&"db".parse().unwrap()).map(drop)),
    ("relation_network", |tools| {
        tools.relation_network(&"db".parse().unwrap(), &relation()).map(drop)
    }),
    ("goal_state", |tools| tools.goal_state().map(drop)),
    ("cloud_spec", |tools| tools.cloud_spec().map(drop)),
    ("reboot", HookTools::reboot),
    ("reboot_now", HookTools::reboot_now),
    ("unit_address", |tools| tools.unit_address(UnitAddress::Public).map(drop)),
    ("leader_settings", |tools| tools.leader_settings().map(drop)),
    ("set_leader_settings", |tools| tools.set_leader_settings(&changes())),
    ("register_payload", |tools| tools.register_payload("docker", "web", "1", &["tag"])),
    ("unregister_payload", |tools| tools.unregister_payload("web", "1")),
    ("set_payload_status", |tools| tools.set_payload_status("web", "1", PayloadStatus::Running)),
    ("k8s_spec", |tools| tools.k8s_spec().map(drop)),
    ("set_k8s_spec", |tools| tools.set_k8s_spec("version: 3", Some(Path::new("/r.yaml")))),
    ("k8s_raw_spec", |tools| tools.k8s_raw_spec().map(drop)),
    ("set_k8s_raw_spec", |tools| tools.set_k8s_raw_spec("kind: Pod")),
    ("relation_ids", |tools| tools.relation_ids(&"db".parse().unwrap()).map(drop)),
    ("relation_units", |tools| tools.relation_units(&relation()).map(drop)),
    ("relation_app", |tools| tools.relation_app(&relation()).map(drop)),
    ("unit_databag", |tools| tools.unit_databag(&relation(), &"pg/0".parse().unwrap()).map(drop)),
    ("app_databag", |tools| tools.app_databag(&relation(), &"pg".parse().unwrap()).map(drop)),
    ("set_unit_databag", |tools| tools.set_unit_databag(&relation(), &changes())),
    ("set_app_databag", |tools| tools.set_app_databag(&relation(), &changes())),
    ("relation_model", |tools| tools.relation_model(&relation()).map(drop)),
    ("resource", |tools| tools.resource("file").map(drop)),
    ("secret", |tools| {
        tools.secret("label")?;
        tools.secret(&secret()).map(drop)
    }),
    ("peek_secret", |tools| tools.peek_secret(&secret()).map(drop)),
    ("refresh_secret", |tools| tools.refresh_secret(&secret()).map(drop)),
    ("label_secret", |tools| tools.label_secret(&secret(), "label").map(drop)),
    ("secret_info", |tools| {
        tools.secret_info("label")?;
        tools.secret_info(&secret()).map(drop)
    }),
    ("secret_id", |tools| tools.secret_id("label").map(drop)),
    ("secret_ids", |tools| tools.secret_ids().map(drop)),
    ("add_secret", |tools| tools.add_secret(&new_secret()).map(drop)),
    ("set_secret", |tools| tools.set_secret(&secret(), &update())),
    ("grant_secret", |tools| {
        tools.grant_secret(&secret(), &relation(), Some(&"pg/0".parse().unwrap()))
    }),
    ("revoke_secret", |tools| {
        tools.revoke_secret(&secret(), &relation(), Some(&"pg/0".parse().unwrap())).map(drop)
    }),
    ("remove_secret", |tools| tools.remove_secret(&secret()).map(drop)),
    ("remove_secret_revision", |tools| tools.remove_secret_revision(&secret(), 2).map(drop)),
    ("set_application_version", |tools| tools.set_application_version("1")),
    ("state", |tools| tools.state().map(drop)),
    ("set_state", |tools| {
        tools.set_state(&BTreeMap::from([("key".to_owned(), "value".to_owned())]))
    }),
    ("delete_state", |tools| tools.delete_state("key")),
    ("status", |tools| tools.status().map(drop)),
    ("set_status", |tools| tools.set_status(&Status::active())),
    ("application_status", |tools| tools.application_status().map(drop)),
    ("set_application_status", |tools| tools.set_application_status(&Status::active())),
    ("storage_ids", |tools| tools.storage_ids(&"data".parse().unwrap()).map(drop)),
    ("storage", |tools| tools.storage(&"data/0".parse().unwrap()).map(drop)),
    ("add_storage", |tools| tools.add_storage(&"data".parse().unwrap(), 2)),
];

/// A runner that answers each tool so that every call goes on to its end, and records the calls.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<Recorded>>>);

/// A tool and its arguments.
type Recorded = (&'static str, Vec<String>);

impl ToolRunner for Recorder {
    fn run(&self, call: &ToolCall<'_>) -> Result<Vec<u8>, ToolError> {
        self.0.lock().unwrap().push((call.tool, call.args.clone()));
        let has = |text: &str| call.args.iter().any(|arg| arg == text);
        Ok(match call.tool {
            "is-leader" => "true",
            "relation-list" if has("--app") => "\"pg\"",
            "relation-ids" | "relation-list" | "secret-ids" | "opened-ports" | "storage-list" => {
                "[]"
            }
            "relation-model-get" => "{\"uuid\":\"deadbeef-0000\"}",
            "resource-get" => "/var/lib/file",
            "unit-get" => "\"10.0.0.1\"",
            "credential-get" => "{\"type\":\"lxd\"}",
            "storage-get" => "{\"kind\":\"block\",\"location\":\"/dev/sdb\"}",
            "secret-info-get" if has("--label=new") => {
                let stderr = "ERROR secret \"new\" not found".to_owned();
                return Err(ToolError::Exited { code: 1, stderr });
            }
            "secret-info-get" => "{\"9m4e2mr0ui3e8a215n4g\":{\"revision\":3,\"owner\":\"unit\"}}",
            "secret-add" => "secret:9m4e2mr0ui3e8a215n4g",
            "status-get" => {
                "{\"status\":\"active\",\"application-status\":{\"status\":\"active\"}}"
            }
            _ => "{}",
        }
        .into())
    }
}

/// Returns the names of the options among these arguments, without dashes.
fn options_of(args: &[String]) -> BTreeSet<String> {
    let before_texts = args.iter().take_while(|arg| *arg != "--");
    let options = before_texts.filter(|arg| arg.len() > 1 && arg.starts_with('-'));
    let name = |arg: &String| arg.trim_start_matches('-').split('=').next().unwrap().to_owned();
    options.map(name).collect()
}

/// Which typed calls start a tool, and which give each of its options.
#[derive(Default)]
struct Use {
    calls: Vec<&'static str>,
    options: BTreeMap<String, Vec<&'static str>>,
}

fn uses() -> BTreeMap<&'static str, Use> {
    let mut uses: BTreeMap<&'static str, Use> = BTreeMap::new();
    for (name, call) in CALLS {
        let recorder = Recorder::default();
        let folder = tempfile::tempdir().unwrap();
        let tools = HookTools::new(Box::new(recorder.clone())).secret_folder(folder.path());
        call(&tools).unwrap_or_else(|error| panic!("{name}: {error}"));
        for (tool, args) in recorder.0.lock().unwrap().iter() {
            let used = uses.entry(tool).or_default();
            if used.calls.last() != Some(name) {
                used.calls.push(name);
            }
            for option in options_of(args) {
                let by = used.options.entry(option).or_default();
                if by.last() != Some(name) {
                    by.push(name);
                }
            }
        }
    }
    uses
}

fn code(calls: &[&str]) -> String {
    let calls: Vec<String> = calls.iter().map(|call| format!("`{call}`")).collect();
    calls.join(", ")
}

/// Returns the reason why no typed call gives an option, which has these names.
fn excuse(tool: &str, names: &[&str]) -> Option<&'static str> {
    let is_meant = |of: &str, option: &str| (of == tool || of == "*") && names.contains(&option);
    NO_OPTION.iter().find(|(of, option, _)| is_meant(of, option)).map(|(_, _, reason)| *reason)
}

/// Returns the rows of a tool: one for itself, and one for each of its options.
fn rows_of(tool: &Tool, used: Option<&Use>) -> Vec<String> {
    let name = tool.name;
    let reason = NO_CALL.iter().find(|(of, _)| *of == name).map(|(_, reason)| *reason);
    let versions = versions_of(tool);
    let Some(used) = used else {
        let reason = reason.unwrap_or_else(|| panic!("{name} has neither a call nor a reason"));
        return vec![format!("| `{name}` | {versions} | | none: {reason} |")];
    };
    assert!(reason.is_none(), "{name} has a call, so it needs no reason");
    let mut rows = vec![format!("| `{name}` | {versions} | | {} |", code(&used.calls))];
    let mut left: BTreeSet<&str> = used.options.keys().map(String::as_str).collect();
    for option in tool.options.iter().chain(tool.formats.options()) {
        let calls = option.names.iter().filter_map(|name| used.options.get(*name)).flatten();
        let calls: Vec<&str> = calls.copied().collect();
        left.retain(|name| !option.names.contains(name));
        let dashed = |name: &&str| {
            if name.len() == 1 { format!("`-{name}`") } else { format!("`--{name}`") }
        };
        let names: Vec<String> = option.names.iter().map(dashed).collect();
        let how = match (excuse(name, option.names), calls.as_slice()) {
            (None, []) => panic!("{name} {names:?}: no call gives it, and there is no reason"),
            (Some(reason), []) => format!("none: {reason}"),
            // Most calls of a tool give its format.
            (None, calls) if calls == used.calls => "all of them".to_owned(),
            (None, calls) => code(calls),
            (Some(_), calls) => panic!("{name} {names:?}: {calls:?} give it, so no reason is due"),
        };
        rows.push(format!("| | | {} | {how} |", names.join(", ")));
    }
    assert!(left.is_empty(), "{name} has no option {left:?}");
    rows
}

fn table() -> String {
    let uses = uses();
    let mut tools: Vec<&Tool> = all_tools().collect();
    tools.sort_by_key(|tool| tool.name);
    let unknown = uses.keys().find(|name| !tools.iter().any(|tool| tool.name == **name));
    assert_eq!(unknown, None, "a call starts a tool that Juju does not have");
    let rows: Vec<String> =
        tools.iter().flat_map(|tool| rows_of(tool, uses.get(tool.name))).collect();
    for (of, option, _) in NO_OPTION {
        let is_there = tools.iter().any(|tool| {
            let mut options = tool.options.iter().chain(tool.formats.options());
            (tool.name == *of || *of == "*") && options.any(|known| known.names.contains(option))
        });
        assert!(is_there, "a reason for {of} {option}, which no tool has");
    }
    for (of, _) in NO_CALL {
        assert!(tools.iter().any(|tool| tool.name == *of), "a reason for {of}, which is no tool");
    }
    let head = "| Tool | Juju | Option | Typed call |\n|---|---|---|---|\n";
    format!("{head}{}\n", rows.join("\n"))
}

const BEGIN: &str =
    "<!-- hook tools: written by a test, see crates/agent/src/tests/hook_tools_table.rs -->\n";
const END: &str = "<!-- end of hook tools -->\n";

#[test]
fn the_table_in_the_docs_is_that_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/hook-tools.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (found, after) = rest.split_once(END).unwrap();
    let table = table();
    if found != table && std::env::var_os("UPDATE_DOCS").is_some() {
        return std::fs::write(&path, [before, BEGIN, &table, END, after].concat()).unwrap();
    }
    assert_eq!(found, table, "write it anew with UPDATE_DOCS=1");
}

/// A call that is added to [`HookTools`] needs its place in the list above.
#[test]
fn every_typed_call_is_in_the_list() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../juju/src/calls");
    let mut known: BTreeSet<&str> = CALLS.iter().map(|(name, _)| *name).collect();
    // These look for a tool, or at what the hook did, and start none.
    known.extend(["lacks_state_tools", "changes_application_secrets", "added_storage"]);
    for file in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        for line in text.lines().filter_map(|line| line.strip_prefix("    pub fn ")) {
            let name = line.split(['(', '<']).next().unwrap();
            assert!(known.contains(name), "{name} is not in the list of typed calls");
        }
    }
}
