//! The workload's version.

use super::{calls, in_hook};

#[test]
fn the_workloads_version_is_free_text() {
    let (tools, juju) = in_hook();
    juju.set_application_version("-1.2").unwrap();
    assert_eq!(calls(&tools), [["application-version-set", "--", "-1.2"]]);
}
