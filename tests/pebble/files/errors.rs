//! These tests cause each documented error of the file calls, and the errors of calls that the
//! client refuses before it sends anything.

use charmwright_pebble::{
    DirOptions, Error, ErrorKind, FileErrorKind, ListOptions, Owner, PushFile, RemoveOptions,
};

use super::{options, start_fixture};

/// Returns the kind of an error that is about one path.
fn file_kind(error: &Error) -> FileErrorKind {
    match error.kind() {
        ErrorKind::File(kind) => kind.clone(),
        other => panic!("{other:?}: {error}"),
    }
}

#[tokio::test]
async fn lists_that_fail() {
    let Some(fixture) = start_fixture("lists_that_fail") else { return };
    let missing =
        fixture.client.list_files(&fixture.path("missing"), &ListOptions::new()).await.unwrap_err();
    assert_eq!(file_kind(&missing), FileErrorKind::NotFound);
    let text = missing.to_string();
    assert!(
        text.starts_with("cannot list \"/") && text.contains("in container \"web\": "),
        "{text}"
    );
    assert!(!missing.may_have_acted());
    fixture.put("a", "");
    let pattern = ListOptions::new().pattern("[");
    let bad = fixture.client.list_files(&fixture.path(""), &pattern).await.unwrap_err();
    assert_eq!(file_kind(&bad), FileErrorKind::Generic);
    let relative = fixture.client.list_files("a", &ListOptions::new()).await.unwrap_err();
    assert_eq!(relative.kind(), &ErrorKind::Api { status: 400 });
    let empty = fixture.client.list_files("", &ListOptions::new()).await.unwrap_err();
    assert_eq!(empty.kind(), &ErrorKind::Api { status: 400 });
    assert_eq!(fixture.proxy.requests().len(), 4, "none is asked twice");
}

#[tokio::test]
async fn reads_that_fail() {
    let Some(fixture) = start_fixture("reads_that_fail") else { return };
    std::fs::create_dir(fixture.path("folder")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, fixture.path("pipe"), 0o600.into()).unwrap();
    for (path, expected) in [
        (fixture.path("missing"), FileErrorKind::NotFound),
        (fixture.path("folder"), FileErrorKind::Generic),
        (fixture.path("pipe"), FileErrorKind::Generic),
        ("relative".to_owned(), FileErrorKind::Generic),
        (String::new(), FileErrorKind::Generic),
    ] {
        let local = tempfile::tempdir().unwrap();
        let error = fixture.client.pull(&path).await.unwrap_err();
        assert_eq!(file_kind(&error), expected, "{error}");
        let error = fixture.client.pull_to(&path, Vec::new()).await.unwrap_err();
        assert_eq!(file_kind(&error), expected, "{error}");
        let error = fixture.client.pull_file(&path, local.path().join("x")).await.unwrap_err();
        assert_eq!(file_kind(&error), expected, "{error}");
        assert!(charmwright_tests::names_in(local.path()).is_empty());
    }
    assert_eq!(fixture.proxy.requests().len(), 15, "none is asked twice");
    // A file that is larger than the caller's limit is refused instead of filling the memory.
    fixture.put("large", vec![7; 1000]);
    let error = fixture.client.pull_at_most(&fixture.path("large"), 999).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::TooLarge { limit: 999 });
    assert_eq!(
        fixture.client.pull_at_most(&fixture.path("large"), 1000).await.unwrap().len(),
        1000
    );
}

#[tokio::test]
async fn what_pebble_may_not_do_is_denied() {
    let Some(fixture) = start_fixture("what_pebble_may_not_do_is_denied") else {
        return;
    };
    // Even root cannot create a file in `/proc`.
    let error = fixture.client.push("/proc/self/nothing", "x", &options()).await.unwrap_err();
    assert!(
        matches!(file_kind(&error), FileErrorKind::NotFound | FileErrorKind::PermissionDenied),
        "{error}"
    );
    if rustix::process::geteuid().is_root() {
        return;
    }
    let path = fixture.put("secret", "x");
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o000)).unwrap();
    let error = fixture.client.pull(&path).await.unwrap_err();
    assert_eq!(file_kind(&error), FileErrorKind::PermissionDenied);
}

#[tokio::test]
async fn writes_that_fail() {
    let Some(fixture) = start_fixture("writes_that_fail") else { return };
    std::fs::create_dir(fixture.path("folder")).unwrap();
    let group_only = options().owner(Owner::new().group_id(0));
    let unknown = options().owner(Owner::new().user("nobody-at-all"));
    for (path, options, expected, message) in [
        (fixture.path("no/such"), options(), FileErrorKind::NotFound, "no such file"),
        (fixture.path("folder"), options(), FileErrorKind::Generic, ""),
        (fixture.path("star*"), options(), FileErrorKind::Generic, "'*'"),
        ("relative".to_owned(), options(), FileErrorKind::Generic, "must be absolute"),
        (String::new(), options(), FileErrorKind::Generic, "must be absolute"),
        (fixture.path("g"), group_only, FileErrorKind::Generic, "must specify user"),
        (fixture.path("u"), unknown, FileErrorKind::Generic, "unknown user"),
    ] {
        let error = fixture.client.push(&path, "x", &options).await.unwrap_err();
        assert_eq!(file_kind(&error), expected, "{error}");
        assert!(error.message().unwrap().contains(message), "{error}");
        assert!(error.to_string().starts_with("cannot push "), "{error}");
        let error = fixture.client.push_from(&path, &b"x"[..], &options).await.unwrap_err();
        assert_eq!(file_kind(&error), expected, "{error}");
    }
    assert_eq!(fixture.proxy.requests().len(), 14, "none is sent twice");
    assert_eq!(fixture.names(), ["folder"]);
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_here() {
    let Some(fixture) = start_fixture("what_cannot_be_sent_is_refused_here") else {
        return;
    };
    let client = &fixture.client;
    let nul = "/a\0b";
    let list = ListOptions::new();
    let errors = [
        client.push(nul, "x", &options()).await.unwrap_err(),
        client.push_from(nul, &b"x"[..], &options()).await.unwrap_err(),
        client.pull(nul).await.unwrap_err(),
        client.list_files(nul, &list).await.unwrap_err(),
        client.make_dir(nul, &DirOptions::new()).await.unwrap_err(),
        client.remove(nul, &RemoveOptions::new()).await.unwrap_err(),
        client.push("/a", "x", &options().owner(Owner::new().user(nul))).await.unwrap_err(),
        client
            .make_dir("/a", &DirOptions::new().owner(Owner::new().user("a").group(nul)))
            .await
            .unwrap_err(),
        client.pull(&format!("/{}", "x".repeat(70_000))).await.unwrap_err(),
        client
            .push_all(&[
                PushFile::new("/a", "1"),
                PushFile::new("/b", "2"),
                PushFile::new("/a", "3"),
            ])
            .await
            .unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), &ErrorKind::InvalidRequest, "{error}");
    }
    let missing = client
        .push_file(fixture.path("missing"), &fixture.path("x"), &options())
        .await
        .unwrap_err();
    assert_eq!(missing.kind(), &ErrorKind::Local(std::io::ErrorKind::NotFound), "{missing}");
    let folder =
        client.push_file(&fixture.folder, &fixture.path("x"), &options()).await.unwrap_err();
    assert_eq!(folder.kind(), &ErrorKind::Local(std::io::ErrorKind::IsADirectory), "{folder}");
    assert!(std::error::Error::source(&folder).unwrap().is::<std::io::Error>());
    assert_eq!(fixture.proxy.requests().len(), 0);
}
