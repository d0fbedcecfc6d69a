//! [`InProcessTools`] runs the hook tools of a unit in this process: the model answers them.

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

/// The operating system's text for a missing file. Every file is missing here.
const NO_FILE: &str = "no such file or directory";

/// Runs hook tools without processes: a [`Unit`] answers each call as the agent does on its socket.
///
/// A test runs a charm's hook with these tools and looks at the model afterwards. The model's rules
/// hold:
///
/// - A call belongs to the running hook, and is refused when no hook runs.
/// - Exit code 0 commits the writes of the hook, and any other code drops them.
/// - The tools are those of the unit's version of Juju.
///
/// A clone shares the unit. There are no files: a tool that reads or writes a file fails because
/// the file's directory is missing. `juju-reboot --now` kills nothing here; the caller finishes the
/// hook as killed by signal 9.
///
/// A test can make a tool fail ([`remove_tool`](Self::remove_tool),
/// [`break_tool`](Self::break_tool), [`fail_once`](Self::fail_once)) or print any output
/// ([`answer_once`](Self::answer_once)). Such a call does not reach the model. Every call is
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
    /// The tools that fail until they are restored.
    faults: BTreeMap<String, Fault>,
    /// The queued answers of each tool. The next calls return them instead of the model's answers.
    answers: BTreeMap<String, VecDeque<Result<Vec<u8>, ToolError>>>,
    calls: Vec<RecordedCall>,
}

#[derive(Debug)]
enum Fault {
    /// The tool is not on the PATH.
    Removed,
    /// The tool exits with this code and this text on standard error.
    Broken { code: i32, stderr: String },
}

/// The record of one call of a hook tool through [`InProcessTools`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedCall {
    tool: &'static str,
    args: Vec<String>,
    stdin: Option<Vec<u8>>,
    read_stdin: bool,
    succeeded: bool,
}

impl RecordedCall {
    /// Returns the name of the tool.
    #[must_use]
    pub fn tool(&self) -> &'static str {
        self.tool
    }

    /// Returns the arguments after the name.
    #[must_use]
    pub fn args(&self) -> &[String] {
        &self.args
    }

    /// Returns the name and the arguments.
    #[must_use]
    pub fn argv(&self) -> Vec<&str> {
        std::iter::once(self.tool).chain(self.args.iter().map(String::as_str)).collect()
    }

    /// Returns the standard input that the caller has passed, or `None` if it has passed none.
    #[must_use]
    pub fn stdin(&self) -> Option<&[u8]> {
        self.stdin.as_deref()
    }

    /// Returns `true` if the tool has read its standard input. A tool with a queued answer or a
    /// fault reads none.
    #[must_use]
    pub fn read_stdin(&self) -> bool {
        self.read_stdin
    }

    /// Returns `true` if the tool has exited with 0.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.succeeded
    }
}

impl InProcessTools {
    /// Makes the tools of a unit. All of them work.
    #[must_use]
    pub fn new(unit: Unit) -> Self {
        let state =
            State { unit, faults: BTreeMap::new(), answers: BTreeMap::new(), calls: Vec::new() };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// Returns the typed calls for one hook, which run these tools. They cache data that may change
    /// between hooks, so call this once for each hook.
    #[must_use]
    pub fn juju(&self) -> HookTools {
        HookTools::new(Box::new(self.clone()))
    }

    /// Calls a closure with the unit, to read it or to run a command of the operator on it.
    ///
    /// The unit is locked meanwhile. The closure must not call a tool, which would wait for ever.
    pub fn with_unit<T>(&self, ask: impl FnOnce(&mut Unit) -> T) -> T {
        ask(&mut self.lock().unit)
    }

    /// Returns the present status of the unit ([`Unit::report`]).
    #[must_use]
    pub fn report(&self) -> Report {
        self.lock().unit.report()
    }

    /// Begins the hook or the action that is due ([`Unit::next`]). Returns `None` if none is due,
    /// or one is running already.
    #[must_use]
    pub fn begin(&self, now: Instant) -> Option<HookRun> {
        match self.lock().unit.next(now) {
            Next::Run(run) => Some(run),
            _ => None,
        }
    }

    /// Ends the running hook or action with an exit code and no output. [`Unit::finish`] also takes
    /// signals and output.
    ///
    /// # Errors
    /// [`ErrorKind::State`](super::ErrorKind::State) if no hook or action is running.
    pub fn finish(&self, code: i32, now: Instant) -> Result<Finished, Error> {
        self.lock().unit.finish(&HookExit::Code(code), now, b"", b"")
    }

    /// Returns the records of the calls since the last [`forget_calls`](Self::forget_calls), in the
    /// order of their answers. Failed calls are recorded too.
    #[must_use]
    pub fn calls(&self) -> Vec<RecordedCall> {
        self.lock().calls.clone()
    }

    /// Clears the records of the calls, so that [`calls`](Self::calls) returns those of one hook
    /// only.
    pub fn forget_calls(&self) {
        self.lock().calls.clear();
    }

    /// Removes a tool from the PATH. Each call fails with [`ToolError::NotFound`], even if an
    /// answer is queued for it.
    pub fn remove_tool(&self, tool: &str) {
        self.lock().faults.insert(tool.to_owned(), Fault::Removed);
    }

    /// Makes every call of a tool exit with this code and this text on standard error. Queued
    /// answers come first.
    pub fn break_tool(&self, tool: &str, code: i32, stderr: &str) {
        let fault = Fault::Broken { code, stderr: stderr.to_owned() };
        self.lock().faults.insert(tool.to_owned(), fault);
    }

    /// Makes the next call of a tool fail. Failures and the answers of
    /// [`answer_once`](Self::answer_once) are one queue, in the order in which they were added.
    pub fn fail_once(&self, tool: &str, failure: ToolError) {
        self.lock().queue_answer(tool, Err(failure));
    }

    /// Makes the next call of a tool print this output and exit with 0.
    pub fn answer_once(&self, tool: &str, output: impl Into<Vec<u8>>) {
        self.lock().queue_answer(tool, Ok(output.into()));
    }

    /// Makes the model answer the calls of a tool again. The tool's queued answers are dropped.
    pub fn restore_tool(&self, tool: &str) {
        let mut state = self.lock();
        state.faults.remove(tool);
        state.answers.remove(tool);
    }

    /// Locks the state, even after a panic of another thread: no method of the model panics
    /// halfway, so the state is still consistent.
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
        // A real process cannot get such arguments, so its caller would fail before the tool
        // starts.
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
        // Without a running hook the id is empty, and the model refuses the call as Juju does.
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
