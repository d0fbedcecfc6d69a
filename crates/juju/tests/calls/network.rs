//! Tests of the calls about networks.

use charmwright_juju::{EndpointName, ErrorKind, Host, UnitAddress};

use super::{calls, exit_error, in_hook, in_hook_of};

fn web() -> EndpointName {
    "website".parse().unwrap()
}

#[test]
fn a_network_is_read_once_for_a_binding_and_once_for_a_relation() {
    let (agent, hook_tools) = in_hook();
    let printed = r#"{"bind-addresses":[{"addresses":[{"value":"10.0.0.1","cidr":""}]}]}"#;
    for answer in [printed, "{}"] {
        agent.answer_once("network-get", answer);
    }
    let relation = "website:3".parse().unwrap();
    let bare = "3".parse().unwrap();
    for _ in 0..2 {
        let network = hook_tools.network(&web()).unwrap();
        assert_eq!(network.ingress_address(), Some(&Host::Ip([10, 0, 0, 1].into())));
        for id in [&relation, &bare] {
            assert_eq!(hook_tools.relation_network(&web(), id).unwrap().bind_address(), None);
        }
    }
    assert_eq!(
        calls(&agent),
        [
            &["network-get", "--format=json", "website"][..],
            &["network-get", "--format=json", "-r", "3", "website"],
        ]
    );
}

/// Juju 3.6 and 4.0 word it differently (measured).
#[test]
fn a_binding_that_juju_knows_nothing_of_is_not_found() {
    for version in ["3.6.28", "4.0.15"] {
        let (_, hook_tools) = in_hook_of(version.parse().unwrap(), true);
        let error = hook_tools.network(&"nope".parse().unwrap()).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::NotFound, "{error}");
        assert!(error.to_string().starts_with("cannot read the network configuration of the bin"));
    }
}

#[test]
fn a_relation_that_is_gone_is_gone_in_the_words_of_every_juju() {
    for text in ["ERROR permission denied", "ERROR relation 3 not found"] {
        let (agent, hook_tools) = in_hook();
        agent.fail_once("network-get", exit_error(text));
        let error = hook_tools.relation_network(&web(), &"website:3".parse().unwrap()).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Gone, "{error}");
    }
}

#[test]
fn what_is_no_network_is_an_error_and_not_quoted() {
    let (agent, hook_tools) = in_hook();
    for output in ["", "[]", "hunter2", r#"{"ingress-addresses":"hunter2"}"#] {
        agent.answer_once("network-get", output);
        let error = hook_tools.network(&web()).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Output);
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}

#[test]
fn an_address_of_the_unit_is_read_by_its_name() {
    let (agent, hook_tools) = in_hook();
    let address = hook_tools.unit_address(UnitAddress::Private).unwrap();
    assert_eq!(hook_tools.unit_address(UnitAddress::Public).unwrap(), address);
    assert!(address.parse::<std::net::IpAddr>().is_ok(), "{address}");
    let get = |setting| ["unit-get", "--format=json", setting];
    assert_eq!(calls(&agent), [get("private-address"), get("public-address")]);
    for printed in ["null", "\"\"", "[]", "{}"] {
        agent.answer_once("unit-get", printed);
        let error = hook_tools.unit_address(UnitAddress::Private).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Output, "{printed}: {error}");
    }
}
