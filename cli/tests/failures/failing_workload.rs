//! A config that is well formed and a workload that does not run with it: the unit is Blocked with the cause.

use crate::any_workload::{Wrong, blocked_each_and_active_again, charm};

#[test]
fn a_workload_that_cannot_run_blocks_with_its_cause_and_the_next_good_value_recovers() {
    let Some((charm, options)) =
        charm("a_workload_that_cannot_run_blocks_with_its_cause_and_the_next_good_value_recovers")
    else {
        return;
    };
    let cases: Vec<Wrong> = [
        // What it printed last is what its operator has to read.
        (
            &["config command=sh -c 'echo starting; echo no database at db:5432; exit 3'"][..],
            "exited quickly with code 3, will restart: no database at db:5432",
        ),
        (
            &["config command=/no/such/program --flag"],
            "failed: workload: cannot start service: fork/exec /no/such/program: no such file or directory",
        ),
        (
            &["config command=no-such-program"],
            "\"no-such-program\": executable file not found",
        ),
        (
            &["config command=/etc/passwd"],
            "fork/exec /etc/passwd: permission denied",
        ),
        // Pebble blames the program, which is there.
        (
            &["config working-dir=/no/such/folder"],
            "no such file or directory (the program, its interpreter or the working-dir)",
        ),
        (&["config user=no-such-user"], "user: unknown user no-such-user"),
        (
            &["config user=root", "config group=no-such-group"],
            "group: unknown group no-such-group",
        ),
    ]
    .into_iter()
    .map(|(made, says)| Wrong {
        made: made.iter().map(|line| (*line).to_owned()).collect(),
        says,
        mended: made
            .iter()
            .rev()
            .map(|line| match line.split([' ', '=']).nth(1).unwrap() {
                "command" => "config command=sleep 600".to_owned(),
                option => format!("config --reset {option}"),
            })
            .collect(),
    })
    .collect();
    blocked_each_and_active_again(&charm, &options, &["command=sleep 600"], &cases);
}
