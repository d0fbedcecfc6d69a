//! This charm installs a plugin that the operator attaches as a resource, and installs it again when
//! the content has changed.
//!
//! `charmcraft.yaml` is beside this file.

use std::fs;
use std::process::ExitCode;

use charmwright::{
    Charm, Context as _, Declaration, DeclaredResource, Digest, FileKind, Hook, Metadata,
    NoActions, NoConfig, OrStop as _, ResourceFile, Result, Status, Statuses, UnitView,
};
use serde::{Deserialize, Serialize};

/// The declaration lists the types and the metadata of the charm.
pub struct Declared;

impl Declaration for Declared {
    type Config = NoConfig;
    type State = Stored;
    type Action = NoActions;
    const METADATA: Metadata = Metadata::new("resources");
}

#[derive(Clone, Copy)]
struct Plugin;

impl DeclaredResource for Plugin {
    const NAME: &'static str = "plugin";
    type Kind = FileKind;
}

/// What the charm remembers between hooks.
#[derive(Default, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Stored {
    installed: Option<Installed>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Installed {
    digest: Digest,
    version: String,
    times: u32,
}

/// The charm.
pub struct Installer;

impl Charm for Installer {
    type Declared = Declared;

    async fn reconcile(&mut self, hook: &Hook<Declared>) -> Result {
        // Until the operator attaches a file, the unit is Blocked.
        let plugin = hook.resource(Plugin)?;
        let digest = plugin.digest()?;
        let state = hook.state()?;
        let before = state.installed.as_ref();
        // Juju sends upgrade-charm for another charm as well, and then the plugin is the same.
        if before.is_some_and(|installed| installed.digest == digest) {
            return Ok(());
        }
        let version = install(&plugin)?;
        hook.set_workload_version(&version)?;
        let times = before.map_or(0, |installed| installed.times) + 1;
        hook.update_state(|state| state.installed = Some(Installed { digest, version, times }))?;
        Ok(())
    }

    async fn collect_status(&self, unit: &UnitView<Declared>, statuses: &mut Statuses) -> Result {
        let state = unit.state()?;
        let installed = state.installed.as_ref().or_wait("waiting for the plugin")?;
        let Installed { version, times, .. } = installed;
        let message = format!("plugin {version}, installed {times} times");
        statuses.add(Status::active().with_message(message));
        Ok(())
    }
}

/// Plays the installation: it returns the version of the plugin.
fn install(plugin: &ResourceFile) -> Result<String> {
    let text = fs::read_to_string(plugin.path()).context("read the plugin")?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// Runs one hook. The executable of a packed charm is its `dispatch`.
pub fn main() -> ExitCode {
    charmwright::main(Installer)
}
