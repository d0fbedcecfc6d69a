//! This benchmark counts the hook-tool calls that the model answers in a second on one core.
//!
//! One unit runs one hook after another. Each hook makes the calls of a charm that has a relation,
//! a secret and a state, and its writes are committed. The time is that of the processor for this
//! thread: on a machine that does other work too, the figure stays the same.
//!
//! - **model**: `Model::tool` with a request, as an agent with processes calls it.
//! - **in-process tools**: the same calls by `InProcessTools`, as a charm's test makes them. They
//!   record each call.
//!
//! `cargo bench -p charmwright-agent --bench tool_calls` prints a table. It fails if the model
//! answers fewer calls than [`LEAST`] in a second.

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use charmwright_agent::{
    CharmMeta, Deployment, EndpointMeta, EndpointRole, HookExit, InProcessTools, Model,
    ModelSettings, Next, RelationNumber, ToolRequest, ToolStep, UnitName,
};
use charmwright_juju::{SecretId, ToolCall, ToolRunner as _};
use rustix::time::{ClockId, clock_gettime};

/// The calls a second that are expected of the model on a machine of today.
const EXPECTED: f64 = 100_000.0;

/// The calls a second below which the benchmark fails. A slow machine reaches it; a model that
/// copies itself or searches all that it has for each call does not.
const LEAST: f64 = 50_000.0;

/// How many rounds are measured, and the hooks of each. The table has the median of the rounds.
const ROUNDS: usize = 9;
const HOOKS: u32 = 2_000;

type Failure = Box<dyn Error>;

fn main() -> ExitCode {
    if !std::env::args().any(|argument| argument == "--bench") {
        // `cargo test --all-targets` runs this executable too, without `--bench`.
        println!("nothing measured: this is a benchmark; run it with `cargo bench`");
        return ExitCode::SUCCESS;
    }
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("BOUND MISSED: the model answers fewer than {LEAST} calls a second");
            ExitCode::FAILURE
        }
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

/// Measures both ways and prints the table. Returns `true` if the bound holds.
fn run() -> Result<bool, Failure> {
    let world = World::new()?;
    let (mut model, unit, calls) = (world.model, world.unit, world.calls);
    let bare = measure(|number| bare_hook(&mut model, &unit, &calls, number))?;

    let world = World::new()?;
    let tools = InProcessTools::new(world.model, world.unit);
    let recorded = measure(|number| recorded_hook(&tools, &world.calls, number))?;

    let mark = if bare >= EXPECTED { "✔" } else { "✘" };
    println!("| calls | a second on one core | a call |\n|---|---|---|");
    println!("| model (≥ {EXPECTED}) | {bare:.0} {mark} | {:.2} µs |", 1e6 / bare);
    println!("| in-process tools | {recorded:.0} | {:.2} µs |", 1e6 / recorded);
    Ok(bare >= LEAST)
}

/// Returns the median of the calls a second. `hook` runs one hook and returns its calls; its
/// argument is the number of the hook.
fn measure(mut hook: impl FnMut(u32) -> Result<u32, Failure>) -> Result<f64, Failure> {
    let mut rates = Vec::new();
    let mut number = 0;
    // One round more than is counted: the first fills the caches of the processor.
    for _ in 0..=ROUNDS {
        let start = thread_time()?;
        let mut calls = 0;
        for _ in 0..HOOKS {
            number += 1;
            calls += hook(number)?;
        }
        rates.push(f64::from(calls) / (thread_time()? - start).as_secs_f64());
    }
    rates.remove(0);
    rates.sort_by(f64::total_cmp);
    rates.get(ROUNDS / 2).copied().ok_or_else(|| "nothing measured".into())
}

/// Returns the time of the processor that this thread has used.
fn thread_time() -> Result<Duration, Failure> {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Ok(Duration::new(time.tv_sec.try_into()?, time.tv_nsec.try_into()?))
}

/// The model of the benchmark: an application of one unit, related to a database of two units.
struct World {
    model: Model,
    unit: UnitName,
    /// The calls of one hook: the tool, its arguments, and whether it has the number of the hook on
    /// its standard input.
    calls: Vec<Call>,
}

struct Call {
    tool: &'static str,
    args: Vec<String>,
    has_input: bool,
}

impl World {
    fn new() -> Result<Self, Failure> {
        let meta = CharmMeta::parse(
            "name: web\nsummary: s\ndescription: d\nrequires: {db: {interface: pg}}\n",
            Some("options: {port: {type: int, default: 80}, level: {type: string, default: info}}"),
            None,
        )?;
        let mut model = Model::new(ModelSettings::new().update_status_interval(None));
        model.deploy("web", Deployment::charm(meta))?;
        let endpoint = EndpointMeta::new("clients", EndpointRole::Provider, "pg");
        model.deploy("pg", Deployment::remote([endpoint]).units(2))?;
        let relation = model.integrate("web", "pg")?;
        let login = [("username", "web"), ("password", "not-a-real-password")];
        let secret = model.set_remote_secret("pg", "login", &login)?;
        model.grant_remote_secret("pg", &secret, relation)?;
        let answer = [("endpoints", "10.1.0.1:5432"), ("secret-user", secret.as_str())];
        model.set_remote_app_data(relation, "pg", answer)?;
        let unit: UnitName = "web/0".parse()?;
        // The hooks of a new unit come first; the measured ones find it in operation.
        while let Next::Run(_) = model.next(&unit, Instant::now())? {
            end_hook(&mut model, &unit)?;
        }
        Ok(Self { model, unit, calls: calls_of_a_hook(relation, &secret) })
    }
}

fn calls_of_a_hook(relation: RelationNumber, secret: &SecretId) -> Vec<Call> {
    let call = |tool, args: &str| Call {
        tool,
        args: args.split(' ').map(str::to_owned).collect(),
        has_input: args.ends_with("--file -"),
    };
    let secret = secret.as_str();
    vec![
        call("state-get", "--format=json"),
        call("config-get", "--format=json"),
        call("opened-ports", "--endpoints --format=json"),
        call("relation-ids", "--format=json db"),
        call("relation-list", &format!("-r db:{relation} --format=json")),
        call("relation-get", &format!("-r db:{relation} --format=json - web/0")),
        call("is-leader", "--format=json"),
        call("relation-get", &format!("-r db:{relation} --app --format=json - pg")),
        call("relation-get", &format!("-r db:{relation} --format=json - pg/0")),
        call("secret-get", &format!("{secret} --refresh --format=json")),
        call("relation-set", &format!("-r db:{relation} --file -")),
        call("state-set", "--file -"),
        call("status-set", "active"),
    ]
}

/// Returns the standard input of a call that has one. It differs from hook to hook, so that the
/// commit has something to write.
fn input(number: u32) -> Vec<u8> {
    format!("number: \"{number}\"\nversion: \"1\"\n").into_bytes()
}

/// Makes a hook due and begins it. Returns its context id.
fn begin_hook(model: &mut Model, unit: &UnitName) -> Result<String, Failure> {
    model.update_status(unit)?;
    match model.next(unit, Instant::now())? {
        Next::Run(run) => Ok(run.id().to_owned()),
        next => Err(format!("no hook to run, but {next:?}").into()),
    }
}

fn end_hook(model: &mut Model, unit: &UnitName) -> Result<(), Failure> {
    let finished = model.finish(unit, &HookExit::Code(0), Instant::now(), b"", b"")?;
    if finished.committed() { Ok(()) } else { Err("the hook was not committed".into()) }
}

fn bare_hook(
    model: &mut Model,
    unit: &UnitName,
    calls: &[Call],
    number: u32,
) -> Result<u32, Failure> {
    let context_id = begin_hook(model, unit)?;
    for call in calls {
        let mut request = ToolRequest {
            context_id: context_id.clone(),
            dir: PathBuf::from("/"),
            name: call.tool.to_owned(),
            args: call.args.clone(),
            ..ToolRequest::default()
        };
        let step = match model.tool(unit, &request) {
            ToolStep::NeedsInput => {
                request.stdin = Some(input(number));
                model.tool(unit, &request)
            }
            step => step,
        };
        match step {
            ToolStep::Done(answer) if answer.code == 0 => {}
            step => return Err(format!("{request:?} was not answered: {step:?}").into()),
        }
    }
    end_hook(model, unit)?;
    Ok(u32::try_from(calls.len())?)
}

fn recorded_hook(tools: &InProcessTools, calls: &[Call], number: u32) -> Result<u32, Failure> {
    tools.with_model(begin_hook)?;
    tools.forget_calls();
    let input = input(number);
    for call in calls {
        let mut tool_call = ToolCall::new(call.tool);
        for arg in &call.args {
            tool_call = tool_call.arg(arg.as_str());
        }
        if call.has_input {
            tool_call = tool_call.stdin(&input);
        }
        tools.run(&tool_call)?;
    }
    tools.with_model(end_hook)?;
    Ok(u32::try_from(tools.calls().len())?)
}
