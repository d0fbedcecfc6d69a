//! The calls about the unit's state.

use std::collections::BTreeMap;

use charmwright_juju::ErrorKind;

use super::{calls, exit_error, in_hook, next_hook};

/// The most that the controller takes, in bytes.
const MAX_KEY: usize = 256;
const MAX_VALUE: usize = 65_536;

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn state_is_read_once_and_kept_up_to_date() {
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
    // Juju reads this as YAML, where a raw DEL is not allowed.
    let made = agent.calls();
    let inputs: Vec<&[u8]> = made.iter().filter_map(|call| call.stdin()).collect();
    assert_eq!(inputs, [br#"{"b":"3","c":"\u007f"}"#]);
}

#[test]
fn nothing_stored_is_empty_and_nothing_to_store_starts_nothing() {
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
fn garbage_is_an_error_and_is_asked_again() {
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
fn what_the_controller_would_refuse_at_the_end_is_refused_now() {
    let (agent, hook_tools) = in_hook();
    let long = "x".repeat(MAX_VALUE + 1);
    for values in [map(&[("k", &long)]), map(&[(&long, "v")]), map(&[("", "v")])] {
        let error = hook_tools.set_state(&values).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Invalid);
        assert!(error.to_string().len() < 200, "{error}");
    }
    assert!(hook_tools.delete_state("").is_err());
    assert!(agent.calls().is_empty());
    hook_tools.set_state(&map(&[(&long[..MAX_KEY], &long[..MAX_VALUE])])).unwrap();
}

#[test]
fn a_failed_write_is_not_remembered() {
    let (agent, hook_tools) = in_hook();
    hook_tools.set_state(&map(&[("a", "1")])).unwrap();
    let hook_tools = next_hook(&agent);
    agent.fail_once("state-set", exit_error(""));
    hook_tools.state().unwrap();
    hook_tools.set_state(&map(&[("a", "2")])).unwrap_err();
    assert_eq!(hook_tools.state().unwrap(), map(&[("a", "1")]));
}
