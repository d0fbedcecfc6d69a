//! Adding layers, remembering them, and putting them back into a Pebble that has forgotten them.
//!
//! Layers added over the API are never written to disk: they are gone when the daemon is restarted, and a replan then answers `Done` with
//! nothing running. So the client remembers what it added, and over which connection it last knew the daemon to have it: no daemon outlives its
//! connections, so on that one it is certain. On any other, the plan is read first.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::json;

use super::call::{Call, Halt};
use super::change::ChangeId;
use super::client::Client;
#[cfg(test)]
use super::coverage::Sample;
use super::error::{Error, UserFault, in_target};
use super::lane::Lane;
use super::layer::{Check, Layer, LayerFault, LogTarget, Override, Service};
use super::plan::Plan;
use super::request::Request;
use super::resend::{LostLayer, Resend};
use super::timestamp::Timestamp;

/// What to do when a layer of that label is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LayerMode {
    /// The label has to be new; if it is not, the call fails.
    New,
    /// The layer is combined into the one of that label, in its place; if there is none, it is added on top.
    Combine,
}

impl Client {
    /// Adds a layer, or combines it into the one of that label: `POST /v1/layers`.
    ///
    /// Running services go on as they are until [`replan`](Self::replan); checks and log targets follow at once. The client remembers the layer
    /// and puts it back if Pebble is restarted before a later call needs it. If the answer is lost, the plan is read before the layer is sent again,
    /// since combining a layer twice appends its lists twice. Safe to drop: the layer may have arrived or not, and is then not remembered.
    ///
    /// # Errors
    /// [`InvalidRequest`](super::ErrorKind::InvalidRequest) for a layer that is refused without asking, such as one with an empty command, which
    /// would end the daemon; `Api` with status 400 for one that Pebble refuses; [`Unreachable`](super::ErrorKind::Unreachable) when no answer comes
    /// within the policy.
    pub async fn add_layer(&self, label: &str, layer: &Layer, mode: LayerMode) -> Result<(), Error> {
        let operation = format!("add layer {label:?}");
        Layer::validate_label(label)
            .and_then(|()| layer.validate())
            .map_err(|invalid| {
                let fault = (invalid.fault() == LayerFault::Command).then_some(UserFault::Command);
                self.refuse(&operation, invalid.to_string()).with_fault(fault)
            })?;
        let layer = Arc::new(layer.clone());
        let combine = mode == LayerMode::Combine;
        let resend = Resend::Layer(LostLayer {
            label: label.into(),
            layer: Arc::clone(&layer),
            combine,
        });
        let request = self.layer_request(&operation, label, &layer, combine, resend)?;
        let call = Call::new(self, request);
        let call = &call;
        let answered = call.run(|attempt| call.attempt(attempt)).await?;
        self.memory().remember(label, layer, answered.lane);
        Ok(())
    }

    fn layer_request(
        &self,
        operation: &str,
        label: &str,
        layer: &Layer,
        combine: bool,
        resend: Resend,
    ) -> Result<Request, Error> {
        let yaml = layer
            .to_yaml()
            .map_err(|error| self.refuse(operation, error.to_string()))?;
        Ok(add_request(operation, label, &yaml, combine, resend))
    }

    /// Sees that the daemon behind `lane` has the layers that were added, and puts back those that it has forgotten.
    ///
    /// That the plan does not show a layer is not yet proof of a restart: another layer may override it, or Pebble may write a value in a way that we
    /// do not recognise. The proof is that putting it back changes the plan. Then [`Memory::epoch`] counts up.
    ///
    /// A layer whose own answer was lost (`perhaps`) may be there or not, and its entries may hide what was there before.
    pub(super) async fn restore_layers(
        &self,
        lane: &mut Lane,
        attempt: u32,
        perhaps: Option<&LostLayer>,
    ) -> Result<(), Halt> {
        let memory = self.memory();
        if memory.unverified(lane.number()).is_none() {
            return Ok(());
        }
        // One at a time: of calls made side by side the first puts back what the others then find, and lists are not appended twice. A call
        // that has its turn and is no longer polled must not hold up the others for ever.
        let patience = self.policy().limit(self.budget().unanswered(), attempt == 1);
        let _turn = tokio::time::timeout(patience, memory.turn.lock()).await;
        let Some(added) = memory.unverified(lane.number()) else {
            return Ok(());
        };
        let now = self.plan_text_on(lane, attempt).await?;
        let plan = self.parse_plan(&now)?;
        let mut forgotten = forgotten_labels(&added, &plan);
        if let Some(LostLayer { label, layer, .. }) = perhaps {
            let mut with_it = added.clone();
            insert(&mut with_it, label, Arc::clone(layer));
            if forgotten_labels(&with_it, &plan).is_empty() {
                forgotten.clear();
            }
        }
        // If putting back breaks off half-way, the next attempt still compares with how it began.
        let before = memory.begin_restoring(&now);
        let after = if forgotten.is_empty() {
            now
        } else {
            // All contents of a label in the order in which they came, so that the last word is the same again.
            for added in added.iter().filter(|added| forgotten.contains(&&*added.label)) {
                let operation = format!("put back layer {:?}", added.label);
                let request = self
                    .layer_request(&operation, &added.label, &added.layer, true, Resend::Safe)
                    .map_err(super::call::Failure::Final)?;
                self.read(lane, attempt, &request).await?;
            }
            self.plan_text_on(lane, attempt).await?
        };
        if memory.end_restoring(lane.number(), before != after) {
            let labels: Vec<String> = forgotten.iter().map(|label| format!("{label:?}")).collect();
            let done = format!("put back layer {}", labels.join(", "));
            let done = in_target(&done, self.target());
            tracing::warn!("{done}: Pebble was restarted and had forgotten it");
        }
        Ok(())
    }
}

fn add_request(operation: &str, label: &str, yaml: &str, combine: bool, resend: Resend) -> Request {
    let body = json!({
        "action": "add",
        "combine": combine,
        // Only layers of a folder (`dir/label`) may go between others; for every other label this is Pebble's own default.
        "inner": label.contains('/'),
        "label": label,
        "format": "yaml",
        "layer": yaml,
    });
    Request::post("/v1/layers", operation, &body, resend)
}

/// What the clones of a client know of their daemon.
#[derive(Debug, Default)]
pub(super) struct Memory {
    known: Mutex<Known>,
    /// Held by the call that sees to the layers.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Known {
    added: Vec<Added>,
    /// The connections behind which the daemon is known to have all of `added`.
    verified: Vec<u64>,
    restoring: Option<String>,
    epoch: u64,
    finished: Vec<(ChangeId, Option<Timestamp>)>,
}

/// A layer that was added, by content.
#[derive(Debug, Clone)]
pub(super) struct Added {
    label: Arc<str>,
    layer: Arc<Layer>,
}

/// More changes than one hook makes before a reply is lost.
const MOST_FINISHED: usize = 64;

impl Memory {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts the daemons: it goes up whenever layers are proved to have been forgotten.
    pub(super) fn epoch(&self) -> u64 {
        self.lock().epoch
    }

    /// The layers to look for on a connection; `None` when there is nothing to look for.
    fn unverified(&self, lane: u64) -> Option<Vec<Added>> {
        let known = self.lock();
        let settled = known.added.is_empty() || known.verified.contains(&lane);
        (!settled).then(|| known.added.clone())
    }

    /// Remembers a layer that was added over a connection.
    fn remember(&self, label: &str, layer: Arc<Layer>, lane: u64) {
        let mut known = self.lock();
        let verified = known.added.is_empty() || known.verified.contains(&lane);
        insert(&mut known.added, label, layer);
        known.verified = if verified { vec![lane] } else { Vec::new() };
    }

    fn begin_restoring(&self, plan: &str) -> String {
        self.lock().restoring.get_or_insert_with(|| plan.to_owned()).clone()
    }

    /// The daemon behind `lane` has everything now; says whether it had been restarted.
    fn end_restoring(&self, lane: u64, changed: bool) -> bool {
        let mut known = self.lock();
        known.restoring = None;
        known.verified.push(lane);
        if changed {
            known.epoch += 1;
            known.finished.clear();
        }
        changed
    }

    /// Changes that earlier calls have waited for, so that they are not taken for a lost one.
    pub(super) fn finished_changes(&self) -> Vec<(ChangeId, Option<Timestamp>)> {
        self.lock().finished.clone()
    }

    pub(super) fn note_finished(&self, id: &ChangeId, spawned: Option<Timestamp>) {
        let mut known = self.lock();
        if known.finished.len() >= MOST_FINISHED {
            known.finished.remove(0);
        }
        known.finished.push((id.clone(), spawned));
    }
}

/// Puts a content where Pebble has it: a label keeps its place among the layers, whenever it is combined into.
fn insert(layers: &mut Vec<Added>, label: &str, layer: Arc<Layer>) {
    let first = layers
        .iter()
        .position(|added| &*added.label == label)
        .unwrap_or(layers.len());
    // What the new content replaces altogether need not be put back first.
    layers.retain(|added| &*added.label != label || !replaces(&layer, &added.layer));
    let place = layers
        .iter()
        .rposition(|added| &*added.label == label)
        .map_or(first, |last| last + 1);
    layers.insert(
        place,
        Added {
            label: label.into(),
            layer,
        },
    );
}

/// The labels that a plan does not show.
///
/// What several layers say of one entry does not show one by one. The last of them has to show; when it does not, all of them are to go back.
fn forgotten_labels<'a>(added: &'a [Added], plan: &Plan) -> Vec<&'a str> {
    let mut labels = Vec::new();
    missing(added, &mut labels, Layer::get_services, |name, entry: &Service| {
        Layer::new().service(name, entry.clone()).is_reflected_in(plan)
    });
    missing(added, &mut labels, Layer::get_checks, |name, entry: &Check| {
        Layer::new().check(name, entry.clone()).is_reflected_in(plan)
    });
    missing(added, &mut labels, Layer::get_log_targets, |name, entry: &LogTarget| {
        Layer::new().log_target(name, entry.clone()).is_reflected_in(plan)
    });
    labels.sort_unstable();
    labels.dedup();
    labels
}

/// The same for one section.
fn missing<'a, T: 'a>(
    added: &'a [Added],
    labels: &mut Vec<&'a str>,
    section: impl Fn(&'a Layer) -> &'a BTreeMap<String, T>,
    shown: impl Fn(&str, &T) -> bool,
) {
    let last: BTreeMap<&str, &T> = added
        .iter()
        .flat_map(|added| section(&added.layer))
        .map(|(name, entry)| (name.as_str(), entry))
        .collect();
    for (name, entry) in last {
        if !shown(name, entry) {
            labels.extend(
                added
                    .iter()
                    .filter(|a| section(&a.layer).contains_key(name))
                    .map(|a| &*a.label),
            );
        }
    }
}

/// Whether every entry of `old` is replaced by one of `new`.
fn replaces(new: &Layer, old: &Layer) -> bool {
    let replacing = |mode: Option<&Override>| mode == Some(&Override::Replace);
    old.get_services().keys().all(|name| {
        new.get_services()
            .get(name)
            .is_some_and(|entry| replacing(entry.get_override()))
    }) && old.get_checks().keys().all(|name| {
        new.get_checks()
            .get(name)
            .is_some_and(|entry| replacing(entry.get_override()))
    }) && old.get_log_targets().keys().all(|name| {
        new.get_log_targets()
            .get(name)
            .is_some_and(|entry| replacing(entry.get_override()))
    }) && old.get_other().is_empty()
}

#[cfg(test)]
pub(super) fn samples() -> Vec<Sample> {
    let sample = |call, combine| {
        let lost = LostLayer {
            label: "a".into(),
            layer: Arc::new(Layer::new()),
            combine,
        };
        Sample::new(
            call,
            "/v1/layers",
            add_request("", "a", "", combine, Resend::Layer(lost)),
        )
    };
    vec![
        sample("Client::add_layer with LayerMode::New", false),
        sample("Client::add_layer with LayerMode::Combine", true),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(service: &str, command: &str) -> Arc<Layer> {
        Arc::new(Layer::new().service(service, Service::new().command(command)))
    }

    fn labels(memory: &Memory) -> Vec<String> {
        memory
            .unverified(u64::MAX)
            .unwrap_or_default()
            .iter()
            .map(|added| added.label.to_string())
            .collect()
    }

    #[test]
    fn a_connection_is_trusted_only_for_what_it_has_seen() {
        let memory = Memory::default();
        assert!(memory.unverified(1).is_none(), "nothing to lose");
        memory.remember("a", layer("x", "one"), 1);
        assert!(memory.unverified(1).is_none());
        assert!(memory.unverified(2).is_some());
        // Added over a connection behind which the first was not verified: neither is certain now.
        memory.remember("b", layer("y", "one"), 2);
        assert!(memory.unverified(1).is_some() && memory.unverified(2).is_some());
        assert!(!memory.end_restoring(2, false));
        assert!(memory.unverified(2).is_none());
    }

    #[test]
    fn a_label_keeps_its_place_and_drops_what_is_replaced() {
        let memory = Memory::default();
        memory.remember("a", layer("x", "one"), 1);
        memory.remember("b", layer("y", "one"), 1);
        memory.remember("a", layer("x", "two"), 1);
        assert_eq!(labels(&memory), ["a", "b"]);
        memory.remember("a", layer("z", "one"), 1);
        assert_eq!(labels(&memory), ["a", "a", "b"]);
    }

    #[test]
    fn of_several_layers_on_one_entry_the_last_has_to_show() {
        let memory = Memory::default();
        let over = Service::new().override_mode(Override::Merge).env("A", "1");
        memory.remember("base", layer("x", "one"), 1);
        memory.remember("other", layer("y", "one"), 1);
        memory.remember("over", Arc::new(Layer::new().service("x", over)), 1);
        let added = memory.unverified(2).unwrap();
        let plan = |text: &str| Plan::from_yaml(text).unwrap();
        let all = plan(
            "services: {x: {override: replace, command: one, environment: {A: '1'}}, y: {override: replace, command: one}}",
        );
        assert_eq!(forgotten_labels(&added, &all), [""; 0]);
        let without_x = plan("services: {y: {override: replace, command: one}}");
        assert_eq!(forgotten_labels(&added, &without_x), ["base", "over"]);
        let nothing = plan("{}");
        memory.remember(
            "both",
            Arc::new(Layer::new().service("z", Service::new()).check("z", Check::tcp(80))),
            1,
        );
        let added = memory.unverified(2).unwrap();
        assert_eq!(forgotten_labels(&added, &nothing), ["base", "both", "other", "over"]);
    }

    #[test]
    fn a_restart_is_counted_when_putting_back_changes_the_plan() {
        let memory = Memory::default();
        memory.remember("a", layer("x", "one"), 1);
        assert_eq!(memory.begin_restoring("before"), "before");
        assert_eq!(memory.begin_restoring("half-way"), "before");
        assert!(memory.end_restoring(2, true));
        assert_eq!(memory.epoch(), 1);
    }
}
