//! These tests push and pull files with unusual names and contents.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use charmwright_pebble::{
    ErrorKind, FileErrorKind, FileInfo, FileResult, FileType, ListOptions, Mode, Owner, PushFile,
};
use charmwright_tests::noise;

use super::{options, start_fixture};

/// File names that need quoting or encoding in the header of a part.
const NAMES: [&str; 16] = [
    "plain",
    "with space ",
    " lead",
    "quote\"quote",
    "back\\slash",
    "both\\\"both\\",
    "line\nfeed",
    "carriage\rreturn",
    "all\r\n\r\n--x",
    "tab\tbell\u{7}del\u{7f}",
    "ümläut-日本語-🦀",
    "percent%0D%22",
    "semi;colon=equals",
    "a'b''c",
    "plus+and&hash#q?",
    ".hidden..",
];

#[tokio::test]
async fn a_name_is_the_same_in_both_directions() {
    let Some(fixture) = start_fixture("a_name_is_the_same_in_both_directions") else {
        return;
    };
    for name in NAMES {
        let path = fixture.path(name);
        fixture.client.push(&path, name.to_owned(), &options()).await.unwrap();
        assert_eq!(fixture.content(name), name.as_bytes(), "{name:?}");
        assert_eq!(fixture.client.pull(&path).await.unwrap(), name.as_bytes(), "{name:?}");
    }
    let listed = fixture.client.list_files(&fixture.path(""), &ListOptions::new()).await.unwrap();
    let names: Vec<&str> = listed.iter().map(FileInfo::name).collect();
    let mut expected = NAMES;
    expected.sort_unstable();
    assert_eq!(names, expected);
}

#[tokio::test]
async fn several_files_go_in_one_request() {
    let Some(fixture) = start_fixture("several_files_go_in_one_request") else {
        return;
    };
    let files: Vec<PushFile> =
        NAMES.iter().map(|name| PushFile::new(fixture.path(name), name.repeat(1000))).collect();
    let results = fixture.client.push_all(&files).await.unwrap();
    assert!(results.iter().all(FileResult::is_ok), "{results:?}");
    assert_eq!(fixture.proxy.count("POST", "/v1/files"), 1);
    let paths: Vec<String> = NAMES.iter().map(|name| fixture.path(name)).collect();
    let mut stream = fixture.client.pull_all(&paths).await.unwrap();
    let mut seen = 0;
    while let Some(mut file) = stream.next_file().await.unwrap() {
        assert_eq!(file.path(), paths[file.index()]);
        let name = NAMES[file.index()];
        // The content of every second file is not read: `next_file` skips it.
        if seen % 2 == 0 {
            let mut content = Vec::new();
            while let Some(piece) = file.chunk().await.unwrap() {
                content.extend_from_slice(piece);
            }
            assert_eq!(content, name.repeat(1000).as_bytes(), "{name:?}");
        }
        seen += 1;
    }
    assert_eq!(seen, NAMES.len());
    let results = stream.finish().await.unwrap();
    assert!(results.iter().map(FileResult::path).eq(&paths));
    assert_eq!(fixture.proxy.count("GET", "/v1/files"), 1);
    assert!(fixture.client.push_all(&[]).await.unwrap().is_empty());
    let none = fixture.client.pull_all([""; 0]).await.unwrap();
    assert!(none.finish().await.unwrap().is_empty());
    assert_eq!(fixture.proxy.requests().len(), 2, "about no file, nothing is sent");
}

#[tokio::test]
async fn a_failure_of_one_path_leaves_the_others_alone() {
    let Some(fixture) = start_fixture("a_failure_of_one_path_leaves_the_others_alone") else {
        return;
    };
    let files = [
        PushFile::new(fixture.path("first"), "1"),
        PushFile::new(fixture.path("missing/folder"), noise(300_000)),
        PushFile::new(fixture.path("star*"), "*"),
        PushFile::new("relative", "r"),
        PushFile::new(fixture.path("last"), "2"),
    ];
    let results = fixture.client.push_all(&files).await.unwrap();
    let kinds: Vec<Option<FileErrorKind>> =
        results.iter().map(|result| result.error().map(|error| error.kind().clone())).collect();
    assert_eq!(
        kinds,
        [
            None,
            Some(FileErrorKind::NotFound),
            Some(FileErrorKind::Generic),
            Some(FileErrorKind::Generic),
            None
        ]
    );
    assert!(results[2].error().unwrap().message().contains("containing '*'"), "{results:?}");
    assert!(results[3].error().unwrap().message().contains("must be absolute"), "{results:?}");
    assert_eq!(fixture.names(), ["first", "last"]);

    let paths = ["first", "nowhere", "last", "first"].map(|name| fixture.path(name));
    let mut stream = fixture.client.pull_all(&paths).await.unwrap();
    let mut indexes = Vec::new();
    while let Some(file) = stream.next_file().await.unwrap() {
        indexes.push(file.index());
    }
    assert_eq!(indexes, [0, 2, 3], "a path may be asked for twice");
    let results = stream.finish().await.unwrap();
    assert_eq!(results[1].error().unwrap().kind(), &FileErrorKind::NotFound);
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 3);
}

#[tokio::test]
async fn contents_that_look_like_boundaries_are_only_contents() {
    let Some(fixture) = start_fixture("contents_that_look_like_boundaries") else {
        return;
    };
    let near = "\r\n--".repeat(50_000);
    for content in [
        Vec::new(),
        b"\r".repeat(300_000),
        b"\n".repeat(1000),
        near.clone().into_bytes(),
        format!("{near}\r\n--0123456789abcdef--\r\n").into_bytes(),
        noise(1_000_000),
    ] {
        let path = fixture.path("content");
        fixture.client.push(&path, content.clone(), &options()).await.unwrap();
        assert!(fixture.content("content") == content);
        assert!(fixture.client.pull(&path).await.unwrap() == content);
    }
}

#[tokio::test]
async fn mode_owner_and_folders_are_as_told() {
    let Some(fixture) = start_fixture("mode_owner_and_folders_are_as_told") else {
        return;
    };
    let usual = fixture.path("usual");
    fixture.client.push(&usual, "x", &options()).await.unwrap();
    let own = std::fs::metadata(&usual).unwrap();
    assert_eq!(own.permissions().mode() & 0o7777, 0o644);
    let path = fixture.path("new/folder/file");
    let given = options()
        .make_dirs()
        .mode("604".parse().unwrap())
        .owner(Owner::new().user_id(own.uid()).group_id(own.gid()));
    fixture.client.push(&path, "x", &given).await.unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o604);
    let infos = fixture.client.list_files(&fixture.path("new"), &ListOptions::new()).await.unwrap();
    assert_eq!((infos[0].name(), infos[0].file_type()), ("folder", &FileType::Directory));
    assert_eq!((infos[0].mode(), infos[0].size()), (Mode::new(0o755).unwrap(), None));
    assert_eq!((infos[0].user_id(), infos[0].group_id()), (Some(own.uid()), Some(own.gid())));
    assert_eq!(infos[0].path(), fixture.path("new/folder"));
    assert!(infos[0].last_modified().is_some());
}

#[tokio::test]
async fn lists_follow_patterns_and_links() {
    let Some(fixture) = start_fixture("lists_follow_patterns_and_links") else {
        return;
    };
    fixture.put("a.conf", "1");
    fixture.put("b.conf", "22");
    fixture.put("c.txt", "333");
    std::os::unix::fs::symlink("c.txt", fixture.path("link")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, fixture.path("pipe"), 0o600.into()).unwrap();
    let list = |path: &str, options| {
        let (client, path) = (fixture.client.clone(), path.to_owned());
        async move {
            let infos = client.list_files(&path, &options).await.unwrap();
            infos
                .iter()
                .map(|info| {
                    (info.name().to_owned(), info.file_type().as_str().to_owned(), info.size())
                })
                .collect::<Vec<_>>()
        }
    };
    let entry = |name: &str, kind: &str, size| (name.to_owned(), kind.to_owned(), size);
    assert_eq!(
        list(&fixture.path(""), ListOptions::new().pattern("*.conf")).await,
        [entry("a.conf", "file", Some(1)), entry("b.conf", "file", Some(2))]
    );
    assert_eq!(
        list(&fixture.path(""), ListOptions::new().pattern("[lp]*")).await,
        [entry("link", "symlink", None), entry("pipe", "named-pipe", None)]
    );
    assert_eq!(
        list(&fixture.path("link"), ListOptions::new()).await,
        [entry("link", "file", Some(3))],
        "the path itself is followed"
    );
    assert_eq!(
        list(fixture.folder.to_str().unwrap(), ListOptions::new().itself()).await,
        [entry("files", "directory", None)]
    );
    assert!(list(&fixture.path(""), ListOptions::new().pattern("none")).await.is_empty());
}

#[tokio::test]
async fn text_is_text() {
    let Some(fixture) = start_fixture("text_is_text") else { return };
    let path = fixture.path("x");
    fixture.client.push(&path, String::from("grüße\n"), &options()).await.unwrap();
    assert_eq!(fixture.client.pull_text(&path).await.unwrap(), "grüße\n");
    fixture.client.push(&path, *b"\xff", &options()).await.unwrap();
    let error = fixture.client.pull_text(&path).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Local(std::io::ErrorKind::InvalidData));
    assert!(error.to_string().starts_with("cannot pull "), "{error}");
}

#[tokio::test]
async fn a_path_need_not_be_the_shortest() {
    let Some(fixture) = start_fixture("a_path_need_not_be_the_shortest") else {
        return;
    };
    std::fs::create_dir(fixture.path("sub")).unwrap();
    let paths = ["sub/../a", "./b", "sub/..//c"].map(|name| fixture.path(name));
    let files: Vec<PushFile> =
        paths.iter().map(|path| PushFile::new(path, path.as_str())).collect();
    let results = fixture.client.push_all(&files).await.unwrap();
    assert!(results.iter().all(FileResult::is_ok), "{results:?}");
    for path in &paths {
        assert_eq!(fixture.client.pull_text(path).await.unwrap(), *path);
    }
    assert_eq!(fixture.names(), ["a", "b", "c", "sub"]);
}
