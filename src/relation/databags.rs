//! The changes of the unit's own databags, which are sent to Juju at the end of the hook.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::bag::Databag;
use crate::error::Error;
use crate::juju::{self, ErrorKind, HookTools, RelationId, UnitName, check_databag_changes};

/// An own databag in a relation. The order is that in which they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum OwnBag {
    /// The databag of this unit.
    Unit,
    /// The databag of this unit's application, which only the leader may write.
    Application,
}

/// What happens to the changes of a relation that is gone when they are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WhenGone {
    Fail,
    /// The changes are dropped with a warning.
    Drop,
}

/// The changes of own databags that this hook has made and not yet sent. It has no `Debug`, because
/// a value may be a password.
#[derive(Default)]
pub(crate) struct Databags {
    /// By databag and number of the relation. A databag without changes is not in it.
    pending: RefCell<BTreeMap<(OwnBag, u32), Pending>>,
}

struct Pending {
    relation: RelationId,
    /// The values to set, and as `None` the keys to delete, compared to what Juju has.
    changes: BTreeMap<String, Option<String>>,
}

impl Databags {
    /// Returns an own databag with the changes that this hook has made.
    pub(crate) fn read(
        &self,
        tools: &HookTools,
        own: &UnitName,
        relation: &RelationId,
        bag: OwnBag,
    ) -> Result<Arc<Databag>, juju::Error> {
        let mut databag = match bag {
            OwnBag::Unit => tools.unit_databag(relation, own)?,
            OwnBag::Application => tools.app_databag(relation, own.application())?,
        };
        if let Some(pending) = self.pending.borrow().get(&(bag, relation.number())) {
            apply(Arc::make_mut(&mut databag), &pending.changes);
        }
        Ok(databag)
    }

    /// Changes an own databag. A value that the databag has already is no change.
    ///
    /// The databag has to be read first, so that only changes are sent.
    pub(crate) fn change(
        &self,
        tools: &HookTools,
        own: &UnitName,
        relation: &RelationId,
        bag: OwnBag,
        changes: &BTreeMap<String, Option<String>>,
    ) -> Result<(), juju::Error> {
        // Now rather than when the changes are sent, so that the error comes from the call that
        // made the mistake.
        check_databag_changes(relation, changes)?;
        let stored = match bag {
            OwnBag::Unit => tools.unit_databag(relation, own)?,
            OwnBag::Application => tools.app_databag(relation, own.application())?,
        };
        let mut all = self.pending.borrow_mut();
        let key = (bag, relation.number());
        let mut pending = all.get(&key).map(|old| old.changes.clone()).unwrap_or_default();
        for (key, value) in changes {
            if stored.get(key) == value.as_ref() {
                pending.remove(key);
            } else {
                pending.insert(key.clone(), value.clone());
            }
        }
        // Juju limits the databag as a whole.
        let mut whole = (*stored).clone();
        apply(&mut whole, &pending);
        let whole = whole.into_iter().map(|(key, value)| (key, Some(value))).collect();
        check_databag_changes(relation, &whole)?;
        if pending.is_empty() {
            all.remove(&key);
        } else {
            all.insert(key, Pending { relation: relation.clone(), changes: pending });
        }
        Ok(())
    }

    /// Sends the changes to Juju, with one call for each databag that has changed. What was sent is
    /// not sent again by a second call.
    ///
    /// # Errors
    ///
    /// Returns an error if the application's databag has changed and this unit is not the leader
    /// any more, or if a hook tool fails. The databags of the unit come first, so that a lost
    /// leadership does not keep them back.
    pub(crate) fn send(&self, tools: &HookTools, when_gone: WhenGone) -> Result<(), Error> {
        let mut pending = self.pending.borrow_mut();
        while let Some(entry) = pending.first_entry() {
            let (bag, _) = *entry.key();
            let Pending { relation, changes } = entry.get();
            let sent = match bag {
                OwnBag::Unit => tools.set_unit_databag(relation, changes),
                // Juju guarantees leadership for 30 s from the answer, and `is_leader` asks again
                // after that.
                OwnBag::Application if !tools.is_leader()? => {
                    return Err(Error::lost_leadership(format!(
                        "cannot write the application's databag of {relation}: this unit lost the \
                         leadership during the hook; the new leader writes it"
                    )));
                }
                OwnBag::Application => tools.set_app_databag(relation, changes),
            };
            match sent {
                Err(error) if when_gone == WhenGone::Drop && *error.kind() == ErrorKind::Gone => {
                    tracing::warn!("{error}; its changes are dropped");
                }
                sent => sent?,
            }
            entry.remove();
        }
        Ok(())
    }
}

fn apply(databag: &mut Databag, changes: &BTreeMap<String, Option<String>>) {
    for (key, value) in changes {
        match value {
            Some(value) => databag.insert(key.clone(), value.clone()),
            None => databag.remove(key),
        };
    }
}
