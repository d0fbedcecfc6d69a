//! Tests of the calls about open ports.

use std::collections::BTreeSet;

use charmwright_juju::{ErrorKind, OpenPort, Port, Protocol};

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
        let list = ["opened-ports", "--endpoints", "--format=json"];
        // Juju told that 80/tcp is open for all endpoints, so it may be open for one still.
        let expected: [&[&str]; 6] = [
            &["open-port", "443/tcp"],
            &["close-port", "icmp"],
            &list,
            &["close-port", "80/tcp"],
            &["open-port", "icmp"],
            &list,
        ];
        assert_eq!(calls(&agent), expected);
    }
}

/// Measured on Juju 3.6 and 4.0.
#[test]
fn a_close_without_an_endpoint_leaves_the_named_ones() {
    for version in ["3.6.28", "4.0.15"] {
        let (agent, hook_tools) = in_hook_of(version.parse().unwrap(), true);
        let web = "website".parse().unwrap();
        hook_tools.open_port(Port::tcp(80)).unwrap();
        hook_tools.open_port_on(Port::tcp(80), &web).unwrap();
        let for_all: OpenPort = Port::tcp(80).into();
        let named = Port::tcp(80).on(web.clone());
        // Juju does not show both.
        assert_eq!(hook_tools.port_openings().unwrap(), [for_all.clone(), named.clone()].into());
        hook_tools.close_port(Port::tcp(80)).unwrap();
        assert_eq!(hook_tools.port_openings().unwrap(), [named].into());
        hook_tools.close_port_on(Port::tcp(80), &web).unwrap();
        assert!(hook_tools.opened_ports().unwrap().is_empty());
        assert_eq!(
            calls(&agent).into_iter().filter(|call| call[0] != "opened-ports").collect::<Vec<_>>(),
            [
                &["open-port", "80/tcp"][..],
                &["open-port", "80/tcp", "--endpoints=website"],
                &["close-port", "80/tcp"],
                &["close-port", "80/tcp", "--endpoints=website"],
            ]
        );
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
    for output in
        ["{}", "[1]", "[\"80/sctp (*)\"]", "[\"80/tcp (\"]", "[\"80/tcp ()\"]", "[\"80 (../x)\"]"]
    {
        agent.answer_once("opened-ports", output);
        assert_eq!(hook_tools.opened_ports().unwrap_err().kind(), &ErrorKind::Output);
    }
    assert!(hook_tools.opened_ports().unwrap().is_empty());
}
