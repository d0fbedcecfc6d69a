//! A charm that tells its clients its address, and opens ports for single endpoints.

use charmwright_agent::{Deployment, EndpointMeta, EndpointRole, Network};

use super::charms::network::Server;
use super::juju::{Juju, VERSIONS, assert_all_done, name};

fn deployed(version: &str, address: &'static str) -> Juju {
    let mut juju = Juju::of_version(version);
    juju.deploy_with("network", |deployment| deployment.units(2).address(address), || Server);
    assert_all_done(&juju.settle());
    juju
}

fn openings(juju: &mut Juju) -> Vec<String> {
    juju.with(|model| model.update_status(&name("network/0"))).unwrap();
    let tools = juju.tools_of("network/0").clone();
    tools.begin(std::time::Instant::now()).unwrap();
    let openings = tools.juju().port_openings().unwrap();
    tools.finish(0, std::time::Instant::now()).unwrap();
    openings.iter().map(ToString::to_string).collect()
}

#[test]
fn ports_are_open_for_their_endpoints_and_follow_the_option() {
    for version in VERSIONS {
        let mut juju = deployed(version, "10.0.0.5");
        assert_eq!(juju.status("network/0"), "active: listens on 10.0.0.5:80, one of 2");
        assert_eq!(openings(&mut juju), ["80/tcp (website)", "8001/tcp (admin)"]);
        juju.with(|model| model.set_config("network", "port", "8080")).unwrap();
        assert_all_done(&juju.settle());
        assert_eq!(openings(&mut juju), ["8001/tcp (admin)", "8080/tcp (website)"]);
        assert_eq!(juju.status("network/1"), "active: listens on 10.0.0.5:8080, one of 2");
    }
}

#[test]
fn a_client_is_told_the_address_of_its_relation() {
    for version in VERSIONS {
        for (address, url) in
            [("10.0.0.5", "http://10.0.0.5:80/"), ("fd00::5", "http://[fd00::5]:80/")]
        {
            let mut juju = deployed(version, address);
            let website = EndpointMeta::new("website", EndpointRole::Requirer, "example_website");
            let client = Deployment::remote([website]);
            juju.with(|model| model.deploy("client", client)).unwrap();
            let relation = juju.integrate("network", "client");
            assert_all_done(&juju.settle());
            assert_eq!(juju.unit_data(relation, "network/0")["url"], url);
        }
    }
}

#[test]
fn a_unit_that_leaves_is_not_planned_any_more() {
    for version in VERSIONS {
        let mut juju = deployed(version, "10.0.0.5");
        juju.with(|model| model.remove_unit(&name("network/1"))).unwrap();
        assert_all_done(&juju.settle());
        assert_all_done(&juju.update_status());
        assert_eq!(juju.status("network/0"), "active: listens on 10.0.0.5:80, one of 1");
    }
}

#[test]
fn a_network_that_juju_does_not_know_yet_is_waited_for() {
    const UNKNOWN: &str = "waiting: website: Juju has no network configuration for it yet";
    const NO_ADDRESS: &str = "waiting: website: no address yet";
    for version in VERSIONS {
        let mut juju = deployed(version, "10.0.0.5");
        // Juju 4.0 shows a network that has no interface (measured).
        let without_interface = if version.starts_with('3') { UNKNOWN } else { NO_ADDRESS };
        let eth0 = || Network::new().interface("eth0", "");
        for (network, status) in [
            (Network::new(), UNKNOWN),
            (Network::new().ingress("10.0.0.9"), without_interface),
            (eth0(), NO_ADDRESS),
            (eth0().address("10.0.0.6", ""), "active: listens on 10.0.0.6:80, one of 2"),
        ] {
            juju.with(|model| model.set_network("network", "website", network)).unwrap();
            assert_all_done(&juju.update_status());
            assert_eq!(juju.status("network/0"), status, "{version}");
        }
    }
}
