//! The client puts the layers that it has added back into a Pebble that was restarted.
//!
//! A restarted daemon runs the changes that the last one had not finished, before its socket
//! answers, with the plan of its layer files (Pebble 1.32, `internals/overlord/state`). If a layer
//! were put back while they run, it would be a matter of chance whether they use it. So the client
//! waits for their end before it puts the first layer back.

use std::time::Duration;

use tokio::time::Instant;

use super::attempt::{AttemptError, CallAttempt, ExchangeError};
use super::awaited_change::{LEAST_PAUSE, SLICE, wait_request};
use super::error::{Error, in_target};
use super::known_layers::{AddedLayer, forgotten_labels, insert, share_a_service};
use super::layer_request::add_request;
use super::reader::Reader;
use super::resend::{LostLayer, Resend};

/// The longest wait for the autostart of a daemon whose socket has just begun to answer. An
/// autostart takes some milliseconds, and a daemon that runs with `--hold` makes none.
pub(super) const AUTOSTART_LIMIT: Duration = Duration::from_secs(1);

impl CallAttempt<'_> {
    /// Puts back the layers that the daemon behind this connection has forgotten, as
    /// [`Self::restore_layers`] needs it.
    ///
    /// A plan that does not show a layer does not prove a restart: another layer may override it,
    /// or Pebble may write a value in a way that we do not recognise. The proof is that putting the
    /// layer back changes the plan. Then [`KnownLayers::restarts`] counts up.
    ///
    /// `lost_layer` is the layer of the call itself, if the answer to its request was lost. Pebble
    /// may have it or not, and if it has, its entries may hide those of the layers that are checked
    /// here.
    pub(super) async fn put_back_forgotten(
        &mut self,
        connection: u64,
        lost_layer: Option<&LostLayer>,
    ) -> Result<(), AttemptError> {
        let client = self.client();
        let known = client.known_layers();
        // Only one call at a time puts layers back, and the others then find them. The lock is
        // waited for no longer than an attempt may take: a call that holds it and is no longer
        // polled must not hold up the others for ever.
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
        // `before` stays that of the first try when a try breaks off half-way. Else the next try
        // would compare with a plan that holds a part of the layers, and miss the restart.
        let before = known.begin_restoring(plan.clone());
        let after = if forgotten.is_empty() {
            plan
        } else {
            self.wait_for_taken_over_changes().await?;
            if share_a_service(&added, &forgotten) {
                // A daemon starts the enabled services a moment after its socket answers. In
                // between two labels of one service it would start what neither of them means, so
                // the autostart is waited for.
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
            // An earlier try may have put back all of them and lost its connection then.
            let (done, them) = match labels.as_slice() {
                [] => ("put back the layers".to_owned(), "them"),
                labels => (format!("put back layer {}", labels.join(", ")), "it"),
            };
            let done = in_target(&done, client.target());
            tracing::warn!("{done}: Pebble was restarted and had forgotten {them}");
        }
        Ok(())
    }

    /// Puts back all that was added under one label, in one request. `plan` is the plan as it was
    /// read just before.
    ///
    /// The request is for a new label, which Pebble refuses when it comes twice, so that no list is
    /// appended twice. Pebble also refuses it if a layer file has the label; only then is the
    /// content combined into that layer.
    async fn put_back(&mut self, added: &AddedLayer, plan: &str) -> Result<(), AttemptError> {
        let AddedLayer { label, layer } = added;
        let client = self.client();
        let known = client.known_layers();
        // An earlier try may have lost the answer to the request for this label. If the plan has
        // changed since, that request may have arrived, though another layer hides parts of it; or
        // another client has changed the plan.
        let may_have_arrived =
            known.put_back_has_arrived(label, plan) && !layer.combine_is_idempotent();
        let operation = format!("put back layer {label:?}");
        let yaml = layer.to_yaml().map_err(|why| unwritable(client, label, why))?;
        // First as a new label, and only if a layer file has the label, combined into it.
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
                Err(error) => return Err(client.attempt_error(&request, error)),
            }
        }
        known.end_putting_back();
        Ok(())
    }

    /// Waits until the changes that a restarted daemon took over are over, for at most the change
    /// deadline. They are to run with the plan of the layer files, so no layer may be put back
    /// before.
    async fn wait_for_taken_over_changes(&mut self) -> Result<(), AttemptError> {
        let client = self.client();
        // A policy of one attempt is for a caller who does not want to wait, so its time bounds
        // this wait too.
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
                    // Pebble has dropped the change since it was listed.
                    Err(ExchangeError::Refused(refusal)) if refusal.status == 404 => break,
                    Err(ExchangeError::Refused(refusal)) if refusal.status == 504 => {}
                    Err(error) => return Err(client.attempt_error(&request, error)),
                }
                // A daemon that does not wait as it is asked to must not be asked in a busy loop.
                if asked.elapsed() < LEAST_PAUSE {
                    tokio::time::sleep(LEAST_PAUSE).await;
                }
            }
        }
        Ok(())
    }
}

/// Makes the error of a layer that cannot be written as YAML.
fn unwritable(client: &Reader, label: &str, why: impl std::fmt::Display) -> AttemptError {
    let operation = format!("put back layer {label:?}");
    Error::invalid(&operation, client.daemon(), why.to_string()).into()
}
