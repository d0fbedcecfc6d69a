//! The charm any-workload-k8s in a folder of its own, and the Pebble to run it with.

use std::os::unix::fs::symlink;

use crate::charms::{build_charms, declare_any_workload, pebble_or_skip};
use crate::support::Charm;

/// Makes the charm with the declarations of this checkout and no program yet, and the options of a
/// run: the tests' Pebble, and waits that are a fiftieth of Juju's. Returns `None` if there is no
/// Pebble.
pub fn charm_without_program(test: &str) -> Option<(Charm, Vec<String>)> {
    let pebble = pebble_or_skip(test)?;
    let charm = Charm::new(&[]);
    declare_any_workload(&charm.dir());
    let options = ["--speed", "50", "--pebble", &pebble.display().to_string()];
    Some((charm, options.map(str::to_owned).to_vec()))
}

/// Makes the charm with its program.
pub fn charm(test: &str) -> Option<(Charm, Vec<String>)> {
    let (charm, options) = charm_without_program(test)?;
    symlink(build_charms(), charm.dir().join("dispatch")).unwrap();
    Some((charm, options))
}

/// A bad config: the lines that set it, the message of the unit's status, and the lines that
/// correct it.
pub struct BadConfig {
    pub breaking_lines: Vec<String>,
    pub message: &'static str,
    pub fixing_lines: Vec<String>,
}

/// Sets each bad config, one after another, in one run that begins with the config `begin`. Checks
/// that each blocks the unit with its message, also after an update-status, that the unit is active
/// once it is corrected, and that no hook fails.
pub fn assert_blocked_then_active(
    charm: &Charm,
    options: &[String],
    begin: &[&str],
    cases: &[BadConfig],
) {
    let mut args: Vec<&str> = options.iter().map(String::as_str).collect();
    for pair in begin {
        args.extend(["--config", pair]);
    }
    let mut script = "expect active\n".to_owned();
    for BadConfig { breaking_lines, message, fixing_lines } in cases {
        let (breaking_lines, fixing_lines) = (breaking_lines.join("\n"), fixing_lines.join("\n"));
        script.push_str(&format!(
            "{breaking_lines}\nexpect blocked {message}\nupdate-status\nexpect blocked \
             {message}\n{fixing_lines}\nexpect active\n"
        ));
    }
    script.push_str("quit\n");
    let run = charm.run(&args, &script).exits(0);
    println!("{}", run.stdout);
    let ended: Vec<&str> = run.stdout.lines().filter(|line| line.contains("  exit ")).collect();
    assert!(ended.iter().all(|line| line.contains("  exit 0")), "{ended:#?}");
    let of = |name: &str| ended.iter().filter(|line| line.contains(name)).count();
    assert!(of("update-status") >= cases.len() && of("config-changed") >= cases.len());
    assert!(!run.stdout.contains("panicked") && !run.stdout.contains("in error"));
}
