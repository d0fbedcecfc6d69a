//! A valid config with which the workload does not run: the unit is blocked with the cause.

use crate::any_workload::{BadConfig, assert_blocked_then_active, charm};

#[test]
fn a_workload_that_cannot_run_blocks_with_its_cause_and_the_next_good_value_recovers() {
    let Some((charm, options)) =
        charm("a_workload_that_cannot_run_blocks_with_its_cause_and_the_next_good_value_recovers")
    else {
        return;
    };
    let cases: Vec<BadConfig> = [
        // The last line of the workload is what its operator has to read.
        (
            &["config command=sh -c 'echo starting; echo no database at db:5432; exit 3'"][..],
            "exited quickly with code 3, will restart: no database at db:5432",
        ),
        // Pebble stores a blank line with only a time stamp, and a line without an end together
        // with the output of the next start.
        (
            &["config command=sh -c 'echo ERROR: first; echo; exit 3'"],
            "exited quickly with code 3, will restart: ERROR: first",
        ),
        (
            &["config command=sh -c 'printf \"no end\"; exit 3'"],
            "exited quickly with code 3, will restart: no end",
        ),
        (
            &["config command=/no/such/program --flag"],
            "invalid \"command\": the container has no such program",
        ),
        (
            &["config command=no-such-program"],
            "invalid \"command\": the container has no such program",
        ),
        (
            &["config command=/etc/passwd"],
            "invalid \"command\": it names a file that may not be executed",
        ),
        (&["config command=/etc"], "invalid \"command\": it names a directory, not a program"),
        // Pebble's message blames the program, though that exists.
        (
            &["config working-dir=/no/such/folder"],
            "invalid \"working-dir\": the container has no such directory",
        ),
        (
            &["config working-dir=/etc/passwd"],
            "invalid \"working-dir\": it is no directory in the container",
        ),
        (&["config user=no-such-user"], "invalid \"user\": the container has no such user"),
        (
            &["config user=root", "config group=no-such-group"],
            "invalid \"group\": the container has no such group",
        ),
    ]
    .into_iter()
    .map(|(breaking_lines, message)| BadConfig {
        // Pebble's timer of a failed start goes on, and within its second it would take the next
        // start for a success (Pebble 1.32, `okayDelay`). Nothing shows that the timer is over.
        breaking_lines: [&["sleep 1.2"], breaking_lines]
            .concat()
            .iter()
            .map(|line| (*line).to_owned())
            .collect(),
        message,
        fixing_lines: breaking_lines
            .iter()
            .rev()
            .map(|line| match line.split([' ', '=']).nth(1).unwrap() {
                "command" => "config command=sleep 600".to_owned(),
                option => format!("config --reset {option}"),
            })
            .collect(),
    })
    .collect();
    assert_blocked_then_active(&charm, &options, &["command=sleep 600"], &cases);
}
