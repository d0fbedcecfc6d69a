//! These cases list, read and remove files and make folders. The module `files_written` has the
//! cases for writing.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use charmwright_pebble::{
    Client, DirOptions, ErrorKind, FileErrorKind, FileInfo, FileResult, FileType, ListOptions,
    Mode, Owner, RemoveOptions,
};

use super::pebble::{Pebble, assert_refused};
use super::raw::{Answer, ask, get, post};

/// A folder for the files of a case. Its name needs encoding in a query.
pub(crate) struct Files(PathBuf);

impl Files {
    /// Makes the folder.
    pub(crate) fn new(pebble: &impl Pebble) -> Self {
        let folder = pebble.folder().join("some files & more");
        fs::create_dir(&folder).unwrap();
        Self(folder)
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn put(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(&self.0)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

/// Returns the umask of this process, which its Pebble inherits.
fn umask() -> u32 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("Umask:")).unwrap();
    u32::from_str_radix(line.trim(), 8).unwrap()
}

/// Asserts that a path has an error of this kind whose message contains this text.
#[track_caller]
pub(crate) fn assert_failed(result: &FileResult, kind: FileErrorKind, text: &str) {
    let error = result.error().unwrap_or_else(|| panic!("{result:?}"));
    assert!(*error.kind() == kind && error.message().contains(text), "{error:?}");
}

/// Asserts that a reply has the status 400 and a message that begins with this text.
#[track_caller]
pub(crate) fn assert_bad_request(answer: &Answer, text: &str) {
    let refusal = answer.error_message();
    assert!(answer.status == 400 && refusal.starts_with(text), "{} {refusal}", answer.status);
}

fn target(query: &[(&str, &str)]) -> String {
    let query: Vec<String> = query
        .iter()
        .map(|(name, value)| format!("{name}={}", value.replace('&', "%26").replace(' ', "%20")))
        .collect();
    format!("/v1/files?{}", query.join("&"))
}

async fn list(client: &Client, path: &str, options: ListOptions) -> Vec<FileInfo> {
    client.list_files(path, &options).await.unwrap()
}

fn names(infos: &[FileInfo]) -> Vec<&str> {
    infos.iter().map(FileInfo::name).collect()
}

pub(crate) async fn are_listed_by_name(pebble: &impl Pebble) {
    let client = pebble.client();
    let files = Files::new(pebble);
    let top = files.path("");
    let top = top.trim_end_matches('/');
    assert_eq!(list(&client, top, ListOptions::new()).await, []);
    let file = files.put("b", "12345");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o4640)).unwrap();
    fs::create_dir(files.path("a")).unwrap();
    files.put("a/inner", "");
    symlink("b", files.path("link")).unwrap();
    symlink("a", files.path("folder link")).unwrap();
    symlink("nowhere", files.path("nowhere")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, files.path("pipe"), 0o600.into()).unwrap();
    let _socket = UnixListener::bind(files.path("socket")).unwrap();
    let all = list(&client, top, ListOptions::new()).await;
    let shown: Vec<(&str, &FileType)> =
        all.iter().map(|info| (info.name(), info.file_type())).collect();
    assert_eq!(
        shown,
        [
            ("a", &FileType::Directory),
            ("b", &FileType::File),
            ("folder link", &FileType::Symlink),
            ("link", &FileType::Symlink),
            ("nowhere", &FileType::Symlink),
            ("pipe", &FileType::NamedPipe),
            ("socket", &FileType::Socket),
        ]
    );
    let (folder, info) = (&all[0], &all[1]);
    assert_eq!((folder.size(), info.size(), info.path()), (None, Some(5), file.as_str()));
    // Pebble leaves out the setuid, setgid and sticky bits.
    assert_eq!(info.mode(), Mode::new(0o640).unwrap());
    let real = fs::metadata(&file).unwrap();
    assert_eq!((info.user_id(), info.group_id()), (Some(real.uid()), Some(real.gid())));
    let modified = info.last_modified().unwrap().to_string();
    assert!(!modified.contains('.'), "whole seconds: {modified}");
    // Trap: a link that is the path itself is followed, and one in a listed folder is not.
    let linked = list(&client, &files.path("link"), ListOptions::new()).await;
    assert_eq!((linked[0].name(), linked[0].file_type()), ("link", &FileType::File));
    assert_eq!(
        names(&list(&client, &files.path("folder link"), ListOptions::new()).await),
        ["inner"]
    );
    assert_eq!(names(&list(&client, top, ListOptions::new().pattern("[a-b]*")).await), ["a", "b"]);
    assert_eq!(names(&list(&client, top, ListOptions::new().pattern("*/x")).await), [""; 0]);
    let itself = list(&client, &files.path("a"), ListOptions::new().itself()).await;
    assert_eq!((names(&itself), itself[0].path()), (vec!["a"], files.path("a").as_str()));
    // Trap: if the path ends with a slash, its last name is doubled.
    let doubled = list(&client, &files.path("a/"), ListOptions::new().itself()).await;
    assert_eq!(doubled[0].path(), files.path("a/a"));
}

pub(crate) async fn that_cannot_be_listed_are_refused(pebble: &impl Pebble) {
    let client = pebble.client();
    let files = Files::new(pebble);
    let folder = files.path("");
    let file = |error: &charmwright_pebble::Error| error.kind().clone();
    let missing = client.list_files(&files.path("no"), &ListOptions::new()).await.unwrap_err();
    assert_eq!(file(&missing), ErrorKind::File(FileErrorKind::NotFound), "{missing}");
    assert_eq!(
        get(pebble, &target(&[("action", "list"), ("path", &files.path("no"))])).status,
        404
    );
    files.put("a", "");
    let pattern = ListOptions::new().pattern("[");
    let error = client.list_files(&folder, &pattern).await.unwrap_err();
    assert_eq!(file(&error), ErrorKind::File(FileErrorKind::Generic), "{error}");
    assert_refused(
        client.list_files("relative", &ListOptions::new()).await,
        400,
        "path must be absolute, got \"relative\"",
    );
    let itself =
        get(pebble, &target(&[("action", "list"), ("path", &folder), ("itself", "maybe")]));
    assert_bad_request(&itself, "itself parameter must be \"true\" or \"false\"");
    assert_bad_request(&get(pebble, "/v1/files?action=list"), "must specify path");
    assert_bad_request(&get(pebble, "/v1/files?action=dance"), "invalid action \"dance\"");
    assert_bad_request(&get(pebble, "/v1/files"), "invalid action \"\"");
    if rustix::process::geteuid().is_root() {
        eprintln!("run as root, who may read everything: the denial was left out");
        return;
    }
    let closed = files.path("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    let error = client.list_files(&closed, &ListOptions::new()).await.unwrap_err();
    assert_eq!(file(&error), ErrorKind::File(FileErrorKind::PermissionDenied), "{error}");
}

pub(crate) async fn are_read(pebble: &impl Pebble) {
    let client = pebble.client();
    let files = Files::new(pebble);
    let bytes: Vec<u8> = (0..300_000_u32).map(|number| (number % 253) as u8).collect();
    let names = ["plain", "with \"quotes\" and \\", "a,b", "ä;%41"];
    let mut paths: Vec<String> = names.iter().map(|name| files.put(name, name)).collect();
    for (path, name) in paths.iter().zip(names) {
        assert_eq!(client.pull(path).await.unwrap(), name.as_bytes(), "{name}");
    }
    paths.push(files.put("large", &bytes));
    assert!(client.pull(&paths[4]).await.unwrap() == bytes);
    assert_eq!(client.pull(&files.put("empty", "")).await.unwrap(), b"");
    // Several files are read at once. Trap: only the last part reports those that cannot be read.
    paths.insert(1, files.path("missing"));
    let mut stream = client.pull_all(&paths).await.unwrap();
    let mut read = Vec::new();
    while let Some(mut file) = stream.next_file().await.unwrap() {
        let mut content = Vec::new();
        while let Some(chunk) = file.chunk().await.unwrap() {
            content.extend_from_slice(chunk);
        }
        read.push((file.index(), content));
    }
    assert_eq!(read.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [0, 2, 3, 4, 5]);
    assert!(read[4].1 == bytes);
    let results = stream.finish().await.unwrap();
    assert_eq!(results.iter().map(FileResult::path).collect::<Vec<_>>(), paths);
    assert_failed(&results[1], FileErrorKind::NotFound, "no such file or directory");
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 5);
}

fn read(pebble: &impl Pebble, accept: &str, query: &[(&str, &str)]) -> Answer {
    let query = [&[("action", "read")], query].concat();
    ask(pebble, "GET", &target(&query), accept, b"")
}

pub(crate) async fn that_cannot_be_read_are_told_in_the_last_part(pebble: &impl Pebble) {
    let client = pebble.client();
    let files = Files::new(pebble);
    fs::create_dir(files.path("folder")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, files.path("pipe"), 0o600.into()).unwrap();
    for (path, kind, text) in [
        (files.path("missing"), FileErrorKind::NotFound, "no such file or directory"),
        (files.path("folder"), FileErrorKind::Generic, "can only read a regular file"),
        (files.path("pipe"), FileErrorKind::Generic, "can only read a regular file"),
        ("relative".to_owned(), FileErrorKind::Generic, "paths must be absolute, got \"relative\""),
    ] {
        let error = client.pull(&path).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::File(kind), "{error}");
        assert!(error.message().unwrap().contains(text), "{error}");
    }
    // On the wire the status is 200, and the part with the results is the only one.
    let accept = "Accept: multipart/form-data\r\n";
    let missing = files.path("missing");
    let answer = read(pebble, accept, &[("path", &missing)]);
    assert_eq!(answer.status, 200);
    let head = answer.head.to_ascii_lowercase();
    assert!(head.contains("content-type: multipart/form-data; boundary="), "{head}");
    let body = String::from_utf8(answer.body).unwrap();
    assert!(
        !body.contains("name=\"files\"")
            && body.contains("Content-Disposition: form-data; name=\"response\"\r\n"),
        "{body}"
    );
    // Trap: the header Accept must have exactly this value. A list with it is refused.
    for accept in ["", "Accept: */*\r\n", "Accept: multipart/form-data, */*\r\n"] {
        assert_bad_request(
            &read(pebble, accept, &[("path", &missing)]),
            "must accept multipart/form-data",
        );
    }
    assert_bad_request(&read(pebble, accept, &[]), "must specify one or more paths");
}

pub(crate) async fn of_folders_are_made(pebble: &impl Pebble) {
    let client = pebble.client();
    let files = Files::new(pebble);
    let mode = |path: &str| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    let paths = ["one", "no/parent", "one", "two"].map(|name| files.path(name));
    let paths = [&paths[0], &paths[1], &paths[2], &paths[3], "relative"];
    let results = client.make_dirs(&paths, &DirOptions::new()).await.unwrap();
    assert!(results[0].is_ok() && results[3].is_ok(), "each by itself: {results:?}");
    let text =
        if pebble.has("1.12") { "parent.mkdir-new: no such file" } else { "parent: no such file" };
    assert_failed(&results[1], FileErrorKind::NotFound, text);
    assert_failed(&results[2], FileErrorKind::Generic, "file exists");
    assert_failed(&results[4], FileErrorKind::Generic, "paths must be absolute, got \"relative\"");
    assert_eq!(mode(&files.path("one")), 0o755);
    // Missing parents get the same mode, whatever the umask is. A folder that is there already is a
    // success.
    let parents = DirOptions::new().make_parents().mode(Mode::new(0o772).unwrap());
    for _ in 0..2 {
        client.make_dir(&files.path("a/b/c"), &parents).await.unwrap();
    }
    // Before 1.12 Pebble's umask applied.
    let expected = if pebble.has("1.12") { 0o772 } else { 0o772 & !umask() };
    for name in ["a", "a/b", "a/b/c"] {
        assert_eq!(mode(&files.path(name)), expected, "{name}");
    }
    let file = files.put("file", "");
    for path in [file.clone(), format!("{file}/x")] {
        let results = client.make_dirs([&path], &parents).await.unwrap();
        assert_failed(&results[0], FileErrorKind::Generic, "not a directory");
    }
    let owner = DirOptions::new().owner(Owner::new().group("root"));
    let results = client.make_dirs([&files.path("g")], &owner).await.unwrap();
    assert_failed(&results[0], FileErrorKind::Generic, "must specify user, not just group");
    let owner = DirOptions::new().owner(Owner::new().user("no-such-user"));
    let results = client.make_dirs([&files.path("g")], &owner).await.unwrap();
    assert_failed(&results[0], FileErrorKind::Generic, "unknown user no-such-user");
    let item = serde_json::json!({"path": files.path("g"), "permissions": "0755"});
    let answer = post(pebble, "/v1/files", &format!(r#"{{"action":"make-dirs","dirs":[{item}]}}"#));
    let text = &answer.json()["result"][0]["error"]["message"];
    assert_eq!(*text, "permissions must be a 3-digit octal string, got \"0755\"");
    assert!(!files.names().contains(&"g".to_owned()));
}

pub(crate) async fn are_removed(pebble: &impl Pebble) {
    let client = pebble.client();
    let files = Files::new(pebble);
    fs::create_dir_all(files.path("full/of")).unwrap();
    fs::create_dir(files.path("empty")).unwrap();
    files.put("file", "");
    files.put("target", "");
    symlink("target", files.path("link")).unwrap();
    let paths = ["file", "full", "missing", "empty", "link"].map(|name| files.path(name));
    let paths = [&paths[0], &paths[1], &paths[2], &paths[3], &paths[4], "relative"];
    let results = client.remove_all(&paths, &RemoveOptions::new()).await.unwrap();
    assert_failed(&results[1], FileErrorKind::Generic, "directory not empty");
    assert_failed(&results[2], FileErrorKind::NotFound, "no such file or directory");
    assert_failed(&results[5], FileErrorKind::Generic, "paths must be absolute, got \"relative\"");
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 3, "{results:?}");
    assert_eq!(files.names(), ["full", "target"]);
    // Trap: a recursive removal of a missing path is a success.
    let recursive = RemoveOptions::new().recursive();
    let results = client.remove_all(&paths, &recursive).await.unwrap();
    assert!(results[..5].iter().all(FileResult::is_ok), "{results:?}");
    assert_eq!(files.names(), ["target"]);
}
