//! One hook, from its environment to its exit code, with all that it touches given.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock};

use super::charm::Charm;
use super::error::{Error, Result};
use super::event::Event;
use super::handling::{Handling, show_failure};
use super::hook::{Hook, Memory, Mode, Shared};
use super::log::{HookLog, Streams};
use super::state::{CHARM_KEY, CharmState, Framework};
use super::store::Store;
use super::stored::framework::FRAMEWORK_KEY;
use super::text;
use super::usage::{print, print_usage};
use crate::juju::{HookEnv, HookTools, LogLevel};

/// The hook did what it had to do, or said by a status or a failed action that it could not.
const SUCCESS: u8 = 0;
/// The hook failed: Juju drops what it wrote and runs it again.
pub(crate) const FAILURE: u8 = 1;
/// No event was named.
pub(crate) const USAGE: u8 = 2;

/// Where a hook run finds what is not in its environment.
#[derive(Debug, Clone)]
#[must_use]
pub struct RunOptions {
    containers: PathBuf,
    log_level: Option<LogLevel>,
    /// Time passes only while everything waits, so that a test need not wait through a retry.
    #[cfg(test)]
    pub(super) paused: bool,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            containers: PathBuf::from("/charm/containers"),
            log_level: None,
            #[cfg(test)]
            paused: false,
        }
    }
}

impl RunOptions {
    /// What Juju's pods have: sockets under `/charm/containers`, and the charm's own log level.
    pub fn new() -> Self {
        Self::default()
    }

    /// The folder that holds `NAME/pebble.socket` for each container.
    pub fn containers_folder(self, folder: impl Into<PathBuf>) -> Self {
        Self { containers: folder.into(), ..self }
    }

    /// The least important level that is logged, instead of [`Charm::log_level`].
    pub fn log_level(self, level: LogLevel) -> Self {
        Self { log_level: Some(level), ..self }
    }
}

/// One hook run of the charm, with everything that it touches given: what [`main`](super::main())
/// does in a process of its own. Returns the exit code.
///
/// Blocks until the hook is done; must not be called from within an async runtime.
pub fn run<C: Charm>(charm: C, env: HookEnv, juju: HookTools, options: RunOptions) -> u8 {
    run_to(charm, env, juju, options, Streams::of_process())
}

pub(crate) fn run_to<C: Charm>(
    charm: C,
    env: HookEnv,
    juju: HookTools,
    options: RunOptions,
    streams: Streams,
) -> u8 {
    let event = match Event::from_env(&env, &C::METADATA) {
        Ok(Some(event)) => event,
        Ok(None) => {
            print_usage(&C::METADATA);
            return USAGE;
        }
        Err(error) => {
            print(&text::chain(&error));
            return FAILURE;
        }
    };
    let mode = Mode::of(&event);
    let juju = Arc::new(juju);
    let level = options.log_level.unwrap_or_else(|| charm.log_level());
    let log = HookLog::new(Arc::clone(&juju), level, (mode != Mode::Action).then_some(streams));
    let logging = tracing::subscriber::set_default(log.clone());
    tracing::debug!("\"{event}\" of {} begins", env.unit());
    let road = Road { event: &event, mode, env, juju: Arc::clone(&juju), options };
    // Handlers are guarded one by one; this is for what else an author writes, such as `on_error`.
    let travelled = catch_unwind(AssertUnwindSafe(|| road.travel(charm)))
        .unwrap_or_else(|payload| Err(Error::panic(&event, &*payload)));
    let code = match travelled {
        Ok(()) => SUCCESS,
        Err(error) => give_up(&event, mode, &juju, &error),
    };
    tracing::debug!("\"{event}\" ends with code {code}");
    log.flush();
    drop(logging);
    code
}

/// What remains to be done when the hook as a whole cannot go on.
fn give_up(event: &Event, mode: Mode, juju: &HookTools, error: &Error) -> u8 {
    let chain = error.chain();
    match mode {
        Mode::Action => match juju.action_fail(&chain) {
            Ok(()) => return SUCCESS,
            Err(unsaid) => {
                tracing::error!("{chain}");
                tracing::error!("{}", text::chain(&unsaid));
            }
        },
        // Exit 0 would say that the event was seen to. Juju does not show this failure, so the
        // status does; and the event comes again.
        Mode::Workload => show_failure(juju, event, error),
        Mode::Hook | Mode::Ending => tracing::error!("\"{event}\" failed: {chain}"),
    }
    FAILURE
}

impl Mode {
    fn of(event: &Event) -> Self {
        match event {
            Event::Action { .. } => Self::Action,
            Event::Unknown { hook, .. } if hook.starts_with("actions/") => Self::Action,
            event if event.is_named_like_workload() => Self::Workload,
            event if event.is_ending() => Self::Ending,
            _ => Self::Hook,
        }
    }
}

/// One hook on its way.
struct Road<'a> {
    event: &'a Event,
    mode: Mode,
    env: HookEnv,
    juju: Arc<HookTools>,
    options: RunOptions,
}

impl Road<'_> {
    fn travel<C: Charm>(self, charm: C) -> Result<()> {
        let (event, mode) = (self.event, self.mode);
        if let Event::Unknown { hook, .. } = event
            && mode == Mode::Action
        {
            return Err(Error::undeclared(format!(
                "cannot run \"{hook}\": the charm \"{}\" declares the actions {:?} in \
                 Charm::METADATA",
                C::METADATA.name(),
                C::METADATA.action_names()
            )));
        }
        let (store, stored) = self.load()?;
        let mut framework = Framework::read(stored.get(FRAMEWORK_KEY).map(String::as_str))?;
        framework.read_unknown_again(&C::METADATA);
        for gone in framework.drop_undeclared(&C::METADATA) {
            tracing::warn!(
                "dropped the stored \"{}\": the charm has no such container any more",
                gone.event()
            );
        }
        if mode != Mode::Action {
            framework.arrive(event);
        }
        let memory = Memory { framework, charm: CharmState::new(stored.get(CHARM_KEY).cloned()) };
        let juju = Arc::clone(&self.juju);
        let hook: Hook<C> = Hook::new(Arc::new(Shared {
            env: self.env,
            juju: self.juju,
            metadata: C::METADATA,
            mode,
            containers: self.options.containers,
            retries: C::METADATA
                .container_names()
                .iter()
                .map(|name| (*name, charm.retry(name)))
                .collect(),
            collecting: AtomicBool::new(false),
            operator: OnceLock::new(),
            clients: Mutex::default(),
            memory: Mutex::new(memory),
        }));

        // Two file descriptors and some microseconds: not worth a second road for handlers that
        // never wait.
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        #[cfg(test)]
        runtime.start_paused(self.options.paused);
        let runtime = runtime
            .enable_io()
            .enable_time()
            .build()
            .map_err(|error| Error::new(format!("cannot start the hook's runtime: {error}")))?;
        let handled = runtime.block_on(Handling::new(charm, &hook, mode).all(event));
        hook.shared().tell_retries();
        handled?;
        commit(&hook, &juju, &store, stored)
    }

    /// Juju's state, or the local file where this Juju keeps none. Whatever else is wrong is an
    /// error: an event that went to another store would be lost as soon as Juju's own is there
    /// again.
    fn load(&self) -> Result<(Store, BTreeMap<String, String>)> {
        let folder = self.env.charm_dir().map_or_else(|| PathBuf::from("."), PathBuf::from);
        let file = folder.join(Store::FILE_NAME);
        match Store::Juju.load(&self.juju) {
            Ok(stored) => {
                if file.symlink_metadata().is_ok() {
                    tracing::warn!(
                        "{} is not read: it holds the state of a Juju that kept none for its \
                         units, and this one does; remove it once nothing in it is missed",
                        file.display()
                    );
                }
                Ok((Store::Juju, stored))
            }
            Err(error) if self.juju.has_tool("state-get") => Err(error),
            Err(error) => {
                let version = self.env.juju_version()?;
                // Every agent of today tells its version.
                let too_old = version.as_ref().is_none_or(|version| !version.keeps_state());
                if too_old && self.juju.lacks_state_tools() {
                    let store = Store::File(file);
                    let stored = store.load(&self.juju)?;
                    return Ok((store, stored));
                }
                let version = version
                    .map_or_else(|| "this Juju".to_owned(), |version| format!("Juju {version}"));
                let text = format!(
                    "cannot use the unit's state under {version}, and no other place stands in \
                     for it: mend the tools state-get, state-set and state-delete on PATH"
                );
                Err(Error::state_because(text, error))
            }
        }
    }
}

fn commit<C: Charm>(
    hook: &Hook<C>,
    juju: &HookTools,
    store: &Store,
    mut stored: BTreeMap<String, String>,
) -> Result<()> {
    let mut changed = BTreeMap::new();
    let memory = hook.shared().memory();
    if let Some(text) = memory.framework.to_write(stored.get(FRAMEWORK_KEY).map(String::as_str))? {
        changed.insert(FRAMEWORK_KEY.to_owned(), text);
    }
    if let Some(text) = memory.charm.to_write() {
        changed.insert(CHARM_KEY.to_owned(), text.to_owned());
    }
    drop(memory);
    if changed.is_empty() {
        return Ok(());
    }
    stored.extend(changed.clone());
    match store.save(juju, &changed, &stored) {
        // Juju runs another hook again by itself, and hides that this one failed.
        Err(error) if hook.shared().mode == Mode::Workload => {
            tracing::warn!("{}; it is tried once more", error.chain());
            store.save(juju, &changed, &stored)
        }
        saved => saved,
    }
}
