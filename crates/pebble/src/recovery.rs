//! This file finds out what a request has done whose answer was lost, before the request is sent
//! again.
//!
//! The rule of each request is data beside it, see [`Resend`].

use super::attempt::{AttemptError, CallAttempt};
use super::change::{Change, ChangeId};
use super::envelope::{Document, Envelope, Refusal};
use super::lookups::read_change;
use super::reader::Reader;
use super::request::Request;
use super::resend::{LostAction, LostLayer, Resend, spawned_before};
use super::timestamp::Timestamp;

/// The number of searches that must fail before a request is sent again. One is not enough: Pebble
/// may list a change a moment after it has accepted the request.
const SEARCHES_BEFORE_RESEND: u32 = 2;

/// The next step for a request whose answer was lost.
pub(super) enum Recovery {
    /// The request is sent again.
    Send,
    /// The request has acted, and this envelope stands for its answer.
    Done(Envelope),
    /// The request has acted, and this is its change.
    Found(ChangeId),
    /// The attempt fails for this reason, and the next attempt decides anew.
    Later(String),
}

/// The facts about a request whose answer was lost, and which may have acted.
#[derive(Debug, Clone, Copy)]
pub(super) struct LostReply {
    /// The time just before the first such request was sent.
    pub(super) since: Timestamp,
    /// The number of searches for its change that found nothing.
    pub(super) searches: u32,
    /// The number of known restarts of Pebble when it was sent.
    pub(super) restarts: u64,
}

/// Finds out what a request has done whose answer was lost. The daemon has not been restarted
/// since, as far as its layers show.
pub(super) async fn recover(
    request: &Request,
    lost: &mut LostReply,
    attempt: &mut CallAttempt<'_>,
) -> Result<Recovery, AttemptError> {
    match request.resend() {
        Resend::Safe
        | Resend::Never
        | Resend::Abort(_)
        | Resend::Paths
        | Resend::Identities(_)
        | Resend::Layer(LostLayer { combine: false, .. }) => Ok(Recovery::Send),
        Resend::Layer(LostLayer { layer, combine: true, .. }) => {
            let is_shown = layer.is_reflected_in(&attempt.plan().await?);
            Ok(if is_shown { Recovery::Done(answer_true()) } else { Recovery::Send })
        }
        Resend::FindChange(action) => find_change(action, lost, attempt).await,
    }
}

/// Searches the changes that Pebble lists for that of a lost action.
async fn find_change(
    action: &LostAction,
    lost: &mut LostReply,
    attempt: &mut CallAttempt<'_>,
) -> Result<Recovery, AttemptError> {
    let listed = attempt.all_changes().await?;
    // A daemon makes an autostart change by itself only when it has just begun. Its services have
    // then been started by that, and not by the lost restart.
    let daemon_is_new = listed
        .iter()
        .any(|change| change.kind() == "autostart" && !spawned_before(change, lost.since));
    if let Some(change) = select_change(attempt.client(), listed, lost, action) {
        tracing::debug!(
            change = %change.id(),
            "found the change of the request whose answer was lost"
        );
        return Ok(Recovery::Found(change.id().clone()));
    }
    lost.searches = lost.searches.saturating_add(1);
    if lost.searches < SEARCHES_BEFORE_RESEND {
        return Ok(Recovery::Later(
            "its answer was lost and its change is not listed yet".to_owned(),
        ));
    }
    // A second restart cannot be undone, and the first one shows in the services before Pebble
    // lists its change. So the request waits until the change is listed.
    if action.kind == "restart"
        && !daemon_is_new
        && were_restarted_since(attempt, lost.since, &action.services).await?
    {
        return Ok(Recovery::Later(
            "its services were restarted and its change is not listed yet".to_owned(),
        ));
    }
    Ok(Recovery::Send)
}

/// Returns the change of a lost action from those that a daemon lists: the oldest that fits and
/// that no earlier call has waited for.
pub(super) fn select_change(
    client: &Reader,
    listed: Vec<Change>,
    lost: &LostReply,
    action: &LostAction,
) -> Option<Change> {
    let known = client.known_layers().finished_changes();
    let is_known = |change: &Change| {
        known.iter().any(|(id, spawned)| id == change.id() && *spawned == change.spawn_time())
    };
    listed
        .into_iter()
        .filter(|change| action.made(change, lost.since) && !is_known(change))
        .min_by_key(Change::spawn_time)
}

/// Returns the answer that stands for a refusal of a resend, if the first request explains the
/// refusal. Returns `None` if it does not; then the refusal holds.
pub(super) async fn explain_refusal(
    request: &Request,
    attempt: &mut CallAttempt<'_>,
    refusal: &Refusal,
) -> Result<Option<Envelope>, AttemptError> {
    if refusal.status != 400 {
        return Ok(None);
    }
    Ok(match request.resend() {
        Resend::Layer(LostLayer { layer, combine: false, .. }) if refusal.is_existing_layer() => {
            // Another client may have added a layer of this label with another content, so the plan
            // decides.
            let is_shown = layer.is_reflected_in(&attempt.plan().await?);
            is_shown.then(answer_true)
        }
        Resend::Abort(id) if refusal.message.ends_with("nothing pending") => {
            Some(attempt.read(&read_change(id)).await?)
        }
        Resend::Identities(wanted) if refusal.message.contains(" exist") => {
            wanted.are_in(&attempt.identities().await?).then(answer_true)
        }
        _ => None,
    })
}

/// Returns `true` if all of these services were started or stopped at or after `since`.
async fn were_restarted_since(
    attempt: &mut CallAttempt<'_>,
    since: Timestamp,
    names: &[String],
) -> Result<bool, AttemptError> {
    let services = attempt.services(names).await?;
    Ok(!services.is_empty()
        && services.iter().all(|service| service.current_since() >= Some(since)))
}

/// Makes the answer that Pebble gives to a request which has succeeded and has no other result.
fn answer_true() -> Envelope {
    Envelope { change: None, result: Document::of(&true) }
}
