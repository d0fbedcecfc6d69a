//! The handlers of one hook: deferred events, the current one, and the status.

use std::cell::RefCell;
use std::fmt::Display;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::{SystemTime, UNIX_EPOCH};

use tracing::subscriber::NoSubscriber;

use super::charm::Charm;
use super::config::OperatorRetry;
use super::error::{Error, ErrorKind, Result};
use super::event::Event;
use super::hook::{COLLECT_LIMIT, Hook, Mode};
use super::layer_field::{Entry, LayerField};
use super::mistake;
use super::outcome::{Outcome, Verdict, is_command, waiting_for_pebble};
use super::phase::Phase;
use super::queue::{Arrival, Deferred};
use super::status::Statuses;
use super::text;
use crate::juju::{ContainerName, HookTools, Status};
use crate::pebble::{self, RetryPolicy};

/// How a handled event leaves the hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ran {
    Handled,
    /// An error in `stop` or `remove` that changes nothing any more: there is nobody left to show a
    /// status to.
    LetGo,
}

/// The name of the pass that collects the statuses, where it is at fault.
const COLLECT_STATUS: &str = "collect-status";

/// A charm in the hook that its handlers run in.
pub(crate) struct Handling<'a, C: Charm> {
    charm: C,
    hook: &'a Hook<C>,
    mode: Mode,
}

impl<'a, C: Charm> Handling<'a, C> {
    pub(crate) fn new(charm: C, hook: &'a Hook<C>, mode: Mode) -> Self {
        Self { charm, hook, mode }
    }

    /// Deferred events first, oldest first, then this one, then the status.
    ///
    /// # Errors
    ///
    /// What fails the hook. In a workload hook only an event that cannot be stored does: every
    /// other cause becomes the status, and what is stored is committed.
    pub(crate) async fn all(mut self, current: &Event) -> Result<()> {
        if matches!(self.mode, Mode::Hook | Mode::Workload) {
            let stored = self.hook.shared().memory().framework.queue.entries().to_vec();
            // One equal to the current event runs with it, once.
            for entry in stored.iter().filter(|entry| entry.event() != current) {
                let (event, attempts, reason) = (entry.event(), entry.attempts(), entry.reason());
                tracing::debug!(
                    "stored \"{event}\" runs again after {} and {attempts} attempts: {reason}",
                    age(entry)
                );
                self.one(event, Arrival::FromQueue).await?;
            }
        }
        if self.one(current, Arrival::FromJuju).await? == Ran::LetGo {
            return Ok(());
        }
        let Err(error) = self.show_status().await else {
            return Ok(());
        };
        match self.mode {
            Mode::Workload => show_failure(self.hook.juju(), current, &error),
            // Nobody reads the status of what goes away, and a failure would hold it.
            Mode::Ending => {
                tracing::error!("\"{current}\" is done all the same: {}", error.chain());
            }
            Mode::Hook | Mode::Action => return Err(error),
        }
        Ok(())
    }

    async fn one(&mut self, event: &Event, arrival: Arrival) -> Result<Ran> {
        let (charm, hook) = (&mut self.charm, self.hook);
        let result = guarded(event, async { charm.handle(event, hook).await }).await;
        let error = match result {
            Ok(Outcome::Done) => {
                let framework = &mut hook.shared().memory().framework;
                framework.queue.remove(event);
                framework.clear_faults(event, true);
                return Ok(Ran::Handled);
            }
            Ok(Outcome::Defer(reason)) => {
                if arrival == Arrival::FromJuju && self.mode != Mode::Action {
                    tracing::warn!(
                        "\"{event}\" is stored and runs again before the next event: {reason}"
                    );
                }
                return self.store(event, &Status::waiting(reason), arrival);
            }
            Err(error) => self.explained(error).await,
        };
        if self.mode == Mode::Action {
            return Err(error);
        }
        match self.verdict(event, &error) {
            Verdict::Done => {
                tracing::warn!("\"{event}\" is done all the same: {}", error.chain());
                hook.shared().memory().framework.queue.remove(event);
                Ok(if event.is_ending() { Ran::LetGo } else { Ran::Handled })
            }
            Verdict::Block(message) => {
                tracing::warn!("\"{event}\" needs the user: {}", error.chain());
                let framework = &mut hook.shared().memory().framework;
                framework.queue.remove(event);
                framework.faults.add(event, &text::one_line(&message));
                Ok(Ran::Handled)
            }
            Verdict::Store(status) => {
                // A Pebble that is away or a service that fails is for the status to tell; what
                // nobody expected is for the log as well.
                if error.pebble().is_some_and(is_expected) {
                    tracing::warn!(
                        "\"{event}\" is stored and runs again before the next event: {}",
                        error.chain()
                    );
                } else {
                    tracing::error!(
                        "\"{event}\" is stored and runs again before the next event: {}",
                        error.chain()
                    );
                }
                self.store(event, &status, arrival)
            }
            Verdict::Fail => Err(error),
        }
    }

    /// The error in our words where Pebble's would repeat what the user gave.
    async fn explained(&self, error: Error) -> Error {
        let (Some(container), Some(refused)) = (error.container().cloned(), error.pebble()) else {
            return error;
        };
        let client = self.hook.shared().client(&container);
        let client = client.with_retry(RetryPolicy::once(COLLECT_LIMIT));
        let panicked = RefCell::new(None);
        let option_of = |entry: &Entry, key| {
            let field = LayerField::new(container.clone(), entry.clone(), key);
            let asked = catch_unwind(AssertUnwindSafe(|| self.charm.option_of(&field)));
            asked.unwrap_or_else(|payload| {
                panicked.replace(Some(Error::panic(&"option_of", &*payload)));
                None
            })
        };
        // What is asked holds the value that must not be told.
        let told = unlogged(mistake::told(&option_of, &client, refused)).await;
        // A charm that cannot say it has led the field back to no option.
        if let Some(bug) = panicked.take() {
            tracing::error!("{}", bug.chain());
        }
        error.told(told)
    }

    /// The charm's verdict, except that a workload hook must not fail: Juju would hide it.
    fn verdict(&self, event: &Event, error: &Error) -> Verdict {
        let verdict = catch_unwind(AssertUnwindSafe(|| self.charm.on_error(event, error)))
            .unwrap_or_else(|payload| {
                let place = format_args!("on_error of {event}");
                tracing::error!("{}", Error::panic(&place, &*payload).chain());
                Verdict::Fail
            });
        match verdict {
            Verdict::Fail if self.mode == Mode::Workload => {
                Verdict::Store(if error.pebble().is_some_and(pebble::Error::is_away) {
                    waiting_for_pebble(error)
                } else {
                    Status::blocked(error.chain())
                })
            }
            verdict => verdict,
        }
    }

    fn store(&self, event: &Event, status: &Status, arrival: Arrival) -> Result<Ran> {
        let framework = &mut self.hook.shared().memory().framework;
        framework.store(event, status, arrival, now())?;
        framework.clear_faults(event, false);
        Ok(Ran::Handled)
    }

    /// Exactly one unit status, always sent: Juju sets statuses of its own, so that nobody can know
    /// what is there.
    async fn show_status(&self) -> Result<()> {
        // A config whose reading panics is at fault here, too.
        let statuses = guarded(COLLECT_STATUS, self.collect()).await?;
        let juju = self.hook.juju();
        juju.set_status(&presentable(&statuses.worst()))?;
        if let Some(status) = statuses.worst_application()
            && juju.is_leader()?
        {
            juju.set_application_status(&presentable(status))?;
        }
        Ok(())
    }

    async fn collect(&self) -> Result<Statuses> {
        let hook = self.hook;
        hook.shared().collecting.store(true, Ordering::Relaxed);
        let mut statuses = Statuses::default();
        self.add_our_own(&mut statuses)?;
        let collecting = async { self.charm.collect_status(hook, &mut statuses).await };
        let Err(error) = guarded(COLLECT_STATUS, collecting).await else {
            return Ok(statuses);
        };
        // A panic names its place already.
        let error = match error.kind() {
            ErrorKind::Panic => error,
            _ => error.context(format_args!("finish \"{COLLECT_STATUS}\"")),
        };
        let error = self.explained(error).await;
        if let Some(message) = error.config_fault() {
            statuses.add(Status::blocked(message));
        } else if error.pebble().is_some_and(pebble::Error::is_away) {
            tracing::debug!("{}", error.chain());
            statuses.add(waiting_for_pebble(&error));
        } else {
            return Err(error);
        }
        Ok(statuses)
    }

    fn add_our_own(&self, statuses: &mut Statuses) -> Result<()> {
        if let Err(error) = self.hook.config() {
            let Some(message) = error.config_fault() else {
                return Err(error);
            };
            statuses.add(Status::blocked(message));
        }
        let (_, mistakes) = OperatorRetry::read(&*self.hook.juju().config()?);
        for message in mistakes.iter().filter_map(Error::config_fault) {
            statuses.add(Status::blocked(message));
        }
        let memory = self.hook.shared().memory();
        for message in memory.framework.faults.messages() {
            statuses.add(Status::blocked(message));
        }
        for entry in memory.framework.queue.entries() {
            statuses.add(entry.status());
        }
        for name in C::METADATA.container_names() {
            let in_setup = name
                .parse::<ContainerName>()
                .is_ok_and(|name| memory.framework.phase(&name) == Phase::Setup);
            if in_setup {
                statuses.add(Status::waiting(format!("waiting for Pebble in \"{name}\"")));
            }
        }
        Ok(())
    }
}

/// Tells of an error in a workload hook, which Juju would drop without a trace.
pub(crate) fn show_failure(juju: &HookTools, event: &Event, error: &Error) {
    let chain = error.chain();
    tracing::error!("\"{event}\" went wrong: {chain}");
    if let Err(unsaid) = juju.set_status(&Status::blocked(text::one_line(&chain))) {
        tracing::error!("{}", text::chain(&unsaid));
    }
}

fn is_expected(error: &pebble::Error) -> bool {
    use pebble::ErrorKind::{ChangeFailed, ChangeRunning, NotReached, Restarted};
    match error.kind() {
        ChangeFailed => !is_command(error),
        ChangeRunning | NotReached | Restarted => true,
        _ => error.is_away(),
    }
}

/// A status is one line of a table, and one argument of a process.
fn presentable(status: &Status) -> Status {
    Status::new(status.kind(), text::one_line(status.message()))
}

/// A handler that panics has failed; the hook goes on to say so.
async fn guarded<T>(place: impl Display, handler: impl Future<Output = Result<T>>) -> Result<T> {
    let mut handler = pin!(handler);
    std::future::poll_fn(|context| {
        catch_unwind(AssertUnwindSafe(|| handler.as_mut().poll(context)))
            .unwrap_or_else(|payload| Poll::Ready(Err(Error::panic(&place, &*payload))))
    })
    .await
}

/// Runs the future to its end with no log at all.
async fn unlogged<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    std::future::poll_fn(|context| {
        tracing::subscriber::with_default(NoSubscriber::default(), || future.as_mut().poll(context))
    })
    .await
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// How long the event has been stored, as far as the clock can be trusted.
fn age(entry: &Deferred) -> String {
    match now().saturating_sub(entry.since()) {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}
