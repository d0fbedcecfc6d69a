//! Tests of the calls about open ports.

use std::collections::BTreeSet;

use charmwright_juju::{ErrorKind, Port, Protocol};

use super::{calls, exit_error, in_hook, in_hook_of, next_hook};

/// Juju 2.9 leaves the hook's own changes out of its list, and later versions include them.
#[test]
fn open_ports_are_cached_and_kept_up_to_date() {
    for version in ["2.9.52", "3.6.28"] {
        let (agent, hook_tools) = in_hook_of(version.parse().unwrap(), true);
        let range = Port::range(8000, 8010, Protocol::Udp).unwrap();
        for port in [Port::tcp(80), range, Port::icmp()] {
            hook_tools.open_port(port).unwrap();
        }
        let hook_tools = next_hook(&agent);
        hook_tools.open_port(Port::tcp(443)).unwrap();
        hook_tools.close_port(Port::icmp()).unwrap();
        let text =
            |ports: BTreeSet<Port>| ports.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(
            text(hook_tools.opened_ports().unwrap()),
            ["80/tcp", "443/tcp", "8000-8010/udp"]
        );
        hook_tools.close_port(Port::tcp(80)).unwrap();
        hook_tools.open_port(Port::icmp()).unwrap();
        assert_eq!(text(hook_tools.opened_ports().unwrap()), ["443/tcp", "8000-8010/udp", "icmp"]);
        let expected: [&[&str]; 5] = [
            &["open-port", "443/tcp"],
            &["close-port", "icmp"],
            &["opened-ports", "--format=json"],
            &["close-port", "80/tcp"],
            &["open-port", "icmp"],
        ];
        assert_eq!(calls(&agent), expected);
    }
}

#[test]
fn a_port_that_failed_to_open_is_not_cached() {
    let (agent, hook_tools) = in_hook();
    agent.fail_once("open-port", exit_error("ERROR port ranges are not supported"));
    let error = hook_tools.open_port(Port::tcp(1)).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("cannot open port 1/tcp: open-port exited with code 1: ERROR port ranges"),
        "{error}"
    );
    for output in ["{}", "[1]", "[\"80/sctp\"]"] {
        agent.answer_once("opened-ports", output);
        assert_eq!(hook_tools.opened_ports().unwrap_err().kind(), &ErrorKind::Output);
    }
    assert!(hook_tools.opened_ports().unwrap().is_empty());
}
