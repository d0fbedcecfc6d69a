//! Write Juju charms in Rust: one hook run is one typed function call.
//!
//! A charm is a value that handles events. The library finds the event, retries what Pebble did not
//! answer, turns errors into a status, a deferral or an error state by [one
//! table](Verdict::by_table), and keeps what must be remembered in Juju's own state:
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! use charmwright::pebble::{Layer, LayerMode, Service, Startup};
//! use charmwright::{
//!     Charm, Declaration, DeclaredContainer, Hook, Metadata, NoActions, NoState, Result, Statuses,
//!     UnitView,
//! };
//!
//! struct Declared;
//! impl Declaration for Declared {
//!     type Config = Config;
//!     type State = NoState;
//!     type Action = NoActions;
//!     const METADATA: Metadata = Metadata::new("web").containers(&[WebContainer::NAME]);
//! }
//!
//! #[derive(Clone, Copy)]
//! struct WebContainer;
//! impl DeclaredContainer for WebContainer {
//!     const NAME: &'static str = "web";
//! }
//!
//! #[derive(serde::Deserialize)]
//! struct Config {
//!     command: String,
//! }
//!
//! struct Web;
//! impl Charm for Web {
//!     type Declared = Declared;
//!
//!     async fn reconcile(&mut self, hook: &Hook<Declared>) -> Result {
//!         let service = Service::new().command(&hook.config()?.command).startup(Startup::Enabled);
//!         let web = hook.container(WebContainer);
//!         // Retried inside, within bounds: nobody asks first whether Pebble is there.
//!         web.add_layer("web", &Layer::new().service("web", service), LayerMode::Combine).await?;
//!         web.replan().await?;
//!         Ok(())
//!     }
//!
//!     async fn collect_status(
//!         &self,
//!         unit: &UnitView<Declared>,
//!         statuses: &mut Statuses,
//!     ) -> Result {
//!         statuses.add(unit.container(WebContainer).readiness().await);
//!         Ok(())
//!     }
//! }
//!
//! fn main() -> ExitCode {
//!     charmwright::main(Web)
//! }
//! ```
//!
//! - What an author holds is here: [`Charm`] and its [`Declaration`], [`Event`], [`Hook`] and
//!   [`UnitView`], [`Container`], [`Stop`] and [`Outcome`], [`Statuses`].
//! - [`dispatch`] is the road of one hook; a test runs one by [`dispatch::run_hook`].
//! - [`pebble`] is the client of the supervisor that Juju puts in every workload container; it can
//!   be used alone.
//! - [`juju`] is the hook's environment and its tools; it can be used alone as well.
//!
//! The other side, for tests and for `charmwright dev`, is in crates of its own:
//! `charmwright-agent` and `charmwright-testing`. A charm that is built carries no line of them.

/// The charm that the README shows has to compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExample;

mod action;
mod charm;
mod config;
mod container;
mod declaration;
pub mod dispatch;
mod error;
mod event;
mod hook;
mod layer_field;
mod outcome;
mod phase;
mod retry;
mod status;
mod stop;
mod text;
mod unit;
mod verdict;

pub use action::{ActionRequest, ActionResult, Actions, NoActions};
pub use charm::Charm;
pub use charmwright_juju as juju;
pub use charmwright_pebble as pebble;
pub use config::NoConfig;
pub use container::{Container, ContainerView};
pub use declaration::{Declaration, DeclaredContainer, Metadata, NoState, State};
pub use dispatch::main;
pub use error::{ContainerTag, Error, ErrorKind};
pub use event::{CustomNotice, Event, PebbleCheck, PebbleReady, UnknownHook};
pub use hook::Hook;
pub use juju::{Port, Status, StatusKind};
pub use layer_field::{LayerField, LayerKey};
pub use outcome::Outcome;
pub use pebble::{Budget, RetryPolicy};
pub use phase::Phase;
pub use retry::Retry;
pub use status::Statuses;
pub use stop::{Context, IntoStop, NotReady, OrStop, Result, Stop};
pub use unit::{Unit, UnitView};
pub use verdict::Verdict;
