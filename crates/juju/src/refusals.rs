//! The table that maps the error texts of hook tools to an [`ErrorKind`].
//!
//! The exit code distinguishes a failure (1) from a refused call (2) and nothing more, so the kind
//! of the error has to come from the text on standard error. This file is the only place that reads
//! such texts. A text that matches no row stays a general failure.

use super::error_kind::ErrorKind;

/// A row of the table: it maps one error text of some tools to a kind. A `*` in `tool` or `text`
/// matches any number of characters, including none.
struct Row {
    /// The pattern of the tools' names.
    tool: &'static str,
    /// The exit code of the tool.
    code: i32,
    /// The pattern of the text after `ERROR `.
    text: &'static str,
    /// The kind of the error.
    kind: ErrorKind,
}

const fn row(tool: &'static str, code: i32, text: &'static str, kind: ErrorKind) -> Row {
    Row { tool, code, text, kind }
}

/// The rows of the table. The first row that matches decides, so a narrow pattern stands before a
/// wide one.
///
/// The comment above a row is its source. "agent" is a section of our notes on the unit agent's
/// source; "measured" is a section of our record of what the tools of Juju 3.6 and 4.0 printed;
/// "runtime" is a section of our notes on how charms meet Juju.
const ROWS: &[Row] = &[
    // agent 3: status-set, status-get, leader-set and the secrets of an application, each with
    // words of its own around these; measured 3.6.
    row("*", 1, "*not the leader*", ErrorKind::NotLeader),
    // agent 3, measured 3.3: `--app` of a unit that is not the leader.
    row("relation-set", 1, "*cannot write relation settings*", ErrorKind::NotLeader),
    // agent 1.3 and 3: the value of `-r`.
    row("*", 2, "*relation not found*", ErrorKind::Gone),
    // runtime 3.5: the relation vanished after `-r` was read. 3.6 and 4.0 word it differently, with
    // the id or without.
    row("relation-*", 1, "*relation* not found*", ErrorKind::Gone),
    row("network-get", 1, "*relation* not found*", ErrorKind::Gone),
    // agent 3, measured 3.5 and 3.7: by URI, bare id or label.
    row("secret-*", 1, "*secret \"*\" not found", ErrorKind::Gone),
    // agent 3, measured 3.5: a label that is unknown, 3.6 and 4.
    row("secret-*", 1, "*consumer label \"*\" not found", ErrorKind::Gone),
    row("secret-*", 1, "*secret with label \"*\" not found", ErrorKind::Gone),
    // measured 2.1 row 27 and 3.8: the value of `-s`.
    row("storage-get", 2, "*storage attachment \"*\" on \"*\" not found*", ErrorKind::Gone),
    // Juju's source, 3.6 `state/secrets.go` and 4.0 `domain/secret/service`: the revision that the
    // unit tracks was removed.
    row("secret-get", 1, "*secret revision*not found*", ErrorKind::Gone),
    row("secret-get", 1, "*secret * revision * not found", ErrorKind::Gone),
    // measured 3.8.
    row("storage-get", 2, "*not provisioned*", ErrorKind::NotFound),
    // Juju's source, 3.6 `resource/opener.go`, behind the words of measured 3.8: no file is attached
    // to the resource, or the charm does not declare it.
    row("resource-get", 1, "could not download resource: *not found*", ErrorKind::NotFound),
    // agent 3, measured 3.5.
    row("secret-get", 1, "*secret key value \"*\" not found", ErrorKind::NotFound),
    // agent 3: `--strict`.
    row("state-get", 1, "\"*\" not found", ErrorKind::NotFound),
    // measured 2.1 row 7 and 3.4: 3.6 and 4.
    row("network-get", 1, "*no network config found for binding \"*\"", ErrorKind::NotFound),
    row("network-get", 1, "*endpoint \"*\" not valid", ErrorKind::NotFound),
    // agent 3: a databag or a secret that may not be read; agent, last section: a relation of
    // network-get.
    row("relation-*", 1, "*permission denied", ErrorKind::Denied),
    row("secret-*", 1, "*permission denied", ErrorKind::Denied),
    row("network-get", 1, "*permission denied", ErrorKind::Denied),
    // Juju's source, 4.0 `domain/secret/service/access.go`: its words for a secret that is not
    // granted.
    row("secret-*", 1, "*is not allowed to * this secret", ErrorKind::Denied),
    // agent 3: the controller's bare answer, and its other word for it.
    row("*", 1, "permission denied", ErrorKind::Denied),
    row("*", 1, "*access denied", ErrorKind::Denied),
    // agent 3, measured 2.1 row 31: no trust. Behind the same words there may be another failure.
    row(
        "credential-get",
        1,
        "cannot access cloud credentials: *permission denied",
        ErrorKind::Denied,
    ),
    row("credential-get", 1, "cannot access cloud credentials: *unauthorized*", ErrorKind::Denied),
    // agent 7, measured 2.1 row 34: a hook far from its agent, Juju up to 3.6.
    row("*", 1, "bad request: token does not match", ErrorKind::Denied),
    // agent 3.
    row("action-*", 1, "not running an action", ErrorKind::WrongContext),
    row("juju-reboot", 1, "*not supported when running an action*", ErrorKind::WrongContext),
    row("*", 1, "bad request: wrong context ID*", ErrorKind::WrongContext),
    // agent 3: outside a relation's hook.
    row("*", 2, "no relation id specified", ErrorKind::WrongContext),
    row("relation-get", 2, "no unit or application specified", ErrorKind::WrongContext),
    // agent 3: outside a storage's hook.
    row("storage-get", 2, "no storage instance specified", ErrorKind::WrongContext),
    // agent 1.4 and 7.
    row("*", 1, "bad request: unknown command*", ErrorKind::Unavailable),
    // agent 1.3.
    row("*", 2, "*option provided but not defined: *", ErrorKind::Unavailable),
    // agent 3: refused with the code of a failure.
    row("open-port", 1, "*port ranges are not supported for k8s applications*", ErrorKind::Invalid),
    // agent 3, measured 2.1 rows 4 and 5.
    row("open-port", 1, "cannot open * port range conflicts with *", ErrorKind::Invalid),
    row("close-port", 1, "cannot close * port range conflicts with *", ErrorKind::Invalid),
    // agent 3, measured 2.1 row 16: 3.6 and 4 end it differently.
    row("state-set", 1, "*max allowed key length (256)*", ErrorKind::Invalid),
    row("state-set", 1, "*max allowed value length (65536)*", ErrorKind::Invalid),
    // agent 3: a label twice in one hook.
    row("secret-*", 1, "*secret with label \"*\" already exists", ErrorKind::Invalid),
    // Juju's source, 3.6 and 4.0 `uniter/runner/context`: a grant to a unit, then one to its
    // application.
    row("secret-grant", 1, "any unit level grants need to be revoked*", ErrorKind::Invalid),
    // agent 3.
    row("storage-get", 1, "invalid storage attribute \"*\"", ErrorKind::Invalid),
    // agent 3, measured 2.1 row 34: the tool's own client.
    row("*", 1, "JUJU_CONTEXT_ID not set", ErrorKind::AgentAway),
    row("*", 1, "JUJU_AGENT_SOCKET_* not set", ErrorKind::AgentAway),
    row("*", 1, "dial *", ErrorKind::AgentAway),
    // measured 2.1 row 34: the folder that the tool was started in was deleted.
    row("*", 2, "getwd: *", ErrorKind::System),
];

/// Returns the kind of the error of a tool that exited with `code` and wrote `stderr`; `None` if no
/// row matches.
pub(super) fn kind_of(tool: &str, code: i32, stderr: &str) -> Option<ErrorKind> {
    let text = error_text(stderr);
    ROWS.iter()
        .find(|row| {
            row.code == code && matches_pattern(row.tool, tool) && matches_pattern(row.text, text)
        })
        .map(|row| row.kind.clone())
}

/// A read about a relation that Juju denied: who may read what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DeniedRead {
    /// Every unit of the relation may read it: its members, a remote databag, a unit's own databag,
    /// and on a peer relation the application's databag.
    Shared,
    /// Only the leader may read it: the own application's databag, except on a peer relation.
    OwnApplication,
}

/// Returns the kind of a `permission denied` about a relation.
///
/// Juju has one text for two reasons. It hides a relation that is gone, above all one that crosses
/// models, behind a denied permission, and it denies a follower the databag of its own application
/// (runtime 3.5). The caller knows which of them is possible.
pub(super) fn kind_of_denied(read: DeniedRead) -> ErrorKind {
    match read {
        DeniedRead::Shared => ErrorKind::Gone,
        DeniedRead::OwnApplication => ErrorKind::NotLeader,
    }
}

/// Returns the text after the first `ERROR `. A tool may write warnings before it, some of them
/// without a line break at the end (measured 2.1 row 6).
fn error_text(stderr: &str) -> &str {
    stderr.split_once("ERROR ").map_or(stderr, |(_, text)| text).trim()
}

/// Returns `true` if the pattern matches the whole text. Each `*` matches any characters.
fn matches_pattern(pattern: &str, text: &str) -> bool {
    let Some((first, pattern)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(first) else { return false };
    let Some((middle, last)) = pattern.rsplit_once('*') else { return text.ends_with(pattern) };
    // The first occurrence of each part is enough: it leaves the longest rest for the next parts.
    for part in middle.split('*') {
        let Some((_, rest)) = text.split_once(part) else { return false };
        text = rest;
    }
    text.ends_with(last)
}

#[cfg(test)]
#[path = "tests/refusals.rs"]
mod tests;
