//! These tests push and pull whole trees.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use charmwright_pebble::{ErrorKind, Mode, Symlinks, TreeFailure, TreeOptions, TreeReport};
use charmwright_testing::proxy::{Fault, Rule};
use charmwright_tests::noise;
use tempfile::TempDir;

use super::start_fixture;

/// Returns the path and the mode of everything in a tree, with the content of each file.
fn tree(root: &Path) -> Vec<(PathBuf, u32, Option<Vec<u8>>)> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let metadata = std::fs::symlink_metadata(&path).unwrap();
            let mode = metadata.permissions().mode() & 0o7777;
            let content = metadata.is_file().then(|| std::fs::read(&path).unwrap());
            if metadata.is_dir() {
                folders.push(path.clone());
            }
            found.push((path.strip_prefix(root).unwrap().to_owned(), mode, content));
        }
    }
    found.sort();
    found
}

/// Writes a file with this mode and makes the folders above it.
fn put(root: &Path, path: &str, content: impl AsRef<[u8]>, mode: u32) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, content).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// Returns a tree with files of many sizes and modes, empty folders and an odd name.
fn sample() -> TempDir {
    let root = tempfile::tempdir().unwrap();
    put(root.path(), "a", "1", 0o600);
    put(root.path(), "empty", "", 0o644);
    put(root.path(), "sub/deep/er/b", "22", 0o755);
    put(root.path(), "sub/quote\"\\\r\nü", "333", 0o640);
    put(root.path(), "sub/large", noise(300_000), 0o444);
    for number in 0..70 {
        put(root.path(), &format!("many/{number}"), format!("{number}"), 0o644);
    }
    std::fs::create_dir_all(root.path().join("nothing/in/it")).unwrap();
    std::fs::set_permissions(root.path().join("nothing"), std::fs::Permissions::from_mode(0o711))
        .unwrap();
    root
}

/// Returns the paths of the failures of a report, sorted.
fn failed_paths(report: &TreeReport) -> Vec<&Path> {
    let mut paths: Vec<&Path> = report.failures().iter().map(TreeFailure::path).collect();
    paths.sort();
    paths
}

#[tokio::test]
async fn a_tree_goes_there_and_back() {
    let Some(fixture) = start_fixture("a_tree_goes_there_and_back") else {
        return;
    };
    let local = sample();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let options = TreeOptions::new().batch_bytes(100_000).on_progress({
        let seen = Arc::clone(&seen);
        move |progress| {
            let so_far = progress.so_far();
            seen.lock()
                .unwrap()
                .push((progress.path().to_owned(), so_far.files() + so_far.folders()));
        }
    });
    let remote = fixture.path("new/tree");
    let report = fixture.client.push_tree(local.path(), &remote, &options).await.unwrap();
    assert!(report.is_complete(), "{:?}", report.failures());
    assert_eq!(
        (report.files(), report.folders(), report.bytes()),
        (75, 8, 300_000 + 1 + 2 + 3 + 130)
    );
    assert_eq!(tree(Path::new(&remote)), tree(local.path()));
    let posts = fixture.proxy.count("POST", "/v1/files");
    assert!(posts <= 12, "{posts} requests: small files go together");
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    assert!(seen.iter().map(|(_, count)| *count).eq(1..=83));
    assert!(seen.iter().any(|(path, _)| path == Path::new("sub/deep/er/b")));

    let back = tempfile::tempdir().unwrap();
    let report = fixture.client.pull_tree(&remote, back.path(), &options).await.unwrap();
    assert!(report.is_complete(), "{:?}", report.failures());
    assert_eq!((report.files(), report.folders()), (75, 8));
    assert_eq!(tree(back.path()), tree(local.path()));
    // A second pull replaces changed files and leaves those alone that the remote tree does not
    // have.
    put(back.path(), "a", "changed", 0o644);
    put(back.path(), "mine", "", 0o644);
    let report = fixture.client.pull_tree(&remote, back.path(), &options).await.unwrap();
    assert!(report.complete().is_ok());
    assert_eq!(std::fs::read(back.path().join("a")).unwrap(), b"1");
    assert!(back.path().join("mine").exists());
    let report = fixture.client.push_tree(local.path(), &remote, &options).await.unwrap();
    assert!(report.complete().is_ok());
}

#[tokio::test]
async fn usual_modes_are_used_when_asked_for() {
    let Some(fixture) = start_fixture("usual_modes_are_used_when_asked_for") else {
        return;
    };
    let local = tempfile::tempdir().unwrap();
    put(local.path(), "f/x", "", 0o600);
    let options = TreeOptions::new().usual_modes();
    let remote = fixture.path("t");
    let pushed = fixture.client.push_tree(local.path(), &remote, &options).await.unwrap();
    assert!(pushed.is_complete(), "{pushed:?}");
    let infos = fixture.client.list_files(&fixture.path("t/f"), &Default::default()).await.unwrap();
    assert_eq!(infos[0].mode(), Mode::new(0o644).unwrap());
}

#[tokio::test]
async fn a_failure_stays_with_its_path() {
    let Some(fixture) = start_fixture("a_failure_stays_with_its_path") else {
        return;
    };
    let local = tempfile::tempdir().unwrap();
    put(local.path(), "good", "1", 0o644);
    put(local.path(), "star*", "2", 0o644);
    put(local.path(), "sub/in/x", "3", 0o644);
    put(local.path(), "other/y", "4", 0o644);
    put(local.path(), "zz", "5", 0o644);
    let odd = OsStr::from_bytes(b"odd\xff");
    std::fs::write(local.path().join(odd), "6").unwrap();
    symlink("good", local.path().join("link")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, local.path().join("pipe"), 0o600.into()).unwrap();
    // A file is in the place of a folder, and a folder in that of a file.
    let remote = fixture.path("t");
    std::fs::create_dir_all(fixture.path("t/zz/full")).unwrap();
    fixture.put("t/sub", "in the way");
    let report =
        fixture.client.push_tree(local.path(), &remote, &TreeOptions::new()).await.unwrap();
    let expected: Vec<&Path> = ["link", "odd", "pipe", "star*", "sub", "zz"].map(Path::new).into();
    let mut failed = failed_paths(&report);
    failed[1] = Path::new("odd");
    assert_eq!(failed, expected, "{:?}", report.failures());
    assert_eq!((report.files(), report.folders()), (2, 2));
    assert_eq!(std::fs::read(fixture.path("t/other/y")).unwrap(), b"4");
    for failure in report.failures() {
        assert!(
            matches!(failure.error().kind(), ErrorKind::File(_) | ErrorKind::InvalidRequest),
            "{failure:?}"
        );
        assert!(failure.error().to_string().starts_with("cannot "), "{failure:?}");
    }
    assert!(report.complete().is_err());
    let nowhere = local.path().join("nowhere");
    let error = fixture.client.push_tree(&nowhere, &remote, &TreeOptions::new()).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Local(std::io::ErrorKind::NotFound), "{error}");
}

#[tokio::test]
async fn links_are_reported_left_out_or_followed() {
    let Some(fixture) = start_fixture("links_are_reported_left_out_or_followed") else {
        return;
    };
    let local = tempfile::tempdir().unwrap();
    put(local.path(), "file", "1", 0o644);
    put(local.path(), "folder/in", "2", 0o644);
    symlink("file", local.path().join("to-file")).unwrap();
    symlink("folder", local.path().join("to-folder")).unwrap();
    symlink("..", local.path().join("folder/up")).unwrap();
    symlink("nowhere", local.path().join("dangling")).unwrap();
    let all = ["dangling", "folder/up", "to-file", "to-folder"].map(Path::new);
    for (symlinks, name) in
        [(Symlinks::Report, "r"), (Symlinks::Skip, "s"), (Symlinks::Follow, "f")]
    {
        let options = TreeOptions::new().symlinks(symlinks);
        let remote = fixture.path(name);
        let report = fixture.client.push_tree(local.path(), &remote, &options).await.unwrap();
        let mut skipped: Vec<&Path> = report.skipped().iter().map(PathBuf::as_path).collect();
        skipped.sort();
        match symlinks {
            Symlinks::Report => assert_eq!((failed_paths(&report), skipped), (all.into(), vec![])),
            Symlinks::Skip => assert_eq!((failed_paths(&report), skipped), (vec![], all.into())),
            _ => {
                let loops = ["dangling", "folder/up", "to-folder/up"].map(Path::new);
                assert_eq!((failed_paths(&report), skipped), (loops.into(), vec![]));
                assert_eq!(std::fs::read(fixture.path("f/to-folder/in")).unwrap(), b"2");
                assert_eq!(std::fs::read(fixture.path("f/to-file")).unwrap(), b"1");
            }
        }
        // The daemon and this test see the same file system.
        let back = tempfile::tempdir().unwrap();
        let remote = local.path().to_str().unwrap();
        let report = fixture.client.pull_tree(remote, back.path(), &options).await.unwrap();
        let mut skipped: Vec<&Path> = report.skipped().iter().map(PathBuf::as_path).collect();
        skipped.sort();
        match symlinks {
            Symlinks::Report => assert_eq!((failed_paths(&report), skipped), (all.into(), vec![])),
            Symlinks::Skip => assert_eq!((failed_paths(&report), skipped), (vec![], all.into())),
            _ => {
                let unfit = ["dangling", "folder/up", "to-folder"].map(Path::new);
                assert_eq!((failed_paths(&report), skipped), (unfit.into(), vec![]));
                let copied = std::fs::symlink_metadata(back.path().join("to-file")).unwrap();
                assert!(copied.is_file());
            }
        }
    }
}

#[tokio::test]
async fn hostile_names_do_not_leave_the_folder() {
    let Some(fixture) = start_fixture("hostile_names_do_not_leave_the_folder") else {
        return;
    };
    let outside = tempfile::tempdir().unwrap();
    let target = outside.path().join("target");
    let entry = |name: &str, kind: &str| {
        serde_json::json!({
            "path": "/x", "name": name, "type": kind, "size": 1, "permissions": "644",
            "last-modified": "2026-11-22T20:00:09Z", "user-id": 0, "user": "", "group-id": 0,
            "group": ""
        })
    };
    let names = ["..", ".", "", "/etc/x", "../../escaped", "a/b"];
    let mut entries: Vec<serde_json::Value> =
        names.iter().map(|name| entry(name, "file")).collect();
    entries.extend(names.iter().map(|name| entry(name, "directory")));
    let body =
        serde_json::json!({"type": "sync", "status-code": 200, "result": entries}).to_string();
    fixture.put("file", "1");
    let folder = fixture.folder.to_str().unwrap().to_owned();
    fixture
        .proxy
        .add(Rule::new("GET", "/v1/files", Fault::Reply { status: 200, body }).from_nth(2));
    let report = fixture.client.pull_tree(&folder, &target, &TreeOptions::new()).await.unwrap();
    assert_eq!(report.failures().len(), 2 * names.len(), "{:?}", report.failures());
    assert_eq!(report.files(), 0);
    assert!(tree(outside.path()).iter().all(|(path, ..)| path == Path::new("target")));

    // A pull does not follow a link that is in the place of a folder.
    std::fs::create_dir(fixture.path("sub")).unwrap();
    fixture.put("sub/x", "2");
    symlink(outside.path(), target.join("sub")).unwrap();
    let report = fixture.client.pull_tree(&folder, &target, &TreeOptions::new()).await.unwrap();
    assert_eq!(failed_paths(&report), [Path::new("sub")]);
    assert_eq!(report.files(), 1);
    assert!(!outside.path().join("x").exists());
}

#[tokio::test]
async fn a_tree_survives_lost_answers() {
    let Some(fixture) = start_fixture("a_tree_survives_lost_answers") else {
        return;
    };
    let local = sample();
    let remote = fixture.path("t");
    for nth in 1..=4 {
        fixture.proxy.add(Rule::new("POST", "/v1/files", Fault::DropReply).from_nth(nth));
    }
    let report =
        fixture.client.push_tree(local.path(), &remote, &TreeOptions::new()).await.unwrap();
    assert!(report.is_complete(), "{:?}", report.failures());
    assert_eq!(tree(Path::new(&remote)), tree(local.path()));
    // The first read is cut, and so is its repetition. A run without a fault shows first which of
    // the requests that is.
    let reads = || {
        let gets = fixture.proxy.requests().into_iter().filter(|request| request.method == "GET");
        let places = gets.enumerate().filter(|(_, request)| request.path.contains("action=read"));
        places.map(|(place, _)| place as u32).collect::<Vec<u32>>()
    };
    let options = TreeOptions::new();
    let first = tempfile::tempdir().unwrap();
    fixture.proxy.forget();
    let _uncut =
        fixture.client_with_new_budget().pull_tree(&remote, first.path(), &options).await.unwrap();
    let uncut = reads();
    fixture.proxy.forget();
    let back = tempfile::tempdir().unwrap();
    let cut = Rule::new("GET", "/v1/files", Fault::CutReplyAfter(400));
    fixture.proxy.add(cut.from_nth(uncut[0] + 1).times(2));
    let report =
        fixture.client_with_new_budget().pull_tree(&remote, back.path(), &options).await.unwrap();
    assert!(report.is_complete(), "{:?}", report.failures());
    assert_eq!(tree(back.path()), tree(local.path()));
    assert_eq!(reads().len(), uncut.len() + 2);
}

#[tokio::test]
async fn many_folders_are_made_in_several_requests() {
    let Some(fixture) = start_fixture("many_folders_are_made_in_several_requests") else {
        return;
    };
    let local = tempfile::tempdir().unwrap();
    for number in 0..1_100 {
        std::fs::create_dir(local.path().join(number.to_string())).unwrap();
    }
    let remote = fixture.path("t");
    let options = TreeOptions::new();
    let report = fixture.client.push_tree(local.path(), &remote, &options).await.unwrap();
    assert_eq!((report.folders(), report.failures().len()), (1_101, 0));
    assert_eq!(fixture.proxy.count("POST", "/v1/files"), 1 + 3);
    assert_eq!(tree(Path::new(&remote)), tree(local.path()));
}

#[tokio::test]
async fn the_bytes_of_a_report_are_those_that_were_sent() {
    let Some(fixture) = start_fixture("the_bytes_of_a_report_are_those_that_were_sent") else {
        return;
    };
    let local = tempfile::tempdir().unwrap();
    // A file in `/proc` has the size 0 and content all the same. So it stands for a file that grows
    // during the push.
    symlink("/proc/version", local.path().join("version")).unwrap();
    let options = TreeOptions::new().symlinks(Symlinks::Follow);
    for (options, name) in [(options.clone(), "small"), (options.batch_bytes(0), "large")] {
        let remote = fixture.path(name);
        let report = fixture.client.push_tree(local.path(), &remote, &options).await.unwrap();
        let written = std::fs::metadata(Path::new(&remote).join("version")).unwrap().len();
        assert!(written > 0);
        assert_eq!((report.files(), report.bytes()), (1, written), "{name}");
    }
}
