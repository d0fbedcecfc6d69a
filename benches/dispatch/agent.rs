//! An [`Agent`] is the Juju of one unit: the model answers the hook tools of the charm over a
//! socket.
//!
//! The measured runs do not ask the model. They read its answers from files, which an [`Agent`]
//! writes: the time of the model is then no part of the figures.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Instant;

use charmwright_agent::{
    CharmMeta, Finished, HookExit, HookRun, JujuVersion, Model, ModelSettings, Next, Report,
    ToolAnswer, ToolRequest, ToolStep, UnitName,
};

use crate::calls::{Call, parse_calls};
use crate::case::Case;
use crate::common::Failure;

/// Returns the version of Juju that all hooks see.
pub(crate) fn juju_version() -> JujuVersion {
    JujuVersion::release(3, 6, 9)
}

/// An agent has a model of its own, so that the two charms of a case do not see each other.
pub(crate) struct Agent {
    model: Model,
    unit: UnitName,
    socket: PathBuf,
    listener: UnixListener,
}

/// The effects of a hook are what the charm and the model have at its end. They serve to compare
/// one charm with another.
#[derive(Debug, PartialEq)]
pub(crate) struct Effects {
    report: Report,
    /// The charm's databags of each relation: that of the application, and that of the unit.
    databags: Vec<[BTreeMap<String, String>; 2]>,
}

impl Agent {
    /// Deploys the charm of a case, and listens for hook tools on a new socket.
    pub(crate) fn new(case: &Case, socket: PathBuf) -> Result<Self, Failure> {
        // No hook may become due by itself: the two charms have to run the same hooks.
        let settings = ModelSettings::new().juju_version(juju_version());
        let mut model = Model::new(settings.update_status_interval(None));
        (case.deploy)(&mut model, CharmMeta::read(&case.charm_folder)?)?;
        let listener = UnixListener::bind(&socket)?;
        Ok(Self { model, unit: case.unit()?, socket, listener })
    }

    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Calls a function with the model and the unit, to make hooks due.
    pub(crate) fn change(
        &mut self,
        change: impl FnOnce(&mut Model, &UnitName) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        change(&mut self.model, &self.unit)
    }

    /// Begins the hook that is due, or returns `None`.
    pub(crate) fn begin(&mut self) -> Result<Option<HookRun>, Failure> {
        match self.model.next(&self.unit, Instant::now())? {
            Next::Run(hook) => Ok(Some(hook)),
            _ => Ok(None),
        }
    }

    /// Runs the charm in the hook that has begun, commits its writes, and returns its hook tools.
    ///
    /// Each answer of the model is written to a file in `answers`, named for the call.
    ///
    /// # Errors
    ///
    /// The charm fails, the model refuses a call, or it answers the same call in two ways: a file
    /// for each call would then not be enough.
    pub(crate) fn run(
        &mut self,
        hook: &HookRun,
        mut command: Command,
        answers: &Path,
    ) -> Result<Vec<Call>, Failure> {
        command.env("HOOK_AGENT", &self.socket).stdin(Stdio::null());
        let socket = self.socket.clone();
        let mut calls = Vec::new();
        let mut served: Result<(), Failure> = Ok(());
        let output: Output = std::thread::scope(|scope| -> Result<Output, Failure> {
            let charm = scope.spawn(move || {
                let output = command.output();
                // An empty message ends the loop below. Every hook tool has been answered by then.
                UnixStream::connect(socket).map(drop).and(output)
            });
            loop {
                let (mut stream, _) = self.listener.accept()?;
                let mut message = Vec::new();
                stream.read_to_end(&mut message)?;
                if message.is_empty() {
                    break;
                }
                // After a failure the charm still has to come to its end: a hook tool whose
                // connection is not taken would wait for ever. One that gets no answer fails.
                if served.is_ok() {
                    served = self.serve(hook, &message, &mut stream, answers, &mut calls);
                }
            }
            Ok(charm.join().map_err(|_| "the thread of the charm has panicked")??)
        })?;
        served?;
        let finished = self.finish(&output)?;
        if finished.committed() {
            return Ok(calls);
        }
        Err(format!(
            "{} of {} failed: {}\n{}\nit called: {calls:?}",
            hook.name(),
            self.unit,
            output.status,
            String::from_utf8_lossy(&output.stderr).trim_end()
        )
        .into())
    }

    /// Answers the calls of a message, and notes them.
    fn serve(
        &mut self,
        hook: &HookRun,
        message: &[u8],
        stream: &mut UnixStream,
        answers: &Path,
        calls: &mut Vec<Call>,
    ) -> Result<(), Failure> {
        for call in parse_calls(message)? {
            let answer = self.answer(hook, &call)?;
            write_answer(answers, &call, &answer, calls.contains(&call))?;
            stream.write_all(&[answer.code])?;
            stream.write_all(&answer.stdout)?;
            calls.push(call);
        }
        stream.shutdown(Shutdown::Write)?;
        Ok(())
    }

    fn finish(&mut self, output: &Output) -> Result<Finished, Failure> {
        let exit = HookExit::Code(output.status.code().unwrap_or(-1));
        let now = Instant::now();
        Ok(self.model.finish(&self.unit, &exit, now, &output.stdout, &output.stderr)?)
    }

    /// Answers a hook tool from the model. A refused call is a failure, with the model's words.
    fn answer(&mut self, hook: &HookRun, call: &Call) -> Result<ToolAnswer, Failure> {
        let Call::Tool { argv, input } = call else {
            return Err("the hook tools have sent something else than a call".into());
        };
        let (tool, arguments) = argv.split_first().ok_or("a hook tool without a name")?;
        let mut request = ToolRequest {
            context_id: hook.id().to_owned(),
            dir: PathBuf::from("/"),
            name: tool.clone(),
            args: arguments.to_vec(),
            ..ToolRequest::default()
        };
        let answer = match self.model.tool(&self.unit, &request) {
            ToolStep::NeedsInput => {
                request.stdin = Some(input.clone());
                self.model.tool(&self.unit, &request)
            }
            step => step,
        };
        match answer {
            ToolStep::Done(answer) if answer.code == 0 => Ok(answer),
            ToolStep::Done(answer) => {
                let text = String::from_utf8_lossy(&answer.stderr).trim_end().to_owned();
                Err(format!("the model refuses {argv:?} in {}: {text}", hook.name()).into())
            }
            step => Err(format!("the benchmark cannot answer {argv:?}: {step:?}").into()),
        }
    }

    /// Returns what the hooks have made of the unit so far.
    pub(crate) fn effects(&self) -> Result<Effects, Failure> {
        let report = self.model.report(&self.unit)?;
        let mut databags = Vec::new();
        for relation in &report.relations {
            databags.push([
                self.model.app_data(relation.id, &report.application)?.clone(),
                self.model.unit_data(relation.id, &self.unit)?.clone(),
            ]);
        }
        Ok(Effects { report, databags })
    }
}

/// Writes the answer of a call to its file. `again` tells that the hook has made this call before.
fn write_answer(
    answers: &Path,
    call: &Call,
    answer: &ToolAnswer,
    again: bool,
) -> Result<(), Failure> {
    let Call::Tool { argv, .. } = call else {
        return Ok(());
    };
    // `hook-tool.c` makes the same name.
    let file = answers.join(argv.join(" ").replace('/', "|"));
    if again && fs::read(&file).unwrap_or_default() != answer.stdout {
        return Err(format!("the model answers {argv:?} in two ways in one hook").into());
    }
    // A hook tool that finds no file prints nothing. A message can be too long for a file's name.
    if !answer.stdout.is_empty() {
        fs::write(&file, &answer.stdout)
            .map_err(|error| format!("cannot write {}: {error}", file.display()))?;
    }
    Ok(())
}
