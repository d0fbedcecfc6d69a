//! [`InProcessTools`] runs the hook tools of a unit in this process: a model answers them.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use charmwright_juju::{HookTools, ToolCall, ToolError, ToolRunner, UnitName};

use super::error::Error;
use super::hook_end::Finished;
use super::hook_exit::HookExit;
use super::hook_run::HookRun;
use super::model::Model;
use super::report::Report;
use super::schedule::Next;
use super::tool_request::{ToolRequest, ToolStep};
use super::tools;

/// The operating system's text for a missing file. No tool can write one here.
const NO_FILE: &str = "no such file or directory";

/// Runs the hook tools of one unit without processes: a [`Model`] answers each call as the agent
/// does on its socket.
///
/// A test runs a charm's hook with these tools and looks at the model afterwards. The model's rules
/// hold:
///
/// - A call belongs to the running hook, and is refused when no hook runs.
/// - Exit code 0 commits the writes of the hook, and any other code drops them.
/// - The tools are those of the model's version of Juju.
///
/// A clone is the same tools. [`of_unit`](Self::of_unit) makes those of another unit, which share
/// the model: what one unit writes is what the other reads. A tool reads the files of this machine,
/// as the agent does, and its working directory is the root. It writes none: `--output` fails
/// because the file's directory is missing. `juju-reboot --now` kills nothing here; the caller
/// finishes the hook as killed by signal 9.
///
/// A test can make a tool fail ([`remove_tool`](Self::remove_tool),
/// [`break_tool`](Self::break_tool), [`fail_once`](Self::fail_once)) or print any output
/// ([`answer_once`](Self::answer_once)). Such a call does not reach the model. Every call is
/// recorded ([`calls`](Self::calls)).
///
/// ```
/// use std::time::Instant;
/// use charmwright_agent::{
///     AgentPaths, CharmMeta, Deployment, InProcessTools, Model, ModelSettings,
/// };
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
/// let mut model = Model::new(ModelSettings::new());
/// model.deploy("web", Deployment::charm(meta))?;
/// let tools = InProcessTools::new(model, "web/0".parse()?);
///
/// let now = Instant::now();
/// let run = tools.begin(now).ok_or("nothing to run")?;
/// assert_eq!(run.name(), "install");
/// let paths = AgentPaths::new("/charm", "/tools", "/run/agent.socket");
/// let env = HookEnv::from_vars(run.environment(&paths))?;
/// let code = hook(&env, &tools.juju())?;
/// assert!(tools.finish(code, now)?.committed());
///
/// let report = tools.report()?;
/// assert_eq!((report.message.as_str(), report.ports.len()), ("web/0 is starting", 1));
/// let called: Vec<&str> = tools.calls().iter().map(|call| call.tool()).collect();
/// assert_eq!(called, ["config-get", "open-port", "status-set"]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct InProcessTools {
    model: Arc<Mutex<Model>>,
    unit: UnitName,
    state: Arc<Mutex<State>>,
}

/// What the tools of one unit do instead of asking the model, and what they were asked.
#[derive(Debug, Default)]
struct State {
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
///
/// `Debug` leaves out what may hold the content of a secret: the arguments of `secret-add` and
/// `secret-set`, and the standard input.
#[derive(Clone, PartialEq, Eq)]
pub struct RecordedCall {
    tool: &'static str,
    args: Vec<String>,
    stdin: Option<Vec<u8>>,
    read_stdin: bool,
    succeeded: bool,
}

impl fmt::Debug for RecordedCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let has_content = matches!(self.tool, "secret-add" | "secret-set");
        let args = if has_content { &[] } else { self.args.as_slice() };
        f.debug_struct("RecordedCall")
            .field("tool", &self.tool)
            .field("args", &args)
            .field("stdin_bytes", &self.stdin.as_ref().map(Vec::len))
            .field("succeeded", &self.succeeded)
            .finish_non_exhaustive()
    }
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
    /// Makes the tools of a unit of this model. All of them work. For a unit that the model does
    /// not have, every call is refused.
    #[must_use]
    pub fn new(model: Model, unit: UnitName) -> Self {
        Self { model: Arc::new(Mutex::new(model)), unit, state: Arc::default() }
    }

    /// Makes the tools of another unit of the same model. They have faults, queued answers and
    /// records of their own.
    #[must_use]
    pub fn of_unit(&self, unit: UnitName) -> Self {
        Self { model: Arc::clone(&self.model), unit, state: Arc::default() }
    }

    /// Returns the name of the unit.
    #[must_use]
    pub fn unit(&self) -> &UnitName {
        &self.unit
    }

    /// Returns the typed calls for one hook, which run these tools. They cache data that may change
    /// between hooks, so call this once for each hook.
    #[must_use]
    pub fn juju(&self) -> HookTools {
        HookTools::new(Box::new(self.clone()))
    }

    /// Calls a closure with the model and the unit's name, to read the model or to run a command of
    /// the operator.
    ///
    /// The model is locked meanwhile. The closure must not call a tool, which would wait for ever.
    pub fn with_model<T>(&self, ask: impl FnOnce(&mut Model, &UnitName) -> T) -> T {
        ask(&mut self.lock_model(), &self.unit)
    }

    /// Returns the present status of the unit ([`Model::report`]).
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](super::ErrorKind::NotFound) if the model does not have the unit.
    pub fn report(&self) -> Result<Report, Error> {
        self.lock_model().report(&self.unit)
    }

    /// Begins the hook or the action of the unit that is due ([`Model::next`]). Returns `None` if
    /// none is due, or one is running already.
    #[must_use]
    pub fn begin(&self, now: Instant) -> Option<HookRun> {
        match self.lock_model().next(&self.unit, now) {
            Ok(Next::Run(run)) => Some(run),
            _ => None,
        }
    }

    /// Ends the running hook or action with an exit code and no output. [`Model::finish`] also
    /// takes signals and output.
    ///
    /// # Errors
    /// [`ErrorKind::State`](super::ErrorKind::State) if no hook or action of the unit is running.
    pub fn finish(&self, code: i32, now: Instant) -> Result<Finished, Error> {
        self.lock_model().finish(&self.unit, &HookExit::Code(code), now, b"", b"")
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

    /// Locks the state, even after a panic of another thread: no method panics halfway, so the
    /// state is still consistent.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Locks the model, even after a panic of another thread, as [`Self::lock`] does. A caller that
    /// needs both locks takes that of the state first.
    fn lock_model(&self) -> MutexGuard<'_, Model> {
        self.model.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ToolRunner for InProcessTools {
    fn run(&self, call: &ToolCall<'_>) -> Result<Vec<u8>, ToolError> {
        let mut state = self.lock();
        let mut read_stdin = false;
        let answer = state.answer(call, &self.unit, &mut self.lock_model(), &mut read_stdin);
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
        self.lock().has_tool(tool, &self.lock_model())
    }
}

impl State {
    fn queue_answer(&mut self, tool: &str, answer: Result<Vec<u8>, ToolError>) {
        self.answers.entry(tool.to_owned()).or_default().push_back(answer);
    }

    fn has_tool(&self, tool: &str, model: &Model) -> bool {
        !matches!(self.faults.get(tool), Some(Fault::Removed))
            && tools::find(tool, &model.settings.juju_version).is_some()
    }

    fn answer(
        &mut self,
        call: &ToolCall<'_>,
        unit: &UnitName,
        model: &mut Model,
        read_stdin: &mut bool,
    ) -> Result<Vec<u8>, ToolError> {
        // A real process cannot get such arguments, so its caller would fail before the tool
        // starts.
        call.check_args()?;
        if !self.has_tool(call.tool, model) {
            return Err(ToolError::NotFound);
        }
        if let Some(answer) = self.answers.get_mut(call.tool).and_then(VecDeque::pop_front) {
            return answer;
        }
        if let Some(Fault::Broken { code, stderr }) = self.faults.get(call.tool) {
            return Err(ToolError::Exited { code: *code, stderr: stderr.clone() });
        }
        // Without a running hook the id is empty, and the model refuses the call as Juju does.
        let running = model.record(unit).ok().and_then(|record| record.running.as_ref());
        let context_id = running.map(|running| running.run.id().to_owned()).unwrap_or_default();
        let mut request = ToolRequest {
            context_id,
            dir: PathBuf::from("/"),
            name: call.tool.to_owned(),
            args: call.args.clone(),
            ..ToolRequest::default()
        };
        let answer = loop {
            match model.tool(unit, &request) {
                ToolStep::NeedsInput => {
                    *read_stdin = true;
                    request.stdin = Some(call.stdin.unwrap_or_default().to_vec());
                }
                ToolStep::NeedsFile(path) => {
                    let content = std::fs::read(&path).map_err(|error| system_text(&error));
                    request.files.insert(path, content);
                }
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

/// Returns the operating system's text of an error, as Go prints it.
fn system_text(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}
