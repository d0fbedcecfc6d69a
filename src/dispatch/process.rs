//! The process of one hook: it reads the environment and the options, and returns the exit code.

use std::process::ExitCode;

use super::log::{HookLog, Streams};
use super::report::{FAILURE, USAGE};
use super::run::{RunOptions, run};
use super::usage::usage;
use crate::charm::Charm;
use crate::declaration::Declaration as _;
use crate::juju::{HookEnv, HookTools, LogLevel, ProcessRunner};
use crate::text;

/// Runs the charm for the event that this process was started for. It is the whole of a charm's `fn
/// main`.
///
/// The exit code is 0 if the hook is done, 1 if it failed and Juju has to run it again, and 2, with
/// a usage text, if the environment names no event.
pub fn main<C: Charm>(charm: C) -> ExitCode {
    let env = match HookEnv::from_process() {
        Ok(env) => env,
        Err(error) => {
            // Somebody who starts the charm by hand has none of these variables and gets the usage
            // text; a broken environment of an agent is an error.
            let unset = |name| std::env::var_os(name).is_none_or(|value| value.is_empty());
            if unset("JUJU_UNIT_NAME") && unset("JUJU_DISPATCH_PATH") && unset("JUJU_HOOK_NAME") {
                print(&usage(&C::Declared::METADATA));
                return USAGE.into();
            }
            print(&text::chain(&error));
            return FAILURE.into();
        }
    };
    // A panic is an error like any other. Its location goes to the hook's log and not to standard
    // error, which in an action is part of the result.
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

/// Reads the options from `CHARMWRIGHT_CONTAINERS` and `CHARMWRIGHT_LOG`, which replace Juju's
/// fixed paths when a hook runs outside a pod. An empty or unknown value is ignored.
fn options_of_process() -> RunOptions {
    let mut options = RunOptions::new();
    let folder = std::env::var_os("CHARMWRIGHT_CONTAINERS").filter(|folder| !folder.is_empty());
    if let Some(folder) = folder {
        options = options.containers_folder(folder);
    }
    let word = std::env::var("CHARMWRIGHT_LOG").unwrap_or_default();
    // The framework logs nothing as critical, so that level would hide the errors too.
    let level = word.parse().ok().filter(|level| *level != LogLevel::Critical);
    match level {
        Some(level) => options.log_level(level),
        None => options,
    }
}
