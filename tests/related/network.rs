//! A charm that tells its clients its address, and opens ports for single endpoints.

use charmwright_agent::{Deployment, EndpointMeta, EndpointRole};

use super::charms::network::Server;
use super::juju::{Juju, assert_all_done, name};

fn deployed(address: &'static str) -> Juju {
    let mut juju = Juju::new();
    juju.deploy_on_machine("network", |deployment| deployment.units(2).address(address), || Server);
    assert_all_done(&juju.settle());
    juju
}

#[test]
fn ports_are_open_for_their_endpoints_and_follow_the_option() {
    let mut juju = deployed("10.0.0.5");
    let openings = |juju: &mut Juju| {
        juju.with(|model| model.update_status(&name("network/0"))).unwrap();
        let tools = juju.tools_of("network/0").clone();
        tools.begin(std::time::Instant::now()).unwrap();
        let openings = tools.juju().port_openings().unwrap();
        tools.finish(0, std::time::Instant::now()).unwrap();
        openings.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(juju.status("network/0"), "active: listens on 10.0.0.5:80, one of 2");
    assert_eq!(openings(&mut juju), ["80/tcp (website)", "8001/tcp (admin)"]);
    juju.with(|model| model.set_config("network", "port", "8080")).unwrap();
    assert_all_done(&juju.settle());
    assert_eq!(openings(&mut juju), ["8001/tcp (admin)", "8080/tcp (website)"]);
    assert_eq!(juju.status("network/1"), "active: listens on 10.0.0.5:8080, one of 2");
}

#[test]
fn a_client_is_told_the_address_of_its_relation() {
    for (address, url) in [("10.0.0.5", "http://10.0.0.5:80/"), ("fd00::5", "http://[fd00::5]:80/")]
    {
        let mut juju = deployed(address);
        let website = EndpointMeta::new("website", EndpointRole::Requirer, "example_website");
        let client = Deployment::remote([website]);
        juju.with(|model| model.deploy("client", client)).unwrap();
        let relation = juju.integrate("network", "client");
        assert_all_done(&juju.settle());
        assert_eq!(juju.unit_data(relation, "network/0")["url"], url);
    }
}

#[test]
fn a_unit_that_leaves_is_not_planned_any_more() {
    let mut juju = deployed("10.0.0.5");
    juju.with(|model| model.remove_unit(&name("network/1"))).unwrap();
    juju.settle();
    juju.update_status();
    assert_eq!(juju.status("network/0"), "active: listens on 10.0.0.5:80, one of 1");
}

#[test]
fn a_network_that_juju_does_not_know_yet_is_waited_for() {
    let mut juju = deployed("10.0.0.5");
    for nothing in ["{}", r#"{"bind-addresses":[{"addresses":null}],"ingress-addresses":null}"#] {
        juju.tools_of("network/0").answer_once("network-get", nothing);
        assert_all_done(&juju.update_status());
        assert_eq!(juju.status("network/0"), "waiting: website: no address yet");
    }
    assert_all_done(&juju.update_status());
    assert_eq!(juju.status("network/0"), "active: listens on 10.0.0.5:80, one of 2");
}
