//! [`check`] validates the content and the options of a secret for `secret-add` and `secret-set`.
//!
//! Source: Juju, `core/secrets.CreateSecretData`; reference `juju-agent-measured.md` 3.6.

use std::collections::BTreeMap;
use std::path::Path;

use super::super::go_text::go_quote;
use super::super::go_time::{is_positive_duration, is_time};
use super::super::tool_path;
use super::context::{Failure, ToolContext, cannot_read};

/// The most bytes, in base64, of one value and of all values together.
const LIMIT: usize = 1_000_000;

/// Validates the options and the content, whose pairs begin at the positional argument `first`.
/// Returns `true` if there is any content.
pub(super) fn check(context: &ToolContext<'_>, first: usize) -> Result<bool, Failure> {
    let value = |name: &str| context.args.value(name).unwrap_or_default();
    let expire = value("expire");
    if !expire.is_empty() && !is_time(expire) {
        let not_valid =
            |what: &str| Failure::Usage(format!("{what} {} not valid", go_quote(expire)));
        match is_positive_duration(expire) {
            None => return Err(not_valid("expire time or duration")),
            Some(false) => return Err(not_valid("negative expire duration")),
            Some(true) => {}
        }
    }
    let rotate = value("rotate");
    if !matches!(
        rotate,
        "" | "never" | "hourly" | "daily" | "weekly" | "monthly" | "quarterly" | "yearly"
    ) {
        return Err(Failure::Usage(format!("rotate policy {} not valid", go_quote(rotate))));
    }
    let owner = context.args.value("owner").unwrap_or("application");
    if !matches!(owner, "application" | "unit") {
        return Err(Failure::Usage(format!("secret owner {} not valid", go_quote(owner))));
    }

    let mut entries = Entries::new();
    for argument in context.args.positionals.get(first..).unwrap_or_default() {
        let (key, length) = entry(context, argument)?;
        entries.insert(key, length);
    }
    check_entries(&entries).map_err(Failure::Usage)?;
    let file = value("file");
    if file.is_empty() {
        return Ok(!entries.is_empty());
    }
    let in_file = entries_of(read_file(context, file)?)?;
    check_entries(&in_file).map_err(Failure::Usage)?;
    Ok(!entries.is_empty() || !in_file.is_empty())
}

/// Each key with its suffix, and the length of its value in base64. Of two equal keys the last one
/// counts.
type Entries = BTreeMap<String, usize>;

/// Parses `KEY=VALUE`, `KEY#base64=VALUE` or `KEY#file=PATH`. Juju takes `=` at the end for the
/// padding of base64, so `KEY=` has no value and is refused (measured).
fn entry(context: &ToolContext<'_>, argument: &str) -> Result<(String, usize), Failure> {
    let stripped = argument.trim_end_matches('=');
    let Some(place) = stripped.find('=').filter(|place| *place > 0) else {
        return Err(Failure::Usage(format!("key value {} not valid", go_quote(argument))));
    };
    let (key, value) = argument.split_at(place);
    let value = value.get(1..).unwrap_or_default();
    let Some(key) = key.strip_suffix("#file") else {
        return Ok((key.to_owned(), length(key, value)));
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
    Ok((key.to_owned(), content.len().div_ceil(3) * 4))
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
    if content.len() <= LIMIT {
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
    Ok(pairs
        .into_iter()
        .map(|(key, value)| {
            let length = length(&key, &value);
            (key, length)
        })
        .collect())
}

/// Returns the length of a value in base64. Juju does not check a value with the suffix `#base64`
/// (measured).
fn length(key: &str, value: &str) -> usize {
    if key.ends_with("#base64") { value.len() } else { value.len().div_ceil(3) * 4 }
}

fn check_entries(entries: &Entries) -> Result<(), String> {
    let mut total = 0_usize;
    for (key, length) in entries {
        let key = key.strip_suffix("#base64").unwrap_or(key);
        if !is_key(key) {
            return Err(format!("key {} not valid", go_quote(key)));
        }
        if *length > LIMIT {
            return Err(format!(
                "base64 encoded secret content for key {} too large: {length} bytes",
                go_quote(key)
            ));
        }
        total = total.saturating_add(*length);
    }
    if total > LIMIT {
        return Err(format!("base64 encoded secret content too large: {total} bytes"));
    }
    Ok(())
}

/// Returns `true` for a key of a secret: a lower-case letter, then at least two letters or digits,
/// each with at most one hyphen before it.
fn is_key(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|byte| plain(byte) || byte == b'-')
        && text.bytes().filter(|byte| plain(*byte)).count() >= 3
        && !text.contains("--")
        && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_follow_jujus_rule() {
        for good in ["abc", "a1b", "a-bc", "a-b-c", "password"] {
            assert!(is_key(good), "{good}");
        }
        for bad in
            ["", "ab", "a-b", "Abc", "1bc", "a_bc", "abc-", "-abc", "a--bc", "abc#zip", "äbc"]
        {
            assert!(!is_key(bad), "{bad}");
        }
    }
}
