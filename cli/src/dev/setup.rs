//! Makes a session from the options: chooses the charm, the config and the Pebble, and prints the
//! first lines.

use std::collections::BTreeMap;
use std::env;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use charmwright_agent::{
    AgentPaths, Deployment, JujuVersion, Model, ModelSettings, Unit, UnitName, tool_names,
};
use charmwright_testing::pebble_binary::Search;
use rustix::process::{Pid, Signal};
use tokio::sync::mpsc;

use super::charm_source::{CharmSource, PreparedCharm};
use super::command_input;
use super::commands;
use super::container::Container;
use super::lasting_error::LastingError;
use super::mounts::Mounts;
use super::options::{DevArgs, Format, YesNo};
use super::pebble_watcher::Watchers;
use super::phase::Phase;
use super::refresh_state::Refresh;
use super::relations;
use super::resources;
use super::script::Script;
use super::secret_names::SecretNames;
use super::session::Session;
use super::signals;
use super::terminal_output::TerminalOutput;
use super::unit_config::set_config;
use super::unit_log::UnitLog;
use super::workspace::Workspace;
use crate::error::{Error, Result};
use crate::processes;

/// The interval between two update-status hooks, as in Juju's agent.
const UPDATE_STATUS_INTERVAL: Duration = Duration::from_secs(300);

/// The time that a build has to end after its compiler was killed.
const BUILD_STOP_LIMIT: Duration = Duration::from_secs(5);

/// Runs the session in the folder that the guard has made.
pub async fn run(args: DevArgs, root: &Path, guard: i32) -> Result<ExitCode> {
    let guard = Pid::from_raw(guard).ok_or_else(|| Error::new("cannot follow process 0"))?;
    let (stop_sender, mut stops) = mpsc::unbounded_channel();
    // Before the parent's death signal is set: SIGUSR2 without a handler would kill this process,
    // which then could not clean up.
    signals::listen(stop_sender)?;
    processes::adopt_orphans_and_follow(guard, Signal::USR2)?;
    let workspace = Workspace::adopt(root, args.dir.is_none());
    let starts_pebble = !args.no_pebble;
    // A build takes minutes. A request to stop must end it and leave neither a compiler nor the
    // folder behind.
    let mut preparing = tokio::task::spawn_blocking({
        let workspace = workspace.clone();
        move || make_session(&args, &workspace)
    });
    let prepared = tokio::select! {
        prepared = &mut preparing => prepared
            .map_err(|error| Error::new("cannot make the unit").because(error))
            .flatten(),
        _ = stops.recv() => {
            processes::kill_descendants(|| {});
            // The child of the build was killed, so the build ends and removes its own temporary
            // files.
            let _ = tokio::time::timeout(BUILD_STOP_LIMIT, preparing).await;
            processes::kill_descendants(|| {});
            Err(Error::new("cannot make the unit").because("asked to end before it was ready"))
        }
    };
    // The containers are started here and not in `make_session`. The kernel signals a container
    // when the *thread* that started it ends (`prctl(2)`, PR_SET_PDEATHSIG), which the container
    // takes for the end of the session. A blocking thread of the runtime ends after ten idle
    // seconds, and this one ends with the session.
    let started = prepared.and_then(|mut session| {
        // A workload has its storage from the start.
        session.prepare_storage();
        if starts_pebble {
            session.start_all_containers()?;
        }
        Ok(session)
    });
    let outcome = match started {
        Ok(session) => Ok(session.run(stops).await),
        Err(error) => Err(error),
    };
    // The guard was killed, so no other process cleans up.
    if rustix::process::getppid() != Some(guard) {
        processes::kill_descendants(|| {});
        workspace.clean();
    }
    outcome
}

/// Prepares the charm, the unit and the containers. Blocks, for minutes if something has to be
/// built.
fn make_session(args: &DevArgs, workspace: &Workspace) -> Result<Session> {
    let mut terminal_output = TerminalOutput::new(args.format == Format::Json);
    let charm = match &args.charm {
        Some(named) => CharmSource::named(named)?,
        None => CharmSource::around_current_folder()?,
    };
    if let Some(project) = charm.project() {
        terminal_output.print_text(&format!("building the charm in {}\n", project.display()));
    }
    let charm_dir = workspace.charm();
    let PreparedCharm { meta, files } = charm.prepare(&charm_dir)?;

    let version: JujuVersion =
        args.juju.parse().map_err(|error| Error::new("cannot use --juju").because(error))?;
    let tools = tool_names(&version);
    let name = args.unit.clone().unwrap_or_else(|| format!("{}/0", meta.name()));
    let name: UnitName =
        name.parse().map_err(|error| Error::new("cannot make the unit").because(error))?;
    let settings = ModelSettings::new()
        .model_name(&args.model)
        .juju_version(version.clone())
        .speed(args.speed)
        .update_status_interval(Some(UPDATE_STATUS_INTERVAL / args.speed.max(1)))
        .home(workspace.root())
        .storage_directory(workspace.storage().display().to_string())
        .clock(Instant::now(), SystemTime::now())
        .seed(context_seed());
    let mut model = Model::new(settings);
    // Without the one unit there is nothing to run, also for a subordinate that is not related.
    let resources = resources::named(&meta, &version, workspace, &args.resource)?;
    let mut deployment = Deployment::charm(meta)
        .units(1)
        .first_unit_number(name.number())
        .leader(args.leader == YesNo::Yes)
        .trust(args.trust);
    for resource in &resources {
        resource.store()?;
        deployment = deployment.resource(resource.name(), resource.path().display().to_string());
    }
    model
        .deploy(name.application().as_str(), deployment)
        .map_err(|error| Error::new("cannot make the unit").because(error))?;
    let options = model.application(name.application().as_str()).map(|app| app.meta().options());
    let is_demo = args.charm.is_none()
        && options.is_ok_and(|options| DEMO_OPTIONS.iter().all(|name| options.contains_key(*name)));
    let config = initial_config(args, is_demo)?;
    for (key, value) in &config {
        set_config(&mut model, name.application().as_str(), key, value)?;
    }

    if let Some(account) = &args.service_account {
        workspace.add_service_account(account)?;
    }
    let mut related = Vec::new();
    for pair in &args.relate {
        let (endpoint, application) = match pair.split_once('=') {
            Some((endpoint, application)) => (endpoint, Some(application)),
            None => (pair.as_str(), None),
        };
        related.push(relations::relate(&mut model, &name, endpoint, application)?);
    }

    let unit =
        model.unit(&name).map_err(|error| Error::new("cannot make the unit").because(error))?;
    let names: Vec<String> = unit.meta().containers().map(str::to_owned).collect();
    let pebble = match names.is_empty() {
        true => None,
        false => Some(find_pebble(args.pebble.as_deref(), &mut terminal_output)?),
    };
    let (event_sender, events) = mpsc::unbounded_channel();
    let program = env::current_exe()
        .map_err(|error| Error::new("cannot learn this program's path").because(error))?;
    let containers = names
        .iter()
        .map(|name| Container::new(name, workspace, &program, event_sender.clone()))
        .collect::<Result<Vec<_>>>()?;
    workspace.link_tools(&program, tools)?;
    let agent_socket = workspace.agent_socket()?;
    let paths = AgentPaths::new(&charm_dir, workspace.tools(), &agent_socket)
        .path(env::var_os("PATH").unwrap_or_default())
        .kubernetes(|name| env::var_os(name))
        .variable("CHARMWRIGHT_CONTAINERS", workspace.containers());

    let source =
        command_input::start(args.script.as_deref(), args.until_idle, event_sender.clone())?;
    let config = shown_config(args, &config);
    let resources = resources::summary(unit.meta(), &resources);
    let parts = FirstLines {
        charm: &charm,
        unit,
        workspace,
        config,
        resources,
        relations: related.join("; "),
        pebble: pebble.as_deref(),
    };
    parts.print(&mut terminal_output, args);
    if !is_demo
        && !containers.is_empty()
        && let Err(error) = workspace.link_fixed_containers()
    {
        terminal_output.print_text(&format!(
            "note        {}; a charm that reads CHARMWRIGHT_CONTAINERS does not need it\n",
            error.chain()
        ));
    }
    if args.service_account.is_some()
        && let Err(error) = workspace.link_service_account()
    {
        terminal_output
            .print_text(&format!("note        {}; the charm finds none\n", error.chain()));
    }
    terminal_output.print_text("\n");

    let watchers = Watchers::start(&containers, args.speed, &event_sender);
    Ok(Session {
        model,
        juju_version: version,
        unit: name,
        charm,
        charm_dir,
        charm_files: files,
        paths,
        agent_socket,
        containers,
        watchers: Some(watchers),
        pebble,
        terminal_output,
        is_json: args.format == Format::Json,
        events,
        event_sender,
        hook: None,
        script: Script::new(source, args.until_idle.then_some(args.timeout)),
        phase: Phase::Alive,
        has_failed: false,
        refresh: Refresh::None,
        last_table: None,
        unit_log: UnitLog::new(&workspace.unit_log()),
        lasting_error: LastingError::default(),
        secret_names: SecretNames::default(),
        versions: BTreeMap::new(),
        workspace: workspace.clone(),
        mounts: Mounts::default(),
    })
}

/// The options of a charm that can run any workload. If no charm was named, such a charm runs our
/// demo workload.
const DEMO_OPTIONS: [&str; 3] = ["command", "port", "health-check"];

/// Returns the options to set before install: those of the demo workload if `is_demo`, then those
/// of --config.
fn initial_config(args: &DevArgs, is_demo: bool) -> Result<Vec<(String, String)>> {
    let mut config = Vec::new();
    if is_demo {
        let program = env::current_exe()
            .map_err(|error| Error::new("cannot learn this program's path").because(error))?;
        config.push((
            "command".to_owned(),
            format!("{} demo-workload", shell_word(&program.display().to_string())),
        ));
        config.push(("port".to_owned(), free_port()?.to_string()));
        config.push(("health-check".to_owned(), "http:/".to_owned()));
    }
    for (number, pair) in args.config.iter().enumerate() {
        // The text is not quoted, since it may be a secret.
        let (key, value) = pair.split_once('=').ok_or_else(|| {
            Error::new(format!("cannot use --config, the {}. of them", number + 1))
                .because("it has no `=`")
                .advice("it goes: --config KEY=VALUE")
        })?;
        config.retain(|(known, _)| known != key);
        config.push((key.to_owned(), value.to_owned()));
    }
    Ok(config)
}

/// Finds the Pebble to run, or builds one.
fn find_pebble(named: Option<&Path>, terminal_output: &mut TerminalOutput) -> Result<PathBuf> {
    let search =
        named.map_or_else(|| Search::new().installed(), |path| Search::new().explicit(path));
    search
        .find(&mut |line| terminal_output.print_text(&format!("{line}\n")))
        .map_err(|error| Error::new("cannot get a Pebble to run").because(error))
}

/// Returns a port that is free now. Another program may take it before the workload does.
fn free_port() -> Result<u16> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|error| Error::new("cannot find a free port").because(error))
}

/// Quotes `text` as one word of a shell command line.
fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@%".contains(c);
    if text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// Returns a seed that differs for each run, so that a context id of an earlier run is never valid
/// in this one.
fn context_seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.as_nanos() as u64 ^ u64::from(std::process::id()).rotate_left(32)
}

/// Returns the options that are set, for the first lines. Only the names of those that the user has
/// set are shown, since any value may be a secret.
fn shown_config(args: &DevArgs, config: &[(String, String)]) -> String {
    let by_user = |key: &str| args.config.iter().any(|pair| pair.split('=').next() == Some(key));
    let set = config.iter().map(|(key, value)| match by_user(key) {
        true => format!("{key}=..."),
        false => format!("{key}={value}"),
    });
    set.collect::<Vec<_>>().join("  ")
}

/// What the first lines are about.
struct FirstLines<'a> {
    charm: &'a CharmSource,
    unit: Unit<'a>,
    workspace: &'a Workspace,
    config: String,
    resources: String,
    relations: String,
    pebble: Option<&'a Path>,
}

impl FirstLines<'_> {
    /// Prints what is about to run, and where its files are.
    fn print(self, terminal_output: &mut TerminalOutput, args: &DevArgs) {
        let Self { charm, unit, workspace, config, resources, relations, pebble } = self;
        let mut lines = vec![(
            "unit",
            format!(
                "{} of the charm in {}, as Juju {} would run it",
                unit.name(),
                charm.path().display(),
                args.juju
            ),
        )];
        lines.push((
            "files",
            format!(
                "{}{}",
                workspace.root().display(),
                if args.dir.is_none() { " (removed at the end)" } else { "" }
            ),
        ));
        if let Some(pebble) = pebble {
            let names: Vec<&str> = unit.meta().containers().collect();
            let when = if args.no_pebble { ", not started" } else { "" };
            lines.push((
                "containers",
                format!("{} (each with {}{when})", names.join(", "), pebble.display()),
            ));
        }
        if !config.is_empty() {
            lines.push(("config", config));
        }
        if !resources.is_empty() {
            lines.push(("resources", resources));
        }
        if !relations.is_empty() {
            lines.push(("relations", relations));
        }
        if args.until_idle {
            lines.push(("until", "the unit has nothing left to do".to_owned()));
        } else {
            lines.push(("commands", commands::names()));
        }
        for (name, text) in lines {
            terminal_output.print_text(&format!("{name:<10}  {text}\n"));
        }
    }
}
