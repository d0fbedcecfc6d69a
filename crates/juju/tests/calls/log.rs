//! Tests of the call that writes to the model's log.

use charmwright_juju::{LogLevel, ToolError};

use super::{calls, in_hook};

#[test]
fn a_message_is_one_call_with_its_level() {
    let (agent, hook_tools) = in_hook();
    hook_tools.log(LogLevel::Warning, "-oops\0\nagain").unwrap();
    hook_tools.log(LogLevel::Info, "").unwrap();
    assert_eq!(
        calls(&agent),
        [["juju-log", "--log-level", "WARNING", "--", "-oops\u{fffd}\nagain"]]
    );
}

#[test]
fn the_first_failure_ends_a_long_message() {
    let (agent, hook_tools) = in_hook();
    agent.fail_once("juju-log", ToolError::NotFound);
    hook_tools.log(LogLevel::Debug, &"x".repeat(300 * 1024)).unwrap_err();
    assert_eq!(agent.calls().len(), 1);
}
