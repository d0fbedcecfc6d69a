//! The agent of all units of a model: it starts a hook's executable, and answers its hook tools on
//! a socket.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use charmwright_agent::{
    ActionRecord, AgentPaths, CharmMeta, Deployment, HookExit, Model, ModelSettings, Next,
    ToolAnswer, ToolRequest, ToolStep, UnitName, tool_names,
};

use crate::charms::{build_charms, checkout, target_folders};
use crate::wire::{Reply, body_length, decode_request, encode_reply};

/// The program that the hook tools are links to.
const CHARMWRIGHT: &str = env!("CARGO_BIN_EXE_charmwright");

/// More hooks than any test here runs.
const MOST_HOOKS: usize = 200;

/// The agent. Its folder and its thread end with it.
pub struct Agent {
    folder: tempfile::TempDir,
    shared: Arc<Mutex<Shared>>,
    charms: BTreeMap<String, PathBuf>,
    /// The time that has passed for the model beyond that of the test.
    advanced: Duration,
    server: Option<JoinHandle<()>>,
}

/// What the thread that answers hook tools needs.
struct Shared {
    model: Model,
    /// The unit whose hook runs. One hook runs at a time.
    running: Option<UnitName>,
    is_ending: bool,
    /// The calls, each as its arguments and its standard input.
    calls: Vec<String>,
    /// The mode and the content of each file that a tool has read.
    files: Vec<(u32, Vec<u8>)>,
    /// What each call has printed, by the name of the tool.
    answers: Vec<(String, Vec<u8>)>,
    /// What the hooks have printed.
    output: String,
}

impl Agent {
    /// Makes a model without applications, and its folder with the hook tools.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tools = folder.path().join("tools");
        fs::create_dir(&tools).unwrap();
        let settings = ModelSettings::new().update_status_interval(None);
        for tool in tool_names(&"3.6.28".parse().unwrap()) {
            symlink(CHARMWRIGHT, tools.join(tool)).unwrap();
        }
        let shared = Arc::new(Mutex::new(Shared {
            model: Model::new(settings),
            running: None,
            is_ending: false,
            calls: Vec::new(),
            files: Vec::new(),
            answers: Vec::new(),
            output: String::new(),
        }));
        let listener = UnixListener::bind(socket(folder.path())).unwrap();
        let server = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || serve(&listener, &shared)
        });
        let (charms, advanced) = (BTreeMap::new(), Duration::ZERO);
        Self { folder, shared, charms, advanced, server: Some(server) }
    }

    /// Deploys an example charm.
    pub fn deploy(&mut self, application: &str, example: &str, units: u32) {
        let meta = CharmMeta::read(&checkout().join("examples").join(example)).unwrap();
        let folder = self.folder.path().join(application);
        fs::create_dir(&folder).unwrap();
        build_charms();
        let program = target_folders().1.join("examples").join(example);
        symlink(program, folder.join("dispatch")).unwrap();
        self.charms.insert(application.to_owned(), folder);
        let deployment = Deployment::charm(meta).units(units);
        self.with(|model| model.deploy(application, deployment)).unwrap();
    }

    /// Asks or commands the model.
    pub fn with<T>(&self, ask: impl FnOnce(&mut Model) -> T) -> T {
        ask(&mut self.lock().model)
    }

    /// Lets time pass.
    pub fn advance(&mut self, time: Duration) {
        self.advanced += time;
    }

    /// Runs an action, and what else is due.
    pub fn run_action(
        &mut self,
        unit: &str,
        action: &str,
        params: &[(&str, &str)],
    ) -> ActionRecord {
        let unit: UnitName = unit.parse().unwrap();
        let params: Vec<_> =
            params.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let id = self.with(|model| model.run_action(&unit, action, &params)).unwrap();
        self.settle();
        self.with(|model| model.unit(&unit).unwrap().action(&id).cloned()).unwrap()
    }

    /// Runs the hooks of all units until none is due. Each must succeed.
    pub fn settle(&mut self) {
        let mut ran = 0;
        loop {
            let before = ran;
            for unit in self.with(|model| model.units()) {
                while self.run_next(&unit) {
                    ran += 1;
                    assert!(ran < MOST_HOOKS, "the charms answer each other for ever");
                }
            }
            if ran == before {
                return;
            }
        }
    }

    /// Runs the next hook of a unit, if one is due.
    fn run_next(&self, unit: &UnitName) -> bool {
        let now = Instant::now() + self.advanced;
        let Next::Run(run) = self.with(|model| model.next(unit, now)).unwrap() else {
            return false;
        };
        self.lock().running = Some(unit.clone());
        let charm = &self.charms[unit.application().as_str()];
        let tools = self.folder.path().join("tools");
        let paths = AgentPaths::new(charm, tools, socket(self.folder.path()));
        let hook = Command::new(charm.join("dispatch"))
            .env_clear()
            .envs(run.environment(&paths))
            .current_dir(charm)
            .output()
            .unwrap();
        let mut shared = self.lock();
        shared.running = None;
        let text = [hook.stdout.as_slice(), hook.stderr.as_slice()].concat();
        let text = String::from_utf8(text).unwrap();
        let exit = HookExit::Code(hook.status.code().unwrap());
        let (now, out, err) = (Instant::now() + self.advanced, &hook.stdout, &hook.stderr);
        let finished = shared.model.finish(unit, &exit, now, out, err).unwrap();
        assert!(finished.committed(), "{finished:?}\n{text}\n{:#?}", shared.calls);
        shared.output.push_str(&text);
        true
    }

    /// Returns the status of a unit, as `KIND: MESSAGE`.
    pub fn status(&self, unit: &str) -> String {
        let report = self.with(|model| model.report(&unit.parse().unwrap())).unwrap();
        format!("{}: {}", report.status, report.message)
    }

    /// Returns the mode and the content of each file that a hook tool has read.
    pub fn files(&self) -> Vec<(u32, Vec<u8>)> {
        self.lock().files.clone()
    }

    /// Returns what the calls of a tool have printed.
    pub fn answers(&self, tool: &str) -> Vec<Vec<u8>> {
        let shared = self.lock();
        let of_tool = shared.answers.iter().filter(|(name, _)| name == tool);
        of_tool.map(|(_, printed)| printed.clone()).collect()
    }

    /// Returns everything that somebody could see: the calls with their standard input, what the
    /// hooks printed, and what the model tells of itself.
    pub fn everything_shown(&self) -> String {
        let shared = self.lock();
        let mut shown = shared.calls.join("\n");
        shown.push_str(&shared.output);
        let model = &shared.model;
        writeln!(shown, "{model:#?}").unwrap();
        for unit in model.units() {
            let known = model.unit(&unit).unwrap();
            writeln!(shown, "{:?}\n{:?}", known.report(), known.state()).unwrap();
            for line in known.log(0) {
                writeln!(shown, "{line:?}").unwrap();
            }
        }
        shown
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // A test that failed may have left the lock poisoned; then the thread has ended too.
        if let Ok(mut shared) = self.shared.lock() {
            shared.is_ending = true;
        }
        drop(UnixStream::connect(socket(self.folder.path())));
        if let Some(server) = self.server.take() {
            drop(server.join());
        }
    }
}

fn socket(folder: &Path) -> PathBuf {
    folder.join("agent.socket")
}

/// Answers the hook tools, one after another, until the agent ends.
fn serve(listener: &UnixListener, shared: &Mutex<Shared>) {
    for stream in listener.incoming() {
        if shared.lock().unwrap().is_ending {
            return;
        }
        answer(&mut stream.unwrap(), shared);
    }
}

/// Answers the requests of one tool until it closes its connection.
fn answer(stream: &mut UnixStream, shared: &Mutex<Shared>) {
    loop {
        let mut head = [0; 4];
        if stream.read_exact(&mut head).is_err() {
            return;
        }
        let mut body = vec![0; body_length(head).unwrap()];
        stream.read_exact(&mut body).unwrap();
        let request = decode_request(&body).unwrap();
        let reply = shared.lock().unwrap().answer(request);
        stream.write_all(&encode_reply(&reply).unwrap()).unwrap();
    }
}

impl Shared {
    fn answer(&mut self, mut request: ToolRequest) -> Reply {
        let stdin = request.stdin.as_deref().map(String::from_utf8_lossy);
        self.calls.push(format!("{} {:?} {stdin:?}", request.name, request.args));
        let Some(unit) = self.running.clone() else {
            return Reply::Done(ToolAnswer { code: 1, ..ToolAnswer::default() });
        };
        loop {
            match self.model.tool(&unit, &request) {
                ToolStep::NeedsInput => return Reply::NeedsInput,
                ToolStep::NeedsFile(path) => {
                    let mode = fs::metadata(&path).unwrap().permissions().mode();
                    let content = fs::read(&path).unwrap();
                    self.files.push((mode, content.clone()));
                    request.files.insert(path, Ok(content));
                }
                ToolStep::Done(answer) => {
                    self.answers.push((request.name, answer.stdout.clone()));
                    return Reply::Done(answer);
                }
                other => panic!("a step that no example needs: {other:?}"),
            }
        }
    }
}
