//! The remarks below the line of a hook that ended.

use charmwright_agent::{ActionRecord, Ending as HookEnding};

use super::duration_text::human_duration;
use super::expectations::action_end;

/// The number of lines of an action's result that are printed. The rest is in the log.
const RESULT_LINES_LIMIT: usize = 20;

/// The number of results of an action, or of newly deferred events, that are printed.
const RESULTS_LIMIT: usize = 50;

/// Says for the operator what a hook run came to, if that is more than "done".
pub fn ending_remarks(ending: &HookEnding) -> Vec<String> {
    match ending {
        HookEnding::Requeued => {
            vec!["killed: what it asked for is dropped, it runs again".to_owned()]
        }
        HookEnding::Dropped { cause } => vec![format!(
            "failed ({cause}): what it asked for is dropped; Juju shows nothing of a failed \
             Pebble hook"
        )],
        HookEnding::Failed { cause, retry_in, .. } => {
            let next = retry_in.map_or_else(
                || "`resolved` runs it again".to_owned(),
                |wait| format!("runs again in {}", human_duration(wait)),
            );
            vec![format!("failed ({cause}): what it asked for is dropped; {next}")]
        }
        HookEnding::Action(record) => {
            let mut lines = vec![format!("action {}: {}", record.id(), describe_action(record))];
            let log: Vec<String> = record.log().iter().map(|line| format!("log {line}")).collect();
            if !log.is_empty() {
                lines.push(first_lines(&log.join("\n")));
            }
            let results = record.results().iter().map(|(key, value)| match value {
                serde_json::Value::String(text) => {
                    format!("{key}: {}", first_lines(text.trim_end()))
                }
                other => format!("{key}: {other}"),
            });
            lines.extend(first_results(results));
            lines
        }
        // The run was committed, or the charm has no such hook: there is nothing to add.
        _ => Vec::new(),
    }
}

/// Returns the first items, and a last one that counts the rest.
pub fn first_results(items: impl Iterator<Item = String>) -> Vec<String> {
    let mut items = items;
    let mut first: Vec<String> = items.by_ref().take(RESULTS_LIMIT).collect();
    match items.count() {
        0 => {}
        more => first.push(format!("... and {more} more")),
    }
    first
}

/// Returns the first lines of a text, and a last one that counts the rest.
fn first_lines(text: &str) -> String {
    match text.match_indices('\n').nth(RESULT_LINES_LIMIT - 1) {
        None => text.to_owned(),
        Some((end, _)) => {
            let (shown, rest) = text.split_at(end);
            format!(
                "{shown}\n... {} more line(s); `log` has what it wrote",
                rest.lines().count() - 1
            )
        }
    }
}

/// Describes the end of an action with its message.
fn describe_action(record: &ActionRecord) -> String {
    let status = action_end(record.status());
    if record.message().is_empty() {
        status.to_owned()
    } else {
        format!("{status}: {}", record.message())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_result_is_shown_by_its_first_lines() {
        let lines = |count: usize| vec!["y"; count].join("\n");
        assert_eq!(first_lines(""), "");
        assert_eq!(first_lines(&lines(RESULT_LINES_LIMIT)), lines(RESULT_LINES_LIMIT));
        let cut = first_lines(&lines(RESULT_LINES_LIMIT + 5));
        assert_eq!(
            cut,
            format!("{}\n... 5 more line(s); `log` has what it wrote", lines(RESULT_LINES_LIMIT))
        );
    }
}
