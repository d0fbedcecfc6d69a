//! The charms of this checkout as test runs need them: built once, their declarations, and the
//! Pebble to run them with.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use charmwright_testing::daemon::DaemonOptions;
use charmwright_testing::{daemon_or_skip, pebble_binary};

/// The example charm that restarts its workload on a failed check.
pub const RESTART_ON_CHECK: &str = "restart_on_check";

/// The Pebble of all tests; `None` where none can be had, by the rule of all tests.
pub fn pebble_or_skip(test: &str) -> Option<PathBuf> {
    // What it says of a missing Pebble is the same everywhere; the run starts its own.
    drop(daemon_or_skip(test, DaemonOptions::new())?);
    Some(pebble_binary::find_or_build(None, &mut |_| {}).unwrap())
}

/// Declares any-workload-k8s in a charm directory that is being made.
pub fn declare_any_workload(charm: &Path) {
    for name in ["metadata.yaml", "config.yaml", "actions.yaml"] {
        fs::copy(checkout().join(name), charm.join(name)).unwrap();
    }
}

/// The root of the checkout.
pub fn checkout() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Cargo's target folder, and the folder in it that holds the programs.
pub fn target_folders() -> (&'static Path, &'static Path) {
    let programs = Path::new(env!("CARGO_BIN_EXE_charmwright")).parent().unwrap();
    (programs.parent().unwrap(), programs)
}

/// Builds both charms, once, and gives the hook executable of any-workload-k8s: a test of one
/// package does not build the programs of the others.
pub fn build_charms() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let (target_folders, programs) = target_folders();
        let mut build = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        // All packages together, so that the library is the one that `cargo test` has built.
        build.args([
            "build",
            "--workspace",
            "--bin",
            "any-workload-k8s",
            "--example",
            RESTART_ON_CHECK,
        ]);
        build.arg("--target-dir").arg(target_folders).current_dir(checkout());
        if programs.ends_with("release") {
            build.arg("--release");
        }
        let build = build.output().unwrap();
        let said = String::from_utf8_lossy(&build.stderr);
        assert!(build.status.success(), "cannot build the charms:\n{said}");
        programs.join("any-workload-k8s")
    })
}
