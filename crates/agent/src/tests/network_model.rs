//! Tests of the network, the goal state, resources, credentials and the parameters of actions.
//!
//! The expected texts were measured on Juju 3.6.28 and 4.0.15. A comment such as `R3` names the row
//! of reference `juju-agent-measured.md` 2.1.

use std::time::{Duration, Instant, SystemTime};

use super::super::{Cloud, ErrorKind, Network, Substrate};
use super::Fixture;

#[test]
fn an_unknown_binding_is_refused_with_the_text_of_each_version() {
    // R7
    for (version, error) in [
        ("3.6.28", "no network config found for binding \"nope\\u200b\""),
        ("4.0.15", "undefined for unit charm: endpoint \"nope\\u200b\" not valid"),
    ] {
        let mut fixture = Fixture::with_version(version);
        fixture.begin();
        for options in [&[][..], &["--bind-address"], &["--primary-address", "--bind-address"]] {
            let line: Vec<&str> =
                ["network-get", "nope\u{200b}"].iter().chain(options).copied().collect();
            assert_eq!(fixture.tool_error(&line), (1, error.into()), "{line:?}");
        }
    }
}

#[test]
fn a_network_is_shown_in_the_order_of_jujus_fields() {
    let mut fixture = Fixture::with_deployment(|deployment| deployment.address("10.0.0.7"));
    fixture.begin();
    // R8
    let yaml = "bind-addresses:\n- mac-address: \"\"\n  interface-name: lo\n  addresses:\n\
        \x20 - hostname: \"\"\n    value: 10.0.0.7\n\
        \x20   cidr: 10.0.0.7/32\n    address: 10.0.0.7\n  macaddress: \"\"\n  interfacename: lo\n\
        egress-subnets:\n- 10.0.0.7/32\ningress-addresses:\n- 10.0.0.7\n";
    assert_eq!(fixture.tool_stdout(&["network-get", "site", "--format=yaml"]), yaml);
    assert_eq!(fixture.tool_stdout(&["network-get", "site"]), yaml);
    assert_eq!(
        fixture.tool_stdout(&["network-get", "site", "--format=json"]),
        "{\"bind-addresses\":[{\"mac-address\":\"\",\"interface-name\":\"lo\",\
         \"addresses\":[{\"hostname\":\"\",\
         \"value\":\"10.0.0.7\",\"cidr\":\"10.0.0.7/32\"}]}],\"egress-subnets\":[\"10.0.0.7/32\"],\
         \"ingress-addresses\":[\"10.0.0.7\"]}\n"
    );
    // R31
    for other in ["--bind-address", "--ingress-address", "--egress-subnets"] {
        assert_eq!(
            fixture.tool_error(&["network-get", "site", "--primary-address", other]),
            (1, "--primary-address must be the only flag specified".into())
        );
    }
    assert_eq!(fixture.tool_stdout(&["network-get", "site", "--primary-address"]), "10.0.0.7\n");
    assert_eq!(
        fixture.tool_stdout(&["network-get", "site", "--egress-subnets", "--bind-address"]),
        "bind-address: 10.0.0.7\negress-subnets:\n- 10.0.0.7/32\n"
    );
}

#[test]
fn the_goal_state_is_shown_in_the_order_of_jujus_fields() {
    let time: jiff::Timestamp = "2026-01-02T03:04:05.9Z".parse().unwrap();
    let began = Instant::now();
    let time = SystemTime::try_from(time).unwrap();
    let mut fixture = Fixture::with_settings(|settings| settings.clock(began, time));
    fixture.now = began;
    fixture.begin();
    // R9. The tests of the YAML writer cover whether the time is quoted.
    let yaml = fixture.tool_stdout(&["goal-state"]).replace('"', "");
    assert_eq!(
        yaml,
        "units:\n  web/0:\n    status: maintenance\n    since: 2026-01-02 03:04:05Z\nrelations: \
         {}\n"
    );
    assert_eq!(
        fixture.tool_stdout(&["goal-state", "--format=json"]),
        "{\"units\":{\"web/0\":{\"status\":\"maintenance\",\"since\":\"2026-01-02 \
         03:04:05Z\"}},\"relations\":{}}\n"
    );
    // The time is that of the last status-set.
    let mut request = fixture.request(&["status-set", "active"]);
    request.now = Some(began + Duration::from_secs(95));
    assert_eq!(fixture.answer(&request).code, 0);
    let told = fixture.tool_stdout(&["goal-state", "--format=json"]);
    assert!(told.contains("{\"status\":\"active\",\"since\":\"2026-01-02 03:05:40Z\"}"), "{told}");
    assert_eq!(
        fixture.tool_error(&["goal-state", "--format=smart"]),
        (2, "invalid value \"smart\" for option --format: unknown format \"smart\"".into())
    );
}

#[test]
fn action_parameters_and_results() {
    let mut fixture = Fixture::in_action(&[
        ("none", "[]"),
        ("extra", "[a, b]"),
        ("who.first", "Ann"),
        ("nobody", "{}"),
    ]);
    for (line, out) in [
        // R10
        (&["action-get", ""][..], ""),
        (&["action-get", "", "--format=json"], "null\n"),
        (&["action-get", "who.", "--format=json"], "null\n"),
        (&["action-get", "."], ""),
        // R11
        (&["action-get", "none"], "[]\n"),
        (&["action-get", "none", "--format=yaml"], "[]\n"),
        (&["action-get", "nobody"], "{}\n"),
        (&["action-get", "extra"], "- a\n- b\n"),
    ] {
        assert_eq!(fixture.tool_stdout(line), out, "{line:?}");
    }
    let mut fixture = Fixture::in_hook();
    // R12
    assert_eq!(fixture.tool_stdout(&["action-set"]), "");
    assert_eq!(fixture.tool_error(&["action-set", "a=1"]), (1, "not running an action".into()));
    assert_eq!(fixture.tool_error(&["action-get", "x", "y"]).0, 2, "the arguments come first");
}

#[test]
fn the_controller_is_asked_for_resources_and_credentials() {
    // R31
    for (substrate, error) in [
        (
            Substrate::Kubernetes,
            "cannot access cloud credentials: getting model credentials: permission denied",
        ),
        (Substrate::Machine, "cannot access cloud credentials: permission denied"),
    ] {
        let mut fixture = Fixture::with_settings(|settings| settings.substrate(substrate));
        fixture.begin();
        assert_eq!(fixture.tool_error(&["credential-get"]), (1, error.into()));
        assert_eq!(
            fixture.tool_error(&["credential-get", "x"]),
            (2, "unrecognized args: [\"x\"]".into())
        );
        assert_eq!(
            fixture.tool_error(&["resource-get", ""]),
            (1, "could not download resource: resource \"\" not found".into())
        );
        assert_eq!(
            fixture.tool_error(&["resource-get", "image", "--format=json"]),
            (2, "option provided but not defined: --format".into())
        );
    }
}

/// Returns a unit in its first hook, whose endpoint `site` has this network.
fn with_network(version: &str, network: Network) -> Fixture {
    let mut fixture = Fixture::with_version(version);
    fixture.unit.model.set_network("web", "site", network).unwrap();
    fixture.begin();
    fixture
}

#[test]
fn a_network_may_have_several_addresses_or_none() {
    // 3.4
    let both = ["3.6.28", "4.0.15"];
    for version in both {
        let network = Network::new()
            .interface("eth0", "00:16:3e:00:00:01")
            .address("10.0.0.7", "10.0.0.0/24")
            .address("fd00::7", "fd00::/64")
            .interface("eth1", "")
            .egress("192.0.2.0/24");
        let mut fixture = with_network(version, network);
        assert_eq!(
            fixture.tool_stdout(&["network-get", "site", "--format=json"]),
            "{\"bind-addresses\":[{\"mac-address\":\"00:16:3e:00:00:01\",\
             \"interface-name\":\"eth0\",\"addresses\":[{\"hostname\":\"\",\
             \"value\":\"10.0.0.7\",\"cidr\":\"10.0.0.0/24\"},{\"hostname\":\"\",\
             \"value\":\"fd00::7\",\"cidr\":\"fd00::/64\"}]},{\"mac-address\":\"\",\
             \"interface-name\":\"eth1\",\"addresses\":[]}],\
             \"egress-subnets\":[\"192.0.2.0/24\"]}\n"
        );
        // Without an ingress address it is the one to listen on.
        assert_eq!(
            fixture.tool_stdout(&["network-get", "site", "--ingress-address"]),
            "10.0.0.7\n"
        );
        assert_eq!(fixture.tool_stdout(&["network-get", "other", "--bind-address"]), "127.0.0.1\n");
    }
    for (version, error) in [
        ("3.6.28", ["no addresses", "no addresses", "no addresses"]),
        ("4.0.15", ["no primary address", "no ingress address", "no bind address"]),
    ] {
        let mut fixture = with_network(version, Network::new().interface("eth0", ""));
        let options = ["--primary-address", "--ingress-address", "--bind-address"];
        for (option, error) in options.into_iter().zip(error) {
            assert_eq!(
                fixture.tool_error(&["network-get", "site", option]),
                (1, format!("{error} attached to space for binding \"site\"")),
                "{version} {option}"
            );
        }
        assert_eq!(fixture.tool_stdout(&["network-get", "site", "--egress-subnets"]), "");
        // Nothing at all.
        let mut fixture = with_network(version, Network::new());
        let none = (1, "no network config found for binding \"site\"".to_owned());
        assert_eq!(fixture.tool_error(&["network-get", "site"]), none);
    }
    // No interface, but the rest.
    let rest = Network::new().ingress("10.1.0.1").egress("10.1.0.1/32");
    let mut fixture = with_network("3.6.28", rest.clone());
    let none = (1, "no network config found for binding \"site\"".to_owned());
    assert_eq!(fixture.tool_error(&["network-get", "site"]), none);
    let mut fixture = with_network("4.0.15", rest);
    assert_eq!(
        fixture.tool_stdout(&["network-get", "site"]),
        "egress-subnets:\n- 10.1.0.1/32\ningress-addresses:\n- 10.1.0.1\n"
    );
    let refused = fixture.unit.model.set_network("web", "nope", Network::new()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Relation);
}

#[test]
fn the_credential_is_shown_to_a_trusted_application_only() {
    // 3.8
    let cloud = Cloud::new("lxd", "localhost")
        .region("here")
        .credential("certificate", [("trust-password", "s3cret"), ("client-cert", "c")]);
    assert!(!format!("{cloud:?}").contains("s3cret"));
    let mut fixture = Fixture::with(
        |settings| settings.cloud(cloud).substrate(Substrate::Machine),
        |deployment| deployment.trust(true),
    );
    fixture.begin();
    let yaml = "type: lxd\nname: localhost\nregion: here\nendpoint: \"\"\nidentityendpoint: \"\"\n\
        storageendpoint: \"\"\ncredential:\n  authtype: certificate\n  attributes:\n\
        \x20   client-cert: c\n    trust-password: s3cret\n  redacted: []\ncacertificates: []\n\
        skiptlsverify: false\niscontrollercloud: false\n";
    assert_eq!(fixture.tool_stdout(&["credential-get"]), yaml);
    assert_eq!(fixture.tool_stdout(&["credential-get", "--format=yaml"]), yaml);
    assert_eq!(
        fixture.tool_stdout(&["credential-get", "--format=json"]),
        "{\"type\":\"lxd\",\"name\":\"localhost\",\"region\":\"here\",\
         \"credential\":{\"auth-type\":\"certificate\",\"attrs\":{\"client-cert\":\"c\",\
         \"trust-password\":\"s3cret\"}}}\n"
    );
    fixture.unit.model.trust("web", false).unwrap();
    assert_eq!(
        fixture.tool_error(&["credential-get"]),
        (1, "cannot access cloud credentials: permission denied".into())
    );
}
