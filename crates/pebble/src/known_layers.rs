//! A client remembers the layers that it has added to its daemon, and the changes that it has seen
//! to their end.
//!
//! Pebble never writes layers that were added over the API to disk. They are gone when the daemon
//! is restarted, and a replan then answers `Done` with nothing running. So the client remembers the
//! layers that it added, and the connections over which it knew the daemon to have them. A daemon
//! does not outlive its connections, so on those the client is certain. On any other connection it
//! reads the plan first, see `restore_layers`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::change::ChangeId;
use super::layer::{Check, InvalidYaml, Layer, LogTarget, Plan, Service};
use super::service_info::{ServiceInfo, Startup};
use super::timestamp::Timestamp;

/// The layers and changes that all clones of a client remember.
#[derive(Debug, Default)]
pub(super) struct KnownLayers {
    known: Mutex<Known>,
    /// The call that puts layers back holds this lock.
    pub(super) restore_lock: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Known {
    added: Vec<AddedLayer>,
    /// The numbers of the connections behind which the daemon is known to have all of `added`.
    verified: Vec<u64>,
    /// The plan before the first layer was put back, while that is going on.
    restoring: Option<Plan>,
    /// The label that is being put back, and the plan just before its request was sent.
    putting_back: Option<(Arc<str>, String)>,
    /// The number of restarts of Pebble that are proved.
    restarts: u64,
    /// The services that the last restoring of layers has replaced.
    replaced: ReplacedServices,
    /// The changes that calls have waited for, with their spawn times; the oldest comes first.
    finished: Vec<(ChangeId, Option<Timestamp>)>,
}

/// The services whose configuration was replaced when layers were put back into a restarted daemon.
/// A service that was started before runs with its old configuration.
#[derive(Debug, Clone, Default)]
pub(super) struct ReplacedServices {
    /// The services that were in the plan before, with another configuration.
    services: Vec<String>,
    /// The time at which all layers were back.
    at: Option<Timestamp>,
}

impl ReplacedServices {
    pub(super) fn services(&self) -> &[String] {
        &self.services
    }

    /// Returns `true` if the service was started with its old configuration: by a change that the
    /// daemon had taken over, or because a layer file enables it.
    pub(super) fn is_outdated(&self, info: &ServiceInfo) -> bool {
        self.services.iter().any(|name| name == info.name())
            && info.current_since().is_some_and(|since| Some(since) <= self.at)
    }
}

#[cfg(test)]
impl ReplacedServices {
    pub(super) fn of(services: &[&str], at: &str) -> Self {
        let services = services.iter().map(|name| (*name).to_owned()).collect();
        Self { services, at: at.parse().ok() }
    }
}

/// The layers that were added under one label, combined into one.
#[derive(Debug, Clone)]
pub(super) struct AddedLayer {
    pub(super) label: Arc<str>,
    pub(super) layer: Arc<Layer>,
}

/// The most changes that are remembered, so that the list does not grow for ever. It is more than a
/// client makes between a lost answer and the search for its change.
const MOST_FINISHED: usize = 64;

impl KnownLayers {
    fn lock(&self) -> MutexGuard<'_, Known> {
        // A panic in one call must not make every later call panic, so a poisoned lock is used.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns how often Pebble was proved to have forgotten the layers.
    pub(super) fn restarts(&self) -> u64 {
        self.lock().restarts
    }

    /// Returns `true` if no layer was added.
    pub(super) fn is_empty(&self) -> bool {
        self.lock().added.is_empty()
    }

    /// Returns the services that were replaced after the restart of this number; none if there was
    /// no restart since.
    pub(super) fn replaced_since(&self, restarts: u64) -> ReplacedServices {
        let known = self.lock();
        if known.restarts == restarts {
            ReplacedServices::default()
        } else {
            known.replaced.clone()
        }
    }

    /// Returns the services of the added layers that Pebble does not start by itself.
    pub(super) fn services_not_enabled(&self) -> Vec<String> {
        let known = self.lock();
        let services = known.added.iter().flat_map(|added| added.layer.get_services());
        let mut names: Vec<String> = services
            .filter(|(_, service)| service.get_startup() != Some(&Startup::Enabled))
            .map(|(name, _)| name.clone())
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Returns `true` if the daemon behind a connection is known to have all layers.
    pub(super) fn are_verified(&self, connection: u64) -> bool {
        let known = self.lock();
        known.added.is_empty() || known.verified.contains(&connection)
    }

    /// Returns the layers that have to be checked on a connection; `None` if none has to be.
    pub(super) fn unverified(&self, connection: u64) -> Option<Vec<AddedLayer>> {
        (!self.are_verified(connection)).then(|| self.lock().added.clone())
    }

    /// Remembers a layer that was added over this connection.
    ///
    /// # Errors
    /// It fails when JSON cannot hold a number in the layer. A layer that Pebble has accepted has
    /// no such number.
    pub(super) fn remember(
        &self,
        label: &str,
        layer: &Arc<Layer>,
        connection: u64,
    ) -> Result<(), InvalidYaml> {
        let mut known = self.lock();
        // A daemon that lacks an earlier layer must not count as verified because of this one.
        let verified = known.added.is_empty() || known.verified.contains(&connection);
        insert(&mut known.added, label, layer)?;
        known.verified = if verified { vec![connection] } else { Vec::new() };
        Ok(())
    }

    /// Notes that layers are put back into this plan, and returns the plan with which that began:
    /// an earlier one, if the last try broke off.
    pub(super) fn begin_restoring(&self, plan: Plan) -> Plan {
        self.lock().restoring.get_or_insert(plan).clone()
    }

    /// Notes that the daemon behind `connection` now has all layers. Returns `true` if the plan has
    /// changed by that, which proves that Pebble had been restarted.
    pub(super) fn end_restoring(&self, connection: u64, before: &Plan, after: &Plan) -> bool {
        let mut known = self.lock();
        known.restoring = None;
        known.verified.push(connection);
        let changed = before != after;
        if changed {
            known.restarts += 1;
            let is_another = |(name, entry): &(&String, &Service)| {
                after.services().get(*name).is_some_and(|after| after != *entry)
            };
            let services = before.services().iter().filter(is_another);
            known.replaced = ReplacedServices {
                services: services.map(|(name, _)| name.clone()).collect(),
                at: Some(Timestamp::now()),
            };
        }
        changed
    }

    /// Notes that the request which puts this label back is about to be sent, and the plan before
    /// it.
    pub(super) fn begin_putting_back(&self, label: &Arc<str>, plan: &str) {
        self.lock().putting_back = Some((Arc::clone(label), plan.to_owned()));
    }

    /// Notes that the request was answered.
    pub(super) fn end_putting_back(&self) {
        self.lock().putting_back = None;
    }

    /// Returns `true` if a request for this label was sent whose answer was lost, and the plan has
    /// changed since.
    pub(super) fn put_back_has_arrived(&self, label: &str, plan: &str) -> bool {
        let known = self.lock();
        let sent = known.putting_back.as_ref();
        sent.is_some_and(|(sent, before)| **sent == *label && before != plan)
    }

    /// Returns the changes that earlier calls have waited for, so that none of them is taken for
    /// the change of a lost request.
    pub(super) fn finished_changes(&self) -> Vec<(ChangeId, Option<Timestamp>)> {
        self.lock().finished.clone()
    }

    /// Remembers a change that a call has waited for.
    pub(super) fn note_finished(&self, id: &ChangeId, spawned: Option<Timestamp>) {
        let mut known = self.lock();
        if known.finished.len() >= MOST_FINISHED {
            known.finished.remove(0);
        }
        known.finished.push((id.clone(), spawned));
    }
}

/// Adds a layer to the list. A label that is there already keeps its place, and the layer is
/// combined into it, as Pebble does.
pub(super) fn insert(
    layers: &mut Vec<AddedLayer>,
    label: &str,
    layer: &Arc<Layer>,
) -> Result<(), InvalidYaml> {
    match layers.iter_mut().find(|added| &*added.label == label) {
        Some(added) => added.layer = Arc::new(added.layer.combined_with(layer)?),
        None => layers.push(AddedLayer { label: label.into(), layer: Arc::clone(layer) }),
    }
    Ok(())
}

/// Returns `true` if two of these labels have an entry for the same service.
pub(super) fn share_a_service(added: &[AddedLayer], labels: &[&str]) -> bool {
    let chosen = added.iter().filter(|added| labels.contains(&&*added.label));
    let mut names: Vec<&String> = chosen.flat_map(|a| a.layer.get_services().keys()).collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    names.len() < all
}

/// Returns the labels whose entries a plan does not show.
///
/// If several layers have an entry for one service, the plan shows only their combination. So the
/// last of them has to show, and if it does not, all of them are put back.
pub(super) fn forgotten_labels<'a>(added: &'a [AddedLayer], plan: &Plan) -> Vec<&'a str> {
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

/// Adds the labels whose entries of one section a plan does not show.
fn missing<'a, T: 'a>(
    added: &'a [AddedLayer],
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
            let having = added.iter().filter(|added| section(&added.layer).contains_key(name));
            labels.extend(having.map(|added| &*added.label));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::layer::Override;
    use super::*;

    fn layer(service: &str, command: &str) -> Arc<Layer> {
        Arc::new(Layer::new().service(service, Service::new().command(command)))
    }

    fn labels(known: &KnownLayers) -> Vec<String> {
        known
            .unverified(u64::MAX)
            .unwrap_or_default()
            .iter()
            .map(|added| added.label.to_string())
            .collect()
    }

    #[test]
    fn a_connection_is_trusted_only_for_what_it_has_seen() {
        let known = KnownLayers::default();
        assert!(known.unverified(1).is_none(), "nothing to lose");
        known.remember("a", &layer("x", "one"), 1).unwrap();
        assert!(known.unverified(1).is_none());
        assert!(known.unverified(2).is_some());
        // The first layer was not verified on the connection over which the second was added, so
        // now neither is certain.
        known.remember("b", &layer("y", "one"), 2).unwrap();
        assert!(known.unverified(1).is_some() && known.unverified(2).is_some());
        let plan = Plan::default();
        assert!(!known.end_restoring(2, &plan, &plan));
        assert!(known.unverified(2).is_none());
    }

    #[test]
    fn a_label_keeps_its_place_and_all_that_was_combined_into_it() {
        let known = KnownLayers::default();
        known.remember("a", &layer("x", "one"), 1).unwrap();
        known.remember("b", &layer("y", "one"), 1).unwrap();
        known.remember("a", &layer("x", "two"), 1).unwrap();
        known.remember("a", &layer("z", "one"), 1).unwrap();
        assert_eq!(labels(&known), ["a", "b"]);
        let added = known.unverified(2).unwrap();
        let services = added[0].layer.get_services();
        assert_eq!(services["x"].get_command(), Some("two"));
        assert!(services.contains_key("z"));
    }

    #[test]
    fn of_several_layers_on_one_entry_the_last_has_to_show() {
        let known = KnownLayers::default();
        let over = Service::new().override_mode(Override::Merge).env("A", "1");
        known.remember("base", &layer("x", "one"), 1).unwrap();
        known.remember("other", &layer("y", "one"), 1).unwrap();
        known.remember("over", &Arc::new(Layer::new().service("x", over)), 1).unwrap();
        let added = known.unverified(2).unwrap();
        let plan = |text: &str| Plan::from_yaml(text).unwrap();
        let all = plan(
            "services: {x: {override: replace, command: one, environment: {A: '1'}}, y: \
             {override: replace, command: one}}",
        );
        assert_eq!(forgotten_labels(&added, &all), [""; 0]);
        let without_x = plan("services: {y: {override: replace, command: one}}");
        assert_eq!(forgotten_labels(&added, &without_x), ["base", "over"]);
        let nothing = plan("{}");
        let both = Layer::new().service("z", Service::new()).check("z", Check::tcp(80));
        known.remember("both", &Arc::new(both), 1).unwrap();
        let added = known.unverified(2).unwrap();
        assert_eq!(forgotten_labels(&added, &nothing), ["base", "both", "other", "over"]);
    }

    #[test]
    fn a_restart_is_counted_when_putting_back_changes_the_plan() {
        let known = KnownLayers::default();
        known.remember("a", &layer("x", "one"), 1).unwrap();
        let plan = |text: &str| Plan::from_yaml(text).unwrap();
        let file =
            plan("services: {x: {override: replace, command: file}, y: {override: replace}}");
        let half_way = plan("services: {y: {override: replace}}");
        assert_eq!(known.begin_restoring(file.clone()), file);
        assert_eq!(known.begin_restoring(half_way), file, "it breaks off and begins again");
        let after = plan(
            "services: {x: {override: replace, command: one}, y: {override: replace}, z: \
             {override: replace}}",
        );
        assert!(known.end_restoring(2, &file, &after));
        assert_eq!(known.restarts(), 1);
        assert_eq!(known.replaced_since(0).services(), ["x"]);
        assert_eq!(known.replaced_since(1).services(), [""; 0]);
    }

    #[test]
    fn a_put_back_has_arrived_when_the_plan_is_another_since() {
        let known = KnownLayers::default();
        assert!(!known.put_back_has_arrived("a", "one"));
        known.begin_putting_back(&"a".into(), "one");
        assert!(!known.put_back_has_arrived("a", "one"));
        assert!(known.put_back_has_arrived("a", "two"));
        assert!(!known.put_back_has_arrived("b", "two"));
        known.end_putting_back();
        assert!(!known.put_back_has_arrived("a", "two"));
    }

    #[test]
    fn services_that_pebble_does_not_start_by_itself_are_known() {
        let known = KnownLayers::default();
        let enabled = Service::new().command("a").startup(Startup::Enabled);
        known.remember("a", &Arc::new(Layer::new().service("on", enabled)), 1).unwrap();
        known.remember("b", &layer("off", "one"), 1).unwrap();
        assert_eq!(known.services_not_enabled(), ["off"]);
    }
}
