//! The process of one hook: its environment, its panics, its options and its exit code.

use std::process::ExitCode;

use super::log::{HookLog, Streams};
use super::report::{FAILURE, USAGE};
use super::run::{RunOptions, run};
use super::usage::usage;
use crate::charm::Charm;
use crate::declaration::Declaration as _;
use crate::juju::{HookEnv, HookTools, LogLevel, ProcessRunner};
use crate::text;

/// Runs the charm for the event that this process was started for: the whole of a charm's `fn
/// main`.
///
/// Exit code 0 when the hook is done, 1 when it failed and Juju is to run it again, 2 (and a usage
/// text) when no event is named.
pub fn main<C: Charm>(charm: C) -> ExitCode {
    let env = match HookEnv::from_process() {
        Ok(env) => env,
        Err(error) => {
            let unset = |name| std::env::var_os(name).is_none_or(|value| value.is_empty());
            if unset("JUJU_UNIT_NAME") && unset("JUJU_DISPATCH_PATH") && unset("JUJU_HOOK_NAME") {
                print(&usage(&C::Declared::METADATA));
                return USAGE.into();
            }
            print(&text::chain(&error));
            return FAILURE.into();
        }
    };
    // A panic is an error like any other; its place goes to the log with the rest, not to the
    // standard error of an action.
    std::panic::set_hook(Box::new(|panic| {
        if tracing::dispatcher::get_default(tracing::Dispatch::is::<HookLog>) {
            tracing::error!("{panic}");
        } else {
            print(&panic.to_string());
        }
    }));
    let tools = HookTools::new(Box::new(ProcessRunner::new()));
    run(charm, env, tools, options_of_process()).exit_code().into()
}

fn print(text: &str) {
    Streams::from_process().print_error(text);
}

/// Reads the options from `CHARMWRIGHT_CONTAINERS` and `CHARMWRIGHT_LOG`, which stand in for Juju's
/// fixed places when a hook runs outside a pod. An empty or unknown value is as good as none.
fn options_of_process() -> RunOptions {
    let mut options = RunOptions::new();
    let folder = std::env::var_os("CHARMWRIGHT_CONTAINERS").filter(|folder| !folder.is_empty());
    if let Some(folder) = folder {
        options = options.containers_folder(folder);
    }
    let word = std::env::var("CHARMWRIGHT_LOG").unwrap_or_default();
    // Nothing here is logged as critical: that word would silence the errors too.
    let level = word.parse().ok().filter(|level| *level != LogLevel::Critical);
    match level {
        Some(level) => options.log_level(level),
        None => options,
    }
}
