//! Tests of the calls about the unit's state.

use std::collections::BTreeMap;

use charmwright_juju::ErrorKind;

use super::{calls, exit_error, in_hook, next_hook};

/// The longest key and the longest value that Juju accepts, in bytes.
const MAX_KEY: usize = 256;
const MAX_VALUE: usize = 65_536;

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn the_state_is_cached_and_kept_up_to_date() {
    let (agent, hook_tools) = in_hook();
    hook_tools.set_state(&map(&[("a", "1"), ("b", "2")])).unwrap();
    let hook_tools = next_hook(&agent);
    assert_eq!(hook_tools.state().unwrap(), map(&[("a", "1"), ("b", "2")]));
    hook_tools.set_state(&map(&[("b", "3"), ("c", "\u{7f}")])).unwrap();
    hook_tools.delete_state("a").unwrap();
    assert_eq!(hook_tools.state().unwrap(), map(&[("b", "3"), ("c", "\u{7f}")]));
    let expected: [&[&str]; 3] = [
        &["state-get", "--format=json"],
        &["state-set", "--file", "-"],
        &["state-delete", "--", "a"],
    ];
    assert_eq!(calls(&agent), expected);
    // Juju reads the input as YAML, which does not allow a raw DEL.
    let made = agent.calls();
    let inputs: Vec<&[u8]> = made.iter().filter_map(|call| call.stdin()).collect();
    assert_eq!(inputs, [br#"{"b":"3","c":"\u007f"}"#]);
}

#[test]
fn an_empty_state_is_an_empty_map_and_an_empty_write_starts_no_tool() {
    for output in [None, Some("null\n"), Some("{}\n"), Some(""), Some("\n")] {
        let (agent, hook_tools) = in_hook();
        if let Some(output) = output {
            agent.answer_once("state-get", output);
        }
        assert!(hook_tools.state().unwrap().is_empty());
        hook_tools.set_state(&BTreeMap::new()).unwrap();
        assert_eq!(agent.calls().len(), 1);
    }
}

#[test]
fn a_malformed_output_is_an_error_and_is_not_cached() {
    let (agent, hook_tools) = in_hook();
    for output in ["{\"charm\":", "[]", "{\"charm\":7}", "\u{0}"] {
        agent.answer_once("state-get", output);
        assert_eq!(hook_tools.state().unwrap_err().kind(), &ErrorKind::Output, "{output}");
    }
    agent.remove_tool("state-get");
    assert_eq!(hook_tools.state().unwrap_err().kind(), &ErrorKind::Unavailable);
    assert!(!hook_tools.has_tool("state-get"));
    assert_eq!(agent.calls().len(), 5);
}

#[test]
fn sizes_over_juju_s_limits_are_refused_before_a_tool_is_started() {
    let (agent, hook_tools) = in_hook();
    let long = "x".repeat(MAX_VALUE + 1);
    let too_large = |limit| ErrorKind::TooLarge { size: MAX_VALUE + 1, limit };
    for (values, kind) in [
        (map(&[("k", &long)]), too_large(MAX_VALUE)),
        (map(&[(&long, "v")]), too_large(MAX_KEY)),
        (map(&[("", "v")]), ErrorKind::Invalid),
    ] {
        let error = hook_tools.set_state(&values).unwrap_err();
        assert_eq!(error.kind(), &kind);
        assert!(error.to_string().len() < 200, "{error}");
    }
    assert!(hook_tools.delete_state("").is_err());
    assert!(agent.calls().is_empty());
    hook_tools.set_state(&map(&[(&long[..MAX_KEY], &long[..MAX_VALUE])])).unwrap();
}

#[test]
fn a_failed_write_is_not_cached() {
    let (agent, hook_tools) = in_hook();
    hook_tools.set_state(&map(&[("a", "1")])).unwrap();
    let hook_tools = next_hook(&agent);
    agent.fail_once("state-set", exit_error(""));
    hook_tools.state().unwrap();
    hook_tools.set_state(&map(&[("a", "2")])).unwrap_err();
    assert_eq!(hook_tools.state().unwrap(), map(&[("a", "1")]));
}
