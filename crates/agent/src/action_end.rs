//! [`finish`] records the end of an action. A failed action does not put the unit in error: the
//! failure is in the action's own status and message.
//!
//! Source: reference `juju-agent.md` section 8.

use serde_json::{Map, Value};

use super::action_record::{ActionRecord, ActionStatus};
use super::controller::Controller;
use super::hook_exit::{HookExit, go_signal};
use super::running::{ActionOutput, PendingWrites};

/// Records the status, the message and the results of an action that has ended, and commits its
/// writes if it exited with 0.
pub(super) fn finish(
    controller: &mut Controller,
    name: &str,
    action: ActionOutput,
    writes: PendingWrites,
    exit: &HookExit,
    stdout: &[u8],
    stderr: &[u8],
) -> ActionRecord {
    let ActionOutput { id, params, mut results, failed } = action;
    let mut stderr = stderr.to_vec();
    let code = match exit {
        HookExit::Code(code) => *code,
        HookExit::Signal(_) => -1,
        // There is no exit code where no program ran.
        HookExit::Missing | HookExit::NotStarted(_) => 1,
    };
    let mut is_committed = false;
    let (mut status, mut message) = match exit {
        HookExit::Code(0) => match controller.commit(writes) {
            Ok(()) => {
                is_committed = true;
                // `action-fail` sets the status only: the writes are committed all the same.
                match failed {
                    None => (ActionStatus::Completed, String::new()),
                    Some(message) => (ActionStatus::Failed, message),
                }
            }
            // Juju keeps the exit code of the program, 0, as the `return-code` (measured).
            Err(why) => {
                stderr.push(b'\n');
                stderr.extend_from_slice(why.as_bytes());
                (ActionStatus::Failed, "committing requested changes failed".to_owned())
            }
        },
        HookExit::Code(code) => (ActionStatus::Failed, format!("exit status {code}")),
        // Juju's runner has one error for both signals, whose text is `terminated` (measured).
        HookExit::Signal(9 | 15) => (ActionStatus::Failed, "terminated".to_owned()),
        HookExit::Signal(signal) => (ActionStatus::Failed, go_signal(*signal)),
        HookExit::Missing => (
            ActionStatus::Failed,
            format!("action not implemented on unit {:?}", controller.settings.unit),
        ),
        HookExit::NotStarted(why) => (ActionStatus::Failed, why.clone()),
    };
    // `action-set` may have set this key, which is not a reserved one.
    results.insert("return-code".to_owned(), Value::from(code));
    insert_output(&mut results, "stdout", stdout);
    insert_output(&mut results, "stderr", &stderr);
    let record = controller.actions.entry(id.clone());
    let record = record.or_insert_with(|| ActionRecord::new(id, name, params));
    // An action that ended by itself before it was killed keeps its own status.
    if record.is_abort_requested && matches!(exit, HookExit::Signal(_)) {
        (status, message) = (ActionStatus::Aborted, "action cancelled".to_owned());
    }
    record.status = status;
    record.message = message;
    record.results = results;
    record.is_committed = is_committed;
    record.clone()
}

/// Inserts the output of one stream: as text, or in base64 if it is not UTF-8 (Juju 3.6).
fn insert_output(results: &mut Map<String, Value>, name: &str, output: &[u8]) {
    if output.is_empty() {
        return;
    }
    match std::str::from_utf8(output) {
        Ok(text) => {
            results.insert(name.to_owned(), Value::from(text));
        }
        Err(_) => {
            results.insert(name.to_owned(), Value::from(base64(output)));
            results.insert(format!("{name}-encoding"), Value::from("base64"));
        }
    }
}

/// Encodes bytes in standard base64 with padding (RFC 4648, section 4).
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0_u32, |group, byte| (group << 8) | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let index = ((group >> (18 - 6 * place)) & 63) as usize;
            let character = ALPHABET.get(index).copied().unwrap_or(b'=');
            text.push(if place <= chunk.len() { char::from(character) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_matches_the_standard() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("\u{0}", "AA=="),
        ] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
        assert_eq!(base64(&[0xff, 0xfe]), "//4=");
    }
}
