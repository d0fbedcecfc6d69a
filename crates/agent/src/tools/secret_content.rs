//! [`parse`] reads the content and the options of a secret for `secret-add` and `secret-set`.
//!
//! Source: Juju, `core/secrets.CreateSecretData`; reference `juju-agent-measured.md` 3.6.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;

use super::super::go_text::go_quote;
use super::super::go_time::{parse_duration, parse_time};
use super::super::secrets::{CONTENT_LIMIT, Changes, Entries, SecretContent, encode};
use super::super::tool_path;
use super::context::{Failure, ToolContext, cannot_read};

/// Reads the options and the content, whose pairs begin at the positional argument `first`. The
/// content is `None` if there is no pair.
pub(super) fn parse(context: &ToolContext<'_>, first: usize) -> Result<Changes, Failure> {
    let value = |name: &str| context.args.value(name).unwrap_or_default();
    let expires = expiry(value("expire"), context.time()).map_err(Failure::Usage)?;
    let rotate = match value("rotate") {
        "" => None,
        text => Some(text.parse().map_err(|_invalid| {
            Failure::Usage(format!("rotate policy {} not valid", go_quote(text)))
        })?),
    };
    let owner = context.args.value("owner").unwrap_or("application");
    if !matches!(owner, "application" | "unit") {
        return Err(Failure::Usage(format!("secret owner {} not valid", go_quote(owner))));
    }

    let mut entries = Entries::new();
    for argument in context.args.positionals.get(first..).unwrap_or_default() {
        let (key, value) = entry(context, argument)?;
        entries.insert(key, value);
    }
    let mut content = encode(entries).map_err(Failure::Usage)?;
    let file = value("file");
    if !file.is_empty() {
        let in_file = entries_of(read_file(context, file)?)?;
        // The values of the file replace those of the arguments.
        content.extend(encode(in_file).map_err(Failure::Usage)?);
    }
    let text = |name: &str| Some(value(name)).filter(|text| !text.is_empty()).map(str::to_owned);
    Ok(Changes {
        label: text("label"),
        description: text("description"),
        rotate,
        expires,
        content: (!content.is_empty()).then(|| SecretContent::from_encoded(content)),
    })
}

/// Reads the option `--expire`: a time, or a duration from now.
fn expiry(text: &str, now: Timestamp) -> Result<Option<Timestamp>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    if let Some(time) = parse_time(text) {
        // Go's zero time, the start of the year 1, stands for no time.
        return Ok(Some(time).filter(|time| time.as_second() != -62_135_596_800));
    }
    match parse_duration(text) {
        None => Err(format!("expire time or duration {} not valid", go_quote(text))),
        Some(duration) if duration.is_zero() => {
            Err(format!("negative expire duration {} not valid", go_quote(text)))
        }
        Some(duration) => Ok(Some(now.checked_add(duration).unwrap_or(Timestamp::MAX))),
    }
}

/// Parses `KEY=VALUE`, `KEY#base64=VALUE` or `KEY#file=PATH`. Juju takes `=` at the end for the
/// padding of base64, so `KEY=` has no value and is refused (measured).
fn entry(context: &ToolContext<'_>, argument: &str) -> Result<(String, Vec<u8>), Failure> {
    let stripped = argument.trim_end_matches('=');
    let Some(place) = stripped.find('=').filter(|place| *place > 0) else {
        return Err(Failure::Usage(format!("key value {} not valid", go_quote(argument))));
    };
    let (key, value) = argument.split_at(place);
    let value = value.get(1..).unwrap_or_default();
    let Some(key) = key.strip_suffix("#file") else {
        return Ok((key.to_owned(), value.as_bytes().to_vec()));
    };
    // The agent opens the path from its own directory, and does not replace `~`.
    let path = Path::new("/").join(value);
    let content = match context.file(&path) {
        None => return Err(Failure::NeedsFile(path)),
        Some(Err(cause)) => {
            let why = cannot_read(value, cause);
            let key = go_quote(key);
            return Err(Failure::Usage(format!("reading content for secret key {key}: {why}")));
        }
        Some(Ok(content)) => content,
    };
    check_file_size(value, content)?;
    Ok((key.to_owned(), content.to_vec()))
}

/// Reads the file of `--file`, which the agent opens from its own directory.
fn read_file<'a>(context: &'a ToolContext<'_>, path: &str) -> Result<&'a [u8], Failure> {
    let home = context.model.settings.home.as_deref();
    let path = tool_path::normalize(path, home).map_err(Failure::Usage)?;
    let full = Path::new("/").join(&path);
    let content = match context.file(&full) {
        None => return Err(Failure::NeedsFile(full)),
        Some(Err(cause)) => return Err(Failure::Usage(cannot_read(&path, cause))),
        Some(Ok(content)) => content,
    };
    check_file_size(&path, content)?;
    Ok(content)
}

fn check_file_size(path: &str, content: &[u8]) -> Result<(), Failure> {
    if content.len() <= CONTENT_LIMIT {
        return Ok(());
    }
    Err(Failure::Usage(format!(
        "secret content in file {} too large: {} bytes",
        go_quote(path),
        content.len()
    )))
}

/// Parses a map of strings, in JSON or in YAML.
fn entries_of(content: &[u8]) -> Result<Entries, Failure> {
    let pairs: BTreeMap<String, String> = match serde_json::from_slice(content) {
        Ok(pairs) => pairs,
        Err(_) => super::state::read_pairs(content).map_err(|failure| match failure {
            Failure::Run(text) => {
                Failure::Usage(text.replace("map[string]string", "secrets.SecretData"))
            }
            other => other,
        })?,
    };
    Ok(pairs.into_iter().map(|(key, value)| (key, value.into_bytes())).collect())
}
