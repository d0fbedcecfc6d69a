//! Commands, whose request and whose three websockets can each be spoiled.

use charmwright::pebble::{Error, Exec};

use crate::operations::{Operation, Soon, Way};
use crate::stage::Stage;

fn run<'a>(stage: &'a Stage) -> Soon<'a, Result<(), Error>> {
    Box::pin(async {
        let script = format!("echo run >> {}; cat; echo oops >&2; exit 3", stage.path("runs"));
        let exec = Exec::new(["/bin/sh", "-c", &script]).stdin("hello");
        let output = stage.client.exec_output(&exec).await?;
        assert_eq!(
            (output.exit_code(), output.stdout(), output.stderr()),
            (3, &b"hello"[..], &b"oops\n"[..])
        );
        Ok(())
    })
}

fn runs<'a>(stage: &'a Stage) -> Soon<'a, usize> {
    Box::pin(async { stage.lines("runs") })
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
    websocket("exec, first websocket", 1),
    websocket("exec, second websocket", 2),
    websocket("exec, third websocket", 3),
];
