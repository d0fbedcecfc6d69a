//! This charm keeps notes in a storage, and a copy of them in each instance of another one, of which
//! it asks Juju for as many as the operator wants.
//!
//! `charmcraft.yaml` is beside this file.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use charmwright::{
    AnyNumber, Charm, Context as _, Declaration, DeclaredStorage, Event, ExactlyOne, Hook,
    IfReady as _, Metadata, NoActions, NoState, Outcome, Result, Status, Statuses, Stop, Storage,
    StorageLookup, UnitView,
};

/// The declaration lists the types and the metadata of the charm.
pub struct Declared;

impl Declaration for Declared {
    type Config = Config;
    type State = NoState;
    type Action = NoActions;
    const METADATA: Metadata = Metadata::new("storage");
}

/// The options.
#[derive(serde::Deserialize)]
pub struct Config {
    /// The number of copies.
    copies: u32,
}

#[derive(Clone, Copy)]
struct Notes;

impl DeclaredStorage for Notes {
    const NAME: &'static str = "notes";
    type Count = ExactlyOne;
}

#[derive(Clone, Copy)]
struct Copies;

impl DeclaredStorage for Copies {
    const NAME: &'static str = "copies";
    type Count = AnyNumber;
}

/// The charm.
pub struct Keeper;

impl Charm for Keeper {
    type Declared = Declared;

    async fn reconcile(&mut self, hook: &Hook<Declared>) -> Result {
        // Until the storage is attached and provisioned, the unit is Waiting.
        let notes = notes_file(&hook.storage(Notes)?)?;
        let copies = hook.storage(Copies)?;
        for copy in &copies {
            // The others are not held up by one that is not provisioned yet: it sends
            // storage-attached when it is.
            if let Some(location) = copy.location().if_ready()? {
                fs::copy(&notes, location.join("notes")).context("copy the notes")?;
            }
        }
        // Those that Juju has added and not provisioned yet are among them, so none is asked for
        // twice.
        let missing = hook.config()?.copies.saturating_sub(copies.len().try_into().unwrap_or(0));
        if missing > 0 {
            hook.add_storage(Copies, missing)?;
        }
        Ok(())
    }

    async fn handle(&mut self, event: &Event, hook: &Hook<Declared>) -> Result<Outcome> {
        if let Event::StorageDetaching(leaving) = event
            && let Some(id) = leaving.id().filter(|id| id.name().as_str() == Copies::NAME)
            && let StorageLookup::Detaching(copy) = hook.storage_instance(Copies, id)?
        {
            // It is still there in this hook, for the last time.
            fs::write(copy.location()?.join("detached"), "").context("mark the copy")?;
        }
        if event.changes_world() {
            self.reconcile(hook).await?;
        }
        Ok(Outcome::done())
    }

    async fn collect_status(&self, unit: &UnitView<Declared>, statuses: &mut Statuses) -> Result {
        let notes = unit.storage(Notes)?.location()?;
        let copies = unit.storage(Copies)?.len();
        let message = format!("keeps notes in {}, {copies} copies", notes.display());
        statuses.add(Status::active().with_message(message));
        Ok(())
    }
}

/// Returns the path of the notes, and makes the file if it is not there.
fn notes_file(storage: &Storage<Notes>) -> Result<PathBuf> {
    let path = storage.location()?.join("notes");
    match File::create_new(&path) {
        Ok(mut file) => file.write_all(b"the first note\n").context("write the first note")?,
        // The notes of an earlier hook, or of an earlier unit that had this storage.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(Stop::failed(error)),
    }
    Ok(path)
}

/// Runs one hook. The executable of a packed charm is its `dispatch`.
pub fn main() -> ExitCode {
    charmwright::main(Keeper)
}
