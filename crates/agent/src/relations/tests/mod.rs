//! Tests of the hooks that relations make, without a model around them.

mod order;
mod random;

use charmwright_juju::UnitName;

use super::all_relations::Relations;
use super::hook::{RelationEvent, RelationHook};
use super::relation::Relation;
use super::unit_relations::{Entrant, UnitRelations};
use crate::charm_meta::CharmMeta;
use crate::endpoint::{EndpointMeta, EndpointRole};

/// A relation `web:db pg:server` with the number 0, and the agents of its units.
struct Sides {
    relations: Relations,
    agents: Vec<Agent>,
}

struct Agent {
    name: UnitName,
    is_dying: bool,
    relations: UnitRelations,
}

impl Sides {
    fn new(units: &[&str]) -> Self {
        let mut relations = Relations::default();
        let first = EndpointMeta::new("db", EndpointRole::Requirer, "sql");
        let second = EndpointMeta::new("server", EndpointRole::Provider, "sql");
        relations.add(("web", first), ("pg", second)).unwrap();
        let agents = units.iter().map(|name| Agent {
            name: name.parse().unwrap(),
            is_dying: false,
            relations: UnitRelations::default(),
        });
        Self { relations, agents: agents.collect() }
    }

    fn agent(&mut self, name: &str) -> &mut Agent {
        self.agents.iter_mut().find(|agent| agent.name.to_string() == name).unwrap()
    }

    /// Lets the unit's agent enter every scope that it has not entered yet.
    fn enter(&mut self, name: &str) {
        let metadata = "name: x\nsummary: s\ndescription: d\nrequires: {db: {interface: sql}}\n\
                        provides: {server: {interface: sql}}";
        let meta = CharmMeta::parse(metadata, None, None).unwrap();
        let unit: UnitName = name.parse().unwrap();
        let entrant = Entrant { unit: &unit, principal: None, meta: &meta };
        let Self { relations, agents } = self;
        let agent = agents.iter_mut().find(|agent| agent.name == unit).unwrap();
        if agent.is_dying {
            return;
        }
        let ids: Vec<u32> =
            agent.relations.scopes_to_enter(relations, entrant).map(Relation::id).collect();
        for id in ids {
            let relation = relations.get_mut(id).unwrap();
            relation.enter(&unit, None, []);
            agent.relations.entered(&unit, relation);
        }
    }

    fn next(&mut self, name: &str) -> Option<RelationHook> {
        let Self { relations, agents } = self;
        let agent = agents.iter().find(|agent| agent.name.to_string() == name).unwrap();
        let created = agent.relations.next_created(relations).filter(|_| !agent.is_dying);
        created.or_else(|| agent.relations.next_hook(relations, &agent.name, agent.is_dying, false))
    }

    fn complete(&mut self, name: &str, hook: &RelationHook) {
        let agent = self.agent(name);
        let unit = agent.name.clone();
        if agent.relations.complete(hook) {
            self.relations.leave(hook.id, &unit);
        }
    }

    /// Lets every hook of a unit succeed, and returns them: the event and the remote unit.
    fn run(&mut self, name: &str) -> Vec<String> {
        let mut ran = Vec::new();
        while let Some(hook) = self.next(name) {
            ran.push(text(&hook));
            self.complete(name, &hook);
            assert!(ran.len() < 50, "no end: {ran:?}");
        }
        ran
    }

    fn write_unit(&mut self, name: &str, value: &str) {
        if let Some(bag) =
            self.relations.get_mut(0).and_then(|it| it.unit_bag_mut(&name.parse().unwrap()))
        {
            bag.set([("k", value)]);
        }
    }

    fn write_application(&mut self, name: &str, value: &str) {
        if let Some(bag) = self.relations.get_mut(0).and_then(|it| it.application_bag_mut(name)) {
            bag.set([("k", value)]);
        }
    }

    fn remove_unit(&mut self, name: &str) {
        self.agent(name).is_dying = true;
        self.relations.prepare_to_leave(&name.parse().unwrap());
    }
}

/// Returns the event without `relation-`, and the remote unit or application.
fn text(hook: &RelationHook) -> String {
    let event = hook.event.as_str().trim_start_matches("relation-");
    match (&hook.remote_unit, &hook.departing_unit) {
        (Some(unit), Some(departing)) if unit != departing => {
            format!("{event} {unit} ({departing} leaves)")
        }
        (Some(unit), _) => format!("{event} {unit}"),
        (None, _) => format!("{event} {}", hook.remote_app),
    }
}
