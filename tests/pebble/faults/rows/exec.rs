//! The rows of commands. A fault happens to their request or to one of their three websockets.

use charmwright_pebble::{Error, Exec, ExecOutput};

use crate::faults::fault_fixture::FaultFixture;
use crate::faults::operations::{BoxedFuture, Operation, ReplyForm};

/// Runs the command of this case and returns its output.
async fn output(fixture: &FaultFixture) -> Result<ExecOutput, Error> {
    let script = format!("echo run >> {}; cat; echo oops >&2; exit 3", fixture.path("runs"));
    let exec = Exec::new(["/bin/sh", "-c", &script]).stdin("hello");
    fixture.client.exec_output(&exec).await
}

/// Runs the command and checks its output.
fn run<'a>(fixture: &'a FaultFixture) -> BoxedFuture<'a, Result<(), Error>> {
    Box::pin(async {
        let output = output(fixture).await?;
        assert_eq!(
            (output.exit_code(), output.stdout(), output.stderr()),
            (3, &b"hello"[..], &b"oops\n"[..])
        );
        Ok(())
    })
}

/// Runs the command, which may be killed: Pebble does so if the control websocket breaks.
fn run_or_be_killed<'a>(fixture: &'a FaultFixture) -> BoxedFuture<'a, Result<(), Error>> {
    Box::pin(async {
        match output(fixture).await?.exit_code() {
            3 | 137 => Ok(()),
            code => panic!("exit code {code}"),
        }
    })
}

/// Counts the runs of the command.
fn runs<'a>(fixture: &'a FaultFixture) -> BoxedFuture<'a, usize> {
    Box::pin(async { fixture.lines("runs") })
}

/// Makes the row of the nth websocket of a command: the control one, then the two streams.
const fn websocket(name: &'static str, nth: u32) -> Operation {
    Operation {
        reply_form: ReplyForm::Websocket,
        succeeds_after_kill: false,
        nth,
        effects: runs,
        ..Operation::read(name, "GET /v1/tasks/{task-id}/websocket/{websocket-id}", run)
    }
}

pub(crate) static ROWS: &[Operation] = &[
    Operation {
        // Pebble does not run a command before its websockets are connected.
        may_have_acted: false,
        effects: runs,
        ..Operation::write("exec", "POST /v1/exec", run)
    },
    Operation { run: run_or_be_killed, ..websocket("exec, first websocket", 1) },
    websocket("exec, second websocket", 2),
    websocket("exec, third websocket", 3),
];
