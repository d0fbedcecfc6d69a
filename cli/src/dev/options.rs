//! The command line of `charmwright dev`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::commands;
use super::line_words::parse_duration;

const ABOUT: &str =
    "Run a charm on this machine: hooks, hook tools and a real Pebble, with no Juju at hand";

const LONG_ABOUT: &str = "\
Run a charm on this machine: hooks, hook tools and a real Pebble, with no Juju at hand.

It is the unit agent of one unit. It runs the charm's own executables in Juju's order, answers
their hook tools, starts a Pebble for each container that metadata.yaml names, watches it for
pebble-ready, checks and notices, and prints each hook as it runs and a table when something
changes. Lines typed on a terminal, or read from --script or a pipe, are its commands; `help`
lists them.

Each storage that the charm declares is a folder of the run, at the path that storage-get prints,
and a link at the path at which a container mounts it, if nothing is there and this user may make
it. It is kept while the unit lives, and removed at the end.

The peer relation and the charm's own secrets work without a command. Around the unit there may be
applications without a charm and peers without a process: commands relate them, write what they
would write, and make the secrets that they or the operator would make.

It is no sandbox: hooks and workloads run on this machine, as this user and with its files. What a
charm pushes, pulls or executes in a container it writes, reads and executes here, at the same path,
so a charm that pushes /etc/web.conf overwrites this machine's. Run a charm that you do not trust
elsewhere.

CHARM is a charm's folder, with its declarations in metadata.yaml, config.yaml and actions.yaml or
in charmcraft.yaml, or a packed .charm file. In a folder it runs `dispatch` or hooks/NAME, from a
copy; a Cargo project is built: the program that charmcraft.yaml makes the `dispatch`, or the only
one. So is the example that the folder examples/NAME of a Cargo project holds. With no CHARM it
takes the one whose folder it is started in; a charm for any workload then runs a small web
server.";

const AFTER_HELP: &str = "\
Examples:
  cargo dev                                    this repository's charm; type `help`
  cargo dev --until-idle                       the same, once: exit 0 if the unit became active
  cargo dev --until-idle --format json | jq .  and the unit's status as JSON
  charmwright dev ./my-charm --config a=b      any charm's folder, in any language
  charmwright dev ./my-charm_amd64.charm       what `charmcraft pack` made
  charmwright dev ./my-charm --relate db=pg    with a database, for which you write what it would
  printf 'wait-for active\\npebble kill\\nsleep 3\\npebble start\\nwait-for active\\n' | cargo dev

Exit code: 0 all went well; 1 an expectation failed, a script had a wrong line, the unit did not
become active or is in error for good, or its stop hook failed; 2 the command line is wrong,
or the folder has nothing to run.";

/// Returns the end of `--help`: the list of commands, which `-h` leaves out, and the rest of the
/// text.
fn after_long_help() -> String {
    format!("{}\n{AFTER_HELP}", commands::help())
}

/// The options of `charmwright dev`.
#[derive(Debug, Clone, Args)]
#[command(about = ABOUT, long_about = LONG_ABOUT)]
#[command(after_help = AFTER_HELP, after_long_help = after_long_help())]
pub struct DevArgs {
    /// The charm: its folder, a Cargo project, or a packed .charm file
    /// [default: the charm whose folder this is started in]
    pub charm: Option<PathBuf>,

    /// Set a config option before the unit is installed (may be repeated); its value is printed
    /// nowhere, but other users of this machine can read it in the list of processes: a secret
    /// belongs in a script
    #[arg(long, value_name = "KEY=VALUE")]
    pub config: Vec<String>,

    /// Read commands from FILE instead of standard input, and quit at its end
    #[arg(long, value_name = "FILE", conflicts_with = "until_idle")]
    pub script: Option<PathBuf>,

    /// End once the unit has nothing left to do, or is in error for good: exit 0 if it is active,
    /// else 1
    #[arg(long)]
    pub until_idle: bool,

    /// With --until-idle: the longest wait, such as 90s or 5m
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "10m")]
    pub timeout: Duration,

    /// Print the unit's status at the end as a table, or as one JSON document on standard output
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,

    /// The Pebble to run [default: `pebble` on PATH, else one is built with Go]
    #[arg(long, value_name = "PATH")]
    pub pebble: Option<PathBuf>,

    /// Do not start Pebble by itself: the command `pebble start` does
    #[arg(long)]
    pub no_pebble: bool,

    /// Keep sockets, logs and Pebble's files in DIR, and leave the logs there at the end: of each
    /// log the newest 4 to 8 MiB, in two files. DIR has to be new, or empty with mode 0700, or of
    /// an earlier run; other users can reach nothing in it, and neither can a workload that runs as
    /// another user [default: a temporary directory, removed at the end]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,

    /// Divide the agent's waits by N: between retries of a failed hook, update-status, polls of
    /// Pebble
    #[arg(long, value_name = "N", default_value_t = 1)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub speed: u32,

    /// The unit's name [default: the charm's name, /0]
    #[arg(long, value_name = "APP/N")]
    pub unit: Option<String>,

    /// The model's name
    #[arg(long, value_name = "NAME", default_value = "dev")]
    pub model: String,

    /// The Juju to stand in for: which hook tools there are, and what they print
    #[arg(long, value_name = "VERSION", default_value = "3.6.28")]
    pub juju: String,

    /// Whether the unit starts as its application's leader
    #[arg(long, value_enum, default_value_t = YesNo::Yes)]
    pub leader: YesNo,

    /// Relate ENDPOINT to an application before the unit is installed, as the command `relate`
    /// does (may be repeated)
    #[arg(long, value_name = "ENDPOINT[=APP]")]
    pub relate: Vec<String>,

    /// Give a resource of the charm its file; of an image it may also be the reference (may be
    /// repeated)
    #[arg(long, value_name = "NAME=FILE")]
    pub resource: Vec<String>,

    /// Trust the application, as `juju trust` does
    #[arg(long)]
    pub trust: bool,

    /// The Kubernetes service account of the unit: DIR has the files namespace, token and ca.crt,
    /// and /var/run/secrets/kubernetes.io/serviceaccount leads to it during the run. Hooks get the
    /// address of the API server, KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT, from the
    /// environment of this command
    #[arg(long, value_name = "DIR")]
    pub service_account: Option<PathBuf>,

    /// Where the guarded half keeps its files; given by the guard
    #[arg(long, hide = true, value_name = "DIR", requires = "guard")]
    pub root: Option<PathBuf>,

    /// The guard's process id
    #[arg(long, hide = true, value_name = "PID", requires = "root")]
    pub guard: Option<i32>,
}

/// The form in which the status is printed at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Table,
    Json,
}

/// The value of `--leader`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum YesNo {
    Yes,
    No,
}
