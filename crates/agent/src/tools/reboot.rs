//! `juju-reboot`.

use super::super::args::Opt;
use super::super::output::Output;
use super::context::{Failure, ToolContext, ToolResult};
use super::tool::Tool;

pub(super) const TOOLS: &[Tool] =
    &[Tool::new("juju-reboot", "", "Reboot the machine.", juju_reboot)
        .options(&[Opt::flag(&["now"], "at once, killing the hook, which runs again")])];

fn juju_reboot(context: &mut ToolContext<'_>) -> ToolResult {
    context.refuse_more_than(0)?;
    if context.action.is_some() {
        return Err(Failure::Run(
            "juju-reboot is not supported when running an action.".to_owned(),
        ));
    }
    if context.args.flag("now") {
        context.is_kill_requested = true;
    } else {
        context.writes.is_reboot_requested = true;
    }
    Ok(Output::Nothing)
}
