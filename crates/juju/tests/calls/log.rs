//! Lines in the model's log.

use charmwright_juju::{LogLevel, ToolError};

use super::{calls, in_hook};

#[test]
fn a_message_is_one_call_with_its_level() {
    let (tools, juju) = in_hook();
    juju.log(LogLevel::Warning, "-oops\0\nagain").unwrap();
    juju.log(LogLevel::Info, "").unwrap();
    assert_eq!(
        calls(&tools),
        [["juju-log", "--log-level", "WARNING", "--", "-oops\u{fffd}\nagain"]]
    );
}

#[test]
fn a_failure_ends_a_long_message() {
    let (tools, juju) = in_hook();
    tools.fail_once("juju-log", ToolError::NotFound);
    juju.log(LogLevel::Debug, &"x".repeat(300 * 1024)).unwrap_err();
    assert_eq!(tools.calls().len(), 1);
}
