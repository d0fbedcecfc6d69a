//! Tests of hook tools without processes: their faults and queued answers, and that they follow the
//! rules of real tools.

use std::time::Duration;

use charmwright_juju::{ToolCall, ToolError, ToolRunner};

use super::super::{ErrorKind, InProcessTools};
use super::{Fixture, HookExit, text};

fn tools(fixture: Fixture) -> InProcessTools {
    InProcessTools::new(fixture.unit.model, fixture.unit.name)
}

fn call(line: &[&str]) -> ToolCall<'static> {
    let (tool, args) = line.split_first().unwrap();
    let tool: &'static str = Box::leak((*tool).to_owned().into_boxed_str());
    args.iter().fold(ToolCall::new(tool), |call, arg| call.arg(*arg))
}

/// Returns the output of the tool, or the text of its error.
fn run(tools: &InProcessTools, line: &[&str]) -> String {
    match tools.run(&call(line)) {
        Ok(output) => text(&output),
        Err(ToolError::Exited { code, stderr }) => format!("{code}: {stderr}"),
        Err(failure) => failure.to_string(),
    }
}

#[test]
fn a_hook_commits_by_its_exit_code_and_calls_outside_a_hook_are_refused() {
    let fixture = Fixture::new();
    let now = fixture.now;
    let tools = tools(fixture);
    let outside = "1: ERROR bad request: wrong context ID; got \"\"";
    assert_eq!(run(&tools, &["is-leader"]), outside);
    assert_eq!(tools.finish(0, now).unwrap_err().kind(), ErrorKind::State);

    assert_eq!(tools.begin(now).unwrap().name(), "install");
    assert!(tools.begin(now).is_none(), "one runs already");
    assert_eq!(run(&tools, &["state-set", "a=1"]), "");
    assert!(!tools.finish(1, now).unwrap().committed());
    assert_eq!(run(&tools, &["is-leader"]), outside);
    assert!(tools.begin(now).is_none(), "it runs again later");

    let later = now + Duration::from_secs(5);
    assert_eq!(tools.begin(later).unwrap().attempt(), 2);
    assert_eq!(run(&tools, &["state-get"]), "{}\n");
    let input = ToolCall::new("state-set").arg("--file").arg("-").stdin(b"b: 2");
    assert!(tools.clone().run(&input).unwrap().is_empty());
    assert!(tools.finish(0, later).unwrap().committed());
    assert_eq!(tools.with_model(|model, unit| model.unit(unit).unwrap().state()["b"].clone()), "2");
}

#[test]
fn each_call_is_recorded_with_what_it_read_and_how_it_ended() {
    let tools = tools(Fixture::in_hook());
    run(&tools, &["status-set", "active", "--", "-v"]);
    run(&tools, &["status-set", "dancing"]);
    tools.run(&ToolCall::new("state-set").arg("--file=-").stdin(b"a: b")).unwrap();
    tools.run(&ToolCall::new("is-leader").stdin(b"not asked for")).unwrap();
    let calls = tools.calls();
    let ended: Vec<(&str, bool, bool)> =
        calls.iter().map(|call| (call.tool(), call.read_stdin(), call.succeeded())).collect();
    let expected = [
        ("status-set", false, true),
        ("status-set", false, false),
        ("state-set", true, true),
        ("is-leader", false, true),
    ];
    assert_eq!(ended, expected);
    assert_eq!(calls[0].argv(), ["status-set", "active", "--", "-v"]);
    assert_eq!(calls[1].args(), ["dancing"]);
    assert_eq!((calls[1].stdin(), calls[2].stdin()), (None, Some(&b"a: b"[..])));
    tools.forget_calls();
    assert!(tools.calls().is_empty());
    run(&tools, &["is-leader"]);
    assert_eq!(tools.calls().len(), 1);
}

#[test]
fn queued_answers_come_in_order_before_the_model() {
    let tools = tools(Fixture::in_hook());
    tools.answer_once("is-leader", "maybe");
    tools.fail_once("is-leader", ToolError::Killed { signal: 9, stderr: String::new() });
    tools.answer_once("is-leader", [0xff]);
    assert_eq!(run(&tools, &["is-leader"]), "maybe");
    assert_eq!(run(&tools, &["is-leader"]), "was killed by signal 9");
    assert_eq!(tools.run(&call(&["is-leader"])).unwrap(), [0xff]);
    assert_eq!(run(&tools, &["is-leader"]), "True\n");

    // A call with a queued answer does not reach the model.
    tools.answer_once("status-set", "");
    assert_eq!(run(&tools, &["status-set", "active"]), "");
    assert_eq!(tools.report().unwrap().status, "maintenance");
}

#[test]
fn a_broken_or_removed_tool_fails_until_it_is_restored() {
    let tools = tools(Fixture::in_hook());
    tools.break_tool("is-leader", 2, "ERROR no");
    tools.answer_once("is-leader", "once");
    for expected in ["once", "2: ERROR no", "2: ERROR no"] {
        assert_eq!(run(&tools, &["is-leader"]), expected);
    }
    assert!(tools.has_tool("is-leader"));
    tools.answer_once("is-leader", "never printed");
    tools.remove_tool("is-leader");
    assert_eq!(run(&tools, &["is-leader"]), "is not on PATH");
    assert!(!tools.has_tool("is-leader"));
    assert!(matches!(tools.find_tool("is-leader"), Err(ToolError::NotFound)));
    assert_eq!(run(&tools, &["config-get", "tls"]), "True\n", "the others work");
    tools.restore_tool("is-leader");
    assert_eq!(run(&tools, &["is-leader"]), "True\n");
}

#[test]
fn only_the_tools_of_the_version_of_juju_exist() {
    for (version, there) in [("2.9.52", true), ("4.0.15", false)] {
        let mut fixture = Fixture::with_version(version);
        fixture.begin();
        let tools = tools(fixture);
        assert_eq!(tools.has_tool("leader-get"), there);
        assert_eq!(run(&tools, &["leader-get"]) != "is not on PATH", there);
    }
    assert!(!tools(Fixture::new()).has_tool("no-such-tool"));
}

#[test]
fn impossible_arguments_and_missing_files_are_refused() {
    let tools = tools(Fixture::in_hook());
    for bad in ["x".repeat(131_072), "a\0b".to_owned()] {
        let failure = tools.run(&call(&["status-set", "active", &bad])).unwrap_err();
        assert!(matches!(failure, ToolError::BadArgument { .. }), "{failure}");
    }
    assert_eq!(tools.report().unwrap().status, "maintenance");
    let refused = |line: &[&str]| {
        let answer = run(&tools, line);
        assert!(answer.starts_with("1: ERROR "), "{answer}");
        assert!(answer.ends_with("no such file or directory"), "{answer}");
    };
    refused(&["state-set", "--file", "some.yaml"]);
    refused(&["is-leader", "--output", "/tmp/answer"]);
}

#[test]
fn a_tool_reads_the_files_of_this_machine() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("content.yaml");
    std::fs::write(&path, "password: s3cret\n").unwrap();
    let tools = tools(Fixture::in_hook());
    let file = path.to_str().unwrap();
    let one = format!("token#file={file}");
    let uri = run(&tools, &["secret-add", "--file", file, &one]);
    let content = run(&tools, &["secret-get", uri.trim(), "--format=json"]);
    assert_eq!(content, "{\"password\":\"s3cret\",\"token\":\"password: s3cret\\n\"}\n");
    assert_eq!(run(&tools, &["secret-add", "--file", "/"]), "2: ERROR read /: is a directory");
    assert!(!format!("{:?}", tools.calls()).contains("s3cret"));
}

#[test]
fn a_hook_that_kills_itself_is_finished_as_killed() {
    let fixture = Fixture::in_hook();
    let now = fixture.now;
    let tools = tools(fixture);
    assert_eq!(run(&tools, &["juju-reboot", "--now"]), "");
    let killed = tools
        .with_model(|model, unit| model.finish(unit, &HookExit::Signal(9), now, b"", b""))
        .unwrap();
    assert!(killed.requeued());
}
