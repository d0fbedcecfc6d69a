//! A test that plants a content and looks for it wherever it must not be: in the arguments of
//! every tool, in the errors, and in the private folder afterwards. The tools are real processes,
//! and most of them misbehave.

#![expect(clippy::unwrap_used, reason = "a test's helper fails the test that called it")]

use std::error::Error as _;
use std::fs;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use charmwright_juju::{
    Error, ErrorKind, HookTools, NewSecret, ProcessRunner, SecretBytes, SecretFields, SecretId,
    SecretOwner, SecretText, SecretUpdate, ToolCall, ToolError, ToolRunner,
};
use tempfile::TempDir;

const ID: &str = "secret:9m4e2mr0ui3e8a215n4g";

/// The planted text. Its base64 is searched for too.
const PLANTED: &str = "hunter2-planted-in-this-test";
const PLANTED_BASE64: &str = "aHVudGVyMi1wbGFudGVkLWluLXRoaXMtdGVzdA==";

/// The part of a script that finds the private file among the arguments.
const FIND_FILE: &str =
    "for arg in \"$@\"; do case $arg in --file=*) file=${arg#--file=};; esac; done";

/// The ways in which a tool behaves that is given the content, as shell. `$file` is the private
/// file.
const SCRIPTS: &[&str] = &[
    "echo secret:9m4e2mr0ui3e8a215n4g",
    "echo 'ERROR this unit is not the leader' >&2; exit 1",
    "cat \"$file\" >&2; exit 1",
    "printf 'ERROR key value \"' >&2; cut -c 20-40 \"$file\" >&2; exit 2",
    "cat \"$file\"; cat \"$file\" >&2",
    "cat \"$file\" >&2; kill -9 $$",
    "cat \"$file\" >&2; exec sleep 600",
    "yes \"$(cat \"$file\")\" | head -c 104857600",
    "yes \"$(cat \"$file\")\" | head -c 104857600 >&2; exit 1",
    "head -c 3000 /dev/urandom",
    "rm \"$file\"; exit 3",
];

/// The ways in which `secret-get` behaves, as shell. `$PLANTED` is the content.
const GET_SCRIPTS: &[&str] = &[
    "printf '{\"password\":\"%s\"}' $PLANTED",
    "echo $PLANTED",
    "printf '{\"password\":\"%s\"' $PLANTED",
    "printf '{\"password\":[\"%s\"]}' $PLANTED",
    "printf '{\"password\":\"%s\\357\\277\\275\"}' $PLANTED",
    "printf '{\"password\":\"%s\"}' $PLANTED; exit 1",
    "printf '{\"password\":\"%s\"}' $PLANTED; kill -9 $$",
    "yes $PLANTED | head -c 104857600",
    "printf '{\"password\":\"%s\"}' $PLANTED; exec sleep 600",
];

/// Tools that are shell scripts and write their arguments and their environment to `seen`.
struct Tools {
    folder: TempDir,
    private: TempDir,
}

impl Tools {
    fn new(tools: &[&str], script: &str) -> Self {
        let made =
            Self { folder: tempfile::tempdir().unwrap(), private: tempfile::tempdir().unwrap() };
        for tool in tools {
            made.add(tool, script);
        }
        made
    }

    /// Adds a tool. Another process writes the file: if this one had it open for writing while
    /// another test starts a process, the kernel would refuse to execute it (`ETXTBSY`).
    fn add(&self, tool: &str, script: &str) {
        let path = self.folder.path().join(tool);
        let seen = self.folder.path().join("seen");
        let script = format!(
            "#!/bin/sh\n(echo \"$0 $*\"; env) >> {}\n{FIND_FILE}\n{script}\n",
            seen.display()
        );
        let mut writer = Command::new("/bin/sh")
            .args(["-c", "cat > \"$0\" && chmod 755 \"$0\""])
            .arg(&path)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        writer.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
        assert!(writer.wait().unwrap().success());
    }

    fn hook_tools(&self) -> HookTools {
        let runner = ProcessRunner::new().path(self.folder.path()).deadline(Duration::from_secs(2));
        HookTools::new(Box::new(runner)).secret_folder(self.private.path())
    }

    /// Returns the arguments and the environment of every tool that was started.
    fn seen(&self) -> String {
        fs::read_to_string(self.folder.path().join("seen")).unwrap_or_default()
    }

    fn check_private_folder(&self) {
        assert_eq!(count(self.private.path()), 0, "a private file is left");
    }
}

fn count(folder: &Path) -> usize {
    fs::read_dir(folder).unwrap().count()
}

fn content() -> SecretFields {
    SecretFields::new()
        .with("password", &SecretText::from(PLANTED))
        .with("pass-bytes", &SecretBytes::from([&[0xff], PLANTED.as_bytes()].concat()))
}

/// Returns everything that can be printed of an error.
fn shown(error: &Error) -> String {
    format!("{error} {error:?} {error:#?} {:?} {:?}", error.stderr(), error.source())
}

fn check(text: &str, script: &str) {
    for planted in [PLANTED, PLANTED_BASE64, &PLANTED[8..20], &PLANTED_BASE64[8..20]] {
        assert!(!text.contains(planted), "`{script}` shows {planted}: {text}");
    }
}

#[test]
fn a_content_that_is_sent_is_found_nowhere() {
    for script in SCRIPTS {
        let tools = Tools::new(&["secret-add", "secret-set"], script);
        tools.add(
            "secret-info-get",
            &format!(
                "printf '{{\"%s\":{{\"revision\":1,\"owner\":\"unit\"}}}}' {}",
                ID.trim_start_matches("secret:")
            ),
        );
        let hook_tools = tools.hook_tools();
        let request = NewSecret::new(SecretOwner::Unit, content());
        let mut shown_all = format!("{request:?} {hook_tools:?}");
        if let Err(error) = hook_tools.add_secret(&request) {
            shown_all += &shown(&error);
        }
        tools.check_private_folder();
        let update = SecretUpdate::new().content(content());
        if let Err(error) = hook_tools.set_secret(&ID.parse().unwrap(), &update) {
            shown_all += &shown(&error);
        }
        tools.check_private_folder();
        check(&shown_all, script);
        let seen = tools.seen();
        assert!(seen.contains("secret-add --owner=unit --file="), "{seen}");
        check(&seen, script);
    }
}

#[test]
fn a_content_that_is_read_is_found_nowhere() {
    for script in GET_SCRIPTS {
        let script = format!("PLANTED={PLANTED}\n{script}");
        let tools = Tools::new(&["secret-get"], &script);
        let hook_tools = tools.hook_tools();
        let id: SecretId = ID.parse().unwrap();
        for read in [hook_tools.secret(&id), hook_tools.peek_secret("label")] {
            match read {
                Ok(content) => check(&format!("{content:?}"), &script),
                Err(error) => check(&shown(&error), &script),
            }
        }
        check(&format!("{hook_tools:?}"), &script);
        check(&tools.seen(), &script);
    }
}

#[test]
fn a_tool_that_is_missing_leaves_no_file() {
    let tools = Tools::new(&[], "");
    let request = NewSecret::new(SecretOwner::Unit, content());
    let error = tools.hook_tools().add_secret(&request).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Unavailable);
    check(&shown(&error), "");
    tools.check_private_folder();
}

#[test]
fn a_panic_leaves_no_file() {
    struct Panicking;
    impl ToolRunner for Panicking {
        fn run(&self, call: &ToolCall<'_>) -> Result<Vec<u8>, ToolError> {
            let path = call.args.iter().find_map(|arg| arg.strip_prefix("--file=")).unwrap();
            assert!(fs::read_to_string(path).unwrap().contains(PLANTED));
            std::panic::resume_unwind(Box::new(()))
        }
    }
    let private = tempfile::tempdir().unwrap();
    let hook_tools = HookTools::new(Box::new(Panicking)).secret_folder(private.path());
    let request = NewSecret::new(SecretOwner::Unit, content());
    let panicked = catch_unwind(AssertUnwindSafe(|| hook_tools.add_secret(&request)));
    assert!(panicked.is_err());
    assert_eq!(count(private.path()), 0);
}

#[test]
fn a_folder_that_cannot_be_written_is_an_error_without_the_content() {
    let tools = Tools::new(&["secret-add"], SCRIPTS[0]);
    let missing = tools.private.path().join("missing");
    let hook_tools = tools.hook_tools().secret_folder(missing);
    let request = NewSecret::new(SecretOwner::Unit, content());
    let error = hook_tools.add_secret(&request).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::System);
    assert!(error.to_string().contains("missing") && error.source().is_some(), "{error}");
    check(&shown(&error), "");
    assert_eq!(tools.seen(), "");
}
