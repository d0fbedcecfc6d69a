//! Tests of the calls about relations. The model has no relations yet, so the tests set the
//! answers.

use std::collections::BTreeMap;

use charmwright_agent::InProcessTools;
use charmwright_juju::{ApplicationName, ErrorKind, HookTools, RelationId, ToolError, UnitName};

use super::{calls, exit_error, in_hook};

fn db() -> RelationId {
    "db:7".parse().unwrap()
}

fn app(name: &str) -> ApplicationName {
    name.parse().unwrap()
}

fn unit(name: &str) -> UnitName {
    name.parse().unwrap()
}

fn changes(pairs: &[(&str, Option<&str>)]) -> BTreeMap<String, Option<String>> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), value.map(str::to_owned))).collect()
}

/// Makes the next call of a tool exit with this code and this text after `ERROR `.
fn refuse_once(agent: &InProcessTools, tool: &str, code: i32, text: &str) {
    let stderr = format!("ERROR {text}");
    agent.fail_once(tool, ToolError::Exited { code, stderr });
}

/// Calls each read about the relation `db:7`, and returns the kinds of the errors.
fn kinds_of_reads(hook_tools: &HookTools) -> Vec<Option<ErrorKind>> {
    fn kind<T>(result: Result<T, charmwright_juju::Error>) -> Option<ErrorKind> {
        result.err().map(|error| error.kind().clone())
    }
    vec![
        kind(hook_tools.relation_units(&db())),
        kind(hook_tools.relation_app(&db())),
        kind(hook_tools.unit_databag(&db(), &unit("pg/0"))),
        kind(hook_tools.app_databag(&db(), &app("pg"))),
        kind(hook_tools.relation_model(&db())),
    ]
}

#[test]
fn each_read_starts_one_tool_and_names_relation_and_owner() {
    let (agent, hook_tools) = in_hook();
    agent.answer_once("relation-ids", "[\"db:10\",\"db:7\"]\n");
    agent.answer_once("relation-list", "\"pg\"\n");
    agent.answer_once("relation-list", "[\"pg/1\",\"pg/0\"]\n");
    agent.answer_once("relation-get", "{\"b\":\"2\",\"a\":\"1\",\"gone\":\"\"}\n");
    agent.answer_once("relation-get", "{}\n");
    agent.answer_once("relation-model-get", "{\"uuid\":\"deadbeef\"}\n");
    for _ in 0..2 {
        let ids = hook_tools.relation_ids(&"db".parse().unwrap()).unwrap();
        assert_eq!(ids, [db(), "db:10".parse().unwrap()]);
        assert_eq!(hook_tools.relation_app(&db()).unwrap(), Some(app("pg")));
        assert_eq!(hook_tools.relation_units(&db()).unwrap(), [unit("pg/0"), unit("pg/1")]);
        let bag = hook_tools.unit_databag(&db(), &unit("pg/0")).unwrap();
        let pairs: Vec<_> = bag.iter().map(|(key, value)| (&**key, &**value)).collect();
        assert_eq!(pairs, [("a", "1"), ("b", "2")]);
        assert!(hook_tools.app_databag(&db(), &app("pg")).unwrap().is_empty());
        assert_eq!(hook_tools.relation_model(&db()).unwrap(), "deadbeef");
    }
    // A bare number is the same relation.
    assert_eq!(hook_tools.relation_app(&"7".parse().unwrap()).unwrap(), Some(app("pg")));
    let expected: [&[&str]; 6] = [
        &["relation-ids", "--format=json", "db"],
        &["relation-list", "-r", "db:7", "--app", "--format=json"],
        &["relation-list", "-r", "db:7", "--format=json"],
        &["relation-get", "-r", "db:7", "--format=json", "-", "pg/0"],
        &["relation-get", "-r", "db:7", "--app", "--format=json", "-", "pg"],
        &["relation-model-get", "-r", "db:7", "--format=json"],
    ];
    assert_eq!(calls(&agent), expected);
}

#[test]
fn the_model_has_no_relation_and_says_so() {
    let (_, hook_tools) = in_hook();
    assert!(hook_tools.relation_ids(&"db".parse().unwrap()).unwrap().is_empty());
    assert_eq!(kinds_of_reads(&hook_tools), vec![Some(ErrorKind::Gone); 5]);
    let set = hook_tools.set_unit_databag(&db(), &changes(&[("a", Some("1"))]));
    let error = set.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Gone);
    assert!(
        error.to_string().starts_with("cannot write this unit's databag in the relation db:7: "),
        "{error}"
    );
}

#[test]
fn changes_go_by_standard_input_and_the_next_read_asks_again() {
    let (agent, hook_tools) = in_hook();
    for answer in ["{\"a\":\"1\"}", "{\"a\":\"2\"}"] {
        agent.answer_once("relation-get", answer);
    }
    agent.answer_once("relation-set", "");
    agent.answer_once("relation-set", "");
    let read = || hook_tools.unit_databag(&db(), &unit("web/0")).unwrap();
    assert_eq!(read().get("a").map(String::as_str), Some("1"));
    let written = changes(&[("a", Some("2\u{7f}😀")), ("b=c", None), ("d", Some(""))]);
    hook_tools.set_unit_databag(&db(), &written).unwrap();
    assert_eq!(read().get("a").map(String::as_str), Some("2"));
    // The application's databag is another one.
    hook_tools.set_app_databag(&db(), &changes(&[("a", Some("3"))])).unwrap();
    assert_eq!(read().get("a").map(String::as_str), Some("2"));
    hook_tools.set_app_databag(&db(), &BTreeMap::new()).unwrap();

    let made = agent.calls();
    let sets: Vec<_> = made.iter().filter(|call| call.tool() == "relation-set").collect();
    let argv: Vec<_> = sets.iter().map(|call| call.args().join(" ")).collect();
    assert_eq!(argv, ["-r db:7 --file -", "-r db:7 --app --file -"]);
    let inputs: Vec<_> =
        sets.iter().map(|call| String::from_utf8_lossy(call.stdin().unwrap())).collect();
    assert_eq!(inputs, ["{\"a\":\"2\\u007f😀\",\"b=c\":\"\",\"d\":\"\"}", "{\"a\":\"3\"}"]);
}

#[test]
fn a_refused_write_starts_no_tool_and_quotes_no_value() {
    let (agent, hook_tools) = in_hook();
    let error =
        hook_tools.set_app_databag(&db(), &changes(&[("key", Some("hunter2\0"))])).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Invalid);
    assert!(!error.to_string().contains("hunter2"), "{error}");
    assert!(agent.calls().is_empty());
}

#[test]
fn a_denied_permission_hides_a_relation_that_is_gone() {
    let (agent, hook_tools) = in_hook();
    for tool in ["relation-list", "relation-get", "relation-model-get"] {
        agent.break_tool(tool, 1, "ERROR permission denied");
    }
    // Whose databag `pg` is cannot be told while nothing about the relation can be read.
    assert_eq!(kinds_of_reads(&hook_tools), vec![Some(ErrorKind::Gone); 5]);
}

#[test]
fn the_remote_units_tell_the_remote_application() {
    let (agent, hook_tools) = in_hook();
    agent.answer_once("relation-list", "[\"pg/1\",\"pg/0\"]\n");
    agent.answer_once("relation-list", "[]\n");
    agent.answer_once("relation-list", "\"my\"\n");
    hook_tools.relation_units(&db()).unwrap();
    assert_eq!(hook_tools.relation_app(&db()).unwrap(), Some(app("pg")));
    let empty: RelationId = "db:8".parse().unwrap();
    hook_tools.relation_units(&empty).unwrap();
    assert_eq!(hook_tools.relation_app(&empty).unwrap(), Some(app("my")));
    let expected: [&[&str]; 3] = [
        &["relation-list", "-r", "db:7", "--format=json"],
        &["relation-list", "-r", "db:8", "--format=json"],
        &["relation-list", "-r", "db:8", "--app", "--format=json"],
    ];
    assert_eq!(calls(&agent), expected);
}

#[test]
fn a_denied_databag_of_the_own_application_needs_the_leader() {
    for (remote, kind) in [
        ("\"pg\"", ErrorKind::NotLeader),
        ("\"web\"", ErrorKind::Gone),
        ("null", ErrorKind::Denied),
    ] {
        let (agent, hook_tools) = in_hook();
        refuse_once(&agent, "relation-get", 1, "permission denied");
        agent.answer_once("relation-list", remote);
        let error = hook_tools.app_databag(&db(), &app("web")).unwrap_err();
        assert_eq!(error.kind(), &kind, "{remote}");
        assert!(
            error.to_string().starts_with(
                "cannot read the databag of the application web in the relation db:7: relation-get \
                 exited with code 1: ERROR permission denied"
            ),
            "{error}"
        );
    }
    let (agent, hook_tools) = in_hook();
    refuse_once(&agent, "relation-set", 1, "cannot write relation settings");
    let set = hook_tools.set_app_databag(&db(), &changes(&[("a", None)]));
    assert_eq!(set.unwrap_err().kind(), &ErrorKind::NotLeader);
}

#[test]
fn garbage_is_an_error_that_does_not_quote_it_and_is_not_cached() {
    let (agent, hook_tools) = in_hook();
    let garbage: [&[u8]; 6] =
        [b"hunter2", b"[\"hunter2 \"]", b"{\"a\":[\"hunter2\"]}", b"7", b"\xff\xfe", b"\"hunter2 "];
    for output in garbage {
        for tool in ["relation-ids", "relation-list", "relation-get", "relation-model-get"] {
            agent.restore_tool(tool);
            agent.answer_once(tool, output);
        }
        agent.answer_once("relation-list", output);
        agent.answer_once("relation-get", output);
        let results = [
            hook_tools.relation_ids(&"db".parse().unwrap()).map(drop),
            hook_tools.relation_units(&db()).map(drop),
            hook_tools.relation_app(&db()).map(drop),
            hook_tools.unit_databag(&db(), &unit("pg/0")).map(drop),
            hook_tools.app_databag(&db(), &app("pg")).map(drop),
            hook_tools.relation_model(&db()).map(drop),
        ];
        for result in results {
            let error = result.unwrap_err();
            assert_eq!(error.kind(), &ErrorKind::Output, "{error}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}

#[test]
fn a_juju_without_the_tool_for_the_model_is_unavailable() {
    let (agent, hook_tools) = in_hook();
    agent.remove_tool("relation-model-get");
    let error = hook_tools.relation_model(&db()).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Unavailable);
    agent.fail_once("relation-list", exit_error("ERROR connection lost"));
    let error = hook_tools.relation_units(&db()).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Failed { code: 1 });
}
