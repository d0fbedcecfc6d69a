//! The hook tools of a unit, answered by its model in this process.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use charmwright_juju::{HookTools, ToolCall, ToolError, ToolRunner};

use super::error::Error;
use super::hook_end::Finished;
use super::hook_exit::HookExit;
use super::hook_run::HookRun;
use super::report::Report;
use super::schedule::Next;
use super::tool_request::{ToolRequest, ToolStep};
use super::tools;
use super::unit::Unit;

/// The system's text for a file that is not there, which is every file.
const NO_FILE: &str = "no such file or directory";

/// Hook tools without processes: a [`Unit`] answers each call as the agent's socket would.
///
/// A test runs a charm's hook with them and asks the model afterwards. The rules are the model's: a
/// call belongs to the hook that runs, and is refused where none does; exit 0 commits what the hook
/// wrote, and any other code drops it; the tools that are there are those of the unit's version of
/// Juju. A clone shares the unit.
///
/// There are no files: a tool that is told to read one or to write one answers as where its folder
/// is not there. `juju-reboot --now` kills nothing here; the caller finishes the hook as killed.
///
/// A tool can be made to fail ([`remove_tool`](Self::remove_tool),
/// [`break_tool`](Self::break_tool), [`fail_once`](Self::fail_once)) or to print anything
/// ([`answer_once`](Self::answer_once)); the model does not hear of such a call. Every call is
/// recorded ([`calls`](Self::calls)).
///
/// ```
/// use std::time::Instant;
/// use charmwright_agent::{AgentPaths, CharmMeta, InProcessTools, Unit, UnitSettings};
/// use charmwright_juju::{HookEnv, HookTools, Port, Status};
///
/// // The hook and its exit code: bare calls here, else `charmwright::dispatch::run` with a charm.
/// fn hook(env: &HookEnv, juju: &HookTools) -> Result<i32, charmwright_juju::Error> {
///     if juju.config()?.contains_key("port") {
///         juju.open_port(Port::tcp(80))?;
///     }
///     juju.set_status(&Status::waiting(format!("{} is starting", env.unit())))?;
///     Ok(0)
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let meta = CharmMeta::parse(
///     "name: web\nsummary: s\ndescription: d\n",
///     Some("options: {port: {type: int, default: 80}}"),
///     None,
/// )?;
/// let tools = InProcessTools::new(Unit::new(meta, UnitSettings::new("web/0")?));
///
/// let now = Instant::now();
/// let run = tools.begin(now).ok_or("nothing to run")?;
/// assert_eq!(run.name(), "install");
/// let paths = AgentPaths::new("/charm", "/tools", "/run/agent.socket");
/// let env = HookEnv::from_vars(run.environment(&paths))?;
/// let code = hook(&env, &tools.juju())?;
/// assert!(tools.finish(code, now)?.committed());
///
/// let report = tools.report();
/// assert_eq!((report.message.as_str(), report.ports.len()), ("web/0 is starting", 1));
/// let called: Vec<&str> = tools.calls().iter().map(|call| call.tool()).collect();
/// assert_eq!(called, ["config-get", "open-port", "status-set"]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct InProcessTools {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    unit: Unit,
    /// The tools that do not work, until they are restored.
    faults: BTreeMap<String, Fault>,
    /// The answers that the next calls of a tool get instead of the model's.
    answers: BTreeMap<String, VecDeque<Result<Vec<u8>, ToolError>>>,
    calls: Vec<RecordedCall>,
}

#[derive(Debug)]
enum Fault {
    Removed,
    Broken { code: i32, stderr: String },
}

/// One call of a hook tool that [`InProcessTools`] took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedCall {
    tool: &'static str,
    args: Vec<String>,
    stdin: Option<Vec<u8>>,
    read_stdin: bool,
    succeeded: bool,
}

impl RecordedCall {
    /// The tool's name.
    #[must_use]
    pub fn tool(&self) -> &'static str {
        self.tool
    }

    /// The arguments after the name.
    #[must_use]
    pub fn args(&self) -> &[String] {
        &self.args
    }

    /// The name and the arguments.
    #[must_use]
    pub fn argv(&self) -> Vec<&str> {
        std::iter::once(self.tool).chain(self.args.iter().map(String::as_str)).collect()
    }

    /// Returns the input that the tool was given, if it was given any.
    #[must_use]
    pub fn stdin(&self) -> Option<&[u8]> {
        self.stdin.as_deref()
    }

    /// Tells whether the tool read its standard input. One that the model did not answer did not.
    #[must_use]
    pub fn read_stdin(&self) -> bool {
        self.read_stdin
    }

    /// Tells whether the tool ended with 0.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.succeeded
    }
}

impl InProcessTools {
    /// The tools of this unit; all of them work.
    #[must_use]
    pub fn new(unit: Unit) -> Self {
        let state =
            State { unit, faults: BTreeMap::new(), answers: BTreeMap::new(), calls: Vec::new() };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// The typed calls of one hook, made through these tools. What they remember is true for one
    /// hook only, so each hook takes new ones.
    #[must_use]
    pub fn juju(&self) -> HookTools {
        HookTools::new(Box::new(self.clone()))
    }

    /// Asks something of the unit, or does to it what an operator does. A tool that is called
    /// meanwhile waits, so `ask` must call none.
    pub fn with_unit<T>(&self, ask: impl FnOnce(&mut Unit) -> T) -> T {
        ask(&mut self.lock().unit)
    }

    /// The unit as it stands: [`Unit::report`].
    #[must_use]
    pub fn report(&self) -> Report {
        self.lock().unit.report()
    }

    /// Begins the hook or the action that is due: [`Unit::next`]. `None` where nothing is due, or
    /// where one runs already.
    #[must_use]
    pub fn begin(&self, now: Instant) -> Option<HookRun> {
        match self.lock().unit.next(now) {
            Next::Run(run) => Some(run),
            _ => None,
        }
    }

    /// Ends the running hook with this exit code, as one that printed nothing: [`Unit::finish`],
    /// which also takes other ends.
    ///
    /// # Errors
    /// [`ErrorKind::State`](super::ErrorKind::State) if nothing is running.
    pub fn finish(&self, code: i32, now: Instant) -> Result<Finished, Error> {
        self.lock().unit.finish(&HookExit::Code(code), now, b"", b"")
    }

    /// Every call since the start, or since they were last forgotten: in the order of their
    /// answers, also those that failed.
    #[must_use]
    pub fn calls(&self) -> Vec<RecordedCall> {
        self.lock().calls.clone()
    }

    /// Forgets the calls so far, so that [`calls`](Self::calls) tells of one hook alone.
    pub fn forget_calls(&self) {
        self.lock().calls.clear();
    }

    /// Takes the tool off the PATH: each call is [`ToolError::NotFound`], whatever was laid out
    /// for it.
    pub fn remove_tool(&self, tool: &str) {
        self.lock().faults.insert(tool.to_owned(), Fault::Removed);
    }

    /// Makes every call of the tool end with this code and this text on standard error.
    pub fn break_tool(&self, tool: &str, code: i32, stderr: &str) {
        let fault = Fault::Broken { code, stderr: stderr.to_owned() };
        self.lock().faults.insert(tool.to_owned(), fault);
    }

    /// Makes one call of the tool fail in this way. Several follow each other in the order in which
    /// they were given, among what [`answer_once`](Self::answer_once) gave.
    pub fn fail_once(&self, tool: &str, failure: ToolError) {
        self.lock().queue_answer(tool, Err(failure));
    }

    /// Makes one call of the tool print this and end with 0.
    pub fn answer_once(&self, tool: &str, output: impl Into<Vec<u8>>) {
        self.lock().queue_answer(tool, Ok(output.into()));
    }

    /// Lets the model answer the tool again. What was laid out for it and not yet used is
    /// forgotten.
    pub fn restore_tool(&self, tool: &str) {
        let mut state = self.lock();
        state.faults.remove(tool);
        state.answers.remove(tool);
    }

    /// A panic elsewhere leaves the model whole: each of its methods does.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ToolRunner for InProcessTools {
    fn run(&self, call: &ToolCall<'_>) -> Result<Vec<u8>, ToolError> {
        let mut state = self.lock();
        let mut read_stdin = false;
        let answer = state.answer(call, &mut read_stdin);
        state.calls.push(RecordedCall {
            tool: call.tool,
            args: call.args.clone(),
            stdin: call.stdin.map(<[u8]>::to_vec),
            read_stdin,
            succeeded: answer.is_ok(),
        });
        answer
    }

    fn has_tool(&self, tool: &str) -> bool {
        self.lock().has_tool(tool)
    }
}

impl State {
    fn queue_answer(&mut self, tool: &str, answer: Result<Vec<u8>, ToolError>) {
        self.answers.entry(tool.to_owned()).or_default().push_back(answer);
    }

    fn has_tool(&self, tool: &str) -> bool {
        !matches!(self.faults.get(tool), Some(Fault::Removed))
            && tools::find(tool, &self.unit.controller.settings.juju_version).is_some()
    }

    fn answer(&mut self, call: &ToolCall<'_>, read_stdin: &mut bool) -> Result<Vec<u8>, ToolError> {
        call.check_args()?;
        if !self.has_tool(call.tool) {
            return Err(ToolError::NotFound);
        }
        if let Some(answer) = self.answers.get_mut(call.tool).and_then(VecDeque::pop_front) {
            return answer;
        }
        if let Some(Fault::Broken { code, stderr }) = self.faults.get(call.tool) {
            return Err(ToolError::Exited { code: *code, stderr: stderr.clone() });
        }
        let context_id = self.unit.running.as_ref().map(|running| running.run.id().to_owned());
        let mut request = ToolRequest {
            context_id: context_id.unwrap_or_default(),
            dir: PathBuf::from("/"),
            name: call.tool.to_owned(),
            args: call.args.clone(),
            ..ToolRequest::default()
        };
        let answer = loop {
            match self.unit.tool(&request) {
                ToolStep::NeedsInput => {
                    *read_stdin = true;
                    request.stdin = Some(call.stdin.unwrap_or_default().to_vec());
                }
                ToolStep::NeedsFile(_) => request.file = Some(Err(NO_FILE.to_owned())),
                ToolStep::WriteFile(file) => break file.written(Err(NO_FILE.to_owned())),
                ToolStep::KillHook(answer) | ToolStep::Done(answer) => break answer,
            }
        };
        match answer.code {
            0 => Ok(answer.stdout),
            code => {
                let stderr = String::from_utf8_lossy(&answer.stderr).trim().to_owned();
                Err(ToolError::Exited { code: code.into(), stderr })
            }
        }
    }
}
