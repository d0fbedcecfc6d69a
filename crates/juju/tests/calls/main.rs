//! The typed calls, answered by Juju's model: what each tool is given, what becomes of its answer,
//! and what is remembered.

#![expect(clippy::unwrap_used, reason = "a test's helper fails the test that called it")]

mod action;
mod config;
mod leader;
mod log;
mod ports;
mod state;
mod status;
mod workload_version;

use std::time::Instant;

use charmwright_agent::{CharmMeta, InProcessTools, Unit, UnitSettings};
use charmwright_juju::{HookTools, ToolError};

const METADATA: &str = "name: web\nsummary: s\ndescription: d\n";
const CONFIG: &str =
    "options: {command: {type: string}, port: {type: int, default: 1000000}, unset: {type: int}}";
const ACTIONS: &str = "restart: {params: {delay: {type: integer}}}";

/// A unit on a machine in its first hook. On a machine there are ranges of ports.
fn in_hook_with(change: impl FnOnce(UnitSettings) -> UnitSettings) -> (InProcessTools, HookTools) {
    let meta = CharmMeta::parse(METADATA, Some(CONFIG), Some(ACTIONS)).unwrap();
    let unit = Unit::new(meta, change(UnitSettings::new("web/0").unwrap()));
    let agent = InProcessTools::new(unit);
    let hook_tools = begin_hook(&agent);
    (agent, hook_tools)
}

fn in_hook() -> (InProcessTools, HookTools) {
    in_hook_with(|settings| settings)
}

/// In the action `restart`, with this delay.
fn in_action(delay: &str) -> (InProcessTools, HookTools) {
    let (agent, _) = in_hook();
    agent.finish(0, Instant::now()).unwrap();
    while agent.begin(Instant::now()).is_some() {
        agent.finish(0, Instant::now()).unwrap();
    }
    let params = [("delay".to_owned(), delay.to_owned())];
    agent.with_unit(|unit| unit.run_action("restart", &params)).unwrap();
    let hook_tools = begin_hook(&agent);
    (agent, hook_tools)
}

fn begin_hook(agent: &InProcessTools) -> HookTools {
    agent.begin(Instant::now()).unwrap();
    agent.juju()
}

/// Ends the hook well and begins the next one, of which no call has been made yet.
fn next_hook(agent: &InProcessTools) -> HookTools {
    assert!(agent.finish(0, Instant::now()).unwrap().committed());
    agent.forget_calls();
    begin_hook(agent)
}

/// Every call of this hook so far: the tool, then its arguments.
fn calls(agent: &InProcessTools) -> Vec<Vec<String>> {
    let owned = |argv: Vec<&str>| argv.into_iter().map(str::to_owned).collect();
    agent.calls().iter().map(|call| owned(call.argv())).collect()
}

fn exit_error(stderr: &str) -> ToolError {
    ToolError::Exited { code: 1, stderr: stderr.to_owned() }
}
