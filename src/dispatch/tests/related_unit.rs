//! A unit with relations, for the tests of relations: the unit `web/0` of a model of Juju, whose
//! remote applications have no charm.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::time::Instant;

use charmwright_agent::{
    AgentPaths, CharmMeta, Deployment, EndpointMeta, EndpointRole, HookRun, InProcessTools, Model,
    ModelSettings, RecordedCall,
};
use tokio::runtime::Builder;

use super::fakes::{begin, finish};
use super::report::HookReport;
use super::run::{RunOptions, run_hook};
use crate::juju::{HookEnv, LogLevel, ToolError, UnitName};
use crate::{
    ActionRequest, ActionResult, Actions, Charm, Declaration, DeclaredContainer, Endpoint, Error,
    Event, Hook, LimitOne, Metadata, NoConfig, NoLimit, Outcome, Peer, Provides, Requires, Result,
    Statuses, UnitView,
};

/// The first relation is the peers', with the number 0.
const METADATA: &str = "name: web\nsummary: s\ndescription: d\ncontainers: {web: {}}\n\
                        peers: {ring: {interface: test}}\nprovides: {site: {interface: test}}\n\
                        requires: {database: {interface: test}}\n";
const ACTIONS: &str = "act: {description: a}\n";

/// The result of one call of a tool.
pub(super) type Answer = std::result::Result<Vec<u8>, ToolError>;

/// The unit `web/0`, which does not lead. A clone is the same unit.
#[derive(Clone)]
pub(super) struct RelatedUnit {
    pub(super) tools: InProcessTools,
}

impl RelatedUnit {
    /// Makes a unit that has run no hook yet.
    pub(super) fn not_installed() -> Self {
        let meta = CharmMeta::parse(METADATA, None, Some(ACTIONS)).unwrap();
        let settings = ModelSettings::new().update_status_interval(None);
        let mut model = Model::new(settings);
        let units = model.deploy("web", Deployment::charm(meta).leader(false)).unwrap();
        Self { tools: InProcessTools::new(model, units[0].clone()) }
    }

    /// Makes a unit that is installed and has started, without a relation but that of its peers.
    pub(super) fn new() -> Self {
        let unit = Self::not_installed();
        unit.settle();
        unit
    }

    /// Runs every hook that is due, without a charm.
    fn settle(&self) {
        while self.tools.begin(Instant::now()).is_some() {
            self.tools.finish(0, Instant::now()).unwrap();
        }
    }

    /// Asks or commands the model.
    pub(super) fn with<T>(&self, ask: impl FnOnce(&mut Model) -> T) -> T {
        self.tools.with_model(|model, _| ask(model))
    }

    /// Makes the unit lead its application, or takes that from it.
    pub(super) fn lead(&self, leads: bool) {
        self.with(|model| match leads {
            true => model.set_leader(&name("web/0")).unwrap(),
            false => model.unset_leader("web").unwrap(),
        });
        self.settle();
    }

    /// Relates an endpoint to a new application with so many units, and returns the number of the
    /// relation: 1 for the first one.
    pub(super) fn relate(&self, endpoint: &str, application: &str, units: u32) -> u32 {
        let role = match endpoint {
            "site" => EndpointRole::Requirer,
            _ => EndpointRole::Provider,
        };
        let remote = Deployment::remote([EndpointMeta::new("remote", role, "test")]).units(units);
        let relation = self.with(|model| {
            model.deploy(application, remote).unwrap();
            model.integrate(&format!("web:{endpoint}"), application).unwrap()
        });
        self.settle();
        relation.get()
    }

    /// Adds a peer on which no charm runs.
    pub(super) fn add_peer(&self) {
        self.with(|model| model.add_played_unit("web")).unwrap();
        self.settle();
    }

    /// Writes to the databag of a unit or of an application.
    pub(super) fn write(&self, relation: u32, owner: &str, pairs: &[(&str, &str)]) {
        let data = pairs.iter().copied();
        if owner == "web" || owner == "web/0" {
            // Only a hook of this unit can write them.
            begin(&self.tools, "hooks/update-status");
            let changes: BTreeMap<String, Option<String>> =
                data.map(|(key, value)| (key.to_owned(), Some(value.to_owned()))).collect();
            let (juju, id) = (self.tools.juju(), relation.to_string().parse().unwrap());
            match owner {
                "web" => juju.set_app_databag(&id, &changes).unwrap(),
                _ => juju.set_unit_databag(&id, &changes).unwrap(),
            }
            finish(&self.tools, 0);
        } else if owner.contains('/') {
            let owner = name(owner);
            self.with(|model| model.set_remote_unit_data(relation, &owner, data)).unwrap();
        } else {
            self.with(|model| model.set_remote_app_data(relation, owner, data)).unwrap();
        }
        self.settle();
    }

    /// Returns the databag of an application, as Juju has committed it.
    pub(super) fn app_bag(&self, relation: u32, application: &str) -> BTreeMap<String, String> {
        self.with(|model| model.app_data(relation, application).cloned()).unwrap()
    }

    /// Returns the keys of this unit's databag, without those that Juju has written.
    pub(super) fn unit_keys(&self, relation: u32) -> Vec<String> {
        let bag = self.with(|model| model.unit_data(relation, &name("web/0")).cloned()).unwrap();
        let is_jujus = |key: &String| key.ends_with("-address") || key.ends_with("-subnets");
        bag.into_keys().filter(|key| !is_jujus(key)).collect()
    }

    /// Makes the next call of a tool fail with this code and this text after `ERROR `.
    pub(super) fn fail_once(&self, tool: &str, code: i32, text: &str) {
        let stderr = format!("ERROR {text}");
        self.tools.fail_once(tool, ToolError::Exited { code, stderr });
    }

    /// Sets the result of the next call of a tool.
    pub(super) fn answer_once(&self, tool: &str, answer: Answer) {
        match answer {
            Ok(output) => self.tools.answer_once(tool, output),
            Err(error) => self.tools.fail_once(tool, error),
        }
    }

    /// Returns the calls of the last hook that name one of these tools, each with its arguments.
    pub(super) fn calls(&self, tools: &[&str]) -> Vec<String> {
        let calls = self.tools.calls();
        let named = calls.iter().filter(|call| tools.contains(&call.tool()));
        named.map(|call| call.argv().join(" ")).collect()
    }

    /// Returns the arguments and the input of each `relation-set` of the last hook.
    pub(super) fn sets(&self) -> Vec<String> {
        let calls = self.tools.calls();
        let sets = calls.iter().filter(|call| call.tool() == "relation-set");
        let text = |call: &RecordedCall| {
            let stdin = String::from_utf8(call.stdin().unwrap().to_vec()).unwrap();
            format!("{} {stdin}", call.args().join(" ")).replace("--file - ", "")
        };
        sets.map(text).collect()
    }

    /// Runs a charm for any hook or action, also one that is not due, with these variables.
    pub(super) fn run(
        &self,
        charm: impl Charm,
        path: &str,
        variables: &[(&str, &str)],
    ) -> HookReport {
        // What an earlier hook has written may have made a hook of this unit due.
        self.settle();
        begin(&self.tools, path);
        let own = [("JUJU_UNIT_NAME", "web/0"), ("JUJU_DISPATCH_PATH", path)];
        let all = own.iter().chain(variables);
        let report =
            self.run_with(charm, all.map(|(name, value)| ((*name).into(), (*value).into())));
        finish(&self.tools, report.exit_code());
        report
    }

    /// Runs a charm for the hook that is due. Returns the name of the hook.
    pub(super) fn run_next(&self, charm: impl Charm) -> (String, HookReport) {
        let run: HookRun = self.tools.begin(Instant::now()).unwrap();
        let paths = AgentPaths::new("/charm", "/tools", "/agent.socket");
        let report = self.run_with(charm, run.environment(&paths));
        finish(&self.tools, report.exit_code());
        (run.name(), report)
    }

    fn run_with(
        &self,
        charm: impl Charm,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> HookReport {
        self.tools.forget_calls();
        let env = HookEnv::from_vars(variables).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let options = RunOptions::new()
            .containers_folder(folder.path())
            .log_level(LogLevel::Debug)
            .streams(std::io::sink(), std::io::sink());
        let runtime =
            Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(run_hook(charm, env, self.tools.juju(), options))
    }
}

fn name(unit: &str) -> UnitName {
    unit.parse().unwrap()
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
