//! [`HookRun`] describes a hook or an action that the caller runs.

use super::hook::HookKind;
use super::model_settings::ModelSettings;
use charmwright_juju::{JujuVersion, UnitName};

/// A hook or an action that the caller runs.
///
/// The caller starts the charm's program, answers the tools that the program calls with
/// [`Model::tool`](super::Model::tool), and passes the program's exit code to
/// [`Model::finish`](super::Model::finish).
#[derive(Debug, Clone)]
pub struct HookRun {
    pub(super) context_id: String,
    pub(super) kind: HookKind,
    pub(super) attempt: u32,
    pub(super) unit: UnitName,
    pub(super) model_name: String,
    pub(super) model_uuid: String,
    pub(super) version: JujuVersion,
    pub(super) api_addresses: String,
    pub(super) machine_id: String,
    /// The unit beside which a subordinate's unit runs.
    pub(super) principal: Option<UnitName>,
}

impl HookRun {
    pub(super) fn new(
        settings: &ModelSettings,
        unit: &UnitName,
        machine_id: &str,
        kind: HookKind,
        attempt: u32,
        serial: u64,
    ) -> Self {
        // The id must be unique and look like Juju's; a random number would make tests differ.
        let high = mix(settings.seed ^ serial);
        let low = mix(high ^ settings.seed.rotate_left(17));
        Self {
            context_id: format!("{unit}-{}-{high:016x}{low:016x}", kind.name()),
            kind,
            attempt,
            unit: unit.clone(),
            model_name: settings.model_name.clone(),
            model_uuid: settings.model_uuid.clone(),
            version: settings.juju_version.clone(),
            api_addresses: settings.api_addresses.clone(),
            machine_id: machine_id.to_owned(),
            principal: None,
        }
    }

    /// Returns the context id (`JUJU_CONTEXT_ID`): `web/0-config-changed-` and 32 hexadecimal
    /// digits. A tool's request must have it.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.context_id
    }

    /// Returns the name of the unit whose hook it is.
    #[must_use]
    pub fn unit(&self) -> &UnitName {
        &self.unit
    }

    /// Returns the full name of the hook, such as `config-changed` or `web-pebble-ready`, or the
    /// name of the action.
    #[must_use]
    pub fn name(&self) -> String {
        self.kind.name()
    }

    /// Returns the kind of the hook.
    #[must_use]
    pub fn kind(&self) -> &HookKind {
        &self.kind
    }

    /// Returns the number of this attempt: 1, and one more each time that the hook runs again after
    /// a failure.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Returns the name of the logger for the program's output, such as `unit.web/0.install`.
    pub(super) fn output_logger(&self) -> String {
        format!("unit.{}.{}", self.unit, self.name())
    }

    /// Returns `hooks/NAME` or `actions/NAME`. The charm reads it in `JUJU_DISPATCH_PATH`. In the
    /// charm's directory it is the path of the program that runs if the charm has no `dispatch`.
    #[must_use]
    pub fn dispatch_path(&self) -> String {
        let folder = if self.kind.is_action() { "actions" } else { "hooks" };
        format!("{folder}/{}", self.kind.name())
    }
}

/// Hashes a counter to 64 bits with the last step of SplitMix64.
pub(super) fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
