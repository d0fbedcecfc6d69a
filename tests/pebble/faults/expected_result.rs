//! One case: the result that an operation must have with a fault injected.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use charmwright_pebble::{Error, ErrorKind};
use charmwright_testing::proxy::{Fault, ListenState};
use charmwright_tests::wait::until_blocking;
use futures_util::FutureExt as _;

use super::fault_fixture::{FaultFixture, policy};
use super::injection::{AWAY, Injection};
use super::operations::{LostReply, Operation, ReplyForm};

/// The time after which a case is taken to hang. None takes as long, even on a busy machine.
const HANGS: Duration = Duration::from_secs(60);

/// The deadline of a call that never gets a reply.
const SHORT: Duration = Duration::from_millis(300);

/// The deadline of a call that succeeds once Pebble is back.
const LONG: Duration = Duration::from_secs(20);

/// The result that a case must have.
#[derive(Debug, PartialEq)]
enum Expected {
    /// The value that the call returns without a fault.
    Works,
    /// The error that there was no reply, which says whether the request may have acted.
    Unreachable { may_have_acted: bool },
    /// The error that the reply is not one of Pebble.
    Protocol,
    /// The value, or the error that there was no reply and the request may have acted. It depends
    /// on where the reply was cut.
    WorksOrActed,
    /// The value, or the error that the caller's reader or writer was interrupted.
    WorksOrInterrupted,
    /// The error that the caller's reader or writer was interrupted, or that there was no reply.
    InterruptedOrSilent,
    /// The value, or the error that the outcome is not known. The effect never happens twice.
    OnceOrUnknown,
    /// The value, or any error that the end of Pebble can cause.
    WorksOrKilled,
}

/// Returns the result that this operation must have with this fault.
fn expected(operation: &Operation, injection: &Injection) -> Expected {
    match injection {
        Injection::Refused | Injection::Missing | Injection::Drip => Expected::Works,
        Injection::RefusedForLong if operation.reply_form == ReplyForm::Websocket => {
            Expected::Unreachable { may_have_acted: false }
        }
        // The client may be able to prove that the command has not begun, by one of its websockets.
        // It then starts the command again.
        _ if operation.reply_form == ReplyForm::Websocket => Expected::OnceOrUnknown,
        Injection::RefusedForLong if operation.reply_form == ReplyForm::Watch => Expected::Works,
        Injection::RefusedForLong => Expected::Unreachable { may_have_acted: false },
        Injection::Silence | Injection::HeldReply
            if operation.after_lost_reply == LostReply::Streamed =>
        {
            Expected::InterruptedOrSilent
        }
        Injection::Silence | Injection::HeldReply => {
            Expected::Unreachable { may_have_acted: operation.may_have_acted }
        }
        Injection::ResetUnread | Injection::ResetRead | Injection::Cut(_) => {
            match (operation.after_lost_reply, injection) {
                (LostReply::Resent, _) => Expected::Works,
                // The whole reply may be shorter than the cut.
                (LostReply::NotResent, Injection::Cut(bytes)) if *bytes > 0 => {
                    Expected::WorksOrActed
                }
                (LostReply::NotResent, _) => Expected::Unreachable { may_have_acted: true },
                (LostReply::Streamed, _) => Expected::WorksOrInterrupted,
            }
        }
        // A watch takes every error but a definite refusal for a lost connection, and goes on.
        Injection::WrongType
        | Injection::NotJson
        | Injection::NotHttp
        | Injection::EndlessHeader
        | Injection::EndlessBody
            if operation.reply_form == ReplyForm::Watch =>
        {
            Expected::Works
        }
        Injection::WrongType
        | Injection::NotJson
        | Injection::NotHttp
        | Injection::EndlessHeader
        | Injection::EndlessBody
        | Injection::Frames(_) => Expected::Protocol,
        Injection::KilledBefore | Injection::KilledAfter if operation.succeeds_after_kill => {
            Expected::Works
        }
        Injection::KilledBefore | Injection::KilledAfter => Expected::WorksOrKilled,
    }
}

/// Runs one case. Returns the difference to the expected result as an error.
pub(crate) async fn run_case(
    fixture: &mut FaultFixture,
    operation: &Operation,
    injection: &Injection,
) -> Result<(), String> {
    let deadline = match injection {
        Injection::RefusedForLong | Injection::Silence | Injection::HeldReply => SHORT,
        _ => LONG,
    };
    fixture.begin_case(policy(deadline));
    (operation.prepare)(fixture).await;
    let case: &FaultFixture = fixture;
    inject(case, operation, injection);
    let run = AssertUnwindSafe((operation.run)(case)).catch_unwind();
    let result = tokio::time::timeout(HANGS, run).await;
    remove_injection(case);
    let result = match result {
        Err(_) => return Err("it hangs".to_owned()),
        Ok(Err(panic)) => return Err(format!("it panics: {}", panic_message(&*panic))),
        Ok(Ok(result)) => result,
    };
    check_result(&expected(operation, injection), result)?;
    let effects = (operation.effects)(case).await;
    if effects > 1 {
        return Err(format!("its effect happened {effects} times"));
    }
    Ok(())
}

impl Expected {
    /// Returns `true` if this is such a result.
    fn allows(&self, result: &Result<(), Error>) -> bool {
        use ErrorKind::{
            Interrupted, InvalidRequest, OutcomeUnknown, PermissionDenied, Protocol, Unreachable,
        };
        let Err(error) = result else {
            return !matches!(
                self,
                Self::Unreachable { .. } | Self::InterruptedOrSilent | Self::Protocol
            );
        };
        let kind = error.kind();
        match self {
            Self::Works => false,
            Self::Unreachable { may_have_acted } => {
                *kind == Unreachable && error.may_have_acted() == *may_have_acted
            }
            Self::Protocol => *kind == Protocol,
            Self::WorksOrActed => *kind == Unreachable && error.may_have_acted(),
            Self::WorksOrInterrupted => matches!(kind, Interrupted { .. }),
            Self::InterruptedOrSilent => matches!(kind, Interrupted { .. } | Unreachable),
            Self::OnceOrUnknown => matches!(kind, Unreachable | OutcomeUnknown | Protocol),
            Self::WorksOrKilled => !matches!(kind, Protocol | InvalidRequest | PermissionDenied),
        }
    }
}

/// Returns an error with the text of the difference if the result is not the expected one.
fn check_result(expected: &Expected, result: Result<(), Error>) -> Result<(), String> {
    if expected.allows(&result) {
        return Ok(());
    }
    match result {
        Ok(()) => Err(format!("it works, and was to be {expected:?}")),
        Err(error) => Err(format!("{error:?}, and was to be {expected:?}")),
    }
}

/// Injects the fault.
fn inject(fixture: &FaultFixture, operation: &Operation, injection: &Injection) {
    match injection {
        Injection::Refused | Injection::Missing | Injection::RefusedForLong => {
            let listen_state = if matches!(injection, Injection::Missing) {
                ListenState::Missing
            } else {
                ListenState::Refusing
            };
            fixture.proxy.set_listening(Some(listen_state));
            // The client would not notice on a connection that it has kept.
            fixture.proxy.cut_connections();
            let stays = matches!(injection, Injection::RefusedForLong)
                && operation.reply_form != ReplyForm::Watch;
            if !stays {
                fixture.accept_connections_after(AWAY);
            }
        }
        Injection::KilledBefore => {
            let kill = fixture.killer(AWAY);
            fixture.proxy.add(operation.rule_for(fixture, Fault::before(move |_| kill())));
        }
        Injection::KilledAfter => {
            let kill = fixture.killer(AWAY);
            fixture.proxy.add(operation.rule_for(fixture, Fault::before_reply(move |_| kill())));
        }
        _ => {
            if let Some(rule) = injection.rule(fixture, operation) {
                fixture.proxy.add(rule);
            }
        }
    }
}

/// Removes the fault and waits until Pebble runs again.
fn remove_injection(fixture: &FaultFixture) {
    fixture.proxy.clear();
    fixture.proxy.set_listening(None);
    until_blocking("Pebble comes back", || fixture.daemon.is_running());
}

/// Returns the message of a panic.
fn panic_message(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_default()
}
