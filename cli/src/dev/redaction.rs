//! A line of input as it may be printed, without the parts that may be a secret.

use super::line_words::words;

/// Returns `line` without the values of config options, of an action's parameters, of databags and
/// of secrets, and without the passwords and tokens in a URL, since each of them may be a secret. A
/// line that is no command by `is_command` is cut to its first word.
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
        "add-secret" | "update-secret" => after_names(rest, 1, &key_only),
        "remote" => after_names(rest, 2, &key_only),
        // These take no value, so a word with `=` belongs to another command.
        "add-peer" if !rest.is_empty() => HIDDEN.to_owned(),
        "attach-storage" | "detach-storage" => after_names(rest, 1, &key_only),
        "relate" | "depart" | "break" | "grant-secret" | "revoke-secret" | "remove-secret" => {
            after_names(rest, 2, &key_only)
        }
        "try" => return format!("try {}", redact_line(rest, is_command)).trim_end().to_owned(),
        "fetch" => redact_url(rest),
        known if is_command(known) => rest.to_owned(),
        // The word is no command, so nothing is known about what follows it.
        other if rest.is_empty() => return before_value(other).to_owned(),
        other => return format!("{} {HIDDEN}", before_value(other)),
    };
    format!("{name} {redact_line}").trim_end().to_owned()
}

/// Returns the words of `rest`: the first `names` of them as they are, unless they hold a value,
/// and the others without theirs.
fn after_names(rest: &str, names: usize, key_only: &impl Fn(&str) -> String) -> String {
    let Ok(words) = words(rest) else { return HIDDEN.to_owned() };
    let shown = words.iter().enumerate().map(|(place, word)| {
        if place < names && !word.contains('=') { word.clone() } else { key_only(word) }
    });
    shown.collect::<Vec<_>>().join(" ")
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
