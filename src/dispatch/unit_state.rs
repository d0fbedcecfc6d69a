//! The state of a unit, which is loaded when the hook begins and committed when it ends.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::charm_state::{CHARM_KEY, CharmState};
use super::framework::Framework;
use super::mode::Mode;
use super::store::Store;
use super::stored::framework::FRAMEWORK_KEY;
use crate::declaration::Metadata;
use crate::error::Error;
use crate::event::Event;
use crate::juju::{HookEnv, HookTools};

/// The framework's and the charm's document while the hook runs.
#[derive(Debug, Default)]
pub(crate) struct UnitState {
    pub(crate) framework: Framework,
    pub(crate) charm: CharmState,
}

/// The stored state as it was when the hook began, and the store that it came from.
#[derive(Debug)]
pub(crate) struct LoadedState {
    store: Store,
    stored: BTreeMap<String, String>,
}

impl LoadedState {
    /// Loads the state from Juju, or from the local file if this version of Juju keeps no state.
    ///
    /// # Errors
    ///
    /// Returns an error for anything else that is wrong. An event that was written to another store
    /// would be lost as soon as Juju's own store is available again.
    pub(crate) fn load(env: &HookEnv, tools: &HookTools) -> Result<Self, Error> {
        let folder = env.charm_dir().map_or_else(|| PathBuf::from("."), PathBuf::from);
        let file = folder.join(Store::FILE_NAME);
        // Juju's state is tried first rather than chosen by version, because the tools decide what
        // is there.
        match Store::Juju.load(tools) {
            Ok(stored) => {
                if file.symlink_metadata().is_ok() {
                    tracing::warn!(
                        "{} is not read: it holds the state of a Juju that kept none for its \
                         units, and this one does; remove it once nothing in it is missed",
                        file.display()
                    );
                }
                Ok(Self { store: Store::Juju, stored })
            }
            Err(error) if tools.has_tool("state-get") => Err(error),
            Err(error) => {
                let version = env.juju_version()?;
                // Every agent of today sets its version, so an agent without one is old.
                let too_old = version.as_ref().is_none_or(|version| !version.keeps_state());
                // Both are required: a new Juju without the tools has a broken `PATH`, and writing
                // to a file there would lose the events once it is mended.
                if too_old && tools.lacks_state_tools() {
                    let store = Store::File(file);
                    let stored = store.load(tools)?;
                    return Ok(Self { store, stored });
                }
                let version = version
                    .map_or_else(|| "this Juju".to_owned(), |version| format!("Juju {version}"));
                let text = format!(
                    "cannot use the unit's state under {version}, and no other place stands in \
                     for it: mend the tools state-get, state-set and state-delete on PATH"
                );
                Err(Error::state_because(text, error))
            }
        }
    }

    /// Reads the two documents and adapts them to what the charm declares today and to the event of
    /// this hook.
    ///
    /// # Errors
    ///
    /// Returns an error if a newer version wrote the framework's document, or if it is unreadable.
    pub(crate) fn read(
        &self,
        metadata: &Metadata,
        event: Option<&Event>,
    ) -> Result<UnitState, Error> {
        let mut framework = Framework::read(self.stored.get(FRAMEWORK_KEY).map(String::as_str))?;
        // First, so that an event that has become known is dropped below if its container is not
        // declared.
        framework.reinterpret_unknown_events(metadata);
        for gone in framework.drop_undeclared(metadata) {
            tracing::warn!(
                "dropped the stored \"{}\": the charm has no such container any more",
                gone.event()
            );
        }
        if let Some(event) = event {
            // The phase changes as the event arrives, so that the policies of this hook are those
            // of the new phase.
            framework.update_phases(event);
        }
        Ok(UnitState { framework, charm: CharmState::new(self.stored.get(CHARM_KEY).cloned()) })
    }

    /// Writes the documents that have changed. Juju keeps them when the hook exits with code 0.
    ///
    /// # Errors
    ///
    /// Returns an error if a document is too large or cannot be written.
    pub(crate) fn commit(
        mut self,
        state: &UnitState,
        tools: &HookTools,
        mode: Mode,
    ) -> Result<(), Error> {
        let mut changed = BTreeMap::new();
        let before = self.stored.get(FRAMEWORK_KEY).map(String::as_str);
        if let Some(text) = state.framework.to_write(before)? {
            changed.insert(FRAMEWORK_KEY.to_owned(), text);
        }
        if let Some(text) = state.charm.to_write() {
            changed.insert(CHARM_KEY.to_owned(), text.to_owned());
        }
        if changed.is_empty() {
            return Ok(());
        }
        // The file is written as a whole, so it needs the unchanged documents too.
        self.stored.extend(changed.clone());
        match self.store.save(tools, &changed, &self.stored) {
            // Juju does not run this hook again, so a second attempt is the only way to keep what
            // it did.
            Err(error) if mode.may_retry_commit() => {
                tracing::warn!("{}; it is tried once more", error.chain());
                self.store.save(tools, &changed, &self.stored)
            }
            saved => saved,
        }
    }
}
