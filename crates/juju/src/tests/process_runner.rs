//! Tests of the runner with real processes: each way in which a tool may end, and each way in which
//! it may misbehave until then.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::tool_runner::MAX_ARGUMENT;
use crate::{Error, ErrorKind, HookTools, Status};
use tempfile::TempDir;

/// A temporary directory of tools, each a shell script.
struct ToolFolder(TempDir);

impl ToolFolder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Adds a tool that runs a shell script.
    fn with(self, name: &str, script: &str) -> Self {
        self.with_file(name, &format!("#!/bin/sh\n{script}\n"))
    }

    /// Adds an executable file.
    fn with_file(self, name: &str, content: &str) -> Self {
        // Another process writes the file. If this one had it open for writing while another test
        // starts a process, that process would inherit the open file for a moment, and the kernel
        // would refuse to execute it (`ETXTBSY`).
        let path = self.0.path().join(name);
        let mut writer = Command::new("/bin/sh")
            .args(["-c", "cat > \"$0\" && chmod 755 \"$0\""])
            .arg(&path)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        writer.stdin.take().unwrap().write_all(content.as_bytes()).unwrap();
        assert!(writer.wait().unwrap().success());
        self
    }

    /// Makes a runner that finds these tools.
    fn runner(&self) -> ProcessRunner {
        ProcessRunner::new().path(self.0.path())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

/// Runs a tool that must fail, and returns its error.
fn run_error(runner: &ProcessRunner, call: &ToolCall<'_>) -> ToolError {
    runner.run(call).unwrap_err()
}

#[test]
fn a_tool_gets_its_arguments_and_input_and_its_output_comes_back() {
    let tools = ToolFolder::new().with(
        "state-set",
        "for arg in \"$@\"; do printf '<%s>' \"$arg\"; done; cat; echo warned >&2",
    );
    let call =
        ToolCall::new("state-set").arg("--file").arg("-").arg("").arg("two words").stdin(b"input");
    assert_eq!(tools.runner().run(&call).unwrap(), b"<--file><-><><two words>input");
    let call = ToolCall::new("state-set");
    assert_eq!(
        tools.runner().run(&call).unwrap(),
        b"",
        "a tool without input reads an end of file at once"
    );
}

#[test]
fn an_exit_code_comes_back_with_the_standard_error() {
    let tools = ToolFolder::new()
        .with("one", "echo 'ERROR no such thing' >&2; exit 1")
        .with("two", "printf 'ERROR \\377 bad option\\n' >&2; exit 2")
        .with("status-set", "echo 'ERROR this unit is not the leader' >&2; exit 1");
    assert!(matches!(run_error(&tools.runner(), &ToolCall::new("one")),
        ToolError::Exited { code: 1, stderr } if stderr == "ERROR no such thing"));
    assert!(matches!(run_error(&tools.runner(), &ToolCall::new("two")),
        ToolError::Exited { code: 2, stderr } if stderr == "ERROR \u{fffd} bad option"));
    let error = HookTools::new(Box::new(tools.runner()))
        .set_application_status(&Status::active())
        .unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::NotLeader);
}

#[test]
fn a_signal_is_told_from_an_exit() {
    let tools = ToolFolder::new().with("shot", "echo dying >&2; kill -9 $$");
    assert!(matches!(run_error(&tools.runner(), &ToolCall::new("shot")),
        ToolError::Killed { signal: 9, stderr } if stderr == "dying"));
}

#[test]
fn a_slow_tool_is_killed_at_the_deadline() {
    let tools =
        ToolFolder::new().with("slow", "echo $$ > \"$0.pid\"; echo asking >&2; exec sleep 600");
    let limit = Duration::from_millis(300);
    let start = Instant::now();
    assert!(matches!(run_error(&tools.runner().deadline(limit), &ToolCall::new("slow")),
        ToolError::Deadline { limit: told, .. } if told == limit));
    assert!(start.elapsed() < Duration::from_secs(60));
    // Under load the tool may be killed before it wrote its process id. If it wrote one, no such
    // process may be left.
    if let Ok(id) = fs::read_to_string(tools.path().join("slow.pid")) {
        assert!(!Path::new("/proc").join(id.trim()).exists() || id.trim().is_empty());
    }
}

#[test]
fn a_tool_that_writes_for_ever_is_killed_too() {
    let tools = ToolFolder::new().with("chatty", "while :; do echo x >&2; done");
    let quick = tools.runner().deadline(Duration::from_millis(200));
    assert!(matches!(
        run_error(&quick, &ToolCall::new("chatty")),
        ToolError::Deadline { stderr, .. } if stderr.len() <= MAX_STDERR
    ));

    let tools = ToolFolder::new().with("endless", "exec cat /dev/zero");
    assert!(matches!(
        run_error(&tools.runner(), &ToolCall::new("endless")),
        ToolError::TooMuchOutput { limit: MAX_OUTPUT }
    ));
}

#[test]
fn the_largest_allowed_output_is_read_completely() {
    let tools = ToolFolder::new()
        .with("big", &format!("head -c {MAX_OUTPUT} /dev/zero; head -c 1000000 /dev/zero >&2"));
    assert_eq!(tools.runner().run(&ToolCall::new("big")).unwrap().len(), MAX_OUTPUT);
}

#[test]
fn a_mebibyte_goes_in_and_out_at_once() {
    let tools = ToolFolder::new().with("echo", "exec cat");
    let input: Vec<u8> = (0..1 << 20).map(|at: u32| at.to_le_bytes()[1]).collect();
    assert!(tools.runner().run(&ToolCall::new("echo").stdin(&input)).unwrap() == input);
}

#[test]
fn a_tool_that_reads_no_input_may_still_succeed() {
    let tools = ToolFolder::new()
        .with("deaf", "exec 0<&-; echo done")
        .with("rude", "exec 0<&-; echo 'ERROR not now' >&2; exit 1");
    let input = vec![b'x'; 1 << 20];
    assert_eq!(tools.runner().run(&ToolCall::new("deaf").stdin(&input)).unwrap(), b"done\n");
    assert!(matches!(
        run_error(&tools.runner(), &ToolCall::new("rude").stdin(&input)),
        ToolError::Exited { code: 1, .. }
    ));
}

#[test]
fn a_child_of_the_tool_is_not_waited_for() {
    let tools = ToolFolder::new().with("parent", "sleep 600 & echo $! > \"$0.pid\"; echo answer");
    let start = Instant::now();
    assert_eq!(tools.runner().run(&ToolCall::new("parent")).unwrap(), b"answer\n");
    assert!(start.elapsed() < Duration::from_secs(60));
    let child = fs::read_to_string(tools.path().join("parent.pid")).unwrap();
    assert!(
        Command::new("kill").arg(child.trim()).status().unwrap().success(),
        "the child of the tool was not killed"
    );
}

#[test]
fn a_tool_that_closes_its_output_and_goes_on_is_waited_for() {
    let tools = ToolFolder::new().with("quiet", "exec >&- 2>&-; sleep 0.2; exit 7");
    assert!(matches!(
        run_error(&tools.runner(), &ToolCall::new("quiet")),
        ToolError::Exited { code: 7, .. }
    ));
}

#[test]
fn the_end_of_a_process_is_polled_on_a_kernel_without_pidfd() {
    let tools = ToolFolder::new().with("echo", "cat; sleep 600 & echo $! > \"$0.pid\"; exit 3");
    let call = ToolCall::new("echo").stdin(b"input");
    let mut process = ToolProcess::start(tools.path().join("echo").as_os_str(), &call).unwrap();
    process.pidfd = None;
    let status = process.communicate(None).unwrap_or_else(|_| panic!("it ended"));
    assert_eq!((status.code(), process.stdout.as_slice()), (Some(3), &b"input"[..]));
    let child = fs::read_to_string(tools.path().join("echo.pid")).unwrap();
    assert!(Command::new("kill").arg(child.trim()).status().unwrap().success());
}

#[test]
fn a_missing_tool_and_an_unusable_one_are_different_errors() {
    let tools = ToolFolder::new().with("usable", "echo first");
    fs::write(tools.path().join("plain"), "no program").unwrap();
    fs::create_dir(tools.path().join("folder")).unwrap();
    assert!(matches!(run_error(&tools.runner(), &ToolCall::new("none")), ToolError::NotFound));
    assert!(matches!(
        run_error(&tools.runner(), &ToolCall::new("folder")),
        ToolError::NotStarted(_)
    ));
    assert!(matches!(
        run_error(&tools.runner(), &ToolCall::new("plain")),
        ToolError::NotStarted(_)
    ));
    assert!(matches!(
        run_error(&ProcessRunner::new().path(""), &ToolCall::new("usable")),
        ToolError::NotFound
    ));

    let kind = |runner: ProcessRunner, tool| {
        Error::from_tool_error("do it", tool, run_error(&runner, &ToolCall::new(tool)))
            .kind()
            .clone()
    };
    assert_eq!(kind(tools.runner(), "none"), ErrorKind::Unavailable);
    assert_eq!(kind(tools.runner(), "plain"), ErrorKind::System);
    assert!(tools.runner().has_tool("usable"));
    assert!(!tools.runner().has_tool("plain") && !tools.runner().has_tool("none"));
    assert!(!tools.runner().has_tool("") && !tools.runner().has_tool("../usable"));
}

#[test]
fn a_tool_whose_interpreter_is_missing_could_not_be_started() {
    let tools = ToolFolder::new().with_file("odd", "#!/no/such/shell\n");
    let failure = run_error(&tools.runner(), &ToolCall::new("odd"));
    let error = Error::from_tool_error("do it", "odd", failure);
    assert!(
        error.to_string().starts_with("cannot do it: odd on PATH could not be started"),
        "{error}"
    );
}

#[test]
fn the_first_executable_file_on_the_path_is_run() {
    let (first, second) = (
        ToolFolder::new().with("a", "echo 1"),
        ToolFolder::new().with("a", "echo 2").with("b", "echo 2"),
    );
    fs::write(first.path().join("b"), "not executable").unwrap();
    let path =
        std::env::join_paths([Path::new("/no/such/folder"), first.path(), second.path()]).unwrap();
    let runner = ProcessRunner::new().path(path);
    assert_eq!(runner.run(&ToolCall::new("a")).unwrap(), b"1\n");
    assert_eq!(runner.run(&ToolCall::new("b")).unwrap(), b"2\n");
}

#[test]
fn an_argument_that_no_process_can_get_is_refused_before_one_is_started() {
    let tools = ToolFolder::new().with("any", "touch \"$0.ran\"");
    for bad in ["x".repeat(MAX_ARGUMENT + 1), "a\0b".to_owned()] {
        let failure = run_error(&tools.runner(), &ToolCall::new("any").arg("ok").arg(bad));
        assert!(
            matches!(
                &failure,
                ToolError::BadArgument { reason } if reason.starts_with("argument 2 ")
            ),
            "{failure}"
        );
        assert_eq!(Error::from_tool_error("do it", "any", failure).kind(), &ErrorKind::Invalid);
    }
    assert!(!tools.path().join("any.ran").exists());

    tools.runner().run(&ToolCall::new("any").arg("x".repeat(MAX_ARGUMENT))).unwrap();
    assert!(tools.path().join("any.ran").exists());

    let many = (0..200).fold(ToolCall::new("any"), |call, _| call.arg("x".repeat(MAX_ARGUMENT)));
    let error = Error::from_tool_error("do it", "any", run_error(&tools.runner(), &many));
    assert_eq!(error.kind(), &ErrorKind::Invalid);
}

#[test]
fn garbage_from_a_process_is_an_error_of_its_kind() {
    let tools = ToolFolder::new()
        .with("config-get", "head -c 3000 /dev/urandom")
        .with("is-leader", "echo maybe");
    let hook_tools = HookTools::new(Box::new(tools.runner()));
    assert_eq!(hook_tools.config().unwrap_err().kind(), &ErrorKind::Output);
    assert_eq!(hook_tools.is_leader().unwrap_err().kind(), &ErrorKind::Output);
}

#[test]
fn two_threads_that_read_at_once_start_one_tool() {
    let tools =
        ToolFolder::new().with("config-get", "echo x >> \"$0.count\"; sleep 0.05; echo '{}'");
    let hook_tools = Arc::new(HookTools::new(Box::new(tools.runner())));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| hook_tools.config().unwrap());
        }
    });
    assert_eq!(fs::read_to_string(tools.path().join("config-get.count")).unwrap(), "x\n");
}

#[test]
fn a_file_that_cannot_be_executed_does_not_count_as_missing() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("plain"), "").unwrap();
    fs::create_dir(at("folder")).unwrap();
    symlink(at("loop"), at("loop")).unwrap();
    symlink(at("nowhere"), at("dangling")).unwrap();
    let runner = ProcessRunner::new().path(folder.path());
    for tool in ["plain", "folder", "loop", "dangling"] {
        let failure = runner.find_tool(tool).unwrap_err();
        assert!(matches!(failure, ToolError::NotStarted(_)), "{tool}: {failure:?}");
        assert!(!runner.has_tool(tool), "{tool}");
    }
    assert!(matches!(runner.find_tool("absent"), Err(ToolError::NotFound)));
    // A directory that cannot be searched may have the tool. The test uses a loop of links, because
    // root may search every real directory.
    let unsearchable = ProcessRunner::new().path(at("loop"));
    assert!(matches!(unsearchable.find_tool("absent"), Err(ToolError::NotStarted(_))));
    // An entry of `PATH` that is a file, or does not exist, has no tools.
    for nothing in ["plain", "nowhere"] {
        let runner = ProcessRunner::new().path(at(nothing));
        assert!(matches!(runner.find_tool("absent"), Err(ToolError::NotFound)), "{nothing}");
    }
}
