//! The secret hooks of a unit: which one is due, and what follows when one has ended.

use std::time::{Duration, Instant};

use charmwright_juju::UnitName;

use super::hook::{HookKind, SecretHook};
use super::model::Model;
use super::secrets::{DueSecret, Party, SecretEvent, Secrets};
use super::unit::Unit;

impl Unit<'_> {
    /// Returns the secret hook that is due, or else the instant of the next one.
    pub(super) fn next_secret_hook(&self, now: Instant) -> Result<HookKind, Option<Instant>> {
        let time = self.model.time_of_day(Some(now));
        let unit = self.record.name.to_string();
        let hooks = &self.record.secret_hooks;
        match hooks.next(&self.model.secrets, &unit, self.is_leader(), time) {
            Ok(due) => Ok(kind_of(due)),
            Err(next) => Err(next.and_then(|next| {
                let delay = Duration::try_from(next.duration_since(time)).ok()?;
                now.checked_add(delay)
            })),
        }
    }
}

/// Returns `true` for a hook of the owner about a secret of an application. Juju skips one that is
/// queued or has failed when the unit has lost the leadership.
pub(super) fn is_about_application_secret(secrets: &Secrets, kind: &HookKind) -> bool {
    let is_owners = matches!(
        kind,
        HookKind::SecretRotate(_) | HookKind::SecretExpired(_) | HookKind::SecretRemove(_)
    );
    let secret = kind.secret().filter(|_| is_owners);
    let secret = secret.and_then(|hook| secrets.get(&hook.id));
    secret.is_some_and(|secret| matches!(secret.owner, Party::Application(_)))
}

impl Model {
    /// Records that a secret hook of a unit counts as done; any other hook changes nothing.
    /// `original` is the latest revision of the secret before the hook; `None` if the hook was
    /// skipped.
    pub(super) fn complete_secret_hook(
        &mut self,
        unit: &UnitName,
        kind: &HookKind,
        original: Option<u32>,
    ) {
        let Some((event, secret)) = event_of(kind) else {
            return;
        };
        let time = self.time_of_day(self.now());
        let Some(record) = self.units.get_mut(unit) else {
            return;
        };
        record.secret_hooks.complete(&mut self.secrets, event, &secret.id, original, time);
    }
}

fn kind_of(due: DueSecret) -> HookKind {
    let DueSecret { event, id, label, latest } = due;
    match event {
        SecretEvent::Changed { revision } => {
            HookKind::SecretChanged(SecretHook::new(id, label, revision))
        }
        SecretEvent::Rotate => HookKind::SecretRotate(SecretHook::new(id, label, latest)),
        SecretEvent::Expired { revision } => {
            HookKind::SecretExpired(SecretHook::new(id, label, revision))
        }
        SecretEvent::Remove { revision } => {
            HookKind::SecretRemove(SecretHook::new(id, label, revision))
        }
    }
}

fn event_of(kind: &HookKind) -> Option<(SecretEvent, &SecretHook)> {
    let secret = kind.secret()?;
    let revision = secret.revision;
    let event = match kind {
        HookKind::SecretChanged(_) => SecretEvent::Changed { revision },
        HookKind::SecretRotate(_) => SecretEvent::Rotate,
        HookKind::SecretExpired(_) => SecretEvent::Expired { revision },
        HookKind::SecretRemove(_) => SecretEvent::Remove { revision },
        _ => return None,
    };
    Some((event, secret))
}
