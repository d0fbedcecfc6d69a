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
//! use charmwright::{Charm, Event, Hook, Metadata, Outcome, Result, Statuses};
//!
//! struct Web;
//!
//! #[derive(serde::Deserialize)]
//! struct Config {
//!     command: String,
//! }
//!
//! impl Charm for Web {
//!     type Config = Config;
//!     const METADATA: Metadata = Metadata::new("web").containers(&["web"]);
//!
//!     async fn handle(&mut self, event: &Event, hook: &Hook<Self>) -> Result<Outcome> {
//!         if let Event::ConfigChanged | Event::PebbleReady { .. } = event {
//!             let command = &hook.config()?.command;
//!             let service = Service::new().command(command).startup(Startup::Enabled);
//!             let layer = Layer::new().service("web", service);
//!             let web = hook.container("web")?;
//!             web.add_layer("web", &layer, LayerMode::Combine).await?;
//!             // Retried inside, within bounds: nobody asks first whether Pebble is there.
//!             web.replan().await?;
//!         }
//!         Ok(Outcome::Done)
//!     }
//!
//!     async fn collect_status(&self, hook: &Hook<Self>, statuses: &mut Statuses) -> Result<()> {
//!         statuses.add(hook.container("web")?.readiness().await);
//!         Ok(())
//!     }
//! }
//!
//! fn main() -> ExitCode {
//!     charmwright::main(Web)
//! }
//! ```
//!
//! - [`dispatch`] is the road of one hook: [`Charm`], [`Event`], [`Hook`], [`Container`],
//!   [`Outcome`], [`Statuses`].
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

pub mod dispatch;

pub use charmwright_juju as juju;
pub use charmwright_pebble as pebble;
pub use dispatch::{
    Charm, Container, Context, Deferred, Error, ErrorKind, Event, Hook, LayerField, LayerKey,
    Metadata, NoConfig, Outcome, Phase, Result, Retry, Statuses, Verdict, main,
};
pub use juju::{Status, StatusKind};
pub use pebble::{Budget, RetryPolicy};
