//! These tests check what a pull does to local files: their modes while it runs, the number of open
//! files, what a dropped pull leaves behind, and that nothing is written outside its folder.

use std::fs::{Permissions, metadata, read, set_permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use charmwright_pebble::{ErrorKind, TreeFailure, TreeOptions};
use charmwright_testing::proxy::{Fault, Rule};
use charmwright_tests::{names_in, noise};

use super::start_fixture;

/// Returns the permission bits of a path.
fn mode(path: impl AsRef<Path>) -> u32 {
    metadata(path).unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: impl AsRef<Path>, mode: u32) {
    set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Returns a rule that slows the read after this many lists down, so that a test can look at the
/// local files meanwhile.
fn slow_read_after(lists: u32) -> Rule {
    Rule::new("GET", "/v1/files", Fault::DripFeed(Duration::from_micros(200))).from_nth(lists + 1)
}

/// Waits until there is a temporary file of a pull in a folder, and returns its path.
async fn temporary_in(folder: &Path) -> PathBuf {
    loop {
        let names = std::fs::read_dir(folder).into_iter().flatten();
        let mut paths = names.map(|entry| entry.unwrap().path());
        if let Some(path) = paths.find(|path| path.to_string_lossy().contains("/.pull-")) {
            return path;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn a_secret_is_nobodys_while_it_comes() {
    let Some(fixture) = start_fixture("a_secret_is_nobodys_while_it_comes") else {
        return;
    };
    std::fs::create_dir(fixture.path("tree")).unwrap();
    set_mode(fixture.put("tree/secret", noise(20_000)), 0o600);
    let local = tempfile::tempdir().unwrap();
    set_mode(local.path(), 0o755);
    fixture.proxy.add(slow_read_after(2));
    let options = TreeOptions::new();
    let remote = fixture.path("tree");
    let temporary = tokio::select! {
        result = fixture.client.pull_tree(&remote, local.path(), &options) => {
            panic!("it was over too soon: {result:?}")
        }
        path = async {
            let path = temporary_in(local.path()).await;
            assert_eq!(mode(&path), 0o600);
            path
        } => path,
    };
    assert!(!temporary.exists(), "the temporary file goes with the future");

    // A file that replaces another gets the mode of that one. Until then only its owner may read
    // it.
    let target = local.path().join("mine");
    std::fs::write(&target, "before").unwrap();
    set_mode(&target, 0o640);
    let secret = fixture.path("tree/secret");
    fixture.proxy.clear();
    fixture.proxy.add(slow_read_after(0));
    let client = fixture.client_with_new_budget();
    tokio::select! {
        result = client.pull_file(&secret, &target) => panic!("it was over too soon: {result:?}"),
        meanwhile = async { mode(temporary_in(local.path()).await) } => {
            assert_eq!(meanwhile, 0o600);
        }
    }
    fixture.proxy.clear();
    client.pull_file(&secret, &target).await.unwrap();
    assert_eq!((mode(&target), read(&target).unwrap().len()), (0o640, 20_000));
}

#[tokio::test]
async fn folders_have_their_modes_however_a_pull_ends() {
    let Some(fixture) = start_fixture("folders_have_their_modes_however_a_pull_ends") else {
        return;
    };
    std::fs::create_dir_all(fixture.path("tree/sub")).unwrap();
    set_mode(fixture.path("tree"), 0o711);
    set_mode(fixture.path("tree/sub"), 0o750);
    fixture.put("tree/sub/x", noise(20_000));
    let outer = tempfile::tempdir().unwrap();
    let local = outer.path().join("new/tree");
    let sub = local.join("sub");
    fixture.proxy.add(slow_read_after(3));
    let options = TreeOptions::new();
    let remote = fixture.path("tree");
    tokio::select! {
        result = fixture.client.pull_tree(&remote, &local, &options) => {
            panic!("it was over too soon: {result:?}")
        }
        meanwhile = async {
            temporary_in(&sub).await;
            (mode(&local), mode(&sub))
        } => assert_eq!(meanwhile, (0o700, 0o700), "only the owner may enter it meanwhile"),
    }
    assert_eq!((mode(&local), mode(&sub)), (0o711, 0o750));
    assert!(names_in(&sub).is_empty());
    fixture.proxy.clear();
    let report =
        fixture.client_with_new_budget().pull_tree(&remote, &local, &options).await.unwrap();
    assert!(report.complete().is_ok());
    assert_eq!((mode(&local), mode(&sub)), (0o711, 0o750));
    // The top folder gets its mode, too, if the pull has made it.
    let other = outer.path().join("other");
    let report =
        fixture.client_with_new_budget().pull_tree(&remote, &other, &options).await.unwrap();
    assert!(report.complete().is_ok());
    assert_eq!(mode(&other), 0o711);
}

#[tokio::test]
async fn a_large_batch_holds_a_bounded_number_of_files_open() {
    let Some(fixture) = start_fixture("a_large_batch_holds_a_bounded_number_of_files_open") else {
        return;
    };
    std::fs::create_dir(fixture.path("tree")).unwrap();
    for number in 0..600 {
        fixture.put(&format!("tree/{number}"), "1");
    }
    let local = tempfile::tempdir().unwrap();
    let folder = local.path().to_owned();
    let most = Arc::new(AtomicUsize::new(0));
    let options = TreeOptions::new().batch_files(5_000).on_progress({
        let most = Arc::clone(&most);
        move |_| {
            let open = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
            let open = open.filter(|entry| {
                std::fs::read_link(entry.path()).is_ok_and(|to| to.starts_with(&folder))
            });
            most.fetch_max(open.count(), Ordering::Relaxed);
        }
    });
    let report =
        fixture.client.pull_tree(&fixture.path("tree"), local.path(), &options).await.unwrap();
    assert_eq!((report.files(), report.failures().len()), (600, 0));
    let most = most.load(Ordering::Relaxed);
    assert!((1..=300).contains(&most), "{most} files were open at once");
}

#[tokio::test]
async fn a_name_that_two_files_share_is_neithers() {
    use std::os::unix::ffi::OsStrExt as _;
    let Some(fixture) = start_fixture("a_name_that_two_files_share_is_neithers") else {
        return;
    };
    std::fs::create_dir(fixture.path("tree")).unwrap();
    fixture.put("tree/good", "1");
    // Pebble's JSON has U+FFFD in the place of bytes that are not UTF-8, so both files have one
    // name in the list.
    fixture.put("tree/odd\u{fffd}", "2");
    let odd = Path::new(&fixture.path("tree")).join(std::ffi::OsStr::from_bytes(b"odd\xff"));
    std::fs::write(odd, "3").unwrap();
    let local = tempfile::tempdir().unwrap();
    let report = fixture
        .client
        .pull_tree(&fixture.path("tree"), local.path(), &TreeOptions::new())
        .await
        .unwrap();
    assert_eq!((report.files(), report.failures().len()), (1, 2), "{report:?}");
    for failure in report.failures() {
        assert_eq!(failure.path(), Path::new("odd\u{fffd}"));
        assert_eq!(failure.error().kind(), &ErrorKind::InvalidRequest, "{failure:?}");
    }
    assert_eq!(names_in(local.path()), ["good"]);
}

#[tokio::test]
async fn a_name_that_no_file_can_have_fails_alone() {
    let Some(fixture) = start_fixture("a_name_that_no_file_can_have_fails_alone") else {
        return;
    };
    fixture.put("good", "1");
    let names = ["good".to_owned(), "x".repeat(70_000)];
    let entries = names.map(|name| {
        serde_json::json!({
            "path": "/x", "name": name, "type": "file", "size": 1, "permissions": "644",
            "last-modified": ""
        })
    });
    let body =
        serde_json::json!({"type": "sync", "status-code": 200, "result": entries}).to_string();
    let listing = Rule::new("GET", "/v1/files", Fault::Reply { status: 200, body });
    fixture.proxy.add(listing.from_nth(2));
    let local = tempfile::tempdir().unwrap();
    let report = fixture
        .client
        .pull_tree(fixture.folder.to_str().unwrap(), local.path(), &TreeOptions::new())
        .await
        .unwrap();
    assert_eq!((report.files(), report.failures().len()), (1, 1));
}

#[tokio::test]
async fn a_link_that_is_planted_during_a_pull_is_not_gone_through() {
    let Some(fixture) = start_fixture("a_link_that_is_planted_during_a_pull_is_not_gone_through")
    else {
        return;
    };
    std::fs::create_dir_all(fixture.path("tree/sub/deeper")).unwrap();
    fixture.put("tree/sub/x", "1");
    fixture.put("tree/sub/deeper/y", "2");
    let outside = tempfile::tempdir().unwrap();
    set_mode(outside.path(), 0o755);
    std::fs::create_dir(outside.path().join("deeper")).unwrap();
    let local = tempfile::tempdir().unwrap();
    // The folder is replaced by a link after it was made and before it is filled.
    let folder = local.path().join("sub");
    let planted = Arc::new(Mutex::new(false));
    let options = TreeOptions::new().on_progress({
        let (outside, planted) = (outside.path().to_owned(), Arc::clone(&planted));
        move |progress| {
            if progress.path() == Path::new("sub")
                && !std::mem::replace(&mut *planted.lock().unwrap(), true)
            {
                std::fs::rename(&folder, folder.with_extension("gone")).unwrap();
                symlink(&outside, &folder).unwrap();
            }
        }
    });
    let remote = fixture.path("tree");
    let report = fixture.client.pull_tree(&remote, local.path(), &options).await.unwrap();
    assert!(*planted.lock().unwrap());
    assert_eq!(report.files(), 0, "{report:?}");
    assert!(report.failures().iter().all(|failure| failure.path() == Path::new("sub")));
    assert!(!report.is_complete());
    assert_eq!(names_in(outside.path()), ["deeper"]);
    assert!(names_in(&outside.path().join("deeper")).is_empty());
    assert_eq!(mode(outside.path()), 0o755);
}

#[tokio::test]
async fn a_folder_that_becomes_another_during_a_push_is_not_pushed() {
    let Some(fixture) = start_fixture("a_folder_that_becomes_another_during_a_push_is_not_pushed")
    else {
        return;
    };
    let (local, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::create_dir(local.path().join("sub")).unwrap();
    std::fs::write(outside.path().join("secret"), "1").unwrap();
    let folder = local.path().join("sub");
    let options = TreeOptions::new().on_progress({
        let outside = outside.path().to_owned();
        move |progress| {
            if progress.path() == Path::new("sub") && !folder.is_symlink() {
                std::fs::remove_dir(&folder).unwrap();
                symlink(&outside, &folder).unwrap();
            }
        }
    });
    let remote = fixture.path("tree");
    let report = fixture.client.push_tree(local.path(), &remote, &options).await.unwrap();
    assert_eq!((report.files(), report.failures().len()), (0, 1), "{report:?}");
    assert!(matches!(report.failures()[0].error().kind(), ErrorKind::Local(_)));
    assert!(names_in(&Path::new(&remote).join("sub")).is_empty());
}

#[tokio::test]
async fn only_a_file_or_a_link_is_replaced() {
    let Some(fixture) = start_fixture("only_a_file_or_a_link_is_replaced") else {
        return;
    };
    std::fs::create_dir(fixture.path("tree")).unwrap();
    for name in ["folder", "link", "pipe"] {
        fixture.put(&format!("tree/{name}"), "1");
    }
    let local = tempfile::tempdir().unwrap();
    let here = |name: &str| local.path().join(name);
    std::fs::create_dir(here("folder")).unwrap();
    symlink("elsewhere", here("link")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, here("pipe"), 0o600.into()).unwrap();
    // A pull to `/dev/null` must not leave a file there.
    for (name, kind) in
        [("pipe", std::io::ErrorKind::AlreadyExists), ("folder", std::io::ErrorKind::IsADirectory)]
    {
        let source = fixture.path("tree/link");
        let error = fixture.client.pull_file(&source, here(name)).await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Local(kind), "{error}");
    }
    let remote = fixture.path("tree");
    let options = TreeOptions::new();
    let report = fixture.client.pull_tree(&remote, local.path(), &options).await.unwrap();
    let failed: Vec<&Path> = report.failures().iter().map(TreeFailure::path).collect();
    assert_eq!((report.files(), failed), (1, ["folder", "pipe"].map(Path::new).into()));
    let kind = |name| std::fs::symlink_metadata(here(name)).unwrap().file_type();
    assert!(kind("folder").is_dir() && kind("link").is_file());
    assert!(!kind("pipe").is_file());
    assert_eq!(names_in(local.path()), ["folder", "link", "pipe"]);
}
