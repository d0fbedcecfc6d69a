//! Write Juju charms in Rust: one hook run is one typed function call.
//!
//! A charm is a value that handles events. The library reads the event from the hook's environment,
//! retries calls that Pebble does not answer, turns an error into a status, a deferral or an error
//! state by [one table](Verdict::by_table), and stores the unit's state in Juju:
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
//!         // Each call retries by itself; there is no need to check first that Pebble answers.
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
//! # Where things are
//!
//! - The root of this crate has the types that a charm is written with: [`Charm`] and its
//!   [`Declaration`], [`Event`], [`Hook`] and [`UnitView`], [`Container`], [`Stop`] and
//!   [`Outcome`], [`Statuses`].
//! - [`relation`] tells how a charm relates to other applications and to its peers. Its types are
//!   in the root as well.
//! - [`secret`] tells how a charm owns secrets and reads those of others. Its types are in the root
//!   as well.
//! - [`storage`] and [`resource`] tell how a charm finds its storage and what the operator attached to
//!   it. Their types are in the root as well.
//! - [`network`] tells how a charm learns its addresses, opens its ports and knows its model.
//! - [`dispatch`] runs one hook; a test runs a hook by [`dispatch::run_hook`].
//! - [`pebble`] is the client of Pebble, the supervisor that Juju puts in every workload container.
//!   Its crate, `charmwright-pebble`, can be used without this one.
//! - [`juju`] reads the hook's environment and runs the hook tools. Its crate, `charmwright-juju`,
//!   can be used without this one as well.
//!
//! The model of Juju's unit agent, which tests and `charmwright dev` use, is in crates of its own:
//! `charmwright-agent` and `charmwright-testing`. A charm that is built contains no code of them.
//!
//! # What holds everywhere
//!
//! **Cancel safety.** The framework never drops a future of a charm: it awaits each to its end. A
//! charm may drop the future of any call to Pebble, for instance with a timeout of its own. That
//! closes the connection of the call, and nothing goes on in the background; a request that was
//! sent already may still take effect in Pebble. The calls of the hook tools block and cannot be
//! cancelled. A test that drops the future of [`dispatch::run_hook`] ends the hook at that point:
//! the framework commits nothing, and what a hook tool has done stays.
//!
//! **Stability.** The version is 0.x. A change of the second number (0.1 to 0.2) may break the
//! interface, raise the minimum Rust version, or store the unit's state in a form that an older
//! charm cannot read; a change of the third number does none of these. The changelog lists breaking
//! changes first. Enums that may grow are `#[non_exhaustive]`. The crates of the workspace pin each
//! other to exactly one version.
//!
//! **Minimum Rust version.** Rust 1.89 is needed (`rust-version` in `Cargo.toml`). The crate runs
//! on Linux only.
//!
//! **Errors.** The texts of an error may change in any version: `Display` and `Debug` are for the
//! reader of a log or a status. A program asks [`Error::kind`], [`Error::pebble`] and
//! [`Error::juju`]; the types of other sources are not promised either, except for an error that
//! the charm itself put there ([`Error::downcast_ref`]). An error never says that a call had no
//! effect unless that is known: see
//! [`may_have_acted`](pebble::Error::may_have_acted).

/// This item makes rustdoc compile the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExample;

mod action;
mod charm;
mod config;
mod const_text;
mod container;
mod declaration;
pub mod dispatch;
mod error;
mod event;
mod hook;
mod layer_field;
mod leader;
mod may_write;
mod model;
pub mod network;
mod outcome;
mod phase;
#[cfg(test)]
mod played_juju;
mod ports;
pub mod relation;
pub mod resource;
mod retry;
pub mod secret;
mod status;
mod stop;
pub mod storage;
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
pub use event::{
    CustomNotice, Event, PebbleCheck, PebbleReady, RelationBroken, RelationChanged,
    RelationCreated, RelationDeparted, RelationJoined, SecretEvent, SecretRevisionEvent,
    StorageEvent, UnknownHook,
};
pub use hook::Hook;
pub use juju::{
    CloudSpec, GoalState, Host, Network, OpenPort, Port, SecretBytes, SecretExpiry,
    SecretFieldError, SecretFields, SecretInfo, SecretRotation, SecretText, SecretUpdate,
    SecretValue, Status, StatusKind,
};
pub use layer_field::{LayerField, LayerKey};
pub use leader::Leader;
pub use may_write::MayWrite;
pub use model::ModelInfo;
pub use outcome::Outcome;
pub use pebble::{Budget, RetryPolicy};
pub use phase::Phase;
pub use relation::{
    Bag, ByName, Codec, DecodeError, EncodeError, Endpoint, JsonPerKey, JsonUnder, JujuKeys,
    KeyName, Limit, LimitOne, NoLimit, OwnAppBag, OwnUnitBag, Peer, Peers, Plain, Provides,
    Related, Relation, RelationLookup, RemoteBag, RemoteUnit, Requires, Role, YamlUnder, interface,
};
pub use resource::{
    DeclaredResource, Digest, FileKind, InvalidDigest, OciImage, OciImageKind, ResourceFile,
    ResourceKind,
};
pub use retry::Retry;
pub use secret::{
    AppSecret, ObservedSecret, RemoteSecret, SecretContent, SecretView, UnitSecret, UserSecret,
};
pub use status::Statuses;
pub use stop::{Context, IfReady, IntoStop, NotReady, OrStop, Result, Stop};
pub use storage::{
    AnyNumber, AtMostOne, DeclaredStorage, ExactlyOne, Extensible, Mount, Storage, StorageByName,
    StorageCount, StorageLookup,
};
pub use unit::{Unit, UnitView};
pub use verdict::Verdict;
