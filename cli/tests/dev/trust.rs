//! A charm that is trusted, and one that has a service account of Kubernetes.

use std::fs;

use crate::support::Charm;

const FAST: &[&str] = &["--speed", "100"];

/// The folder in which clients of Kubernetes look for the service account of their pod.
const FIXED: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

#[test]
fn a_trusted_application_may_ask_for_the_credential() {
    let charm = Charm::with_dispatch(
        "credential-get 2>$OUT/error; echo $JUJU_HOOK_NAME >>$OUT/hooks; exit 0",
    );
    charm.run(FAST, "wait-for unknown\n").exits(0);
    let refused = charm.note("error");
    assert!(refused.contains("permission denied"), "{refused}");
    charm.run(&["--speed", "100", "--trust"], "wait-for unknown\n").exits(0);
    let trusted = charm.note("error");
    assert_ne!(trusted, refused);
    let before = charm.note("hooks").matches("config-changed").count();
    charm.run(FAST, "wait-for unknown\ntrust yes\nwait-for unknown\n").exits(0);
    assert_eq!(charm.note("error"), trusted);
    // The trust is one of the inputs of which config-changed tells, as in Juju.
    assert_eq!(charm.note("hooks").matches("config-changed").count(), before + 2);
}

#[test]
fn a_service_account_lies_where_clients_look() {
    let charm = Charm::with_dispatch(&format!(
        "cat {FIXED}/namespace >$OUT/namespace; cat {FIXED}/token >$OUT/token; status-set active"
    ));
    let account = charm.out().join("account");
    fs::create_dir(&account).unwrap();
    for (name, content) in [("namespace", "prod"), ("token", "T0KEN"), ("ca.crt", "-----BEGIN")] {
        fs::write(account.join(name), content).unwrap();
    }
    let account_text = account.display().to_string();
    let args = ["--speed", "100", "--service-account", &account_text];
    let run = charm.run(&args, "wait-for active\nlog\n").exits(0);
    assert!(!run.stdout.contains("T0KEN") && !run.stderr.contains("T0KEN"), "{}", run.stdout);
    // Not every user may make a link there, in a pod the folder is the pod's own, and another run
    // on this machine may have its link there now.
    if run.stdout.contains("note  ") {
        run.says("; the charm finds none");
    } else {
        assert_eq!((charm.note("namespace"), charm.note("token")), ("prod".into(), "T0KEN".into()));
    }
    let run_folder = charm.out().join("../tmp").canonicalize().unwrap();
    let is_left = fs::read_link(FIXED).is_ok_and(|to| to.starts_with(run_folder));
    assert!(!is_left, "the link is left");
    fs::remove_file(account.join("token")).unwrap();
    charm.run(&args, "").exits(1).says("it has no token");
}
