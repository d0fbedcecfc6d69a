//! A charm for tests, which does what the test has set for each event.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use crate::juju::{LogLevel, Status};
use crate::pebble::{Budget, Client, Exec, Layer, LayerMode, Override, RetryDecision, Service};
use crate::{
    ActionRequest, ActionResult, Actions, Charm, Declaration, DeclaredContainer, Error, Event,
    Hook, LayerField, LayerKey, Metadata, NotReady, Outcome, Phase, Result, Retry, Statuses, Stop,
    UnitView, Verdict,
};

pub(super) type Lines = &'static [(LogLevel, &'static str)];

/// The work of the charm for an event.
#[derive(Clone)]
pub(super) enum Step {
    Defer(&'static str),
    NotReady(NotReady),
    /// Refuses an action.
    Refuse(&'static str),
    /// Returns this result from an action.
    Result(&'static str, &'static str),
    /// Adds a layer and replans.
    Pebble,
    Restart,
    /// Adds a layer whose service has this command.
    Command(&'static str),
    /// Replans by a copy of the handle's client.
    RawClient,
    /// Runs a command.
    Exec,
    /// Retries an operation of its own that always fails, and logs each attempt.
    Retry,
    Config,
    Own(&'static str),
    Panic,
    SetState(usize),
    ReadConfig,
    Log(Lines),
    LogThenPebble(Lines),
}

/// The status that the charm adds when statuses are collected.
#[derive(Clone, Default)]
pub(super) enum Collected {
    #[default]
    Nothing,
    Add(Vec<Status>),
    Application(Status),
    Readiness,
    Services,
    Config,
    NotReady(NotReady),
    Fail,
    Panic,
}

pub(super) struct Probe {
    pub(super) steps: BTreeMap<&'static str, Step>,
    pub(super) collected: Collected,
    pub(super) verdict: Option<Verdict>,
    pub(super) retry: Retry,
    pub(super) seen: Arc<Mutex<Vec<String>>>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Options {
    #[serde(default)]
    _port: u16,
    #[serde(default, rename = "port")]
    _real_port: u16,
    #[serde(default, rename = "bomb")]
    _bomb: Bomb,
}

/// A config option whose reading panics.
#[derive(Default, serde::Deserialize)]
#[serde(from = "String")]
struct Bomb;

impl From<String> for Bomb {
    fn from(_: String) -> Self {
        panic!("it went off")
    }
}

pub(super) struct Declared;

impl Declaration for Declared {
    type Config = Options;
    type State = String;
    type Action = Act;

    const METADATA: Metadata = Metadata::new("probe").containers(&["web"]);
}

#[derive(Clone, Copy)]
pub(super) struct Web;

impl DeclaredContainer for Web {
    const NAME: &'static str = "web";
}

/// The one action that the charm declares.
pub(super) struct Act;

impl Actions for Act {
    const NAMES: &'static [&'static str] = &["act"];

    fn parse(request: &ActionRequest) -> std::result::Result<Self, Error> {
        match request.name() {
            "act" => Ok(Self),
            _ => Err(request.undeclared::<Self>()),
        }
    }
}

impl Charm for Probe {
    type Declared = Declared;

    async fn reconcile(&mut self, _: &Hook<Declared>) -> Result {
        Ok(())
    }

    async fn handle(&mut self, event: &Event, hook: &Hook<Declared>) -> Result<Outcome> {
        self.step(&event.to_string(), hook).await
    }

    async fn action(&mut self, _: Act, hook: &Hook<Declared>) -> Result<ActionResult> {
        let step = self.steps.get("actions/act").cloned();
        let _ = self.step("actions/act", hook).await?;
        Ok(match step {
            Some(Step::Result(key, value)) => ActionResult::new().with(key, value),
            _ => ActionResult::new(),
        })
    }

    async fn collect_status(&self, unit: &UnitView<Declared>, statuses: &mut Statuses) -> Result {
        self.seen.lock().unwrap().push("collect-status".to_owned());
        match &self.collected {
            Collected::Nothing => {}
            Collected::Add(all) => all.iter().cloned().for_each(|status| statuses.add(status)),
            Collected::Application(status) => statuses.add_application(status.clone()),
            Collected::Readiness => statuses.add(unit.container(Web).readiness().await),
            Collected::Services => drop(unit.container(Web).all_services().await?),
            Collected::Config => return Err(Stop::config("port", "must be prime")),
            Collected::NotReady(reason) => return Err(reason.clone().into()),
            Collected::Fail => return Err(Stop::failed("cannot count the sheep")),
            Collected::Panic => panic!("collected too much"),
        }
        Ok(())
    }

    fn on_error(&self, event: &Event, error: &Error) -> Verdict {
        self.verdict.clone().unwrap_or_else(|| Verdict::by_table(event, error))
    }

    fn option_of(&self, field: &LayerField) -> Option<&'static str> {
        assert_eq!(field.container().as_str(), "web");
        let options: &[(LayerKey, &str)] = match field.service() {
            Some("web") => &[
                (LayerKey::Command, "command"),
                (LayerKey::User, "run-as"),
                (LayerKey::WorkingDir, "folder"),
            ],
            Some("bomb") => panic!("it went off"),
            None if field.check() == Some("up") => &[
                (LayerKey::User, "check-as"),
                (LayerKey::UserId, "check-as-number"),
                (LayerKey::Group, "check-as-group"),
            ],
            _ => &[],
        };
        options.iter().find(|(key, _)| *key == field.key()).map(|(_, option)| *option)
    }

    fn retry(&self, container: &str) -> Retry {
        assert_eq!(container, "web");
        self.retry.clone()
    }
}

impl Probe {
    /// Does the work for an event or an action of this name.
    async fn step(&self, name: &str, hook: &Hook<Declared>) -> Result<Outcome> {
        self.seen.lock().unwrap().push(name.to_owned());
        match self.steps.get(name) {
            None | Some(Step::Result(..)) => {}
            Some(Step::Defer(reason)) => return Ok(Outcome::defer(*reason)),
            Some(Step::NotReady(reason)) => return Err(reason.clone().into()),
            Some(Step::Refuse(message)) => return Err(Stop::refused(message)),
            Some(Step::Pebble) => {
                let web = hook.container(Web);
                web.add_layer("web", &Layer::new(), LayerMode::Combine).await?;
                web.replan().await?;
            }
            Some(Step::Command(command)) => {
                let layer = Layer::new().service(
                    "web",
                    Service::new().override_mode(Override::Replace).command(*command),
                );
                hook.container(Web).add_layer("web", &layer, LayerMode::Combine).await?;
            }
            Some(Step::Restart) => drop(hook.container(Web).restart(["web"]).await?),
            Some(Step::RawClient) => drop(Client::clone(&*hook.container(Web)).replan().await?),
            Some(Step::Exec) => {
                let exec = Exec::new(["mange", "--token", "hunter2"]);
                drop(hook.container(Web).exec_output(&exec).await?);
            }
            Some(Step::Retry) => {
                let fail = |attempt: crate::pebble::Attempt| async move {
                    tracing::info!("attempt {}", attempt.number());
                    Err::<(), _>(std::io::Error::from(std::io::ErrorKind::ConnectionRefused))
                };
                Phase::Setup
                    .policy()
                    .run("reload the proxy", &Budget::new(), fail, |_| RetryDecision::Retry)
                    .await?;
            }
            Some(Step::Config) => return Err(Stop::config("port", "must be even")),
            Some(Step::Own(message)) => return Err(Stop::failed(*message)),
            Some(Step::Panic) => panic!("the moon is full"),
            Some(Step::SetState(bytes)) => {
                hook.update_state(|state| *state = "x".repeat(*bytes))?;
            }
            Some(Step::ReadConfig) => drop(hook.config()?),
            Some(Step::Log(lines)) => log(lines),
            Some(Step::LogThenPebble(lines)) => {
                log(lines);
                drop(hook.container(Web).replan().await?);
            }
        }
        Ok(Outcome::done())
    }
}

fn log(lines: Lines) {
    for (level, line) in lines {
        match level {
            LogLevel::Trace => tracing::trace!("{line}"),
            LogLevel::Debug => tracing::debug!("{line}"),
            LogLevel::Info => tracing::info!("{line}"),
            LogLevel::Warning => tracing::warn!("{line}"),
            LogLevel::Error | LogLevel::Critical => tracing::error!("{line}"),
        }
    }
}
