//! How a restarted Pebble gets back the layers that a client has added.
//!
//! A restarted daemon runs, before its socket answers, the changes that the last one had not
//! finished, with the plan of its layer files (Pebble 1.32, `internals/overlord/state`). A layer
//! that comes back meanwhile would be run by them or not, as chance has it. So their end is waited
//! for before the first layer goes back.

use std::time::Duration;

use tokio::time::Instant;

use super::attempt::{AttemptError, CallAttempt, ExchangeError};
use super::awaited_change::{LEAST_PAUSE, SLICE, wait_request};
use super::error::{Error, in_target};
use super::known_layers::{AddedLayer, forgotten_labels, insert, share_a_service};
use super::layer_request::add_request;
use super::reader::Reader;
use super::request::Request;
use super::resend::{LostLayer, Resend};

/// How long a daemon that has just begun to answer is waited for to start what is enabled. It takes
/// some milliseconds, and one that runs with `--hold` never does.
pub(super) const AUTOSTART_LIMIT: Duration = Duration::from_secs(1);

impl CallAttempt<'_> {
    /// Makes sure that the daemon behind the connection has the layers that were added, and puts back
    /// those that it has forgotten.
    ///
    /// A plan that does not show a layer is not yet proof of a restart: another layer may override
    /// it, or Pebble may write a value in a way that we do not recognise. The proof is that putting
    /// it back changes the plan. Then [`KnownLayers::restarts`] counts up.
    ///
    /// A layer whose own answer was lost (`lost_layer`) may be there or not, and its entries may hide
    /// what was there before.
    pub(super) async fn restore_layers(
        &mut self,
        request: &Request,
        lost_layer: Option<&LostLayer>,
    ) -> Result<(), AttemptError> {
        let client = self.client();
        let known = client.known_layers();
        let connection = self.connection_number(request).await?;
        if known.unverified(connection).is_none() {
            return Ok(());
        }
        // One at a time: of calls made side by side the first puts back what the others then find.
        // A call that has its turn and is no longer polled must not hold up the others for ever.
        let _restore_lock = tokio::time::timeout(self.limit(), known.restore_lock.lock()).await;
        let Some(added) = known.unverified(connection) else {
            return Ok(());
        };
        let text = self.plan_text().await?;
        let plan = client.parse_plan(&text)?;
        let mut forgotten = forgotten_labels(&added, &plan);
        if let Some(LostLayer { label, layer, .. }) = lost_layer {
            let mut with_it = added.clone();
            insert(&mut with_it, label, layer).map_err(|why| unwritable(client, label, why))?;
            if forgotten_labels(&with_it, &plan).is_empty() {
                forgotten.clear();
            }
        }
        // If putting back breaks off half-way, the next attempt still compares with how it began.
        let before = known.begin_restoring(plan.clone());
        let after = if forgotten.is_empty() {
            plan
        } else {
            self.wait_for_taken_over_changes().await?;
            if share_a_service(&added, &forgotten) {
                // The daemon starts what is enabled a moment after its socket answers. Between the
                // first label and the last it would start what neither of them means.
                tokio::time::sleep(AUTOSTART_LIMIT).await;
                self.wait_for_taken_over_changes().await?;
            }
            let mut now = text;
            for added in added.iter().filter(|added| forgotten.contains(&&*added.label)) {
                self.put_back(added, &now).await?;
                now = self.plan_text().await?;
            }
            client.parse_plan(&now)?
        };
        if known.end_restoring(connection, &before, &after) {
            let labels: Vec<String> = forgotten.iter().map(|label| format!("{label:?}")).collect();
            let done = format!("put back layer {}", labels.join(", "));
            let done = in_target(&done, client.target());
            tracing::warn!("{done}: Pebble was restarted and had forgotten it");
        }
        Ok(())
    }

    /// Puts back all that was added under one label, in one request. `plan` is the plan as it was
    /// just read.
    ///
    /// A new label is refused when it comes twice, so lists cannot be appended twice. The refusal
    /// also comes where a layer file has the label; only then is the content combined into it.
    async fn put_back(&mut self, added: &AddedLayer, plan: &str) -> Result<(), AttemptError> {
        let AddedLayer { label, layer } = added;
        let client = self.client();
        let known = client.known_layers();
        // The answer to an earlier request for this label was lost. If the plan has changed since,
        // it may have arrived, though another layer hides parts of it; it may also be another
        // party that has changed the plan.
        let may_have_arrived =
            known.put_back_has_arrived(label, plan) && !layer.combine_is_idempotent();
        let operation = format!("put back layer {label:?}");
        let yaml = layer.to_yaml().map_err(|why| unwritable(client, label, why))?;
        for combine in [false, true] {
            if !may_have_arrived {
                known.begin_putting_back(label, plan);
            }
            let request = add_request(&operation, label, &yaml, combine, Resend::Safe);
            match self.ask(&request).await {
                Ok(_) => break,
                Err(ExchangeError::Refused(refusal)) if !combine && refusal.is_existing_layer() => {
                    if may_have_arrived || layer.is_reflected_in(&self.plan().await?) {
                        break;
                    }
                }
                Err(error) => return Err(client.failed_read(&request, error)),
            }
        }
        known.end_putting_back();
        Ok(())
    }

    /// Waits until the changes that a restarted daemon took over from the last one are over, for
    /// at most the change deadline. They run with the plan of the layer files, so nothing of ours
    /// is to be there before.
    async fn wait_for_taken_over_changes(&mut self) -> Result<(), AttemptError> {
        let client = self.client();
        // Whoever makes only one attempt does not want to wait for long either.
        let policy = client.policy();
        let deadline = match policy.max_attempts() {
            1 => client.change_deadline().min(policy.time_limit()),
            _ => client.change_deadline(),
        };
        let begun = Instant::now();
        for change in self.service_changes().await? {
            loop {
                let left = deadline.saturating_sub(begun.elapsed());
                if left.is_zero() {
                    let operation = "put back the layers";
                    let error = client.still_running(operation, change, begun.elapsed());
                    return Err(error.into());
                }
                let asked = Instant::now();
                let request = wait_request(change.id(), left.min(SLICE));
                match self.ask(&request).await {
                    Ok(_) => break,
                    // It was dropped since it was listed.
                    Err(ExchangeError::Refused(refusal)) if refusal.status == 404 => break,
                    Err(ExchangeError::Refused(refusal)) if refusal.status == 504 => {}
                    Err(error) => return Err(client.failed_read(&request, error)),
                }
                if asked.elapsed() < LEAST_PAUSE {
                    tokio::time::sleep(LEAST_PAUSE).await;
                }
            }
        }
        Ok(())
    }
}

fn unwritable(client: &Reader, label: &str, why: impl std::fmt::Display) -> AttemptError {
    let operation = format!("put back layer {label:?}");
    Error::invalid(&operation, client.daemon(), why.to_string()).into()
}
