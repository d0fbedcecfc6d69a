//! These tests ask for commands that Pebble cannot run, and check the errors.

use charmwright_pebble::{ErrorKind, Exec, UserFault};
use charmwright_tests::wait::within;

use super::{sh, start_fixture};

#[tokio::test]
async fn a_mistake_is_told_in_pebbles_words() {
    let Some(fixture) = start_fixture("a_mistake_is_told_in_pebbles_words") else {
        return;
    };
    let command = || Exec::new(["true"]);
    for (exec, status, fault, text) in [
        (
            Exec::new(["no-such-program", "secret-argument"]),
            400,
            Some(UserFault::Command),
            "cannot find executable \"no-such-program\"",
        ),
        (
            command().working_dir("/no/such/folder"),
            500,
            Some(UserFault::WorkingDir),
            "working directory \"/no/such/folder\" does not exist",
        ),
        (command().service_context("none"), 400, None, "context service \"none\" not found"),
        (command().user("nobody-at-all"), 400, Some(UserFault::User), "unknown user nobody-at-all"),
        (
            command().user("root").group("no-such-group"),
            400,
            Some(UserFault::Group),
            "unknown group no-such-group",
        ),
    ] {
        let error = within(fixture.direct.exec_output(&exec)).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.user_fault()),
            (&ErrorKind::Api { status }, fault),
            "{error}"
        );
        assert!(error.message().unwrap().contains(text), "{error}");
        assert!(!error.may_have_acted() && error.attempts() == 1, "{error}");
        assert!(!error.to_string().contains("secret-argument"), "{error}");
    }
}

#[tokio::test]
async fn a_program_that_does_not_start_is_a_failed_change() {
    let Some(fixture) = start_fixture("a_program_that_does_not_start") else {
        return;
    };
    let path = fixture.file("program");
    std::fs::write(&path, "#!/no/such/interpreter\n").unwrap();
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let exec = Exec::new([path.to_str().unwrap()]);
    let error = within(fixture.direct.exec_output(&exec)).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::ChangeFailed, "{error}");
    assert!(error.to_string().contains("no such file or directory"), "{error}");
    assert!(error.change().is_some());
}

#[tokio::test]
async fn what_cannot_be_meant_is_not_sent() {
    let Some(fixture) = start_fixture("what_cannot_be_meant_is_not_sent") else {
        return;
    };
    let (proxy, client) = (&fixture.proxy, &fixture.client);
    for exec in [Exec::new([" "]), Exec::new(["true"]).interactive(), Exec::new([""; 0])] {
        let error = client.exec_output(&exec).await.unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (&ErrorKind::InvalidRequest, 0), "{error}");
    }
    assert!(proxy.requests().is_empty());
    assert_eq!(within(client.exec_output(&sh("exit 7"))).await.unwrap().exit_code(), 7);
}
