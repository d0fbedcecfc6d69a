//! Tests of the rules for every call (versions, context ids, help, files), and of the tools of
//! actions, of the network and of the model.

use proptest::prelude::*;

use super::super::{JujuVersion, ToolAnswer, ToolStep, tool_names};
use super::{Fixture, HookExit, text};

#[test]
fn action_tools_need_an_action() {
    let mut fixture = Fixture::in_hook();
    for line in
        [&["action-get"][..], &["action-set", "a=b"], &["action-fail"], &["action-log", "x"]]
    {
        assert_eq!(fixture.tool_error(line), (1, "not running an action".into()), "{line:?}");
    }
    let mut fixture =
        Fixture::in_action(&[("delay", "3"), ("who.first", "Ann"), ("extra", "[a, b]")]);
    for (line, out) in [
        (
            &["action-get", "--format=json"][..],
            "{\"delay\":3,\"extra\":[\"a\",\"b\"],\"force\":false,\"who\":{\"first\":\"Ann\"}}\n",
        ),
        (&["action-get", "who.first"], "Ann\n"),
        (&["action-get", "who.last"], ""),
        (&["action-get", "who.first.more", "--format=json"], "null\n"),
        (&["action-get", "force"], "False\n"),
        (&["action-get", "extra"], "- a\n- b\n"),
        (&["action-set"], ""),
        (&["action-set", "a.b=1", "a.c= x ", "n="], ""),
        (&["action-log", "so", "far"], ""),
    ] {
        assert_eq!(fixture.tool_stdout(line), out, "{line:?}");
    }
    let key_rule = "must start and end with lowercase alphanumeric, and contain only lowercase \
                    alphanumeric and hyphens";
    for (line, error) in [
        (&["action-set", "Key=1"][..], format!("key \"Key\" {key_rule}")),
        (&["action-set", "a.-b=1"], format!("key \"-b\" {key_rule}")),
        (&["action-set", "=1"], format!("key \"\" {key_rule}")),
        (&["action-set", "a.stdout=1"], "cannot set reserved action key \"stdout\"".into()),
        (&["action-set", "x"], "argument \"x\" must be of the form key...=value".into()),
    ] {
        assert_eq!(fixture.tool_error(line), (2, error), "{line:?}");
    }
    let reboot = "juju-reboot is not supported when running an action.";
    assert_eq!(fixture.tool_error(&["juju-reboot"]), (1, reboot.into()));
}

#[test]
fn the_network_and_model_tools_answer() {
    let mut fixture =
        Fixture::with_deployment(|deployment| deployment.resource("image", "/res/content.yaml"));
    fixture.begin();
    for (line, out) in [
        (&["resource-get", "image"][..], "/res/content.yaml"),
        (&["unit-get", "private-address"], "127.0.0.1\n"),
        (&["unit-get", "public-address", "--format=json"], "\"127.0.0.1\"\n"),
        (&["network-get", "site", "--ingress-address"], "127.0.0.1\n"),
        (&["network-get", "site", "--egress-subnets"], "127.0.0.1/32\n"),
        (
            &["network-get", "site", "--bind-address", "--ingress-address", "--format=json"],
            "{\"bind-address\":\"127.0.0.1\",\"ingress-address\":\"127.0.0.1\"}\n",
        ),
        (&["leader-set", "a=1"], ""),
        (&["leader-get", "a"], "1\n"),
        (&["leader-get", "b", "--format=json"], "null\n"),
        (&["leader-get", "--format=json"], "{\"a\":\"1\"}\n"),
        (&["leader-set", "a="], ""),
        (&["leader-get", "-", "--format=json"], "{}\n"),
    ] {
        assert_eq!(fixture.tool_stdout(line), out, "{line:?}");
    }
    for (line, code, error) in [
        (&["resource-get"][..], 2, "missing required resource name"),
        (
            &["resource-get", "cfg"],
            1,
            "could not download resource: HTTP request failed: resource \"cfg\" not found",
        ),
        (&["resource-get", "x"], 1, "could not download resource: resource \"x\" not found"),
        (&["unit-get"], 2, "no setting specified"),
        (&["network-get"], 2, "no arguments specified"),
        (&["network-get", ""], 2, "no binding name specified"),
        (&["network-get", "db"], 1, "no network config found for binding \"db\""),
        (
            &["network-get", "-r", "3", "site"],
            2,
            "invalid value \"3\" for option -r: relation not found",
        ),
    ] {
        assert_eq!(fixture.tool_error(line), (code, error.into()), "{line:?}");
    }
    fixture.unit.set_leader(false);
    assert_eq!(
        fixture.tool_error(&["leader-set", "a=1"]),
        (1, "cannot write leadership settings: cannot write settings: not the leader".into())
    );
    assert_eq!(fixture.tool_stdout(&["juju-reboot"]), "");
    assert_eq!(
        fixture.tool_step(&["juju-reboot", "--now"]),
        ToolStep::KillHook(ToolAnswer::default()),
        "its answer is code 0 and prints nothing"
    );
}

#[test]
fn each_version_of_juju_has_its_own_tools() {
    let names = |version: &str| tool_names(&version.parse::<JujuVersion>().unwrap());
    assert_eq!(names("4.1-beta2").len(), 38, "Juju 4 has 38 commands");
    assert!(!names("4.0.0").contains(&"leader-get") && names("3.6.28").contains(&"leader-get"));
    assert!(!names("2.9.52").contains(&"secret-get") && names("2.9.52").contains(&"add-metric"));
    let mut fixture = Fixture::with_version("4.0.15");
    fixture.begin();
    assert_eq!(
        fixture.tool_error(&["leader-get"]),
        (1, "bad request: unknown command: leader-get".into())
    );
    assert_eq!(
        fixture.tool_error(&["secret-get", "--label=l"]),
        (1, "secret with label \"l\" not found".into())
    );
}

#[test]
fn requests_that_belong_to_no_hook_are_refused() {
    let mut fixture = Fixture::in_hook();
    assert_eq!(
        fixture.tool_error(&["frobnicate"]),
        (1, "bad request: unknown command: frobnicate".into())
    );
    assert_eq!(fixture.tool_error(&[""]), (1, "bad request: command not specified".into()));
    let mut request = fixture.request(&["is-leader"]);
    request.dir = "x".into();
    assert_eq!(text(&fixture.answer(&request).stderr), "ERROR bad request: Dir is not absolute\n");
    request.dir = "/".into();
    request.context_id = "web/0-install-0".into();
    let stale = fixture.answer(&request);
    assert_eq!(
        (stale.code, text(&stale.stderr).as_str()),
        (1, "ERROR bad request: wrong context ID; got \"web/0-install-0\"\n")
    );
    let mut request = fixture.request(&["is-leader"]);
    request.token = "x".into();
    assert_eq!(text(&fixture.answer(&request).stderr), "ERROR bad request: token does not match\n");
    let request = fixture.request(&["is-leader"]);
    fixture.finish(HookExit::Code(0));
    assert_eq!(fixture.answer(&request).code, 1, "no hook runs any more");
}

#[test]
fn help_goes_to_standard_output() {
    for version in ["2.9.52", "3.6.28", "4.0.15"] {
        let mut fixture = Fixture::with_version(version);
        fixture.begin();
        for name in tool_names(&version.parse().unwrap()) {
            let help = fixture.tool_stdout(&[name, "--help"]);
            assert!(help.starts_with(&format!("Usage: {name} [options]")), "{help}");
            assert_eq!(fixture.tool_stdout(&[name, "-h"]), help);
        }
    }
}

#[test]
fn the_agent_writes_the_output_file() {
    let mut fixture = Fixture::with_settings(|settings| settings.home("/root"));
    fixture.begin();
    let file = fixture.output_file(&["config-get", "port", "-o", "out.txt", "--format=json"]);
    let answer = file.clone().written(Ok(()));
    assert_eq!((answer.code, text(&answer.stdout)), (0, String::new()));
    assert_eq!(
        (file.path.to_str(), text(&file.content).as_str()),
        (Some("/cwd/out.txt"), "1000000\n")
    );
    let failed = file.written(Err("permission denied".to_owned()));
    assert_eq!(
        (failed.code, text(&failed.stderr).as_str()),
        (1, "ERROR open /cwd/out.txt: permission denied\n")
    );
    let file = fixture.output_file(&["config-get", "--output=~/x"]);
    assert_eq!(file.path.to_str(), Some("/root/x"));
    let refused = fixture.tool_step(&["config-get", "--format=xml", "-o", "x"]);
    assert!(matches!(refused, ToolStep::Done(_)), "{refused:?}");
}

#[test]
fn calls_are_counted_once() {
    let mut fixture = Fixture::in_hook();
    fixture.tool_stdout(&["is-leader"]);
    fixture.tool_stdout(&["is-leader"]);
    let _ = fixture.tool_with_stdin(&["state-set", "--file", "-"], "a: b");
    fixture.tool_error(&["nonsense"]);
    let finished = fixture.finish(HookExit::Code(0));
    let tools: Vec<(&str, u32)> =
        finished.tools().iter().map(|(name, count)| (name.as_str(), *count)).collect();
    assert_eq!(tools, [("is-leader", 2), ("state-set", 1)]);
}

proptest! {
    #[test]
    fn no_call_panics(
        version in prop::sample::select(vec!["2.9.52", "3.6.28", "4.0.15"]),
        calls in prop::collection::vec((
            any::<prop::sample::Index>(),
            prop::collection::vec(
                "-{0,2}(r|s|o|file|format|app|label|endpoints|[a-z]{1,3})(=[a-z0-9:/.-]{0,6})?|\
                 \\PC{0,10}|[0-9]{0,6}(-[0-9]{0,6})?(/[a-z]{0,4})?",
                0..4,
            ),
            prop::option::of(prop::collection::vec(any::<u8>(), 0..40)),
        ), 1..8),
        action in any::<bool>(),
    ) {
        let mut fixture = Fixture::with_version(version);
        if action {
            fixture.run_all();
            fixture.unit.run_action("restart", &[]).unwrap();
        }
        fixture.begin();
        let names = tool_names(&version.parse().unwrap());
        for (name, args, input) in calls {
            let mut request = fixture.request(&[names[name.index(names.len())]]);
            request.args = args;
            let mut step = fixture.unit.tool(&request);
            loop {
                match step {
                    ToolStep::NeedsInput => {
                        request.stdin = Some(input.clone().unwrap_or_default());
                    }
                    ToolStep::NeedsFile(path) => {
                        let content = Ok(input.clone().unwrap_or_default());
                        let asked = request.files.insert(path, content);
                        prop_assert_eq!(asked, None, "it asks for each file once");
                    }
                    _ => break,
                }
                step = fixture.unit.tool(&request);
            }
            let answer = match step {
                ToolStep::Done(answer) | ToolStep::KillHook(answer) => answer,
                ToolStep::WriteFile(file) => file.written(Ok(())),
                needs => return Err(TestCaseError::fail(format!("{needs:?}"))),
            };
            prop_assert!((0..=2).contains(&answer.code));
            prop_assert_eq!(
                answer.code != 0,
                String::from_utf8_lossy(&answer.stderr).contains("ERROR ")
            );
        }
        fixture.finish(HookExit::Code(0));
    }
}
