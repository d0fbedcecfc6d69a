//! Trial providers: each plays the other side of one interface of today's charms, and answers what
//! the charm's tools write. That of a database, which grants a secret, is in
//! `secret_model/granting.rs`.

use serde_json::{Value, json};

use super::{Deployment, EndpointMeta, EndpointRole, World, unit};
use crate::{Played, Provider};

/// Answers the request of a unit for a certificate, as tls-certificates does: the units ask in
/// their databags, and the answers are in the application's.
#[derive(Debug)]
struct Authority;

impl Provider for Authority {
    fn changed(&mut self, remote: &mut Played<'_>) {
        for relation in remote.relations() {
            let mut certificates = Vec::new();
            for unit in remote.remote_units(relation.id()) {
                let bag = remote.unit_data(relation.id(), &unit);
                // A unit that has asked for nothing, or has written anything else, is left out.
                let asked = bag.get("certificate_signing_requests");
                let asked = asked.and_then(|text| serde_json::from_str::<Vec<Value>>(text).ok());
                for request in asked.unwrap_or_default() {
                    let Some(csr) = request["certificate_signing_request"].as_str() else {
                        continue;
                    };
                    certificates.push(json!({
                        "certificate_signing_request": csr,
                        "certificate": format!("signed {csr}"),
                    }));
                }
            }
            let certificates = Value::from(certificates).to_string();
            remote.set_app_data(relation.id(), [("certificates", certificates.as_str())]);
        }
    }
}

/// Answers a route with its URL, as ingress v2 does: JSON for each key, in the applications'
/// databags.
#[derive(Debug)]
struct Router;

impl Provider for Router {
    fn changed(&mut self, remote: &mut Played<'_>) {
        for relation in remote.relations() {
            let bag = remote.remote_app_data(relation.id());
            let text = |key: &str| -> Option<Value> { serde_json::from_str(bag.get(key)?).ok() };
            let answer = match (text("model"), text("name"), text("port")) {
                (Some(Value::String(model)), Some(Value::String(name)), Some(port)) => {
                    assert!(port.is_u64(), "{port}");
                    json!({ "url": format!("http://10.0.0.9/{model}-{name}") }).to_string()
                }
                // Half a request is none, and takes the answer back.
                _ => String::new(),
            };
            remote.set_app_data(relation.id(), [("ingress", answer.as_str())]);
        }
    }
}

fn deploy(world: &mut World, name: &str, interface: &str) {
    let endpoint = EndpointMeta::new("site", EndpointRole::Requirer, interface);
    world.model.deploy(name, Deployment::remote([endpoint])).unwrap();
}

#[test]
fn a_certificate_is_signed_for_each_request_of_each_unit() {
    // The endpoint `site` of `web` provides `http`; the roles do not matter to the databags.
    let mut world = World::new(2);
    deploy(&mut world, "ca", "http");
    world.model.play("ca", Authority).unwrap();
    world.model.integrate("web:site", "ca").unwrap();
    world.settle();
    let ask = |csr: &str| {
        let request = json!([{ "certificate_signing_request": csr }]);
        format!("certificate_signing_requests={request}")
    };
    let signed = |world: &World| -> Vec<String> {
        let bag = world.app_data(1, "ca");
        let certificates: Vec<Value> = serde_json::from_str(&bag["certificates"]).unwrap();
        certificates.iter().map(|one| one["certificate"].as_str().unwrap().to_owned()).collect()
    };
    assert!(signed(&world).is_empty());
    world.write("web/0", &["relation-set", "-r", "1", &ask("csr0")]);
    world.write("web/1", &["relation-set", "-r", "1", &ask("csr1")]);
    assert_eq!(signed(&world), ["signed csr0", "signed csr1"]);
    world.run("web/0");
    // A renewal is another request, and its answer is another relation-changed.
    world.write("web/0", &["relation-set", "-r", "1", &ask("csr2")]);
    assert_eq!(world.run("web/0"), ["site-relation-changed"]);
    assert_eq!(signed(&world), ["signed csr2", "signed csr1"]);
    // What is no request is left out, and so is a unit that has gone.
    world.write("web/0", &["relation-set", "-r", "1", "certificate_signing_requests=nonsense"]);
    assert_eq!(signed(&world), ["signed csr1"]);
    world.model.remove_unit(&unit("web/1")).unwrap();
    world.settle();
    assert!(signed(&world).is_empty());
}

#[test]
fn a_route_gets_its_url_once_it_is_whole_and_loses_it_with_a_part() {
    let mut world = World::new(1);
    deploy(&mut world, "proxy", "http");
    world.model.play("proxy", Router).unwrap();
    world.model.integrate("web:site", "proxy").unwrap();
    world.settle();
    let url = |world: &mut World| {
        world.begin_config_changed("web/0");
        let url = world.out("web/0", &["relation-get", "-r", "1", "--app", "ingress", "proxy"]);
        world.finish("web/0", crate::HookExit::Code(0));
        url
    };
    world.write("web/0", &["relation-set", "-r", "1", "--app", "model=\"prod\"", "name=\"web\""]);
    assert_eq!(url(&mut world), "", "the port is missing");
    world.write("web/0", &["relation-set", "-r", "1", "--app", "port=80"]);
    assert_eq!(world.run("web/0"), ["site-relation-changed"]);
    assert_eq!(url(&mut world), "{\"url\":\"http://10.0.0.9/prod-web\"}\n");
    world.write("web/0", &["relation-set", "-r", "1", "--app", "name="]);
    assert_eq!(world.run("web/0"), ["site-relation-changed"]);
    assert_eq!(url(&mut world), "");
}
