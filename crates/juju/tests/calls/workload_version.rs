//! Tests of the call that sets the workload's version.

use super::{calls, in_hook};

#[test]
fn the_workloads_version_is_free_text() {
    let (agent, hook_tools) = in_hook();
    hook_tools.set_application_version("-1.2").unwrap();
    assert_eq!(calls(&agent), [["application-version-set", "--", "-1.2"]]);
}
