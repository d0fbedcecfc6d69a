//! The deferred events of a unit whose charm is written with charmwright.

use charmwright::dispatch::{Deferred, FRAMEWORK_KEY, deferred_events};
use charmwright_agent::Unit;

/// Reads the events that the charm has stored in the unit's state, oldest first. A state that
/// another framework or a newer charmwright stored gives none.
pub fn deferred_events_of(unit: Unit<'_>) -> Vec<Deferred> {
    let document = unit.state().get(FRAMEWORK_KEY);
    document.and_then(|document| deferred_events(document).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use charmwright_agent::{CharmMeta, Deployment, InProcessTools, Model, ModelSettings};

    use super::*;

    /// Returns a unit whose charm has stored this document.
    fn unit_with(document: &str) -> InProcessTools {
        let meta = CharmMeta::parse("name: web\nsummary: s\ndescription: d", None, None).unwrap();
        let mut model = Model::new(ModelSettings::new());
        let units = model.deploy("web", Deployment::charm(meta)).unwrap();
        let tools = InProcessTools::new(model, units[0].clone());
        let now = std::time::Instant::now();
        tools.begin(now).unwrap();
        let state = [(FRAMEWORK_KEY.to_owned(), document.to_owned())].into();
        tools.juju().set_state(&state).unwrap();
        tools.finish(0, now).unwrap();
        tools
    }

    fn names(document: &str) -> Vec<String> {
        let tools = unit_with(document);
        tools.with_model(|model, unit| {
            let deferred = deferred_events_of(model.unit(unit).unwrap());
            deferred.iter().map(|deferred| deferred.event().to_string()).collect()
        })
    }

    #[test]
    fn they_are_told_by_their_hook() {
        let entry = r#""count":2,"attempts":3,"since":1,"reason":"no Pebble","status":"waiting""#;
        let document = format!(
            r#"{{"version":1,"data":{{"started":true,"queue":[
                {{"event":{{"event":"config-changed"}},{entry}}},
                {{"event":{{"event":"pebble-ready","container":"web"}},{entry}}},
                {{"event":{{"event":"unknown","hook":"db-relation-changed"}},{entry}}}]}}}}"#
        );
        assert_eq!(names(&document), ["config-changed", "web-pebble-ready", "db-relation-changed"]);
    }

    #[test]
    fn a_document_of_another_shape_shows_as_none() {
        let nested = r#"{"version":1,"data":{"queue":[1,null,{"event":[]}]}}"#;
        for document in ["{", "[]", "7", r#"{"queue":{}}"#, r#"{"version":9,"data":{}}"#, nested] {
            assert_eq!(names(document), [""; 0], "{document}");
        }
    }
}
