//! One case: what has to come of an operation that meets a injection.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use charmwright_pebble::{Error, ErrorKind};
use charmwright_testing::proxy::{Fault, ListenState};
use charmwright_tests::wait::until_blocking;
use futures_util::FutureExt as _;

use super::fault_fixture::{FaultFixture, policy};
use super::injection::{AWAY, Injection};
use super::operations::{Lost, Operation, Way};

/// No case takes as long, however busy the machine is; what does, hangs.
const HANGS: Duration = Duration::from_secs(60);

/// The time that a call gets while nobody answers, where that is what the case is about.
const SHORT: Duration = Duration::from_millis(300);

/// The same where Pebble comes back.
const LONG: Duration = Duration::from_secs(20);

/// What has to come of a case.
#[derive(Debug, PartialEq)]
enum Expected {
    /// The value that it has without any injection.
    Works,
    /// An error: no answer, and whether it may have acted.
    Unreachable { acted: bool },
    /// An error: whatever answered is not Pebble.
    Protocol,
    /// The value, or the error that no answer came and that it may have acted: by where the answer
    /// broke off.
    WorksOrActed,
    /// The value, or the error that says how many bytes went in vain.
    WorksOrInterrupted,
    /// An error: the same, or that no answer came.
    InterruptedOrSilent,
    /// The value, or the error that it is not known what came of it; never twice.
    OnceOrTells,
    /// The value, or any error that Pebble's end can be the cause of.
    WorksOrTells,
}

fn expected(operation: &Operation, injection: &Injection) -> Expected {
    match injection {
        Injection::Refused | Injection::Missing | Injection::Drip => Expected::Works,
        Injection::RefusedForLong if operation.way == Way::Websocket => {
            Expected::Unreachable { acted: false }
        }
        // One of several: that the command has not begun may be proved, and then it is begun anew.
        _ if operation.way == Way::Websocket => Expected::OnceOrTells,
        Injection::RefusedForLong if operation.way == Way::Watch => Expected::Works,
        Injection::RefusedForLong => Expected::Unreachable { acted: false },
        Injection::Silence | Injection::HeldReply if operation.lost == Lost::Partly => {
            Expected::InterruptedOrSilent
        }
        Injection::Silence | Injection::HeldReply => {
            Expected::Unreachable { acted: operation.acts }
        }
        Injection::ResetUnread | Injection::ResetRead | Injection::Cut(_) => {
            match (operation.lost, injection) {
                (Lost::SentAgain, _) => Expected::Works,
                // The answer may be shorter than where it is cut.
                (Lost::NeverAgain, Injection::Cut(bytes)) if *bytes > 0 => Expected::WorksOrActed,
                (Lost::NeverAgain, _) => Expected::Unreachable { acted: true },
                (Lost::Partly, _) => Expected::WorksOrInterrupted,
            }
        }
        // A watch takes everything but a definite refusal for a break, and goes on.
        Injection::WrongType
        | Injection::NotJson
        | Injection::NotHttp
        | Injection::EndlessHeader
        | Injection::EndlessBody
            if operation.way == Way::Watch =>
        {
            Expected::Works
        }
        Injection::WrongType
        | Injection::NotJson
        | Injection::NotHttp
        | Injection::EndlessHeader
        | Injection::EndlessBody
        | Injection::Frames(_) => Expected::Protocol,
        Injection::KilledBefore | Injection::KilledAfter if operation.survives => Expected::Works,
        Injection::KilledBefore | Injection::KilledAfter => Expected::WorksOrTells,
    }
}

/// Runs one case. `Err` says what was not as it had to be.
pub(crate) async fn try_out(
    fixture: &mut FaultFixture,
    operation: &Operation,
    injection: &Injection,
) -> Result<(), String> {
    let patient = match injection {
        Injection::RefusedForLong | Injection::Silence | Injection::HeldReply => SHORT,
        _ => LONG,
    };
    fixture.next(policy(patient));
    (operation.prepare)(fixture).await;
    let case: &FaultFixture = fixture;
    make(case, operation, injection);
    let run = AssertUnwindSafe((operation.run)(case)).catch_unwind();
    let result = tokio::time::timeout(HANGS, run).await;
    clear(case);
    let result = match result {
        Err(_) => return Err("it hangs".to_owned()),
        Ok(Err(panic)) => return Err(format!("it panics: {}", text_of(&*panic))),
        Ok(Ok(result)) => result,
    };
    judge(&expected(operation, injection), result)?;
    let effects = (operation.effects)(case).await;
    if effects > 1 {
        return Err(format!("its effect happened {effects} times"));
    }
    Ok(())
}

impl Expected {
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
            Self::Unreachable { acted } => *kind == Unreachable && error.may_have_acted() == *acted,
            Self::Protocol => *kind == Protocol,
            Self::WorksOrActed => *kind == Unreachable && error.may_have_acted(),
            Self::WorksOrInterrupted => matches!(kind, Interrupted { .. }),
            Self::InterruptedOrSilent => matches!(kind, Interrupted { .. } | Unreachable),
            Self::OnceOrTells => matches!(kind, Unreachable | OutcomeUnknown | Protocol),
            Self::WorksOrTells => !matches!(kind, Protocol | InvalidRequest | PermissionDenied),
        }
    }
}

fn judge(expected: &Expected, result: Result<(), Error>) -> Result<(), String> {
    if expected.allows(&result) {
        return Ok(());
    }
    match result {
        Ok(()) => Err(format!("it works, and was to be {expected:?}")),
        Err(error) => Err(format!("{error:?}, and was to be {expected:?}")),
    }
}

/// Makes the injection.
fn make(fixture: &FaultFixture, operation: &Operation, injection: &Injection) {
    match injection {
        Injection::Refused | Injection::Missing | Injection::RefusedForLong => {
            let door = if matches!(injection, Injection::Missing) {
                ListenState::Missing
            } else {
                ListenState::Refusing
            };
            fixture.proxy.set_listening(Some(door));
            // Kept connections would not notice.
            fixture.proxy.cut_connections();
            let stays =
                matches!(injection, Injection::RefusedForLong) && operation.way != Way::Watch;
            if !stays {
                fixture.open_after(AWAY);
            }
        }
        Injection::KilledBefore => {
            let kill = fixture.killer(AWAY);
            fixture.proxy.add(operation.spoiled(fixture, Fault::before(move |_| kill())));
        }
        Injection::KilledAfter => {
            let kill = fixture.killer(AWAY);
            fixture.proxy.add(operation.spoiled(fixture, Fault::before_reply(move |_| kill())));
        }
        _ => {
            if let Some(rule) = injection.rule(fixture, operation) {
                fixture.proxy.add(rule);
            }
        }
    }
}

/// Takes the injection away, and waits until Pebble is there again.
fn clear(fixture: &FaultFixture) {
    fixture.proxy.clear();
    fixture.proxy.set_listening(None);
    until_blocking("Pebble comes back", || fixture.daemon.is_running());
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_default()
}
