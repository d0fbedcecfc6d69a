//! A runner that answers secret tools by a script, and looks at the private file as Juju's agent
//! does.

use std::collections::VecDeque;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex};

use charmwright_juju::{HookEnv, HookTools, ToolCall, ToolError, ToolRunner};
use tempfile::TempDir;

/// The answer to one call.
pub(super) type Answer = Result<Vec<u8>, ToolError>;

/// A hook whose tools give the answers of a queue, in its order.
pub(super) struct Scripted {
    pub(super) tools: HookTools,
    folder: TempDir,
    script: Arc<Mutex<Script>>,
}

#[derive(Default)]
struct Script {
    answers: VecDeque<Answer>,
    calls: Vec<Vec<String>>,
    files: Vec<Vec<u8>>,
}

struct Runner(Arc<Mutex<Script>>);

impl Scripted {
    /// Makes a hook with these answers.
    pub(super) fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        let script = Script { answers: answers.into_iter().collect(), ..Script::default() };
        let script = Arc::new(Mutex::new(script));
        let folder = tempfile::tempdir().unwrap();
        let tools =
            HookTools::new(Box::new(Runner(Arc::clone(&script)))).secret_folder(folder.path());
        Self { tools, folder, script }
    }

    /// Tells the tools which hook it is.
    pub(super) fn in_hook(self, env: &HookEnv) -> Self {
        Self { tools: self.tools.in_hook(env), ..self }
    }

    /// Returns the calls so far and forgets them. The path of a private file is `PATH`.
    pub(super) fn take_calls(&self) -> Vec<String> {
        let calls = std::mem::take(&mut self.script.lock().unwrap().calls);
        let shown = |arg: &String| match arg.strip_prefix("--file=") {
            Some(_) => "--file=PATH".to_owned(),
            None => arg.clone(),
        };
        calls.iter().map(|call| call.iter().map(shown).collect::<Vec<_>>().join(" ")).collect()
    }

    /// Returns the contents of the private files that the tools read.
    pub(super) fn files(&self) -> Vec<String> {
        let script = self.script.lock().unwrap();
        script.files.iter().map(|file| String::from_utf8(file.clone()).unwrap()).collect()
    }

    /// Checks that the script is at its end and that no private file is left.
    pub(super) fn check_is_done(&self) {
        assert_eq!(self.script.lock().unwrap().answers.len(), 0, "answers that nobody asked for");
        assert_eq!(fs::read_dir(self.folder.path()).unwrap().count(), 0, "files that are left");
    }
}

impl ToolRunner for Runner {
    fn run(&self, call: &ToolCall<'_>) -> Answer {
        call.check_args()?;
        let mut script = self.0.lock().unwrap();
        if let Some(path) = call.args.iter().find_map(|arg| arg.strip_prefix("--file=")) {
            let path = Path::new(path);
            assert!(path.is_absolute());
            let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o7777;
            assert_eq!((mode(path), mode(path.parent().unwrap())), (0o600, 0o700));
            script.files.push(fs::read(path).unwrap());
        }
        assert!(call.stdin.is_none());
        let call: Vec<String> =
            std::iter::once(call.tool.to_owned()).chain(call.args.iter().cloned()).collect();
        script.calls.push(call);
        let answered = script.answers.pop_front();
        assert!(answered.is_some(), "a call too many: {:?}", script.calls.last());
        answered.unwrap()
    }
}

/// Makes the answer of a tool that printed this and exited with code 0.
pub(super) fn prints(output: impl Into<Vec<u8>>) -> Answer {
    Ok(output.into())
}

/// Makes the answer of a tool that failed with this text.
pub(super) fn fails(text: &str) -> Answer {
    Err(ToolError::Exited { code: 1, stderr: format!("ERROR {text}") })
}
