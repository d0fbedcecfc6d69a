//! Runs one hook, from its environment to its report.

use std::io::Write;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use tracing::instrument::WithSubscriber as _;

use super::collect_status::show_status;
use super::context::HookContext;
use super::dispatcher::{Dispatcher, EventEnd};
use super::invocation::Invocation;
use super::log::{HookLog, Keep, Streams};
use super::mode::Mode;
use super::panics::catch_panics;
use super::queue::Arrival;
use super::report::{Ending, FAILURE, HookReport, SUCCESS, USAGE};
use super::unit_state::LoadedState;
use super::usage::usage;
use crate::action::{ActionRequest, Actions as _};
use crate::charm::Charm;
use crate::declaration::Declaration;
use crate::error::Error;
use crate::event::Event;
use crate::hook::Hook;
use crate::juju::{HookEnv, HookTools, LogLevel, Status};
use crate::secret::check_leadership;
use crate::text;

type ActionOf<C> = <<C as Charm>::Declared as Declaration>::Action;

/// Options have the settings of a hook run that are not in its environment.
#[derive(Debug)]
#[must_use]
pub struct RunOptions {
    containers: PathBuf,
    log_level: Option<LogLevel>,
    streams: Streams,
    now: SystemTime,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            containers: PathBuf::from("/charm/containers"),
            log_level: None,
            streams: Streams::from_process(),
            now: SystemTime::now(),
        }
    }
}

impl RunOptions {
    /// Makes the options of a pod of Juju: the sockets under `/charm/containers`, the charm's own
    /// log level, the streams of the process, and the current time.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the folder that contains `NAME/pebble.socket` for each container.
    pub fn containers_folder(self, folder: impl Into<PathBuf>) -> Self {
        Self { containers: folder.into(), ..self }
    }

    /// Sets the lowest level that is logged, instead of that of
    /// [`Charm::log_level`](crate::Charm::log_level).
    pub fn log_level(self, level: LogLevel) -> Self {
        Self { log_level: Some(level), ..self }
    }

    /// Sets the standard output and the standard error of the hook, instead of those of the
    /// process. An action writes to neither, because they are part of its result.
    pub fn streams(
        self,
        out: impl Write + Send + 'static,
        err: impl Write + Send + 'static,
    ) -> Self {
        Self { streams: Streams::new(out, err), ..self }
    }

    /// Sets the time of the hook, from which the age of stored events is calculated.
    pub fn time(self, now: SystemTime) -> Self {
        Self { now, ..self }
    }
}

/// Runs the charm for one hook with the given environment, hook tools and options, as
/// [`main`](crate::main()) does in a process of its own.
///
/// It must be called from within a tokio runtime whose timer and I/O are enabled. If the time of
/// the runtime is paused (`#[tokio::test(start_paused = true)]`), no retry takes real time.
/// Dropping the future ends the hook at that point: what a hook tool has done stays, and the
/// framework commits nothing.
///
/// ```
/// use charmwright::dispatch::{Ending, RunOptions, run_hook};
/// use charmwright::juju::{HookEnv, HookTools, Status, ToolCall, ToolError, ToolRunner};
/// use charmwright::{Charm, Declaration, Hook, Metadata, Result, Stop};
/// use charmwright::{NoActions, NoConfig, NoState};
///
/// struct Declared;
/// impl Declaration for Declared {
///     type Config = NoConfig;
///     type State = NoState;
///     type Action = NoActions;
///     const METADATA: Metadata = Metadata::new("web");
/// }
///
/// struct Web;
/// impl Charm for Web {
///     type Declared = Declared;
///
///     async fn reconcile(&mut self, _: &Hook<Declared>) -> Result {
///         Err(Stop::waiting("waiting for the database"))
///     }
/// }
///
/// /// Answers the hook tools of a unit that has no options and has stored nothing. The crate
/// /// `charmwright-agent` has a whole unit in a test's process, its `InProcessTools`.
/// struct NewUnit;
/// impl ToolRunner for NewUnit {
///     fn run(&self, call: &ToolCall<'_>) -> Result<Vec<u8>, ToolError> {
///         Ok(if call.tool == "config-get" { b"{}".to_vec() } else { Vec::new() })
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let vars = [("JUJU_UNIT_NAME", "web/0"), ("JUJU_DISPATCH_PATH", "hooks/install")];
/// let env = HookEnv::from_vars(vars.map(|(name, value)| (name.into(), value.into())))?;
/// let tools = HookTools::new(Box::new(NewUnit));
/// let report = run_hook(Web, env, tools, RunOptions::new()).await;
/// let waiting = Status::waiting("waiting for the database");
/// assert_eq!((report.exit_code(), report.status()), (0, Some(&waiting)));
/// assert_eq!(report.handled()[0].ending(), &Ending::NotReady(waiting));
/// # Ok(())
/// # }
/// ```
pub async fn run_hook<C: Charm>(
    charm: C,
    env: HookEnv,
    tools: HookTools,
    options: RunOptions,
) -> HookReport {
    match HookRun::begin(&charm, env, tools, options, Keep::Lines) {
        Ok(run) => run.execute(charm).await,
        Err(report) => *report,
    }
}

/// Runs the charm for one hook as [`run_hook`] does, in a tokio runtime of its own.
///
/// It blocks until the hook is done, and must not be called from within an async runtime. The
/// report has no log.
pub fn run<C: Charm>(charm: C, env: HookEnv, tools: HookTools, options: RunOptions) -> HookReport {
    let run = match HookRun::begin(&charm, env, tools, options, Keep::Nothing) {
        Ok(run) => run,
        Err(report) => return *report,
    };
    // The runtime costs two file descriptors and some microseconds, which is not worth a second way
    // to run handlers that never wait.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build();
    match runtime {
        Ok(runtime) => runtime.block_on(run.execute(charm)),
        Err(error) => {
            run.fail_to_begin(Error::new(format!("cannot start the hook's runtime: {error}")))
        }
    }
}

/// The work of a run: an event or an action.
enum Work<'a> {
    Event(&'a Event),
    Action(ActionRequest),
}

/// A hook run has everything that one run of the charm needs.
struct HookRun {
    invocation: Invocation,
    mode: Mode,
    env: HookEnv,
    tools: Arc<HookTools>,
    containers: PathBuf,
    /// Seconds since 1970 in UTC.
    now: u64,
    log: HookLog,
}

impl HookRun {
    /// Reads the event or action of the run. If the environment names none, `Err` has the report of
    /// the run.
    fn begin<C: Charm>(
        charm: &C,
        env: HookEnv,
        tools: HookTools,
        options: RunOptions,
        keep: Keep,
    ) -> Result<Self, Box<HookReport>> {
        let RunOptions { containers, log_level, streams, now } = options;
        let metadata = C::Declared::METADATA;
        let ended = |exit_code, text: &str, failure| {
            streams.print_error(text);
            Box::new(HookReport { exit_code, failure, ..HookReport::default() })
        };
        let invocation = match Invocation::from_env(&env, &metadata) {
            Ok(Some(invocation)) => invocation,
            Ok(None) => return Err(ended(USAGE, &usage(&metadata), None)),
            Err(error) => return Err(ended(FAILURE, &text::chain(&error), Some(error.into()))),
        };
        let mode = Mode::from_invocation(&invocation);
        let tools = Arc::new(tools.in_hook(&env));
        let level = log_level.unwrap_or_else(|| charm.log_level());
        // In an action they are part of the result, so nothing is logged to them.
        let streams = (mode != Mode::Action).then_some(streams);
        let log = HookLog::new(Arc::clone(&tools), level, streams, keep);
        let now = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Ok(Self { invocation, mode, env, tools, containers, now, log })
    }

    /// Runs the hook to its end. What it logs goes to the hook's log.
    async fn execute<C: Charm>(self, charm: C) -> HookReport {
        let log = self.log.clone();
        let executed = async {
            let name = self.invocation.name();
            tracing::debug!("\"{name}\" of {} begins", self.env.unit());
            let mut report = HookReport::default();
            // The panics of handlers are caught one by one. This catches those of the charm's other
            // methods, such as `retry`.
            let ended = catch_panics(&name, self.dispatch(charm, &mut report)).await;
            self.finish(report, ended)
        };
        executed.with_subscriber(log).await
    }

    /// Ends a hook that cannot begin.
    fn fail_to_begin(self, error: Error) -> HookReport {
        tracing::subscriber::with_default(self.log.clone(), || {
            self.finish(HookReport::default(), Err(error))
        })
    }

    /// Ends the hook: reports a failure, and sends the lines that were logged.
    fn finish(&self, mut report: HookReport, ended: Result<(), Error>) -> HookReport {
        report.exit_code = match ended {
            Ok(()) => SUCCESS,
            Err(error) => {
                let is_reported = self.report_failure(&error, "failed", &mut report);
                report.failure = Some(error);
                // An action reports its failure by `action-fail`, not by its exit code, unless that
                // call itself has failed.
                if self.mode == Mode::Action && is_reported { SUCCESS } else { FAILURE }
            }
        };
        tracing::debug!("\"{}\" ends with code {}", self.invocation.name(), report.exit_code);
        self.log.flush();
        report.log = self.log.take_kept();
        report
    }

    /// Reports an error of the hook as a whole at the place where a user looks: as the message of
    /// an action, as a status of a workload hook, whose failure Juju hides, and in the log for any
    /// other hook. Returns `true` if it could be reported.
    fn report_failure(&self, error: &Error, ending: &str, report: &mut HookReport) -> bool {
        let chain = error.chain();
        let name = self.invocation.name();
        let reported = match self.mode {
            Mode::Action => self.tools.action_fail(&chain).inspect_err(|_| {
                tracing::error!("{chain}");
            }),
            Mode::Workload => {
                tracing::error!("\"{name}\" went wrong: {chain}");
                let status = Status::blocked(text::one_line(&chain));
                let shown = self.tools.set_status(&status);
                report.status = shown.is_ok().then_some(status).or(report.status.take());
                shown
            }
            Mode::Hook | Mode::Ending => {
                tracing::error!("\"{name}\" {ending}: {chain}");
                Ok(())
            }
        };
        reported.inspect_err(|error| tracing::error!("{}", text::chain(error))).is_ok()
    }

    /// Loads the unit's state, runs the handlers, sets the status, and commits.
    async fn dispatch<C: Charm>(&self, charm: C, report: &mut HookReport) -> Result<(), Error> {
        let work = match &self.invocation {
            Invocation::Hook(event) => Work::Event(event),
            Invocation::Action(name) => {
                let request = ActionRequest::from_agent(name.as_str(), Arc::clone(&self.tools));
                if !ActionOf::<C>::NAMES.contains(&request.name()) {
                    // It is refused before the state is loaded, so that a broken state does not
                    // hide the message.
                    return Err(request.undeclared::<ActionOf<C>>());
                }
                Work::Action(request)
            }
        };
        let loaded = LoadedState::load(&self.env, &self.tools)?;
        let event = match &work {
            Work::Event(event) => Some(*event),
            Work::Action(_) => None,
        };
        let state = loaded.read(&C::Declared::METADATA, event)?;
        let context = HookContext::new(
            self.env.clone(),
            Arc::clone(&self.tools),
            C::Declared::METADATA,
            self.mode,
            self.containers.clone(),
            state,
            |container| charm.retry(container),
        );
        let context = Rc::new(context.for_event(event));
        let hook = Hook::new(Rc::clone(&context));
        let handled = self.handle(charm, &hook, &work, report).await;
        report.retries = context.retries();
        // `charmwright dev` counts the retries by these lines.
        for summary in &report.retries {
            tracing::info!("{summary}");
        }
        // The retries are reported before an error ends the run.
        handled?;
        // Before the databags: what is written to secrets is with Juju already, which refuses the
        // whole commit without the leadership, so nothing can be kept.
        check_leadership(&self.tools)?;
        self.send_databags(&context, report)?;
        let state = context.state.borrow();
        loaded.commit(&state, &self.tools, self.mode)
    }

    /// Sends the changes of the unit's own databags.
    ///
    /// # Errors
    ///
    /// Returns the error that fails the hook: Juju drops what it has taken already, and runs the
    /// hook again.
    fn send_databags(&self, context: &HookContext, report: &mut HookReport) -> Result<(), Error> {
        let send = || context.databags.send(&self.tools, self.mode.when_gone());
        let error = match send() {
            Ok(()) => return Ok(()),
            Err(error) if self.mode.may_retry_commit() => error,
            Err(error) => return Err(error),
        };
        tracing::warn!("{}; it is tried once more", error.chain());
        let Err(error) = send() else { return Ok(()) };
        // Juju does not run a workload hook again. So every event of it is stored instead: its
        // handler writes the databags anew, and what was written now is committed.
        let status = Status::blocked(text::one_line(&error.chain()));
        for handled in &mut report.handled {
            // It runs again as it is, and a second storing would count as an attempt.
            if matches!(handled.ending, Ending::Stored(_)) {
                continue;
            }
            let arrival = if handled.is_deferred { Arrival::FromQueue } else { Arrival::FromJuju };
            let framework = &mut context.state.borrow_mut().framework;
            framework.store(&handled.event, &status, arrival, self.now)?;
            handled.ending = Ending::Stored(status.clone());
        }
        self.report_failure(&error, "is stored", report);
        Ok(())
    }

    /// Runs the handlers and then sets the status.
    async fn handle<C: Charm>(
        &self,
        charm: C,
        hook: &Hook<C::Declared>,
        work: &Work<'_>,
        report: &mut HookReport,
    ) -> Result<(), Error> {
        let (mode, now) = (self.mode, self.now);
        let mut dispatcher = Dispatcher { charm, hook, mode, now, not_ready: Vec::new(), report };
        match work {
            Work::Event(event) => {
                if dispatcher.run_events(event).await? == EventEnd::Abandoned {
                    return Ok(());
                }
            }
            Work::Action(request) => dispatcher.run_action(request).await?,
        }
        let Dispatcher { charm, not_ready, report, .. } = dispatcher;
        match show_status(&charm, hook, not_ready, report).await {
            // The error is reported, but what the handlers did is committed.
            Err(error) if mode.may_commit_without_status() => {
                self.report_failure(&error, "is done all the same", report);
                Ok(())
            }
            shown => shown,
        }
    }
}
