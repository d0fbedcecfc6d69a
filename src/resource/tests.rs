//! Tests of resources.

use std::fs;

use proptest::prelude::*;

use super::{DeclaredResource, Digest, FileKind, OciImage, OciImageKind};
use crate::played_juju::run;

#[derive(Clone, Copy)]
struct Plugin;

impl DeclaredResource for Plugin {
    const NAME: &'static str = "plugin";
    type Kind = FileKind;
}

#[derive(Clone, Copy)]
struct Image;

impl DeclaredResource for Image {
    const NAME: &'static str = "image";
    type Kind = OciImageKind;
}

#[test]
fn a_file_has_a_path_and_a_digest_that_changes_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plugin");
    let answer = path.to_str().unwrap().to_owned();
    let digest_of = |content: &[u8]| {
        fs::write(&path, content).unwrap();
        let answer = answer.clone();
        let found = std::cell::Cell::new(None);
        let ran = run(
            "upgrade-charm",
            &[],
            move |_, _| Ok(answer.clone()),
            |hook| {
                let file = hook.resource(Plugin)?;
                assert_eq!(file.path(), path);
                found.set(Some(file.digest()?));
                Ok(())
            },
        );
        assert_eq!((ran.report.exit_code(), ran.calls), (0, vec!["resource-get -- plugin".into()]));
        found.get().unwrap().to_string()
    };
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(digest_of(b""), empty);
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(digest_of(b"abc"), abc);
    // FIPS 180-2: a million times the letter a.
    let million = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";
    assert_eq!(digest_of(&b"a".repeat(1_000_000)), million);
}

#[test]
fn a_file_that_is_gone_is_an_error_that_names_the_resource() {
    let ran = run(
        "upgrade-charm",
        &[],
        |_, _| Ok("/nonexistent/plugin".to_owned()),
        |hook| hook.resource(Plugin)?.digest().map(drop).map_err(Into::into),
    );
    assert_eq!(ran.report.exit_code(), 1);
    assert_eq!(ran.failure(), "cannot read the resource \"plugin\"");
}

#[test]
fn a_resource_without_a_file_is_not_ready_and_a_failed_download_an_error() {
    let refuse = |text: &'static str| {
        run(
            "install",
            &[],
            move |_, _| Err(format!("could not download resource: HTTP request failed: {text}")),
            |hook| hook.resource(Plugin).map(drop),
        )
    };
    let ran = refuse("resource \"plugin\" not found");
    assert_eq!(ran.report.exit_code(), 0, "{ran:?}");
    let status = "blocked: attach a resource: juju attach-resource web plugin=…";
    assert_eq!(ran.status(), status);
    assert_eq!(refuse("Get https://10.0.0.1: EOF").report.exit_code(), 1);
}

#[test]
fn an_image_is_read_and_its_password_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("content.yaml");
    let yaml = "registrypath: registry.example.com/web@sha256:abc\nusername: puller\n\
                password: hunter2\nauth: {value: hunter2}\n";
    fs::write(&path, yaml).unwrap();
    let answer = path.to_str().unwrap().to_owned();
    let ran = run(
        "install",
        &[],
        move |_, _| Ok(answer.clone()),
        |hook| {
            let image = hook.resource(Image)?;
            assert_eq!(image.path(), "registry.example.com/web@sha256:abc");
            assert_eq!(image.username(), Some("puller"));
            assert_eq!(image.password().unwrap().expose(), "hunter2");
            assert!(!format!("{image:?}").contains("hunter2"));
            Ok(())
        },
    );
    assert_eq!(ran.report.exit_code(), 0, "{ran:?}");
    let public = OciImage::parse(b"registrypath: web\nusername: \"\"\npassword: \"\"\n").unwrap();
    assert_eq!((public.username(), public.password()), (None, None));
}

#[test]
fn what_is_no_image_is_an_error_that_quotes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("content.yaml");
    for wrong in [
        "",
        "hunter2",
        "- hunter2",
        "username: hunter2",
        "registrypath: web\npassword: [hunter2]",
        "registrypath: 7\npassword: hunter2",
        "registrypath: \"\"\npassword: hunter2",
        "registrypath: web\npassword: \"hunter2",
        "\u{1}hunter2: x",
    ] {
        fs::write(&path, wrong).unwrap();
        let answer = path.to_str().unwrap().to_owned();
        let ran = run(
            "install",
            &[],
            move |_, _| Ok(answer.clone()),
            |hook| hook.resource(Image).map(drop),
        );
        assert_eq!(ran.report.exit_code(), 1, "{wrong}");
        let text = ran.failure();
        assert!(text.starts_with("cannot read the image of the resource \"image\": "), "{text}");
        assert!(!format!("{ran:?}").contains("hunter2"), "{ran:?}");
    }
}

#[test]
fn a_digest_is_64_hexadecimal_digits() {
    let text = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let digest: Digest = text.parse().unwrap();
    assert_eq!(serde_json::to_string(&digest).unwrap(), format!("\"{text}\""));
    assert_eq!(serde_json::from_str::<Digest>(&format!("\"{text}\"")).unwrap(), digest);
    assert_eq!(digest.as_bytes()[0], 0xba);
    assert_eq!(text.to_uppercase().parse::<Digest>().unwrap(), digest);
    for wrong in ["", &text[1..], &text.replace('b', "g"), &format!("{text}00"), &"é".repeat(32)] {
        assert!(wrong.parse::<Digest>().is_err(), "{wrong}");
    }
}

proptest! {
    #[test]
    fn no_description_makes_the_parser_panic(bytes: Vec<u8>, text in ".{0,80}") {
        let _ = OciImage::parse(&bytes);
        let _ = OciImage::parse(text.as_bytes());
        let _ = text.parse::<Digest>();
    }
}
