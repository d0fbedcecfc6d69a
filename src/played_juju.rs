//! A hook of a charm that is one closure, for the tests of the handles. A closure plays the hook
//! tools.

use std::sync::{Arc, Mutex};

use tokio::runtime::Builder;

use crate::dispatch::{HookReport, RunOptions, run_hook};
use crate::juju::{HookEnv, HookTools, ToolCall, ToolError, ToolRunner};
use crate::{Charm, Declaration, Event, Hook, Metadata, NoActions, NoConfig, NoState, Outcome};
use crate::{Result, Status, Statuses, UnitView};

/// The declaration of the charm.
pub(crate) struct Declared;

impl Declaration for Declared {
    type Config = NoConfig;
    type State = NoState;
    type Action = NoActions;
    const METADATA: Metadata = Metadata::new("web");
}

/// The answer of a tool: what it prints, or the text with which it fails with exit code 1.
pub(crate) type Answer = std::result::Result<String, String>;

/// What a closure answers to a tool, by its name and the rest of the command line.
type Answers = dyn Fn(&str, &str) -> Answer + Send + Sync;

/// The result of a hook: its report, and the command lines of the tools that the charm called
/// beside those of the framework.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) report: HookReport,
    pub(crate) calls: Vec<String>,
}

impl Ran {
    /// Returns the status that the hook set, as `KIND: MESSAGE`.
    pub(crate) fn status(&self) -> String {
        self.report.status().map_or_else(String::new, ToString::to_string)
    }

    /// Returns the error of the hook's handler or of the hook.
    pub(crate) fn failure(&self) -> String {
        self.report.failure().map_or_else(String::new, ToString::to_string)
    }
}

struct Probe<'a>(&'a dyn Fn(&Hook<Declared>) -> Result);

impl Charm for Probe<'_> {
    type Declared = Declared;

    async fn reconcile(&mut self, hook: &Hook<Declared>) -> Result {
        (self.0)(hook)
    }

    async fn handle(&mut self, _: &Event, hook: &Hook<Declared>) -> Result<Outcome> {
        (self.0)(hook)?;
        Ok(Outcome::done())
    }

    async fn collect_status(&self, _: &UnitView<Declared>, statuses: &mut Statuses) -> Result {
        statuses.add(Status::active());
        Ok(())
    }
}

struct Runner {
    answers: Box<Answers>,
    calls: Arc<Mutex<Vec<String>>>,
}

impl ToolRunner for Runner {
    fn run(&self, call: &ToolCall<'_>) -> std::result::Result<Vec<u8>, ToolError> {
        call.check_args()?;
        let answer = match call.tool {
            "config-get" | "state-get" => Ok("{}".to_owned()),
            "is-leader" => Ok("false".to_owned()),
            "state-set" | "status-set" | "juju-log" => Ok(String::new()),
            tool => {
                let args = call.args.join(" ");
                self.calls.lock().unwrap().push(format!("{tool} {args}").trim_end().to_owned());
                (self.answers)(tool, &args)
            }
        };
        answer.map(String::into_bytes).map_err(|text| {
            // Juju refuses the value of an option with code 2.
            let code = if text.contains("for option") { 2 } else { 1 };
            ToolError::Exited { code, stderr: format!("ERROR {text}") }
        })
    }
}

/// Runs a hook of this name with these variables, in which the charm does `step`.
pub(crate) fn run(
    hook: &str,
    variables: &[(&str, &str)],
    answers: impl Fn(&str, &str) -> Answer + Send + Sync + 'static,
    step: impl Fn(&Hook<Declared>) -> Result,
) -> Ran {
    let path = format!("hooks/{hook}");
    let own = [("JUJU_UNIT_NAME", "web/0"), ("JUJU_DISPATCH_PATH", path.as_str())];
    let variables = own.iter().chain(variables).map(|(name, value)| (name.into(), value.into()));
    let env = HookEnv::from_vars(variables).unwrap();
    let calls = Arc::new(Mutex::new(Vec::new()));
    let runner = Runner { answers: Box::new(answers), calls: Arc::clone(&calls) };
    let tools = HookTools::new(Box::new(runner));
    let options = RunOptions::new().streams(std::io::sink(), std::io::sink());
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let report = runtime.block_on(run_hook(Probe(&step), env, tools, options));
    let calls = std::mem::take(&mut *calls.lock().unwrap());
    Ran { report, calls }
}
