//! Folders that are made and paths that are removed, also when the answer is lost.

use charmwright_pebble::{DirOptions, ErrorKind, FileErrorKind, FileResult, Mode, RemoveOptions};
use charmwright_testing::proxy::{Fault, Rule};
use std::os::unix::fs::PermissionsExt as _;

use super::scene;

#[tokio::test]
async fn folders_are_made_path_by_path() {
    let Some(scene) = scene("folders_are_made_path_by_path") else {
        return;
    };
    let paths = ["one", "no/parent", "one", "two"].map(|name| scene.path(name));
    let mode = DirOptions::new().mode(Mode::new(0o710).unwrap());
    let results = scene.client.make_dirs(&paths, &mode).await.unwrap();
    assert!(results[0].is_ok() && results[3].is_ok(), "{results:?}");
    assert_eq!(results[1].error().unwrap().kind(), &FileErrorKind::NotFound);
    assert_eq!(results[2].error().unwrap().kind(), &FileErrorKind::Generic);
    assert!(results[2].error().unwrap().message().ends_with("file exists"));
    let made = std::fs::metadata(scene.path("one")).unwrap();
    assert_eq!(made.permissions().mode() & 0o7777, 0o710);
    let parents = DirOptions::new().make_parents();
    scene.client.make_dir(&scene.path("a/b/c"), &parents).await.unwrap();
    scene.client.make_dir(&scene.path("a/b/c"), &parents).await.unwrap();
    let again = scene.client.make_dir(&scene.path("a/b/c"), &DirOptions::new()).await.unwrap_err();
    assert_eq!(again.kind(), &ErrorKind::File(FileErrorKind::Generic), "{again}");
    assert!(scene.client.make_dirs([""; 0], &parents).await.unwrap().is_empty());
    let relative = scene.client.make_dir("x", &parents).await.unwrap_err();
    assert_eq!(relative.kind(), &ErrorKind::File(FileErrorKind::Generic), "{relative}");
}

#[tokio::test]
async fn paths_are_removed_one_by_one() {
    let Some(scene) = scene("paths_are_removed_one_by_one") else {
        return;
    };
    std::fs::create_dir_all(scene.path("full/of")).unwrap();
    scene.put("file", "");
    let paths = ["file", "full", "missing"].map(|name| scene.path(name));
    let results = scene.client.remove_all(&paths, &RemoveOptions::new()).await.unwrap();
    assert!(results[0].is_ok());
    assert_eq!(results[1].error().unwrap().kind(), &FileErrorKind::Generic, "not empty");
    assert_eq!(results[2].error().unwrap().kind(), &FileErrorKind::NotFound);
    let recursive = RemoveOptions::new().recursive();
    let results = scene.client.remove_all(&paths, &recursive).await.unwrap();
    assert!(results.iter().all(FileResult::is_ok), "{results:?}");
    assert!(scene.names().is_empty());
    let error = scene.client.remove(&scene.path("x"), &RemoveOptions::new()).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::File(FileErrorKind::NotFound));
    assert!(error.to_string().starts_with("cannot remove \"/"), "{error}");
}

#[tokio::test]
async fn a_lost_answer_is_success_when_it_is_done_by_then() {
    let Some(scene) = scene("a_lost_answer_is_success_when_it_is_done_by_then") else {
        return;
    };
    let lose = || scene.proxy.add(Rule::new("POST", "/v1/files", Fault::DropReply));
    scene.put("file", "");
    let folder = scene.path("folder");
    lose();
    scene.client.make_dir(&folder, &DirOptions::new()).await.unwrap();
    assert_eq!(scene.proxy.count("POST", "/v1/files"), 2);
    // What is in its place is no folder: nothing that the first request could have made.
    lose();
    let error = scene.client.make_dir(&scene.path("file"), &DirOptions::new()).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::File(FileErrorKind::Generic), "{error}");
    lose();
    let paths = [scene.path("file"), folder];
    let results = scene.client.remove_all(&paths, &RemoveOptions::new()).await.unwrap();
    assert!(results.iter().all(FileResult::is_ok), "{results:?}");
    assert!(scene.names().is_empty());
    assert_eq!(scene.proxy.count("POST", "/v1/files"), 6);
}
