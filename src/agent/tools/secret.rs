//! Secret tools for a unit that owns none and was granted none. Juju 2.9 has none of them.

use super::super::args::{Opt, go_quote};
use super::super::output::Output;
use super::super::settings::juju_has;
use super::{Failure, Formats, Tool, ToolContext, ToolResult, Versions, not_modelled};

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
    Tool::new(
        "secret-ids",
        "",
        "Print the ids of the secrets that the unit owns.",
        secret_ids,
    )
    .formats(Formats::SmartYamlJson)
    .versions(SINCE),
    Tool::new(
        "secret-get",
        "<id> [<key>[#base64]]",
        "Print the content of a secret.",
        secret_get,
    )
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
    Tool::new("secret-add", "<key>=<value> [...]", "Add a secret.", not_modelled)
        .options(CONTENT)
        .versions(SINCE),
    Tool::new(
        "secret-set",
        "<id> [<key>=<value> ...]",
        "Update a secret.",
        not_modelled,
    )
    .options(CONTENT)
    .versions(SINCE),
    Tool::new("secret-remove", "<id>", "Remove a secret.", unknown_secret)
        .options(&[Opt::value(&["revision"], "number", "only this revision")])
        .versions(SINCE),
    Tool::new("secret-grant", "<id>", "Grant a secret.", unknown_secret)
        .options(&[
            Opt::value(&["r", "relation"], "relation", "to whom"),
            Opt::value(&["unit"], "unit", "to whom"),
        ])
        .versions(SINCE),
    Tool::new("secret-revoke", "<id>", "Revoke a grant.", unknown_secret)
        .options(&[
            Opt::value(&["r", "relation"], "relation", "from whom"),
            Opt::value(&["app", "application"], "application", "from whom"),
            Opt::value(&["unit"], "unit", "from whom"),
        ])
        .versions(SINCE),
];

fn secret_ids(context: &mut ToolContext<'_>) -> ToolResult {
    context.at_most(0)?;
    Ok(Output::NoStrings)
}

fn secret_get(context: &mut ToolContext<'_>) -> ToolResult {
    if context.args.flag("peek") && context.args.flag("refresh") {
        return Err(Failure::Usage(
            "specify one of --peek or --refresh but not both".to_owned(),
        ));
    }
    find(context, 2)
}

fn secret_info_get(context: &mut ToolContext<'_>) -> ToolResult {
    find(context, 1)
}

fn find(context: &mut ToolContext<'_>, positionals: usize) -> ToolResult {
    let uri = context.args.positional(0).filter(|uri| !uri.is_empty());
    let label = context.args.value("label").filter(|label| !label.is_empty());
    let failure = match (uri, label) {
        (None, None) => Failure::Usage("require either a secret URI or label".to_owned()),
        (Some(uri), _) => check_uri(uri).err().unwrap_or_else(|| not_found(uri)),
        (None, Some(label)) if juju_has(&context.unit.settings.juju_version, 4, 0) => {
            Failure::Run(format!("secret with label {} not found", go_quote(label)))
        }
        (None, Some(label)) => Failure::Run(format!("consumer label {} not found", go_quote(label))),
    };
    if let Failure::Run(_) = failure {
        context.at_most(positionals)?;
    }
    Err(failure)
}

fn unknown_secret(context: &mut ToolContext<'_>) -> ToolResult {
    let Some(uri) = context.args.positional(0) else {
        return Err(Failure::Usage("missing secret URI".to_owned()));
    };
    check_uri(uri)?;
    context.at_most(1)?;
    Err(not_found(uri))
}

fn not_found(uri: &str) -> Failure {
    Failure::Run(format!("secret {} not found", go_quote(uri)))
}

/// `secret:ID`, `secret://MODEL/ID` or the bare ID: 20 characters of base 32 in lower case.
fn check_uri(uri: &str) -> Result<(), Failure> {
    let id = match uri.strip_prefix("secret:") {
        Some(rest) => match rest.strip_prefix("//") {
            Some(path) => path.split_once('/').map(|(_, id)| id).unwrap_or_default(),
            None => rest,
        },
        None => uri,
    };
    if id.len() == 20 && id.chars().all(|c| c.is_ascii_digit() || ('a'..='v').contains(&c)) {
        return Ok(());
    }
    Err(Failure::Usage(format!("secret URI {} not valid", go_quote(uri))))
}
