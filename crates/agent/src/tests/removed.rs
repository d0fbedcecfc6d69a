//! Tests of the tools that Juju 4 does not have. The expected texts were measured on Juju 3.6.28
//! (reference `juju-agent-measured.md` 3.8).

use super::{Fixture, text};

fn register(fixture: &mut Fixture, arguments: &[&str], metadata: &str) -> (u8, String) {
    let line: Vec<&str> = ["payload-register"].iter().chain(arguments).copied().collect();
    let mut request = fixture.request(&line);
    let wanted = fixture.needed_file(&request);
    assert_eq!(wanted.to_str(), Some("/cwd/metadata.yaml"));
    request.files.insert(wanted, Ok(metadata.as_bytes().to_vec()));
    let answer = fixture.answer(&request);
    (answer.code, text(&answer.stderr))
}

#[test]
fn payloads_are_those_of_the_metadata() {
    let mut fixture = Fixture::in_hook();
    for line in [
        &["payload-register", "docker", "c"][..],
        &["payload-unregister", "c"],
        &["payload-status-set", "c", "i"],
        &["payload-status-set"],
    ] {
        assert_eq!(fixture.tool_error(line), (2, "missing required arguments".into()), "{line:?}");
    }
    let metadata = "name: web\npayloads: {c: {type: docker}}\n";
    for (arguments, error) in [
        (&["docker", "d", "i"][..], "payload \"d\" not found in metadata.yaml"),
        (&["kvm", "c", "i"], "incorrect type \"kvm\" for payload \"c\", expected \"docker\""),
        (&["docker", "c", ""], "missing ID not valid"),
    ] {
        assert_eq!(register(&mut fixture, arguments, metadata), (1, format!("ERROR {error}\n")));
    }
    assert_eq!(
        fixture.tool_error(&["payload-status-set", "c", "i", "bogus"]),
        (
            1,
            "status \"bogus\" not supported; expected one of [\"running\", \"starting\", \
             \"stopped\", \"stopping\"]"
                .into()
        )
    );
    assert_eq!(fixture.tool_stdout(&["payload-unregister", "c", "i"]), "");
    assert_eq!(
        fixture.tool_error(&["payload-status-set", "c", "i", "running"]),
        (1, "payload not found".into())
    );
    assert_eq!(register(&mut fixture, &["docker", "c", "i", "tag"], metadata), (0, String::new()));
    assert_eq!(fixture.tool_stdout(&["payload-status-set", "c", "i", "stopped"]), "");
    assert_eq!(fixture.tool_stdout(&["payload-unregister", "c", "i"]), "");
    assert_eq!(fixture.tool_error(&["payload-status-set", "c", "i", "stopped"]).0, 1);
}

#[test]
fn an_empty_pod_spec_is_refused() {
    let mut fixture = Fixture::in_hook();
    for (tool, what) in [
        ("k8s-spec-set", "k8s spec"),
        ("pod-spec-set", "k8s spec"),
        ("k8s-raw-set", "k8s raw spec"),
    ] {
        let error = format!(
            "ERROR no {what} specified: pipe {what} to command, or specify a file with --file\n"
        );
        for line in [&[tool][..], &[tool, "--file=-"]] {
            let answer = fixture.tool_with_stdin(line, "");
            assert_eq!((answer.code, text(&answer.stderr)), (1, error.clone()), "{line:?}");
        }
        assert_eq!(fixture.tool_error(&[tool, "--file="]), (1, "path not set".into()));
        assert_eq!(fixture.tool_error(&[tool, "x"]), (2, "unrecognized args: [\"x\"]".into()));
        fixture.unit.set_leader(false);
        let answer = fixture.tool_with_stdin(&[tool], "version: 3");
        assert_eq!(text(&answer.stderr), "ERROR this unit is not the leader\n");
        fixture = Fixture::in_hook();
    }
}
