//! What resending a request means, as data beside the request, and what is done about it.
//!
//! A connect failure proves that nothing was sent, so every request may be made again after it.
//! This is about the other case: the request was, or may have been, sent, and its answer was lost.
//! Pebble has no idempotency keys, so each request says itself what can be known afterwards.

use std::sync::Arc;
use std::time::Duration;

use super::call::{Answered, Call, Halt, Lost};
use super::change::{Change, ChangeId};
use super::changes::read_change;
use super::connection::Connection;
use super::envelope::{Document, Envelope, Refusal};
use super::identities::LostIdentities;
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

/// How many looks must fail to find a lost change before its request is sent again.
const LOOKS_BEFORE_RESEND: u32 = 2;

/// The change is spawned after the request was sent; the two are read from one clock, but not at
/// one moment nor at one precision.
pub(super) const CLOCK_GRANULARITY: Duration = Duration::from_millis(10);

/// What is to be done instead of, or before, sending again.
pub(super) enum Recovery {
    /// Send it again.
    Send,
    /// It has acted: this stands for its answer.
    Done(Envelope),
    /// It has acted: this is its change.
    Found(ChangeId),
    /// Not now; the text says why.
    Later(String),
}

impl Call<'_> {
    /// Before a request whose answer was lost is sent again. The daemon is known not to have been
    /// restarted since, as far as its layers show.
    pub(super) async fn resume(
        &self,
        lane: &mut Connection,
        attempt: u32,
        lost: Lost,
    ) -> Result<Recovery, Halt> {
        match self.request().resend() {
            Resend::Safe
            | Resend::Never
            | Resend::Abort(_)
            | Resend::Paths
            | Resend::Identities(_) => Ok(Recovery::Send),
            Resend::Layer(LostLayer { combine: false, .. }) => Ok(Recovery::Send),
            Resend::Layer(LostLayer { layer, combine: true, .. }) => {
                let shown = layer.is_reflected_in(&self.client().plan_on(lane, attempt).await?);
                Ok(if shown { Recovery::Done(answer_true()) } else { Recovery::Send })
            }
            Resend::FindChange(action) => self.look(lane, attempt, lost, action).await,
        }
    }

    /// Looks for the change of a lost action in what a daemon lists.
    pub(super) async fn find_change(
        &self,
        lane: &mut Connection,
        attempt: u32,
        lost: Lost,
        action: &LostAction,
    ) -> Result<Option<Change>, Halt> {
        let listed = self.client().all_changes_on(lane, attempt).await?;
        Ok(self.select_change(listed, lost, action))
    }

    fn select_change(
        &self,
        listed: Vec<Change>,
        lost: Lost,
        action: &LostAction,
    ) -> Option<Change> {
        let known = self.client().known_layers().finished_changes();
        let is_known = |change: &Change| {
            known.iter().any(|(id, spawned)| id == change.id() && *spawned == change.spawn_time())
        };
        listed
            .into_iter()
            .filter(|change| action.made(change, lost.since) && !is_known(change))
            .min_by_key(Change::spawn_time)
    }

    async fn look(
        &self,
        lane: &mut Connection,
        attempt: u32,
        lost: Lost,
        action: &LostAction,
    ) -> Result<Recovery, Halt> {
        let listed = self.client().all_changes_on(lane, attempt).await?;
        // By itself a daemon starts what is enabled only when it is new, and then its services have
        // moved for no other reason.
        let is_new = listed
            .iter()
            .any(|change| change.kind() == "autostart" && !spawned_before(change, lost.since));
        if let Some(change) = self.select_change(listed, lost, action) {
            tracing::debug!(
                change = %change.id(),
                "found the change of the request whose answer was lost"
            );
            return Ok(Recovery::Found(change.id().clone()));
        }
        let looks = self.count_look();
        if looks < LOOKS_BEFORE_RESEND {
            return Ok(Recovery::Later(
                "its answer was lost and its change is not listed yet".to_owned(),
            ));
        }
        // A second restart is the one effect that cannot be taken back, and it shows in the
        // services before the change is listed.
        if action.kind == "restart"
            && !is_new
            && self.have_moved_since(lane, attempt, lost.since, &action.services).await?
        {
            return Ok(Recovery::Later(
                "its services were restarted and its change is not listed yet".to_owned(),
            ));
        }
        Ok(Recovery::Send)
    }

    async fn have_moved_since(
        &self,
        lane: &mut Connection,
        attempt: u32,
        since: Timestamp,
        names: &[String],
    ) -> Result<bool, Halt> {
        let services = self.client().services_on(lane, attempt, names).await?;
        Ok(!services.is_empty()
            && services.iter().all(|service| service.current_since() >= Some(since)))
    }

    /// What a refusal on a resend means, when the first attempt explains it; `None` when it does
    /// not, and the refusal is what it says.
    pub(super) async fn explained(
        &self,
        lane: &mut Connection,
        attempt: u32,
        refusal: &Refusal,
    ) -> Result<Option<Answered>, Halt> {
        if refusal.status != 400 {
            return Ok(None);
        }
        let envelope = match self.request().resend() {
            Resend::Layer(LostLayer { layer, combine: false, .. })
                if refusal.is_existing_layer() =>
            {
                // The label may be another's with other contents: only the plan can tell.
                let shown = layer.is_reflected_in(&self.client().plan_on(lane, attempt).await?);
                shown.then(answer_true)
            }
            Resend::Abort(id) if refusal.message.ends_with("nothing pending") => {
                Some(self.client().read(lane, attempt, &read_change(id)).await?)
            }
            Resend::Identities(wanted) if refusal.message.contains(" exist") => {
                self.identities_are(lane, attempt, wanted).await?.then(answer_true)
            }
            _ => None,
        };
        Ok(envelope.map(|envelope| Answered::here(envelope, lane)))
    }
}

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

fn answer_true() -> Envelope {
    Envelope { change: None, result: Document::of(&true) }
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
