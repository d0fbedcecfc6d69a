//! `config-get`.

use serde_json::Value;

use super::super::args::Opt;
use super::super::go_text::go_quote;
use super::super::output::Output;
use super::context::{Failure, ToolContext, ToolResult};
use super::tool::{Formats, Tool};

pub(super) const TOOLS: &[Tool] =
    &[Tool::new("config-get", "[<key>]", "Print the application's configuration.", config_get)
        .options(&[Opt::flag(&["a", "all"], "print all keys, those without a value too")])
        .formats(Formats::SmartYamlJson)];

fn config_get(context: &mut ToolContext<'_>) -> ToolResult {
    let key = context.args.positional(0).unwrap_or_default().to_owned();
    let all = context.args.flag("a");
    if all && !key.is_empty() {
        return Err(Failure::Usage(format!(
            "cannot use argument --all together with key {}",
            go_quote(&key)
        )));
    }
    context.refuse_more_than(1)?;
    let application = context.model.application(context.unit.application().as_str())?;
    // Juju reads the config once in a hook. The next config-changed sees a change made meanwhile.
    let config = context.snapshot.config.get_or_insert_with(|| application.config());
    if !key.is_empty() {
        return Ok(Output::Value(config.get(&key).cloned().unwrap_or(Value::Null)));
    }
    let mut config = config.clone();
    if all {
        for name in application.meta.options().keys() {
            config.entry(name.as_str()).or_insert(Value::Null);
        }
    }
    Ok(Output::Value(Value::Object(config)))
}
