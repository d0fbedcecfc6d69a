//! This charm has two actions, with typed parameters and nested results.
//!
//! `charmcraft.yaml` is beside this file. `juju run actions/0 backup name=monday keep=2` prints
//!
//! ```yaml
//! backup:
//!   name: monday
//!   number: "1"
//! kept: "1"
//! ```

use std::process::ExitCode;

use charmwright::{
    ActionRequest, ActionResult, Actions, Charm, Declaration, Error, Hook, Metadata, NoConfig,
    Result, Status, Statuses, Stop, UnitView,
};
use serde::{Deserialize, Serialize};

/// The declaration lists the types and the metadata of the charm.
pub struct Declared;

impl Declaration for Declared {
    type Config = NoConfig;
    type State = Stored;
    type Action = Action;
    const METADATA: Metadata = Metadata::new("actions");
}

/// What the unit keeps from one hook to the next.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Stored {
    made: u32,
    backups: Vec<Backup>,
}

/// One backup.
#[derive(Clone, Serialize, Deserialize)]
struct Backup {
    name: String,
    number: u32,
}

/// The actions of `charmcraft.yaml`.
pub enum Action {
    /// `backup`
    Backup(BackupParameters),
    /// `list-backups`
    ListBackups,
}

/// The parameters of `backup`. Juju has checked them against the schema and filled in the default.
#[derive(Deserialize)]
pub struct BackupParameters {
    name: String,
    keep: usize,
}

impl Actions for Action {
    const NAMES: &'static [&'static str] = &["backup", "list-backups"];

    fn parse(request: &ActionRequest) -> Result<Self, Error> {
        match request.name() {
            "backup" => Ok(Self::Backup(request.read()?)),
            "list-backups" => Ok(Self::ListBackups),
            _ => Err(request.undeclared::<Self>()),
        }
    }
}

/// The results of `backup`.
#[derive(Serialize)]
struct Made {
    backup: Backup,
    kept: usize,
}

/// The charm.
pub struct ActionsCharm;

impl Charm for ActionsCharm {
    type Declared = Declared;

    async fn reconcile(&mut self, _: &Hook<Declared>) -> Result {
        Ok(())
    }

    async fn action(&mut self, action: Action, hook: &Hook<Declared>) -> Result<ActionResult> {
        match action {
            Action::Backup(parameters) => back_up(hook, parameters),
            Action::ListBackups => list_backups(hook),
        }
    }

    async fn collect_status(&self, unit: &UnitView<Declared>, statuses: &mut Statuses) -> Result {
        let backups = unit.state()?.backups.len();
        statuses.add(Status::active().with_message(format!("{backups} backups")));
        Ok(())
    }
}

fn back_up(hook: &Hook<Declared>, parameters: BackupParameters) -> Result<ActionResult> {
    let BackupParameters { name, keep } = parameters;
    let stored = hook.state()?;
    if stored.backups.iter().any(|backup| backup.name == name) {
        // It is the message of the failed action. Nothing is stored, and the unit is not in error.
        return Err(Stop::refused(format!("there is a backup {name:?} already")));
    }
    let backup = Backup { name, number: stored.made + 1 };
    hook.update_state(|stored| {
        stored.made += 1;
        stored.backups.push(backup.clone());
        let old = stored.backups.len().saturating_sub(keep);
        stored.backups.drain(..old);
    })?;
    let kept = hook.state()?.backups.len();
    Ok(ActionResult::of(&Made { backup, kept })?)
}

fn list_backups(hook: &Hook<Declared>) -> Result<ActionResult> {
    let backups = hook.state()?.backups.clone();
    // The result has keys such as `backups.0.name`.
    Ok(ActionResult::of(&serde_json::json!({ "backups": backups }))?)
}

/// Runs one hook. The executable of a packed charm is its `dispatch`.
pub fn main() -> ExitCode {
    charmwright::main(ActionsCharm)
}
