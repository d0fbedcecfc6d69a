//! What is done about a request whose answer was lost, before it is sent again.
//!
//! What can be known by then is data beside the request, see [`Resend`].

use super::attempt::{AttemptError, CallAttempt};
use super::change::{Change, ChangeId};
use super::envelope::{Document, Envelope, Refusal};
use super::lookups::read_change;
use super::reader::Reader;
use super::request::Request;
use super::resend::{LostAction, LostLayer, Resend, spawned_before};
use super::timestamp::Timestamp;

/// How many searches must fail to find a lost change before its request is sent again.
const SEARCHES_BEFORE_RESEND: u32 = 2;

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

/// What is known of a request whose answer was lost: it may have acted.
#[derive(Debug, Clone, Copy)]
pub(super) struct LostReply {
    /// When the first request whose answer was lost was sent.
    pub(super) since: Timestamp,
    /// How often its effect has been looked for in vain.
    pub(super) searches: u32,
    /// The number of known restarts when it was sent.
    pub(super) restarts: u64,
}

/// Finds out what became of a request whose answer was lost. The daemon is known not to have
/// been restarted since, as far as its layers show.
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

async fn find_change(
    action: &LostAction,
    lost: &mut LostReply,
    attempt: &mut CallAttempt<'_>,
) -> Result<Recovery, AttemptError> {
    let listed = attempt.all_changes().await?;
    // By itself a daemon starts what is enabled only when it is new, and then its services have
    // moved for no other reason.
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
    // A second restart is the one effect that cannot be taken back, and it shows in the
    // services before the change is listed.
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

/// Picks the change of a lost action from those that a daemon lists.
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

/// Gives the answer that stands for a refusal on a resend, when the first attempt explains it;
/// `None` when it does not, and the refusal is what it says.
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
            // The label may be another's with other contents: only the plan can tell.
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

async fn were_restarted_since(
    attempt: &mut CallAttempt<'_>,
    since: Timestamp,
    names: &[String],
) -> Result<bool, AttemptError> {
    let services = attempt.services(names).await?;
    Ok(!services.is_empty()
        && services.iter().all(|service| service.current_since() >= Some(since)))
}

fn answer_true() -> Envelope {
    Envelope { change: None, result: Document::of(&true) }
}
