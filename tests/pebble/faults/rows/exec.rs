//! Commands, whose request and whose three websockets can each be spoiled.

use charmwright_pebble::{Error, Exec, ExecOutput};

use crate::faults::fault_fixture::FaultFixture;
use crate::faults::operations::{Operation, Soon, Way};

async fn output(fixture: &FaultFixture) -> Result<ExecOutput, Error> {
    let script = format!("echo run >> {}; cat; echo oops >&2; exit 3", fixture.path("runs"));
    let exec = Exec::new(["/bin/sh", "-c", &script]).stdin("hello");
    fixture.client.exec_output(&exec).await
}

fn run<'a>(fixture: &'a FaultFixture) -> Soon<'a, Result<(), Error>> {
    Box::pin(async {
        let output = output(fixture).await?;
        assert_eq!(
            (output.exit_code(), output.stdout(), output.stderr()),
            (3, &b"hello"[..], &b"oops\n"[..])
        );
        Ok(())
    })
}

/// The same, or what Pebble says of a command whose control connection broke while it ran: it was
/// killed.
fn run_or_be_killed<'a>(fixture: &'a FaultFixture) -> Soon<'a, Result<(), Error>> {
    Box::pin(async {
        match output(fixture).await?.exit_code() {
            3 | 137 => Ok(()),
            code => panic!("exit code {code}"),
        }
    })
}

fn runs<'a>(fixture: &'a FaultFixture) -> Soon<'a, usize> {
    Box::pin(async { fixture.lines("runs") })
}

/// The nth websocket of a command: control, then the two streams.
const fn websocket(name: &'static str, nth: u32) -> Operation {
    Operation {
        way: Way::Websocket,
        survives: false,
        nth,
        effects: runs,
        ..Operation::read(name, "GET /v1/tasks/{task-id}/websocket/{websocket-id}", run)
    }
}

pub(crate) static ROWS: &[Operation] = &[
    Operation {
        // Without its websockets a command never runs.
        acts: false,
        effects: runs,
        ..Operation::write("exec", "POST /v1/exec", run)
    },
    Operation { run: run_or_be_killed, ..websocket("exec, first websocket", 1) },
    websocket("exec, second websocket", 2),
    websocket("exec, third websocket", 3),
];
