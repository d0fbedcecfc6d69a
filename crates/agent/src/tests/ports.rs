//! Tests of `open-port`, `close-port` and `opened-ports`.
//!
//! The expected texts were measured on Juju 3.6.28 and 4.0.15. A comment such as `R3` names the row
//! of reference `juju-agent-measured.md` 2.1.

use super::super::Substrate;
use super::{Fixture, HookExit};

/// Makes a unit on a machine whose install hook is running. Only on a machine Juju opens ranges.
fn machine_unit() -> Fixture {
    let mut fixture = Fixture::with_settings(|settings| settings.substrate(Substrate::Machine));
    fixture.begin();
    fixture
}

fn ports(fixture: &mut Fixture) -> Vec<String> {
    let shown = fixture.tool_stdout(&["opened-ports", "--endpoints"]);
    shown.lines().map(str::to_owned).collect()
}

fn next_hook(fixture: &mut Fixture) {
    fixture.finish(HookExit::Code(0));
    fixture.begin();
}

fn conflict(verb: &str, range: &str, other: &str, earlier: bool) -> (u8, String) {
    let earlier = if earlier { " requested earlier" } else { "" };
    (
        1,
        format!(
            "cannot {verb} {range} (unit \"web/0\"): port range conflicts with {other} (unit \
             \"web/0\"){earlier}"
        ),
    )
}

#[test]
fn a_close_is_for_its_endpoints_only() {
    let mut fixture = machine_unit();
    // R3
    fixture.tool_stdout(&["open-port", "82", "--endpoints", "web"]);
    fixture.tool_stdout(&["open-port", "82"]);
    assert_eq!(ports(&mut fixture), ["82/tcp (*)"]);
    fixture.tool_stdout(&["close-port", "82"]);
    assert_eq!(ports(&mut fixture), ["82/tcp (web)"]);
    next_hook(&mut fixture);
    fixture.tool_stdout(&["close-port", "82"]);
    fixture.tool_stdout(&["close-port", "82", "--endpoints=other"]);
    assert_eq!(ports(&mut fixture), ["82/tcp (web)"], "a stored one stays, too");
    next_hook(&mut fixture);
    fixture.tool_stdout(&["close-port", "82", "--endpoints=other, web"]);
    assert!(ports(&mut fixture).is_empty());
    next_hook(&mut fixture);
    assert!(fixture.unit.report().ports.is_empty());
}

#[test]
fn an_overlap_error_says_whether_the_range_was_requested_earlier() {
    let mut fixture = machine_unit();
    // R4
    fixture.tool_stdout(&["open-port", "80"]);
    fixture.tool_stdout(&["open-port", "200-210"]);
    assert_eq!(
        fixture.tool_error(&["open-port", "79-81"]),
        conflict("open", "79-81/tcp", "80/tcp", true)
    );
    fixture.tool_stdout(&["open-port", "79-81/udp"]);
    next_hook(&mut fixture);
    assert_eq!(
        fixture.tool_error(&["open-port", "79-81"]),
        conflict("open", "79-81/tcp", "80/tcp", false)
    );
    // R5
    assert_eq!(
        fixture.tool_error(&["close-port", "201-202"]),
        conflict("close", "201-202/tcp", "200-210/tcp", false)
    );
    fixture.tool_stdout(&["close-port", "200-210"]);
    fixture.tool_stdout(&["close-port", "999"]);
    assert_eq!(
        fixture.tool_error(&["close-port", "201-202"]),
        conflict("close", "201-202/tcp", "200-210/tcp", true)
    );
    assert_eq!(
        fixture.tool_error(&["close-port", "999-1000"]),
        conflict("close", "999-1000/tcp", "999/tcp", true)
    );
    assert_eq!(fixture.tool_stdout(&["close-port", "3000-3010"]), "");
    assert_eq!(fixture.tool_stdout(&["opened-ports"]), "80/tcp\n79-81/udp\n");
}

#[test]
fn ranges_are_parsed_as_juju_parses_them() {
    let mut fixture = machine_unit();
    // R28
    for range in ["icmp", "ICMP/x", "icmp/80", "icmp/"] {
        assert_eq!(fixture.tool_stdout(&["open-port", range]), "", "{range}");
    }
    assert_eq!(fixture.tool_stdout(&["opened-ports"]), "icmp\n");
    let no_number = |text: &str| {
        format!("invalid port {text:?}: strconv.Atoi: parsing {text:?}: invalid syntax")
    };
    for (range, error) in [
        ("80/icmp", "protocol \"icmp\" doesn't support any ports; got \"80\"".to_owned()),
        ("80-81/icmp", "protocol \"icmp\" doesn't support any ports; got \"80\"".to_owned()),
        ("90-80", "invalid port range 90-80/tcp".to_owned()),
        ("80-90-100", "invalid port range \"80-90-100\"".to_owned()),
        ("80--90", "invalid port range \"80--90\"".to_owned()),
        ("/", no_number("")),
        ("tcp/80", no_number("tcp")),
        ("x/sctp", no_number("x")),
        ("80/sctp", "invalid protocol \"sctp\", expected \"tcp\", \"udp\", or \"icmp\"".to_owned()),
        (
            "9223372036854775808",
            "invalid port \"9223372036854775808\": strconv.Atoi: parsing \"9223372036854775808\": \
             value out of range"
                .to_owned(),
        ),
        (
            "9223372036854775807",
            "port range bounds must be between 0 and 65535, got \
             9223372036854775807-9223372036854775807"
                .to_owned(),
        ),
    ] {
        for tool in ["open-port", "close-port"] {
            assert_eq!(fixture.tool_error(&[tool, range]), (2, error.clone()), "{tool} {range}");
        }
    }
}

#[test]
fn a_star_is_the_name_of_an_endpoint() {
    let mut fixture = machine_unit();
    // R29
    fixture.tool_stdout(&["open-port", "86", "--endpoints", "web,*"]);
    fixture.tool_stdout(&["open-port", "87", "--endpoints", "*"]);
    fixture.tool_stdout(&["open-port", "98"]);
    fixture.tool_stdout(&["close-port", "98", "--endpoints", "*"]);
    assert_eq!(ports(&mut fixture), ["86/tcp (*, web)", "87/tcp (*)", "98/tcp (*)"]);
    fixture.tool_stdout(&["close-port", "87"]);
    assert_eq!(ports(&mut fixture), ["86/tcp (*, web)", "87/tcp (*)", "98/tcp (*)"]);
    fixture.tool_stdout(&["close-port", "87", "--endpoints=*"]);
    assert_eq!(ports(&mut fixture), ["86/tcp (*, web)", "98/tcp (*)"]);
    fixture.tool_stdout(&["open-port", "99", "--endpoints", ""]);
    fixture.tool_stdout(&["close-port", "99"]);
    assert_eq!(ports(&mut fixture), ["86/tcp (*, web)", "98/tcp (*)"]);
}

#[test]
fn ports_of_an_endpoint_that_the_charm_lacks_are_refused_at_the_commit() {
    let machine = ("3.6.28", Substrate::Machine, "unit \"web/0\"");
    let kubernetes = ("3.6.28", Substrate::Kubernetes, "application \"web\"");
    for (version, substrate, whose) in [machine, kubernetes] {
        for verb in ["open", "close"] {
            let mut fixture = Fixture::with_settings(|settings| {
                settings.substrate(substrate).juju_version(version.parse().unwrap())
            });
            fixture.begin();
            fixture.tool_stdout(&["open-port", "80", "--endpoints", "site,web"]);
            assert!(fixture.finish(HookExit::Code(0)).committed());
            fixture.begin();
            fixture.tool_stdout(&[&format!("{verb}-port"), "81", "--endpoints=site,nope"]);
            let finished = fixture.finish(HookExit::Code(0));
            let text = format!(
                "cannot open/close ports: {verb} port range: endpoint \"nope\" for {whose} not \
                 found"
            );
            assert_eq!(finished.error(), Some(text.as_str()));
            assert_eq!(fixture.unit.report().ports, ["80/tcp"], "nothing of it is committed");
        }
    }
    let mut fixture = Fixture::with_settings(|settings| {
        settings.substrate(Substrate::Machine).juju_version("4.0.15".parse().unwrap())
    });
    fixture.begin();
    fixture.tool_stdout(&["open-port", "80", "--endpoints=*"]);
    let finished = fixture.finish(HookExit::Code(0));
    let error = finished.error().unwrap();
    assert!(error.contains("invalid endpoint(s); [*] does exist on unit"), "{error}");
}

#[test]
fn icmp_is_refused_on_kubernetes_at_the_commit() {
    for (substrate, error) in [
        (Substrate::Machine, None),
        (Substrate::Kubernetes, Some("protocol icmp on caas models not supported")),
    ] {
        let mut fixture = Fixture::with_settings(|settings| settings.substrate(substrate));
        fixture.begin();
        fixture.tool_stdout(&["open-port", "icmp"]);
        assert_eq!(fixture.finish(HookExit::Code(0)).error(), error);
    }
}
