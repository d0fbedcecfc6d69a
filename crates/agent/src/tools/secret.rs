//! The secret tools. Juju 2.9 does not have them.
//!
//! Source: reference `juju-agent-measured.md` 3.5 to 3.7; Juju 3.6, `worker/uniter/runner/jujuc`
//! and `worker/uniter/runner/context`.

use serde_json::Value;

use super::super::args::Opt;
use super::super::data::Data;
use super::super::go_text::{go_quote, parse_int};
use super::super::names;
use super::super::output::Output;
use super::super::secret_uri::SecretUri;
use super::super::secrets::{Party, ReadMode, SecretContent};
use super::context::{Failure, ToolContext, ToolResult};
use super::secret_content;
use super::secret_relation::relation_of_grant;
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
    let mut ids: Vec<String> = context.owned_secrets().into_keys().collect();
    context.model.secrets.sort_for_output(&mut ids);
    Ok(if ids.is_empty() { Output::NilStrings } else { Output::Strings(ids) })
}

fn secret_get(context: &mut ToolContext<'_>) -> ToolResult {
    let uri = uri_or_label(context)?;
    let mode = match (context.args.flag("peek"), context.args.flag("refresh")) {
        (true, true) => {
            let text = "specify one of --peek or --refresh but not both";
            return Err(Failure::Usage(text.to_owned()));
        }
        (true, false) => ReadMode::Peek,
        (false, true) => ReadMode::Refresh,
        (false, false) => ReadMode::Tracked,
    };
    context.refuse_more_than(2)?;
    let content = read(context, uri, mode)?;
    // Juju decodes the whole content, also for one value.
    let whole = content.data().map_err(Failure::Run)?;
    Ok(Output::Struct(match context.args.positional(1) {
        None | Some("") => whole,
        Some(key) => content.value(key).map_err(Failure::Run)?,
    }))
}

/// Reads a content: what this hook has written, or else what the controller has.
fn read(
    context: &mut ToolContext<'_>,
    uri: Option<SecretUri>,
    mode: ReadMode,
) -> Result<SecretContent, Failure> {
    let mut label = label(context).to_owned();
    let mut uri = uri;
    if uri.is_none() {
        // The label of a secret that the unit owns is found without asking for it at the
        // controller (measured).
        if let Some(id) = owned_by_label(context, &label) {
            uri = Some(SecretUri::of_id(id));
            label.clear();
        }
    }
    let id = uri.as_ref().map(SecretUri::id);
    if let Some(content) = context.writes.secrets.read(id, &label, mode) {
        return Ok(content);
    }
    let leads = context.model.leads(context.unit);
    let unit = context.unit.to_string();
    let secrets = &mut context.model.secrets;
    secrets.read(&unit, leads, uri.as_ref(), &label, mode).map_err(Failure::Run)
}

/// Returns the id of a secret that the unit owns, by its label; the leader owns the application's.
fn owned_by_label(context: &mut ToolContext<'_>, label: &str) -> Option<String> {
    let is_leader = context.is_leader();
    let owned = context.owned_secrets();
    let mut owned = owned.iter().filter(|(_, secret)| match &secret.owner {
        Party::Unit(_) => true,
        _ => is_leader,
    });
    let stored = owned.find(|(_, secret)| secret.label == label).map(|(id, _)| id.clone());
    stored.or_else(|| context.writes.secrets.id_of_label(label).map(str::to_owned))
}

fn secret_info_get(context: &mut ToolContext<'_>) -> ToolResult {
    let uri = uri_or_label(context)?;
    if uri.is_some() && !label(context).is_empty() {
        return Err(Failure::Usage("specify either a secret URI or label but not both".to_owned()));
    }
    context.refuse_more_than(1)?;
    let owned = context.owned_secrets();
    let wanted = uri.as_ref().map_or_else(|| label(context), SecretUri::id);
    let found = match &uri {
        Some(_) => owned.get_key_value(wanted),
        None => owned.iter().find(|(_, secret)| secret.label == wanted),
    };
    match found {
        Some((id, secret)) => Ok(Output::Struct(Data::map([(id.clone(), secret.data())]))),
        None => Err(Failure::Run(format!("secret {} not found", go_quote(wanted)))),
    }
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
    let changes = secret_content::parse(context, 0)?;
    if changes.content.is_none() {
        return Err(Failure::Run("empty secret value not valid".to_owned()));
    }
    // The application owns the secret by default, and only its leader may add one.
    let owner = if context.args.value("owner") == Some("unit") {
        Party::Unit(context.unit.to_string())
    } else {
        context.require_leader(NOT_LEADER)?;
        Party::Application(context.unit.application().to_string())
    };
    // Juju gives the id out at once. It is lost if the hook fails.
    let id = context.model.secrets.new_id();
    let uri = SecretUri::of_id(id.clone()).to_string();
    context.writes.secrets.add(id, owner, changes).map_err(Failure::Run)?;
    Ok(Output::Value(Value::from(uri)))
}

/// Changes a secret. Juju looks for one that the unit does not own only when the hook's writes are
/// committed (measured).
fn secret_set(context: &mut ToolContext<'_>) -> ToolResult {
    let uri = require_uri(context)?;
    let changes = secret_content::parse(context, 1)?;
    let stored = require_leader_of(context, uri.id())?;
    let stored = stored.then(|| context.stored_secret(uri.id()).cloned()).flatten();
    context.writes.secrets.update(uri.id(), changes, stored.as_ref());
    Ok(Output::Nothing)
}

/// Removes a secret or one of its revisions, for which the same holds as for [`secret_set`].
fn secret_remove(context: &mut ToolContext<'_>) -> ToolResult {
    let uri = require_uri(context)?;
    context.refuse_more_than(1)?;
    require_leader_of(context, uri.id())?;
    // A number that is not positive stands for all revisions (measured).
    let revision = context.args.value("revision").and_then(|text| parse_int(text).ok());
    let revision = revision.filter(|number| *number > 0);
    let revision = revision.map(|number| u32::try_from(number).unwrap_or(u32::MAX));
    context.writes.secrets.remove(uri.id(), revision);
    Ok(Output::Nothing)
}

fn secret_grant(context: &mut ToolContext<'_>) -> ToolResult {
    let uri = require_uri(context)?;
    let refuse = |text: String| Err(Failure::Usage(text));
    let Some(relation) = relation_of_grant(context) else {
        return refuse("no relation id specified".to_owned());
    };
    let unit = context.args.value("unit").unwrap_or_default().to_owned();
    if !unit.is_empty() {
        let Some(application) = names::application_of(&unit) else {
            return refuse(format!("unit {} not valid", go_quote(&unit)));
        };
        if application != relation.remote {
            return refuse(format!(
                "cannot specify unit {} in relation to application {}",
                go_quote(&unit),
                go_quote(&relation.remote)
            ));
        }
    }
    context.refuse_more_than(1)?;
    let owned = context.owned_secrets();
    let Some(secret) = owned.get(uri.id()) else {
        return Err(Failure::Run(format!("secret {} not found", go_quote(uri.id()))));
    };
    if matches!(secret.owner, Party::Application(_)) {
        context.require_leader(NOT_LEADER)?;
    }
    let subject =
        if unit.is_empty() { Party::Application(relation.remote) } else { Party::Unit(unit) };
    let granted = context.writes.secrets.grant(uri.id(), subject, relation.scope, secret);
    granted.map_err(Failure::Run)?;
    Ok(Output::Nothing)
}

fn secret_revoke(context: &mut ToolContext<'_>) -> ToolResult {
    let uri = require_uri(context)?;
    let value = |name: &str| context.args.value(name).unwrap_or_default().to_owned();
    let (mut application, unit) = (value("app"), value("unit"));
    let refuse = |text: String| Err(Failure::Usage(text));
    if !application.is_empty() && !names::is_application(&application) {
        return refuse(format!("application {} not valid", go_quote(&application)));
    }
    if !unit.is_empty() && !names::is_unit(&unit) {
        return refuse(format!("unit {} not valid", go_quote(&unit)));
    }
    if !application.is_empty() && !unit.is_empty() {
        return refuse("specify only one of application or unit".to_owned());
    }
    if let Some(relation) = relation_of_grant(context) {
        if !application.is_empty() {
            return refuse("do not specify both relation and app".to_owned());
        }
        application = relation.remote;
    }
    // A unit counts before the application of the relation.
    let subject = match (application.is_empty(), unit.is_empty()) {
        (true, true) => return refuse("missing relation or application or unit".to_owned()),
        (_, false) => Party::Unit(unit),
        (false, true) => Party::Application(application),
    };
    context.refuse_more_than(1)?;
    require_leader_of(context, uri.id())?;
    context.writes.secrets.revoke(uri.id(), subject);
    Ok(Output::Nothing)
}

const NOT_LEADER: &str = "this unit is not the leader";

/// Refuses a unit that has lost the leadership since it could see a secret of its application.
/// Returns `true` if the unit owns the secret.
fn require_leader_of(context: &mut ToolContext<'_>, id: &str) -> Result<bool, Failure> {
    let owner = context.stored_secret(id).map(|secret| secret.owner.clone());
    if let Some(Party::Application(_)) = owner {
        context.require_leader(NOT_LEADER)?;
    }
    Ok(owner.is_some())
}
