//! These types repeat for the compiler what the charm's YAML files declare for Juju. A test
//! compares the two.

use charmwright::{
    ActionRequest, Actions, Declaration, DeclaredContainer, Error, Metadata, NoState,
};

use crate::config::Config;

/// The name of the container, of the service in it, of the check and of the layer that holds both.
/// One name is enough, since there is one of each.
pub const WORKLOAD: &str = "workload";

/// `Declared` gives types to what the YAML files at the root declare.
pub struct Declared;

impl Declaration for Declared {
    type Config = Config;
    type State = NoState;
    type Action = Action;
    const METADATA: Metadata = Metadata::new("any-workload-k8s").containers(&[WORKLOAD]);
}

/// `Workload` names the container that the workload runs in.
#[derive(Clone, Copy)]
pub struct Workload;

impl DeclaredContainer for Workload {
    const NAME: &'static str = WORKLOAD;
}

/// An action is what a user asks of one unit.
pub enum Action {
    /// Restarts the workload, or starts it where it is stopped.
    Restart,
}

impl Actions for Action {
    const NAMES: &'static [&'static str] = &["restart"];

    fn parse(request: &ActionRequest) -> Result<Self, Error> {
        match request.name() {
            "restart" => Ok(Self::Restart),
            _ => Err(request.undeclared::<Self>()),
        }
    }
}

#[cfg(test)]
#[path = "tests/declared.rs"]
mod tests;
