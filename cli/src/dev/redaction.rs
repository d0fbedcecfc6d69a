//! A line of input as it may be printed, without the parts that may be a secret.

use super::line_words::words;

/// Returns `line` without the values of config options and of an action's parameters, and without
/// the passwords and tokens in a URL, since each of them may be a secret. A line that is no command
/// by `is_command` is cut to its first word.
pub fn redact_line(line: &str, is_command: impl Fn(&str) -> bool) -> String {
    let (name, rest) = line.trim().split_once(char::is_whitespace).unwrap_or((line.trim(), ""));
    let rest = rest.trim();
    let key_only = |word: &str| match word.split_once('=') {
        Some((key, _)) if !key.contains(char::is_whitespace) => format!("{key}={HIDDEN}"),
        _ => HIDDEN.to_owned(),
    };
    let redact_line = match name {
        "config" if rest.starts_with("--reset") => rest.to_owned(),
        "config" if !rest.is_empty() => key_only(rest),
        "run" => match words(rest).as_deref() {
            Ok([action, params @ ..]) if !action.contains('=') => {
                let params = params.iter().map(|word| format!(" {}", key_only(word)));
                params.fold(action.clone(), |line, word| line + &word)
            }
            Ok([]) => String::new(),
            _ => HIDDEN.to_owned(),
        },
        "try" => return format!("try {}", redact_line(rest, is_command)).trim_end().to_owned(),
        "fetch" => redact_url(rest),
        known if is_command(known) => rest.to_owned(),
        // The word is no command, so nothing is known about what follows it.
        other if rest.is_empty() => return before_value(other).to_owned(),
        other => return format!("{} {HIDDEN}", before_value(other)),
    };
    format!("{name} {redact_line}").trim_end().to_owned()
}

/// The text that replaces what is not shown.
const HIDDEN: &str = "...";

/// Returns a word without what follows its first `=`.
pub fn before_value(word: &str) -> &str {
    word.split('=').next().unwrap_or(word)
}

/// Returns a URL without its user, password and query.
pub fn redact_url(url: &str) -> String {
    let (place, query) = url.split_once(['?', '#']).map_or((url, ""), |(place, _)| (place, "?..."));
    let Some((scheme, rest)) = place.split_once("//") else {
        return format!("{}{query}", place.rsplit('@').next().unwrap_or(place));
    };
    let (authority, path) =
        rest.split_once('/').map_or((rest, None), |(host, path)| (host, Some(path)));
    let host = match authority.rsplit_once('@') {
        Some((_, host)) => format!("{HIDDEN}@{host}"),
        None => authority.to_owned(),
    };
    let path = path.map_or_else(String::new, |path| format!("/{path}"));
    format!("{scheme}//{host}{path}{query}")
}
