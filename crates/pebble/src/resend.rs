//! What resending a request means, as data beside the request.
//!
//! A connect failure proves that nothing was sent, so every request may be made again after it.
//! This is about the other case: the request was, or may have been, sent, and its answer was lost.
//! Pebble has no idempotency keys, so each request says itself what can be known afterwards.

use std::sync::Arc;
use std::time::Duration;

use super::change::{Change, ChangeId};
use super::identity::LostIdentities;
use super::layer::Layer;
use super::service_failure::service_of;
use super::timestamp::Timestamp;

/// A request's own rule for the time after an ambiguous failure.
#[derive(Debug, Clone)]
pub(crate) enum Resend {
    /// Sending it again does no harm. The only rule under which an answer of 429 or 503 is retried,
    /// too (Pebble sends neither).
    Safe,
    /// It is never sent again: the error says that it may have acted.
    Never,
    /// An action on services, which leaves a change behind: the lost change is looked for, and
    /// waited for when it is found. It is sent again only after two looks have not found it, since
    /// it may be listed late, and after another look before each further time.
    FindChange(LostAction),
    /// A layer: before it is sent again the plan is read, and a plan that shows the layer is
    /// success.
    Layer(LostLayer),
    /// An abort: on a resend, "nothing pending" is what the first one has done.
    Abort(ChangeId),
    /// It is sent again, and what it then finds done, path by path, is what the first one has done:
    /// a folder that exists, a path that is gone.
    Paths,
    /// It is sent again; that an identity exists already, or is there no more, is then what the
    /// first one has done, if the identities are as they were to become.
    Identities(LostIdentities),
}

impl Resend {
    /// Whether what the request did is still there when the daemon was restarted: files are, and so
    /// are identities, which it keeps in its state.
    pub(super) fn outlives_the_daemon(&self) -> bool {
        match self {
            Self::Paths | Self::Identities(_) => true,
            Self::Safe | Self::Never | Self::FindChange(_) | Self::Layer(_) | Self::Abort(_) => {
                false
            }
        }
    }
}

#[cfg(test)]
impl Resend {
    /// The rule in words, for the table in the docs.
    pub(super) fn described(&self) -> &'static str {
        match self {
            Self::Safe => "sent again",
            Self::Never => "never sent again; the error says that it may have acted",
            Self::FindChange(_) => "its change is looked for twice, then sent again",
            Self::Layer(LostLayer { combine: true, .. }) => {
                "the plan is read; sent again if it does not show the layer"
            }
            Self::Layer(LostLayer { combine: false, .. }) => {
                "sent again; \"already exists\" is success if the plan shows the layer"
            }
            Self::Abort(_) => "sent again; \"nothing pending\" is success",
            Self::Identities(_) => {
                "sent again; a refusal is success if the identities are as they were to become"
            }
            Self::Paths => "sent again; a path that is then as it was to become is success",
        }
    }
}

/// How the change of a lost action is recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LostAction {
    /// Action and kind of the change are one word.
    pub(crate) kind: &'static str,
    /// The services that were named; each has a task in the change.
    pub(crate) services: Vec<String>,
}

/// What a plan must show for a lost layer to have arrived.
#[derive(Debug, Clone)]
pub(crate) struct LostLayer {
    pub(crate) label: Arc<str>,
    pub(crate) layer: Arc<Layer>,
    /// Whether it was to be combined. If not, the label was new, so the daemon itself refuses it
    /// when it comes twice.
    pub(crate) combine: bool,
}

/// The change is spawned after the request was sent; the two are read from one clock, but not at
/// one moment nor at one precision.
pub(super) const CLOCK_GRANULARITY: Duration = Duration::from_millis(10);

impl LostAction {
    /// Whether a change may be the one that this action made when it was sent at `since`.
    pub(super) fn made(&self, change: &Change, since: Timestamp) -> bool {
        change.kind() == self.kind && !spawned_before(change, since) && self.services_match(change)
    }

    fn services_match(&self, change: &Change) -> bool {
        let concerned: Vec<String> = change.tasks().iter().filter_map(service_of).collect();
        self.services.iter().all(|name| concerned.contains(name))
    }
}

/// Whether a change is certainly older than `moment`.
pub(super) fn spawned_before(change: &Change, moment: Timestamp) -> bool {
    change.spawn_time().is_some_and(|spawned| moment.since(spawned) > CLOCK_GRANULARITY)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn change(kind: &str, services: &[&str], spawned: &str) -> Change {
        let tasks: Vec<Value> = services
            .iter()
            .map(|name| {
                json!({
                    "kind": kind, "status": "Done", "summary": format!("Start service {name:?}")
                })
            })
            .collect();
        serde_json::from_value(json!({
            "id": "7", "kind": kind, "status": "Done", "spawn-time": spawned, "tasks": tasks
        }))
        .unwrap()
    }

    #[test]
    fn a_lost_change_is_known_by_kind_services_and_time() {
        let since = "2026-11-22T20:00:09.5Z".parse().unwrap();
        let start = LostAction { kind: "start", services: vec!["b".into()] };
        let after = "2026-11-22T20:00:09.6Z";
        assert!(
            start.made(&change("start", &["a", "b"], after), since),
            "a start pulls in what it requires"
        );
        assert!(!start.made(&change("start", &["a"], after), since));
        assert!(!start.made(&change("restart", &["b"], after), since));
        assert!(!start.made(&change("start", &["b"], "2026-11-22T20:00:09.4Z"), since));
        assert!(
            start.made(&change("start", &["b"], "2026-11-22T21:00:09.495+01:00"), since),
            "clocks are grainy"
        );
        let replan = LostAction { kind: "replan", services: vec![] };
        assert!(
            replan.made(&change("replan", &[], after), since),
            "a replan that found nothing to do"
        );
    }
}
