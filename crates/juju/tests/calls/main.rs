//! Tests of the typed calls against the model of Juju: the arguments of each tool, the value that
//! its answer becomes, and the answers that are cached.

#![expect(clippy::unwrap_used, reason = "a test's helper fails the test that called it")]

mod action;
mod config;
mod known_hook;
mod leader;
mod log;
mod model;
mod network;
mod ports;
mod relation;
mod removed;
mod scripted;
mod secret_commit;
mod secret_model;
mod secret_read;
mod secret_write;
mod state;
mod status;
mod storage;
mod workload_version;

use std::time::Instant;

use charmwright_agent::{CharmMeta, Deployment, InProcessTools, JujuVersion, Model, ModelSettings};
use charmwright_juju::{HookTools, ToolError};

const METADATA: &str = "name: web\nsummary: s\ndescription: d\n";
const CONFIG: &str =
    "options: {command: {type: string}, port: {type: int, default: 1000000}, unset: {type: int}}";
const ACTIONS: &str = "restart: {params: {delay: {type: integer}}}";

/// Starts the first hook of a unit on this version of Juju, which leads its application or does
/// not. The unit is on a machine, because Juju opens ranges of ports only there.
fn in_hook_of(version: JujuVersion, leads: bool) -> (InProcessTools, HookTools) {
    let meta = CharmMeta::parse(METADATA, Some(CONFIG), Some(ACTIONS)).unwrap();
    let mut model = Model::new(ModelSettings::new().juju_version(version));
    model.deploy("web", Deployment::charm(meta).leader(leads)).unwrap();
    let agent = InProcessTools::new(model, "web/0".parse().unwrap());
    let hook_tools = begin_hook(&agent);
    (agent, hook_tools)
}

/// Starts the first hook of a unit.
fn in_hook() -> (InProcessTools, HookTools) {
    in_hook_as_leader(true)
}

/// Starts the first hook of a unit that leads its application or does not.
fn in_hook_as_leader(leads: bool) -> (InProcessTools, HookTools) {
    in_hook_of(JujuVersion::release(3, 6, 28), leads)
}

/// Starts the action `restart` with this delay.
fn in_action(delay: &str) -> (InProcessTools, HookTools) {
    let (agent, _) = in_hook();
    agent.finish(0, Instant::now()).unwrap();
    // Ends the other hooks of a new unit, so that the action is the next to run.
    while agent.begin(Instant::now()).is_some() {
        agent.finish(0, Instant::now()).unwrap();
    }
    let params = [("delay".to_owned(), delay.to_owned())];
    agent.with_model(|model, unit| model.run_action(unit, "restart", &params)).unwrap();
    let hook_tools = begin_hook(&agent);
    (agent, hook_tools)
}

/// Begins the next hook or action and returns its hook tools.
fn begin_hook(agent: &InProcessTools) -> HookTools {
    agent.begin(Instant::now()).unwrap();
    agent.juju()
}

/// Ends the hook with exit code 0 and begins the next one, with no recorded calls.
fn next_hook(agent: &InProcessTools) -> HookTools {
    assert!(agent.finish(0, Instant::now()).unwrap().committed());
    agent.forget_calls();
    begin_hook(agent)
}

/// Returns every call of this hook so far: the name of the tool, then its arguments.
fn calls(agent: &InProcessTools) -> Vec<Vec<String>> {
    let owned = |argv: Vec<&str>| argv.into_iter().map(str::to_owned).collect();
    agent.calls().iter().map(|call| owned(call.argv())).collect()
}

/// Makes the error of a tool that exited with code 1.
fn exit_error(stderr: &str) -> ToolError {
    ToolError::Exited { code: 1, stderr: stderr.to_owned() }
}
