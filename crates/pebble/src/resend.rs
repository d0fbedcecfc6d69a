//! A request says by a [`Resend`] what sending it a second time means.
//!
//! A failure to connect proves that nothing was sent, so every request may be sent again after it.
//! The rules here are for the other case: the request was, or may have been, sent, and its answer
//! was lost. Pebble has no idempotency keys, so each request says itself how its effect is
//! recognised afterwards.

use std::sync::Arc;
use std::time::Duration;

use super::change::{Change, ChangeId};
use super::identity::LostIdentities;
use super::layer::Layer;
use super::service_failure::service_of;
use super::timestamp::Timestamp;

/// The rule of a request for the time after its answer was lost.
#[derive(Debug, Clone)]
pub(crate) enum Resend {
    /// The request is sent again, which does no harm. Only under this rule are the answers 429 and
    /// 503 retried too; Pebble sends neither, but a proxy may.
    Safe,
    /// The request is never sent again: the error says that it may have acted.
    Never,
    /// The request is an action on services, which makes a change. The client searches for that
    /// change, and waits for it if it is found. The request is sent again only after two searches
    /// that found nothing, since Pebble may list the change late, and after one more search before
    /// each further time.
    FindChange(LostAction),
    /// The request adds a layer. The client reads the plan first, and a plan that shows the layer
    /// is success.
    Layer(LostLayer),
    /// The request aborts a change. It is sent again, and the refusal "nothing pending" is then
    /// success.
    Abort(ChangeId),
    /// The request is sent again. A path that then is as the request was to make it (a folder that
    /// exists, a path that is gone) was changed by the first request, and is success.
    Paths,
    /// The request is sent again. A refusal because an identity exists, or is gone, is then success
    /// if the identities are as the request was to make them.
    Identities(LostIdentities),
}

impl Resend {
    /// Returns `true` if the effect of the request survives a restart of the daemon: files do, and
    /// so do identities, which Pebble keeps in its state.
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
    /// Returns the rule in words, for the table in the docs.
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

/// An action on services. It is sent as a request, and it says how the change of a lost request is
/// recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LostAction {
    /// The action in the request, which is also the kind of its change.
    pub(crate) kind: &'static str,
    /// The services in the request; the change has a task for each of them.
    pub(crate) services: Vec<String>,
}

/// A layer whose request was lost; the plan must show it if the request has acted.
#[derive(Debug, Clone)]
pub(crate) struct LostLayer {
    pub(crate) label: Arc<str>,
    pub(crate) layer: Arc<Layer>,
    /// The layer was to be combined into an existing one. If not, the label was new, and Pebble
    /// itself refuses the layer when it comes a second time.
    pub(crate) combine: bool,
}

/// The precision with which a change's spawn time is compared with the time of a request. Both are
/// read from one clock, and the change is spawned later, but the two times are rounded differently.
pub(super) const CLOCK_GRANULARITY: Duration = Duration::from_millis(10);

impl LostAction {
    /// Returns `true` if this action, sent at `since`, may have made the change.
    pub(super) fn made(&self, change: &Change, since: Timestamp) -> bool {
        change.kind() == self.kind && !spawned_before(change, since) && self.services_match(change)
    }

    fn services_match(&self, change: &Change) -> bool {
        let concerned: Vec<String> = change.tasks().iter().filter_map(service_of).collect();
        self.services.iter().all(|name| concerned.contains(name))
    }
}

/// Returns `true` if the change was certainly spawned before `moment`.
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
