//! The charms of this checkout for test runs: builds them once, and provides their declarations and
//! a Pebble to run them with.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use charmwright_testing::daemon::DaemonOptions;
use charmwright_testing::{daemon_or_skip, pebble_binary};

/// The name of the example charm that restarts its workload when a check fails.
pub const RESTART_ON_CHECK: &str = "restart_on_check";

/// The example charms that the tests run.
const EXAMPLES: [&str; 7] = [
    RESTART_ON_CHECK,
    "actions",
    "database_provider",
    "database_requirer",
    "peers",
    "token_observer",
    "token_owner",
];

/// Returns the Pebble of all tests, or `None` if there is none and the test is to be skipped.
pub fn pebble_or_skip(test: &str) -> Option<PathBuf> {
    // This only finds out whether there is a Pebble, and prints the usual message if not. The run
    // starts its own.
    drop(daemon_or_skip(test, DaemonOptions::new())?);
    Some(pebble_binary::find_or_build(None, &mut |_| {}).unwrap())
}

/// Copies the declarations of any-workload-k8s into a charm's folder.
pub fn declare_any_workload(charm: &Path) {
    for name in ["metadata.yaml", "config.yaml", "actions.yaml"] {
        fs::copy(checkout().join(name), charm.join(name)).unwrap();
    }
}

/// Returns the root of the checkout.
pub fn checkout() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Returns Cargo's target folder, and the folder in it that holds the programs.
pub fn target_folders() -> (&'static Path, &'static Path) {
    let programs = Path::new(env!("CARGO_BIN_EXE_charmwright")).parent().unwrap();
    (programs.parent().unwrap(), programs)
}

/// Builds any-workload-k8s and the examples, once, and returns the hook executable of the former. A
/// test of one package does not build the programs of the others.
pub fn build_charms() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let (target_folders, programs) = target_folders();
        let mut build = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        // All packages are built together, so that features are resolved as for `cargo test` and
        // the library is not built again.
        build.args(["build", "--workspace", "--bin", "any-workload-k8s"]);
        build.args(EXAMPLES.iter().flat_map(|example| ["--example", example]));
        build.arg("--target-dir").arg(target_folders).current_dir(checkout());
        if programs.ends_with("release") {
            build.arg("--release");
        }
        let build = build.output().unwrap();
        let stderr = String::from_utf8_lossy(&build.stderr);
        assert!(build.status.success(), "cannot build the charms:\n{stderr}");
        programs.join("any-workload-k8s")
    })
}
