//! What a client knows of its daemon: the layers that it has added, and the changes that are over.
//!
//! Layers added over the API are never written to disk: they are gone when the daemon is restarted,
//! and a replan then answers `Done` with nothing running. So the client remembers what it added,
//! and over which connection it last knew the daemon to have it. No daemon outlives its
//! connections, so on that one it is certain. On any other, the plan is read first, see
//! `restore_layers`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::change::ChangeId;
use super::layer::{Check, InvalidYaml, Layer, LogTarget, Plan, Service};
use super::service_info::{ServiceInfo, Startup};
use super::timestamp::Timestamp;

/// What the clones of a client know of their daemon and its layers.
#[derive(Debug, Default)]
pub(super) struct KnownLayers {
    known: Mutex<Known>,
    /// Held by the call that puts layers back.
    pub(super) restore_lock: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Known {
    added: Vec<AddedLayer>,
    /// The connections behind which the daemon is known to have all of `added`.
    verified: Vec<u64>,
    /// The plan as it was before the first layer was put back.
    restoring: Option<Plan>,
    /// The label that is being put back, and the plan just before it was sent.
    putting_back: Option<(Arc<str>, String)>,
    restarts: u64,
    replaced: ReplacedServices,
    finished: Vec<(ChangeId, Option<Timestamp>)>,
}

/// What putting layers back has changed in the plan of a restarted daemon.
#[derive(Debug, Clone, Default)]
pub(super) struct ReplacedServices {
    /// The services that were in the plan before, with another entry.
    services: Vec<String>,
    /// When the layers were all there.
    at: Option<Timestamp>,
}

impl ReplacedServices {
    pub(super) fn services(&self) -> &[String] {
        &self.services
    }

    /// Whether a service was started with the entry of before: by a change that the daemon had
    /// taken over, or because a layer file enables it.
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

/// All that was added under one label.
#[derive(Debug, Clone)]
pub(super) struct AddedLayer {
    pub(super) label: Arc<str>,
    pub(super) layer: Arc<Layer>,
}

/// More changes than a client makes before a reply is lost.
const MOST_FINISHED: usize = 64;

impl KnownLayers {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts how often layers were proved to have been forgotten.
    pub(super) fn restarts(&self) -> u64 {
        self.lock().restarts
    }

    /// Whether no layer was added.
    pub(super) fn is_empty(&self) -> bool {
        self.lock().added.is_empty()
    }

    /// Gives what was changed by putting layers back, if that was after the restart of this number.
    pub(super) fn replaced_since(&self, restarts: u64) -> ReplacedServices {
        let known = self.lock();
        if known.restarts == restarts {
            ReplacedServices::default()
        } else {
            known.replaced.clone()
        }
    }

    /// Gives the services of the layers that Pebble does not start by itself.
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

    /// Gives the layers to look for on a connection; `None` when there is nothing to look for.
    pub(super) fn unverified(&self, connection: u64) -> Option<Vec<AddedLayer>> {
        let known = self.lock();
        let settled = known.added.is_empty() || known.verified.contains(&connection);
        (!settled).then(|| known.added.clone())
    }

    /// Remembers a layer that was added over a connection.
    ///
    /// # Errors
    /// When JSON cannot hold a number in it. One that Pebble has taken has no such number.
    pub(super) fn remember(
        &self,
        label: &str,
        layer: &Arc<Layer>,
        connection: u64,
    ) -> Result<(), InvalidYaml> {
        let mut known = self.lock();
        let verified = known.added.is_empty() || known.verified.contains(&connection);
        insert(&mut known.added, label, layer)?;
        known.verified = if verified { vec![connection] } else { Vec::new() };
        Ok(())
    }

    pub(super) fn begin_restoring(&self, plan: Plan) -> Plan {
        self.lock().restoring.get_or_insert(plan).clone()
    }

    /// Notes that the daemon behind `connection` has everything now; says whether it had been restarted.
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

    pub(super) fn begin_putting_back(&self, label: &Arc<str>, plan: &str) {
        self.lock().putting_back = Some((Arc::clone(label), plan.to_owned()));
    }

    pub(super) fn end_putting_back(&self) {
        self.lock().putting_back = None;
    }

    pub(super) fn put_back_has_arrived(&self, label: &str, plan: &str) -> bool {
        let known = self.lock();
        let sent = known.putting_back.as_ref();
        sent.is_some_and(|(sent, before)| **sent == *label && before != plan)
    }

    /// Gives the changes that earlier calls have waited for, so that they are not taken for a lost
    /// one.
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

/// Combines a content into its label, which keeps its place among the layers, as Pebble has it.
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

/// Whether two of these labels have an entry of one service.
pub(super) fn share_a_service(added: &[AddedLayer], labels: &[&str]) -> bool {
    let chosen = added.iter().filter(|added| labels.contains(&&*added.label));
    let mut names: Vec<&String> = chosen.flat_map(|a| a.layer.get_services().keys()).collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    names.len() < all
}

/// Gives the labels that a plan does not show.
///
/// What several layers say of one entry does not show one by one. The last of them has to show;
/// when it does not, all of them are to go back.
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

/// The same for one section.
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
        // Added over a connection behind which the first was not verified: neither is certain now.
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
