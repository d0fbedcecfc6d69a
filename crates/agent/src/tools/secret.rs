//! The secret tools of a unit that owns no secret and has no grant. Juju 2.9 does not have these
//! tools.

use super::super::args::Opt;
use super::super::go_text::go_quote;
use super::super::names;
use super::super::output::Output;
use super::super::secret_uri::SecretUri;
use super::context::{Failure, ToolContext, ToolResult, not_modelled};
use super::secret_content;
use super::tool::{Formats, Tool, Versions};

const SINCE: Versions = Versions::From(3, 0);
const LABEL: Opt = Opt::value(&["label"], "label", "a label of the secret");

const CONTENT: &[Opt] = &[
    LABEL,
    Opt::value(&["owner"], "owner", "application or unit"),
    Opt::value(&["description"], "text", "what the secret is for"),
    Opt::value(&["expire"], "time", "when it expires"),
    Opt::value(&["rotate"], "policy", "how often it is to be rotated"),
    Opt::value(&["file"], "file", "a YAML file with the content"),
];

pub(super) const TOOLS: &[Tool] = &[
    Tool::new("secret-ids", "", "Print the ids of the secrets that the unit owns.", secret_ids)
        .formats(Formats::SmartYamlJson)
        .versions(SINCE),
    Tool::new("secret-get", "<id> [<key>[#base64]]", "Print the content of a secret.", secret_get)
        .options(&[
            LABEL,
            Opt::flag(&["peek"], "the latest revision, this time only"),
            Opt::flag(&["refresh"], "the latest revision, from now on"),
        ])
        .formats(Formats::YamlJson)
        .versions(SINCE),
    Tool::new(
        "secret-info-get",
        "<id>",
        "Print what is known of a secret that the unit owns.",
        secret_info_get,
    )
    .options(&[LABEL])
    .formats(Formats::YamlJson)
    .versions(SINCE),
    Tool::new("secret-add", "<key>=<value> [...]", "Add a secret.", secret_add)
        .options(CONTENT)
        .versions(SINCE),
    Tool::new("secret-set", "<id> [<key>=<value> ...]", "Update a secret.", secret_set)
        .options(CONTENT)
        .versions(SINCE),
    Tool::new("secret-remove", "<id>", "Remove a secret.", secret_remove)
        .options(&[Opt::value(&["revision"], "number", "only this revision")])
        .versions(SINCE),
    Tool::new("secret-grant", "<id>", "Grant a secret.", secret_grant)
        .options(&[
            Opt::value(&["r", "relation"], "relation", "to whom"),
            Opt::value(&["unit"], "unit", "to whom"),
        ])
        .versions(SINCE),
    Tool::new("secret-revoke", "<id>", "Revoke a grant.", secret_revoke)
        .options(&[
            Opt::value(&["r", "relation"], "relation", "from whom"),
            Opt::value(&["app", "application"], "application", "from whom"),
            Opt::value(&["unit"], "unit", "from whom"),
        ])
        .versions(SINCE),
];

fn secret_ids(context: &mut ToolContext<'_>) -> ToolResult {
    context.refuse_more_than(0)?;
    Ok(Output::NilStrings)
}

fn secret_get(context: &mut ToolContext<'_>) -> ToolResult {
    let uri = uri_or_label(context)?;
    if context.args.flag("peek") && context.args.flag("refresh") {
        return Err(Failure::Usage("specify one of --peek or --refresh but not both".to_owned()));
    }
    context.refuse_more_than(2)?;
    Err(Failure::Run(match uri {
        Some(uri) => format!("secret {} not found", go_quote(&uri.to_string())),
        None if context.model.is_juju_at_least(4, 0) => {
            format!("secret with label {} not found", go_quote(label(context)))
        }
        None => format!("consumer label {} not found", go_quote(label(context))),
    }))
}

fn secret_info_get(context: &mut ToolContext<'_>) -> ToolResult {
    let uri = uri_or_label(context)?;
    if uri.is_some() && !label(context).is_empty() {
        return Err(Failure::Usage("specify either a secret URI or label but not both".to_owned()));
    }
    context.refuse_more_than(1)?;
    let wanted = uri.as_ref().map_or_else(|| label(context), SecretUri::id);
    Err(Failure::Run(format!("secret {} not found", go_quote(wanted))))
}

/// Returns the URI, or `None` if the caller has given a label instead. These tools have the same
/// text for every mistake in a URI.
fn uri_or_label(context: &ToolContext<'_>) -> Result<Option<SecretUri>, Failure> {
    match context.args.positional(0) {
        Some(text) => SecretUri::parse(text)
            .map(Some)
            .map_err(|_| Failure::Usage(format!("secret URI {} not valid", go_quote(text)))),
        None if label(context).is_empty() => {
            Err(Failure::Usage("require either a secret URI or label".to_owned()))
        }
        None => Ok(None),
    }
}

fn label<'a>(context: &'a ToolContext<'_>) -> &'a str {
    context.args.value("label").unwrap_or_default()
}

/// Returns the URI of the tools that need one. They print the text of the parser.
fn require_uri(context: &ToolContext<'_>) -> Result<SecretUri, Failure> {
    let text = context.args.positional(0);
    let text = text.ok_or_else(|| Failure::Usage("missing secret URI".to_owned()))?;
    SecretUri::parse(text).map_err(Failure::Usage)
}

fn secret_add(context: &mut ToolContext<'_>) -> ToolResult {
    if context.args.positionals.is_empty() && context.args.value("file").is_none_or(str::is_empty) {
        return Err(Failure::Usage("missing secret value or filename".to_owned()));
    }
    if !secret_content::check(context, 0)? {
        return Err(Failure::Run("empty secret value not valid".to_owned()));
    }
    // The application owns the secret by default, and only its leader may add one.
    if context.args.value("owner") != Some("unit") {
        context.require_leader("this unit is not the leader")?;
    }
    not_modelled(context)
}

/// Checks the arguments and succeeds. Juju looks for the secret only when the hook's writes are
/// committed (measured), and this unit owns none to update.
fn secret_set(context: &mut ToolContext<'_>) -> ToolResult {
    require_uri(context)?;
    secret_content::check(context, 1)?;
    Ok(Output::Nothing)
}

/// Checks the arguments and succeeds, for the same reason as [`secret_set`].
fn secret_remove(context: &mut ToolContext<'_>) -> ToolResult {
    require_uri(context)?;
    context.refuse_more_than(1)?;
    Ok(Output::Nothing)
}

/// Refuses a call without `-r`: only a relation hook has a default relation, and no such hook runs
/// here.
fn secret_grant(context: &mut ToolContext<'_>) -> ToolResult {
    require_uri(context)?;
    Err(Failure::Usage("no relation id specified".to_owned()))
}

/// Checks the arguments and succeeds, for the same reason as [`secret_set`].
fn secret_revoke(context: &mut ToolContext<'_>) -> ToolResult {
    require_uri(context)?;
    let value = |name: &str| context.args.value(name).unwrap_or_default();
    let (application, unit) = (value("app"), value("unit"));
    let refuse = |text: String| Err(Failure::Usage(text));
    if !application.is_empty() && !names::is_application(application) {
        return refuse(format!("application {} not valid", go_quote(application)));
    }
    if !unit.is_empty() && !names::is_unit(unit) {
        return refuse(format!("unit {} not valid", go_quote(unit)));
    }
    match (application.is_empty(), unit.is_empty()) {
        (true, true) => refuse("missing relation or application or unit".to_owned()),
        (false, false) => refuse("specify only one of application or unit".to_owned()),
        _ => {
            context.refuse_more_than(1)?;
            Ok(Output::Nothing)
        }
    }
}
