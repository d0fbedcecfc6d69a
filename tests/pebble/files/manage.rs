//! These tests make folders and remove paths, also when the reply is lost.

use charmwright_pebble::{DirOptions, ErrorKind, FileErrorKind, FileResult, Mode, RemoveOptions};
use charmwright_testing::proxy::{Fault, Rule};
use std::os::unix::fs::PermissionsExt as _;

use super::start_fixture;

#[tokio::test]
async fn folders_are_made_path_by_path() {
    let Some(fixture) = start_fixture("folders_are_made_path_by_path") else {
        return;
    };
    let paths = ["one", "no/parent", "one", "two"].map(|name| fixture.path(name));
    let mode = DirOptions::new().mode(Mode::new(0o710).unwrap());
    let results = fixture.client.make_dirs(&paths, &mode).await.unwrap();
    assert!(results[0].is_ok() && results[3].is_ok(), "{results:?}");
    assert_eq!(results[1].error().unwrap().kind(), &FileErrorKind::NotFound);
    assert_eq!(results[2].error().unwrap().kind(), &FileErrorKind::Generic);
    assert!(results[2].error().unwrap().message().ends_with("file exists"));
    let made = std::fs::metadata(fixture.path("one")).unwrap();
    assert_eq!(made.permissions().mode() & 0o7777, 0o710);
    let parents = DirOptions::new().make_parents();
    fixture.client.make_dir(&fixture.path("a/b/c"), &parents).await.unwrap();
    fixture.client.make_dir(&fixture.path("a/b/c"), &parents).await.unwrap();
    let again =
        fixture.client.make_dir(&fixture.path("a/b/c"), &DirOptions::new()).await.unwrap_err();
    assert_eq!(again.kind(), &ErrorKind::File(FileErrorKind::Generic), "{again}");
    assert!(fixture.client.make_dirs([""; 0], &parents).await.unwrap().is_empty());
    let relative = fixture.client.make_dir("x", &parents).await.unwrap_err();
    assert_eq!(relative.kind(), &ErrorKind::File(FileErrorKind::Generic), "{relative}");
}

#[tokio::test]
async fn paths_are_removed_one_by_one() {
    let Some(fixture) = start_fixture("paths_are_removed_one_by_one") else {
        return;
    };
    std::fs::create_dir_all(fixture.path("full/of")).unwrap();
    fixture.put("file", "");
    let paths = ["file", "full", "missing"].map(|name| fixture.path(name));
    let results = fixture.client.remove_all(&paths, &RemoveOptions::new()).await.unwrap();
    assert!(results[0].is_ok());
    assert_eq!(results[1].error().unwrap().kind(), &FileErrorKind::Generic, "not empty");
    assert_eq!(results[2].error().unwrap().kind(), &FileErrorKind::NotFound);
    let recursive = RemoveOptions::new().recursive();
    let results = fixture.client.remove_all(&paths, &recursive).await.unwrap();
    assert!(results.iter().all(FileResult::is_ok), "{results:?}");
    assert!(fixture.names().is_empty());
    let error = fixture.client.remove(&fixture.path("x"), &RemoveOptions::new()).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::File(FileErrorKind::NotFound));
    assert!(error.to_string().starts_with("cannot remove \"/"), "{error}");
}

#[tokio::test]
async fn a_lost_answer_is_success_when_it_is_done_by_then() {
    let Some(fixture) = start_fixture("a_lost_answer_is_success_when_it_is_done_by_then") else {
        return;
    };
    let lose = || fixture.proxy.add(Rule::new("POST", "/v1/files", Fault::DropReply));
    fixture.put("file", "");
    let folder = fixture.path("folder");
    lose();
    fixture.client.make_dir(&folder, &DirOptions::new()).await.unwrap();
    assert_eq!(fixture.proxy.count("POST", "/v1/files"), 2);
    // At this path is a file, which the request whose reply was lost cannot have made. So the error
    // stands.
    lose();
    let error =
        fixture.client.make_dir(&fixture.path("file"), &DirOptions::new()).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::File(FileErrorKind::Generic), "{error}");
    lose();
    let paths = [fixture.path("file"), folder];
    let results = fixture.client.remove_all(&paths, &RemoveOptions::new()).await.unwrap();
    assert!(results.iter().all(FileResult::is_ok), "{results:?}");
    assert!(fixture.names().is_empty());
    assert_eq!(fixture.proxy.count("POST", "/v1/files"), 6);
}
