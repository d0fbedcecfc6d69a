//! A hook or an action as the caller gets it to run.

use super::hook::HookKind;
use super::settings::UnitSettings;
use charmwright_juju::JujuVersion;

/// A hook or an action for the caller to run: it starts the charm's program, serves the tools that
/// the program calls through [`Unit::tool`](super::Unit::tool), and reports the end to
/// [`Unit::finish`](super::Unit::finish).
#[derive(Debug, Clone)]
pub struct HookRun {
    pub(super) context_id: String,
    pub(super) kind: HookKind,
    pub(super) attempt: u32,
    pub(super) unit: String,
    pub(super) model_name: String,
    pub(super) model_uuid: String,
    pub(super) version: JujuVersion,
    pub(super) api_addresses: String,
    pub(super) machine_id: String,
}

impl HookRun {
    pub(super) fn new(settings: &UnitSettings, kind: HookKind, attempt: u32, serial: u64) -> Self {
        let high = mix(settings.context_seed ^ serial);
        let low = mix(high ^ settings.context_seed.rotate_left(17));
        Self {
            context_id: format!("{}-{}-{high:016x}{low:016x}", settings.unit, kind.name()),
            kind,
            attempt,
            unit: settings.unit.clone(),
            model_name: settings.model_name.clone(),
            model_uuid: settings.model_uuid.clone(),
            version: settings.juju_version.clone(),
            api_addresses: settings.api_addresses.clone(),
            machine_id: settings.machine_id.clone(),
        }
    }

    /// The context id: `web/0-config-changed-` and 32 hexadecimal digits. A tool's call must name
    /// it.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.context_id
    }

    /// The full name: `config-changed`, `web-pebble-ready`; for an action, its own.
    #[must_use]
    pub fn name(&self) -> String {
        self.kind.name()
    }

    /// What is run.
    #[must_use]
    pub fn kind(&self) -> &HookKind {
        &self.kind
    }

    /// 1, or more when the hook runs again after it failed.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The logger under which the lines that the program prints stand.
    pub(super) fn output_logger(&self) -> String {
        format!("unit.{}.{}", self.unit, self.name())
    }

    /// `hooks/NAME` or `actions/NAME`: what the charm reads as `JUJU_DISPATCH_PATH`, and, under the
    /// charm's directory, the program to run when the charm has no `dispatch`.
    #[must_use]
    pub fn dispatch_path(&self) -> String {
        let folder = if self.kind.is_action() { "actions" } else { "hooks" };
        format!("{folder}/{}", self.kind.name())
    }
}

/// SplitMix64's last step: spreads a counter over 64 bits.
fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
