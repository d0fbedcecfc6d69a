//! A fake of Juju with relations, for the tests of relations. It stands in for the model, which has
//! no relations yet: it keeps the databags of one unit's relations and answers its hook tools.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};
use tokio::runtime::Builder;

use super::report::HookReport;
use super::run::{RunOptions, run_hook};
use crate::juju::{HookEnv, HookTools, LogLevel, ToolCall, ToolError, ToolRunner};
use crate::{
    ActionRequest, ActionResult, Actions, Charm, Declaration, DeclaredContainer, Endpoint, Error,
    Event, Hook, LimitOne, Metadata, NoConfig, NoLimit, Outcome, Peer, Provides, Requires, Result,
    Statuses, UnitView,
};

/// The databag of one owner.
type Databag = BTreeMap<String, String>;

/// The result of one call of a tool.
pub(super) type Answer = std::result::Result<Vec<u8>, ToolError>;

/// Juju as the unit `web/0` sees it. A clone shares the state.
#[derive(Clone, Default)]
pub(super) struct FakeJuju(Arc<Mutex<State>>);

#[derive(Default)]
pub(super) struct State {
    pub(super) relations: BTreeMap<String, FakeRelation>,
    /// The relation that breaks in the running hook: it is not listed.
    pub(super) breaking: Option<String>,
    pub(super) is_leader: bool,
    stored: Databag,
    missing_tools: BTreeSet<&'static str>,
    answers: BTreeMap<&'static str, VecDeque<Answer>>,
    calls: Vec<(String, Option<String>)>,
}

#[derive(Default)]
pub(super) struct FakeRelation {
    pub(super) app: Option<&'static str>,
    pub(super) units: Vec<&'static str>,
    /// By the name of the unit or application.
    pub(super) bags: BTreeMap<String, Databag>,
}

impl FakeJuju {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Adds a relation to this application with these units.
    pub(super) fn relate(&self, id: &str, app: &'static str, units: &[&'static str]) {
        let relation = FakeRelation { app: Some(app), units: units.to_vec(), ..Default::default() };
        self.state().relations.insert(id.to_owned(), relation);
    }

    /// Writes to the databag of a unit or an application.
    pub(super) fn write(&self, id: &str, owner: &str, pairs: &[(&str, &str)]) {
        let mut state = self.state();
        let bag = state.relations.get_mut(id).unwrap().bags.entry(owner.to_owned()).or_default();
        bag.extend(pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
    }

    /// Returns the databag of a unit or an application.
    pub(super) fn bag(&self, id: &str, owner: &str) -> Vec<(String, String)> {
        let state = self.state();
        let bag = state.relations[id].bags.get(owner).cloned().unwrap_or_default();
        bag.into_iter().collect()
    }

    /// Makes the next call of a tool fail with this code and this text after `ERROR `.
    pub(super) fn fail_once(&self, tool: &'static str, code: i32, text: &str) {
        let stderr = format!("ERROR {text}");
        self.answer_once(tool, Err(ToolError::Exited { code, stderr }));
    }

    /// Sets the result of the next call of a tool.
    pub(super) fn answer_once(&self, tool: &'static str, answer: Answer) {
        self.state().answers.entry(tool).or_default().push_back(answer);
    }

    pub(super) fn remove_tool(&self, tool: &'static str) {
        self.state().missing_tools.insert(tool);
    }

    /// Returns the calls of the last hook that name one of these tools, each with its arguments.
    pub(super) fn calls(&self, tools: &[&str]) -> Vec<String> {
        let state = self.state();
        let is_of = |call: &str| tools.iter().any(|tool| call.starts_with(tool));
        state.calls.iter().map(|(call, _)| call.clone()).filter(|call| is_of(call)).collect()
    }

    /// Returns the arguments and the input of each `relation-set` of the last hook.
    pub(super) fn sets(&self) -> Vec<String> {
        let state = self.state();
        let sets = state.calls.iter().filter_map(|(call, stdin)| {
            Some(format!("{} {}", call.strip_prefix("relation-set ")?, stdin.as_deref()?))
        });
        sets.map(|set| set.replace("--file - ", "")).collect()
    }

    /// Runs a charm for a hook or an action. Variables of the hook are given by name.
    pub(super) fn run(
        &self,
        charm: impl Charm,
        path: &str,
        variables: &[(&str, &str)],
    ) -> HookReport {
        self.state().calls.clear();
        let own = [("JUJU_UNIT_NAME", "web/0"), ("JUJU_DISPATCH_PATH", path)];
        let all = own.iter().chain(variables);
        let env = HookEnv::from_vars(
            all.map(|(name, value)| ((*name).into(), std::ffi::OsString::from(*value))),
        )
        .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let options = RunOptions::new()
            .containers_folder(folder.path())
            .log_level(LogLevel::Debug)
            .streams(std::io::sink(), std::io::sink());
        let runtime =
            Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(run_hook(charm, env, HookTools::new(Box::new(self.clone())), options))
    }
}

impl ToolRunner for FakeJuju {
    fn run(&self, call: &ToolCall<'_>) -> Answer {
        let mut state = self.state();
        if state.missing_tools.contains(call.tool) {
            return Err(ToolError::NotFound);
        }
        if call.tool != "juju-log" {
            let line = [vec![call.tool.to_owned()], call.args.clone()].concat().join(" ");
            let stdin = call.stdin.map(|stdin| String::from_utf8(stdin.to_vec()).unwrap());
            state.calls.push((line, stdin));
        }
        if let Some(answer) = state.answers.get_mut(call.tool).and_then(VecDeque::pop_front) {
            return answer;
        }
        match state.answer(call) {
            Ok(Value::Null) => Ok(Vec::new()),
            Ok(value) => Ok(value.to_string().into_bytes()),
            Err((code, text)) => Err(ToolError::Exited { code, stderr: format!("ERROR {text}") }),
        }
    }

    fn has_tool(&self, tool: &str) -> bool {
        !self.state().missing_tools.contains(tool)
    }
}

impl State {
    fn answer(&mut self, call: &ToolCall<'_>) -> std::result::Result<Value, (i32, String)> {
        let has = |flag: &str| call.args.iter().any(|arg| arg == flag);
        let last = call.args.last().map(String::as_str).unwrap_or_default();
        match call.tool {
            "config-get" | "action-get" => return Ok(json!({})),
            "is-leader" => return Ok(json!(self.is_leader)),
            "state-get" => return Ok(json!(self.stored)),
            "state-set" => {
                let stdin = call.stdin.unwrap_or_default();
                self.stored.extend(serde_json::from_slice::<Databag>(stdin).unwrap());
                return Ok(Value::Null);
            }
            "relation-ids" => {
                let listed = self.relations.keys().filter(|id| {
                    id.split(':').next() == Some(last) && self.breaking.as_ref() != Some(id)
                });
                return Ok(json!(listed.collect::<Vec<_>>()));
            }
            tool if !tool.starts_with("relation-") => return Ok(Value::Null),
            _ => {}
        }
        let id = call.args.get(1).cloned().unwrap_or_default();
        let not_found = || (2, format!("invalid value \"{id}\" for option -r: relation not found"));
        let relation = self.relations.get_mut(&id).ok_or_else(not_found)?;
        Ok(match call.tool {
            "relation-list" if has("--app") => json!(relation.app.unwrap_or_default()),
            "relation-list" => json!(relation.units),
            "relation-model-get" => json!({"uuid": "deadbeef-0000"}),
            "relation-get" => {
                if last == "web" && relation.app != Some("web") && !self.is_leader {
                    return Err((1, "permission denied".to_owned()));
                }
                json!(relation.bags.get(last).cloned().unwrap_or_default())
            }
            "relation-set" => {
                if has("--app") && !self.is_leader {
                    return Err((1, "cannot write relation settings".to_owned()));
                }
                let owner = if has("--app") { "web" } else { "web/0" };
                let bag = relation.bags.entry(owner.to_owned()).or_default();
                let stdin = call.stdin.unwrap_or_default();
                for (key, value) in serde_json::from_slice::<Databag>(stdin).unwrap() {
                    if value.is_empty() {
                        bag.remove(&key);
                    } else {
                        bag.insert(key, value);
                    }
                }
                Value::Null
            }
            other => panic!("a tool that nobody expected: {other}"),
        })
    }
}

pub(super) struct Declared;

impl Declaration for Declared {
    type Config = NoConfig;
    type State = String;
    type Action = Act;

    const METADATA: Metadata = Metadata::new("web").containers(&[Web::NAME]);
}

#[derive(Clone, Copy)]
pub(super) struct Web;

impl DeclaredContainer for Web {
    const NAME: &'static str = "web";
}

/// The one action of the charm.
pub(super) struct Act;

impl Actions for Act {
    const NAMES: &'static [&'static str] = &["act"];

    fn parse(_: &ActionRequest) -> std::result::Result<Self, Error> {
        Ok(Self)
    }
}

macro_rules! endpoint {
    ($name:ident $text:literal $role:ty, $limit:ty) => {
        #[derive(Debug, Clone, Copy)]
        pub(super) struct $name;

        impl Endpoint for $name {
            const NAME: &'static str = $text;
            const INTERFACE: &'static str = "test";
            type Role = $role;
            type Limit = $limit;
        }
    };
}

endpoint!(Database "database" Requires, LimitOne);
endpoint!(Site "site" Provides, NoLimit);
endpoint!(Ring "ring" Peer, NoLimit);

/// A charm that runs a function for each event and for its action.
pub(super) struct Does<F>(pub(super) F);

impl<F: FnMut(&Hook<Declared>) -> Result> Charm for Does<F> {
    type Declared = Declared;

    async fn reconcile(&mut self, hook: &Hook<Declared>) -> Result {
        (self.0)(hook)
    }

    async fn handle(&mut self, _: &Event, hook: &Hook<Declared>) -> Result<Outcome> {
        (self.0)(hook)?;
        Ok(Outcome::done())
    }

    async fn action(&mut self, _: Act, hook: &Hook<Declared>) -> Result<ActionResult> {
        (self.0)(hook)?;
        Ok(ActionResult::new())
    }
}

/// A charm that runs a function for each event, and another one for its status.
pub(super) struct Shows<F, S>(pub(super) F, pub(super) S);

impl<F, S> Charm for Shows<F, S>
where
    F: FnMut(&Event, &Hook<Declared>) -> Result<Outcome>,
    S: Fn(&UnitView<Declared>, &mut Statuses) -> Result,
{
    type Declared = Declared;

    async fn reconcile(&mut self, _: &Hook<Declared>) -> Result {
        Ok(())
    }

    async fn handle(&mut self, event: &Event, hook: &Hook<Declared>) -> Result<Outcome> {
        (self.0)(event, hook)
    }

    async fn action(&mut self, _: Act, _: &Hook<Declared>) -> Result<ActionResult> {
        Ok(ActionResult::new())
    }

    async fn collect_status(&self, unit: &UnitView<Declared>, statuses: &mut Statuses) -> Result {
        (self.1)(unit, statuses)
    }
}
