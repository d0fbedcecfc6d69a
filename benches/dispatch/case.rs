//! A [`Case`] is one charm of the benchmark, written once in Rust and once on ops.

use std::path::PathBuf;

use charmwright_agent::{CharmMeta, Model, UnitName};

use crate::common::Failure;

/// Prepares a model with the application of the charm, whose only unit has the number 0.
pub(crate) type Deploy = Box<dyn Fn(&mut Model, CharmMeta) -> Result<(), Failure>>;

/// Makes a hook due on the unit, as an operator or another application does.
pub(crate) type Trigger = fn(&mut Model, &UnitName) -> Result<(), Failure>;

/// A case has all that differs between the charms of the benchmark.
pub(crate) struct Case {
    /// The name of the charm's package and of its executable.
    pub(crate) package: &'static str,
    pub(crate) application: &'static str,
    /// The folder with metadata.yaml, config.yaml and, if the charm has actions, actions.yaml.
    pub(crate) charm_folder: PathBuf,
    /// The path of the charm on ops.
    pub(crate) ops_script: PathBuf,
    pub(crate) containers: &'static [&'static str],
    pub(crate) deploy: Deploy,
    pub(crate) events: &'static [MeasuredEvent],
    /// The bound of the peak memory of the Rust charm.
    pub(crate) peak_mib: u32,
}

/// A measured event has its bounds, which hold for the Rust charm.
pub(crate) struct MeasuredEvent {
    pub(crate) name: &'static str,
    /// `None` measures the event as it came while the unit was set up, with the state of the charm
    /// from that time.
    pub(crate) trigger: Option<Trigger>,
    /// The bound of the number of hook tools.
    pub(crate) tools: usize,
    /// The bound of ops: it has to take at least so many times as long as the Rust charm.
    ///
    /// The bound is lower for the events in which the Rust charm makes more calls: a call takes
    /// both charms about the same time.
    pub(crate) ops_factor: f64,
}

impl Case {
    /// Returns the name of the unit.
    pub(crate) fn unit(&self) -> Result<UnitName, Failure> {
        Ok(format!("{}/0", self.application).parse()?)
    }
}
