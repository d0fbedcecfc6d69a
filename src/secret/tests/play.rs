//! A unit for the tests of this module: a charm that is one closure, and hook tools that play a
//! Juju with a few secrets.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::sync::{Arc, Mutex};

use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::runtime::Builder;

use crate::dispatch::{HookReport, RunOptions, run_hook};
use crate::juju::{
    HookEnv, HookTools, LogLevel, SecretFieldError, SecretFields, SecretText, ToolCall, ToolError,
    ToolRunner,
};
use crate::{Charm, Declaration, Hook, Metadata, NoActions, NoState, Result, UserSecret};
use crate::{SecretContent, Statuses, UnitView};

pub(super) const ID: &str = "9m4e2mr0ui3e8a215n4g";
pub(super) const FOREIGN: &str = "9m4e2mr0ui3e8a215n50";

/// The content of the tests.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Credentials {
    pub(super) username: SecretText,
    pub(super) password: SecretText,
}

impl SecretContent for Credentials {
    fn from_fields(fields: &SecretFields) -> std::result::Result<Self, SecretFieldError> {
        Ok(Self { username: fields.get("username")?, password: fields.get("password")? })
    }
    fn to_fields(&self) -> SecretFields {
        SecretFields::new().with("username", &self.username).with("password", &self.password)
    }
}

pub(super) fn credentials(password: &str) -> Credentials {
    Credentials { username: "admin".into(), password: password.into() }
}

#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Config {
    pub(super) tls_key: Option<UserSecret<Credentials>>,
}

pub(super) struct Declared;

impl Declaration for Declared {
    type Config = Config;
    type State = NoState;
    type Action = NoActions;
    const METADATA: Metadata = Metadata::new("web");
}

type Step<'a> = dyn Fn(&Hook<Declared>) -> Result + 'a;

struct Probe<'a>(&'a Step<'a>);

impl Charm for Probe<'_> {
    type Declared = Declared;

    async fn reconcile(&mut self, hook: &Hook<Declared>) -> Result {
        (self.0)(hook)
    }

    async fn collect_status(&self, unit: &UnitView<Declared>, statuses: &mut Statuses) -> Result {
        unit.config()?;
        statuses.add(crate::Status::active());
        Ok(())
    }

    fn log_level(&self) -> LogLevel {
        LogLevel::Trace
    }
}

/// A secret of the played Juju.
#[derive(Clone, Default)]
pub(super) struct Played {
    pub(super) label: String,
    pub(super) is_own: bool,
    pub(super) is_denied: bool,
    pub(super) content: BTreeMap<String, String>,
}

/// What the tools know and have seen.
#[derive(Default)]
pub(super) struct Juju {
    pub(super) leads: bool,
    pub(super) config: Map<String, Value>,
    pub(super) secrets: BTreeMap<String, Played>,
    pub(super) calls: Vec<Vec<String>>,
    pub(super) stdin: Vec<u8>,
    pub(super) broken: BTreeSet<&'static str>,
}

/// A unit on which hooks run.
pub(super) struct Unit {
    pub(super) juju: Arc<Mutex<Juju>>,
    pub(super) folder: TempDir,
}

/// The result of a hook.
pub(super) struct Ran {
    pub(super) report: HookReport,
    pub(super) output: String,
    /// The calls of secret tools, with `PATH` for the path of a private file.
    pub(super) secret_calls: Vec<String>,
    pub(super) status: String,
}

#[derive(Clone, Default)]
struct Output(Arc<Mutex<Vec<u8>>>);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Unit {
    pub(super) fn new(leads: bool) -> Self {
        let juju = Juju { leads, ..Juju::default() };
        Self { juju: Arc::new(Mutex::new(juju)), folder: tempfile::tempdir().unwrap() }
    }

    pub(super) fn with_secret(self, id: &str, secret: Played) -> Self {
        self.juju.lock().unwrap().secrets.insert(id.to_owned(), secret);
        self
    }

    pub(super) fn with_option(self, name: &str, value: &str) -> Self {
        self.juju.lock().unwrap().config.insert(name.to_owned(), value.into());
        self
    }

    /// Runs one hook of a charm that does `step`.
    pub(super) fn run(&self, step: impl Fn(&Hook<Declared>) -> Result) -> Ran {
        let vars = [
            ("JUJU_UNIT_NAME", "web/0"),
            ("JUJU_DISPATCH_PATH", "hooks/config-changed"),
            ("JUJU_MODEL_UUID", "0f3c0f3c-0f3c-4f3c-8f3c-0f3c0f3c0f3c"),
            ("JUJU_VERSION", "3.6.28"),
        ];
        let env =
            HookEnv::from_vars(vars.map(|(name, value)| (name.into(), value.into()))).unwrap();
        self.juju.lock().unwrap().calls.clear();
        let tools = HookTools::new(Box::new(Runner(Arc::clone(&self.juju))))
            .secret_folder(self.folder.path());
        let output = Output::default();
        let options = RunOptions::new()
            .containers_folder(self.folder.path())
            .streams(output.clone(), output.clone());
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let report = runtime.block_on(run_hook(Probe(&step), env, tools, options));
        assert_eq!(fs::read_dir(self.folder.path()).unwrap().count(), 0, "a file is left");
        let juju = self.juju.lock().unwrap();
        let shown = |call: &Vec<String>| {
            let shown = |arg: &String| match arg.strip_prefix("--file=") {
                Some(_) => "--file=PATH".to_owned(),
                None => arg.clone(),
            };
            call.iter().map(shown).collect::<Vec<_>>().join(" ")
        };
        let calls: Vec<String> = juju.calls.iter().map(shown).collect();
        let status = calls.iter().rfind(|call| call.starts_with("status-set"));
        Ran {
            report,
            output: String::from_utf8(output.0.lock().unwrap().clone()).unwrap(),
            status: status.cloned().unwrap_or_default(),
            secret_calls: calls.into_iter().filter(|call| call.starts_with("secret-")).collect(),
        }
    }
}

struct Runner(Arc<Mutex<Juju>>);

impl ToolRunner for Runner {
    fn run(&self, call: &ToolCall<'_>) -> std::result::Result<Vec<u8>, ToolError> {
        call.check_args()?;
        let mut juju = self.0.lock().unwrap();
        let argv = std::iter::once(call.tool.to_owned()).chain(call.args.iter().cloned());
        juju.calls.push(argv.collect());
        juju.stdin.extend(call.stdin.unwrap_or_default());
        if juju.broken.contains(call.tool) {
            return Err(failed("it is broken"));
        }
        let leads = juju.leads;
        Ok(match call.tool {
            "config-get" => Value::Object(juju.config.clone()).to_string(),
            "is-leader" => leads.to_string(),
            "state-get" => "{}".to_owned(),
            "secret-get" => {
                let (_, secret) = juju.find(&call.args, true)?;
                if secret.is_denied {
                    return Err(failed("permission denied"));
                }
                json!(secret.content).to_string()
            }
            "secret-info-get" => {
                let (id, secret) = juju.find(&call.args, false)?;
                json!({id: {"revision": 2, "label": secret.label, "owner": "unit"}}).to_string()
            }
            "secret-add" => {
                let label = option(&call.args, "--label").unwrap_or_default().to_owned();
                let secret =
                    Played { label, is_own: true, is_denied: false, content: file(&call.args) };
                juju.secrets.insert(ID.to_owned(), secret);
                format!("secret:{ID}\n")
            }
            "secret-set" => {
                let (id, secret) = juju.find(&call.args, false)?;
                if option(&call.args, "--file").is_some() {
                    let secret = Played { content: file(&call.args), ..secret };
                    juju.secrets.insert(id, secret);
                }
                String::new()
            }
            _ => String::new(),
        }
        .into_bytes())
    }
}

impl Juju {
    /// Finds a secret by its id or its label.
    fn find(&self, args: &[String], any: bool) -> std::result::Result<(String, Played), ToolError> {
        let label = option(args, "--label");
        let id = args.iter().find(|arg| !arg.starts_with("--"));
        let id = id.map(|id| id.rsplit([':', '/']).next().unwrap_or_default());
        if let Some(id) = id.filter(|id| id.len() != 20) {
            let stderr = format!("ERROR secret URI \"{id}\" not valid");
            return Err(ToolError::Exited { code: 2, stderr });
        }
        let found = self.secrets.iter().find(|(key, secret)| {
            (any || secret.is_own)
                && match id {
                    Some(id) => *key == id,
                    None => Some(secret.label.as_str()) == label,
                }
        });
        let found = found.map(|(id, secret)| (id.clone(), secret.clone()));
        found.ok_or_else(|| failed(&format!("secret \"{}\" not found", id.or(label).unwrap())))
    }
}

fn option<'a>(args: &'a [String], name: &str) -> Option<&'a str> {
    args.iter().find_map(|arg| arg.strip_prefix(name)?.strip_prefix('='))
}

/// Reads the private file as Juju's agent does.
fn file(args: &[String]) -> BTreeMap<String, String> {
    serde_json::from_slice(&fs::read(option(args, "--file").unwrap()).unwrap()).unwrap()
}

fn failed(text: &str) -> ToolError {
    ToolError::Exited { code: 1, stderr: format!("ERROR {text}") }
}
