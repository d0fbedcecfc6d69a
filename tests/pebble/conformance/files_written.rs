//! These cases write files. The request for that is the only one with several parts.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use charmwright_pebble::{FileErrorKind, FileResult, Mode, Owner, PushFile, PushOptions};

use super::files::{Files, assert_bad_request, assert_failed};
use super::pebble::Pebble;
use super::raw::{Answer, ask, post};

pub(crate) async fn are_whole_or_as_before(pebble: &impl Pebble) {
    let client = pebble.client();
    let files = Files::new(pebble);
    let mode = |path: &str| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    let path = files.path("a \"b\" \\ c");
    client.push(&path, "first", &PushOptions::new()).await.unwrap();
    assert_eq!((fs::read(&path).unwrap(), mode(&path)), (b"first".to_vec(), 0o644));
    let before = fs::metadata(&path).unwrap().ino();
    // Pebble replaces the file by a new one with the given mode, whatever the umask is.
    let open = PushOptions::new().mode(Mode::new(0o666).unwrap());
    client.push(&path, "", &open).await.unwrap();
    assert_eq!((fs::read(&path).unwrap(), mode(&path)), (Vec::new(), 0o666));
    assert_ne!(fs::metadata(&path).unwrap().ino(), before);
    // Trap: a link is replaced, not followed.
    let target = files.put("target", "as it was");
    let link = files.path("link");
    symlink(&target, &link).unwrap();
    client.push(&link, "new", &PushOptions::new()).await.unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_file());
    assert_eq!(fs::read(&target).unwrap(), b"as it was");
    // Parents get the mode 755, whatever the mode of the file is.
    let deep = files.path("x/y/z");
    let parents = PushOptions::new().make_dirs().mode(Mode::new(0o600).unwrap());
    client.push(&deep, "deep", &parents).await.unwrap();
    assert_eq!((mode(&deep), mode(&files.path("x"))), (0o600, 0o755));
    let bytes: Vec<u8> = (0..300_000_u32).map(|number| (number % 253) as u8).collect();
    let large = files.path("large");
    client.push(&large, bytes.clone(), &PushOptions::new()).await.unwrap();
    assert!(fs::read(&large).unwrap() == bytes);
    assert_eq!(
        files.names(),
        ["a \"b\" \\ c", "large", "link", "target", "x"],
        "nothing is left over"
    );
}

pub(crate) async fn belong_to_whom_they_are_to(pebble: &impl Pebble) {
    let client = pebble.client();
    let files = Files::new(pebble);
    if !rustix::process::geteuid().is_root() {
        eprintln!("not run as root: other owners were left out");
        return;
    }
    for (owner, ids) in [
        (Owner::new(), (0, 0)),
        (Owner::new().user("nobody"), (65534, 65534)),
        (Owner::new().user_id(65534).group_id(7), (65534, 7)),
        (Owner::new().user("nobody").group("root"), (65534, 0)),
    ] {
        let path = files.path("x/y");
        let options = PushOptions::new().make_dirs().owner(owner);
        client.push(&path, "", &options).await.unwrap();
        for path in [&path, &files.path("x")] {
            let real = fs::metadata(path).unwrap();
            assert_eq!((real.uid(), real.gid()), ids, "{path}");
        }
        fs::remove_dir_all(files.path("x")).unwrap();
    }
    let alone = PushFile::new(files.path("alone"), "")
        .options(PushOptions::new().owner(Owner::new().user_id(65534)));
    let result = client.push_all(&[alone]).await.unwrap().remove(0);
    if pebble.has("1.18") {
        assert_eq!(fs::metadata(files.path("alone")).unwrap().gid(), 65534, "{result:?}");
    } else {
        assert_failed(&result, FileErrorKind::Generic, "must specify group, not just UID");
    }
}

pub(crate) async fn that_cannot_be_are_told_one_by_one(pebble: &impl Pebble) {
    let client = pebble.client();
    let files = Files::new(pebble);
    fs::create_dir(files.path("folder")).unwrap();
    let owner = |owner: Owner| PushOptions::new().owner(owner);
    let plain = PushOptions::new;
    let cases = [
        (files.path("no/such"), plain(), FileErrorKind::NotFound, "such."),
        (files.path("folder"), plain(), FileErrorKind::Generic, "file exists"),
        (
            "relative".to_owned(),
            plain(),
            FileErrorKind::Generic,
            "paths must be absolute, got \"relative\"",
        ),
        (
            files.path("1"),
            owner(Owner::new().group("root")),
            FileErrorKind::Generic,
            "must specify user, not just group",
        ),
        (
            files.path("2"),
            owner(Owner::new().user("no-such-user")),
            FileErrorKind::Generic,
            "unknown user no-such-user",
        ),
        (
            files.path("3"),
            owner(Owner::new().user("root").user_id(7)),
            FileErrorKind::Generic,
            "does not match user-id (7)",
        ),
    ];
    let mut all: Vec<PushFile> = cases
        .iter()
        .map(|(path, options, ..)| PushFile::new(path.as_str(), "x").options(options.clone()))
        .collect();
    all.push(PushFile::new(files.path("good"), "x"));
    let star = files.path("st*r");
    all.push(PushFile::new(star.as_str(), "x"));
    let results = client.push_all(&all).await.unwrap();
    for (result, (_, _, kind, text)) in results.iter().zip(cases) {
        assert_failed(result, kind, text);
    }
    assert!(results[6].is_ok());
    if pebble.has("1.32") {
        assert_failed(&results[7], FileErrorKind::Generic, "filename containing '*'");
        assert_eq!(files.names(), ["folder", "good"]);
    } else {
        assert_eq!(files.names(), ["folder", "good", "st*r"]);
    }
    assert!(results.iter().map(FileResult::path).eq(all.iter().map(PushFile::path)));
}

const BOUNDARY: &str = "a-boundary-of-at-least-32-characters";

/// Returns a part of a request with this name and, unless it is empty, this file name.
fn part(name: &str, file: &str, body: &str) -> String {
    let file = if file.is_empty() { String::new() } else { format!("; filename=\"{file}\"") };
    format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{body}\r\n"
    )
}

/// Sends these parts as a request to write files.
fn send(pebble: &impl Pebble, boundary: &str, parts: &[String]) -> Answer {
    let headers = format!("Content-Type: multipart/form-data; boundary={boundary}\r\n");
    let body = format!("{}--{BOUNDARY}--\r\n", parts.concat());
    ask(pebble, "POST", "/v1/files", &headers, body.as_bytes())
}

/// Returns the first part, which announces files with these paths.
fn request(paths: &[&str]) -> String {
    let files: Vec<_> = paths.iter().map(|path| serde_json::json!({"path": path})).collect();
    part("request", "", &serde_json::json!({"action": "write", "files": files}).to_string())
}

pub(crate) async fn by_requests_that_are_wrong_are_not(pebble: &impl Pebble) {
    let files = Files::new(pebble);
    let (one, two) = (files.path("one"), files.path("two"));
    assert_bad_request(&send(pebble, "too-short", &[]), "invalid boundary \"too-short\"");
    assert_bad_request(&send(pebble, BOUNDARY, &[]), "cannot read request metadata: ");
    for (parts, text) in [
        (vec![part("files", &one, "x")], "metadata field name must be \"request\", got \"files\""),
        (vec![part("request", "", "{")], "cannot decode request metadata: "),
        (
            vec![part("request", "", r#"{"action":"remove"}"#)],
            "multipart action must be \"write\", got \"remove\"",
        ),
        (vec![request(&[])], "must specify one or more files"),
        (
            vec![request(&[&one]), part("other", &one, "x")],
            "field name must be \"files\", got \"other\"",
        ),
    ] {
        assert_bad_request(&send(pebble, BOUNDARY, &parts), text);
    }
    assert_eq!(files.names(), [""; 0]);
    // One file is announced and its part is missing.
    let answer = send(pebble, BOUNDARY, &[request(&[&one, &two]), part("files", &two, "2")]);
    let json = answer.json();
    assert_eq!(answer.status, 200);
    assert_eq!(json["result"][0]["error"]["message"], format!("no file content for path {one:?}"));
    assert_eq!(json["result"][1], serde_json::json!({"path": two}));
    // Trap: a part that was not announced makes the request fail, but the files of the parts before
    // it are written.
    let answer = send(
        pebble,
        BOUNDARY,
        &[request(&[&one]), part("files", &one, "1"), part("files", "/three", "3")],
    );
    assert_bad_request(&answer, "no metadata for path \"/three\"");
    assert_eq!(files.names(), ["one", "two"]);
    let octal =
        serde_json::json!({"action": "write", "files": [{"path": one, "permissions": "0644"}]});
    let answer = send(
        pebble,
        BOUNDARY,
        &[part("request", "", &octal.to_string()), part("files", &one, "x")],
    );
    assert_eq!(
        answer.json()["result"][0]["error"]["message"],
        "permissions must be a 3-digit octal string, got \"0644\""
    );
}

pub(crate) async fn with_other_media_are_refused(pebble: &impl Pebble) {
    let text = ask(pebble, "POST", "/v1/files", "Content-Type: text/plain\r\n", b"x");
    assert_bad_request(&text, "invalid media type \"text/plain\"");
    assert_bad_request(&ask(pebble, "POST", "/v1/files", "", b"{}"), "invalid Content-Type \"\"");
    assert_bad_request(
        &post(pebble, "/v1/files", r#"{"action":"write","files":[]}"#),
        "must use multipart with \"write\" action",
    );
    assert_bad_request(
        &post(pebble, "/v1/files", r#"{"action":"dance"}"#),
        "invalid action \"dance\"",
    );
    assert_bad_request(&post(pebble, "/v1/files", "{"), "cannot decode request body: ");
    for body in [r#"{"action":"make-dirs","dirs":[]}"#, r#"{"action":"remove"}"#] {
        let answer = post(pebble, "/v1/files", body);
        assert_eq!(
            (answer.status, &answer.json()["result"]),
            (200, &serde_json::json!([])),
            "{body}"
        );
    }
}
