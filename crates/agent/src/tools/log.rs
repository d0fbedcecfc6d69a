//! `juju-log`.

use charmwright_juju::LogLevel;

use super::super::args::Opt;
use super::super::go_text::go_quote;
use super::super::log::parse_level;
use super::super::output::Output;
use super::context::{Failure, ToolContext, ToolResult};
use super::tool::{Formats, Tool};

pub(super) const TOOLS: &[Tool] =
    &[Tool::new("juju-log", "<message>", "Write a message to the log.", juju_log)
        .options(&[
            Opt::value(
                &["l", "log-level"],
                "level",
                "send the message at this level; INFO by default",
            ),
            Opt::flag(&["debug"], "log at debug level"),
        ])
        .formats(Formats::Ignored)];

fn juju_log(context: &mut ToolContext<'_>) -> ToolResult {
    if context.args.positionals.is_empty() {
        return Err(Failure::Usage("no message specified".to_owned()));
    }
    // Juju marks the lines of a relation hook with the relation.
    let prefix = context.relation_hook().map(|hook| format!("{}: ", hook.full_id()));
    let message = prefix.unwrap_or_default() + &context.args.positionals.join(" ");
    let logger = format!("unit.{}.juju-log", context.unit);
    let level = match context.args.value("l") {
        _ if context.args.flag("debug") => LogLevel::Debug,
        None | Some("") => LogLevel::Info,
        // Juju's logger has this level, and writes nothing at it (measured).
        Some(text) if text.eq_ignore_ascii_case("UNSPECIFIED") => return Ok(Output::Nothing),
        Some(text) => match parse_level(text) {
            Some(level) => level,
            None => {
                let warning = format!("Specified log level of {} is not valid", go_quote(text));
                context.unit_mut()?.log.push(LogLevel::Warning, logger.clone(), warning);
                LogLevel::Info
            }
        },
    };
    context.unit_mut()?.log.push(level, logger, message);
    Ok(Output::Nothing)
}
