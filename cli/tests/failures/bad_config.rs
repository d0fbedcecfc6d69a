//! Every option gets every kind of bad value: the unit is blocked with the name of the option, and
//! no hook fails.

use crate::any_workload::{BadConfig, assert_blocked_then_active, charm};

const BOMB: &str = "{a: &a [x,x,x,x,x,x,x,x], b: &b [*a,*a,*a,*a,*a,*a,*a,*a], \
                    c: &c [*b,*b,*b,*b,*b,*b,*b,*b], d: &d [*c,*c,*c,*c,*c,*c,*c,*c], \
                    e: [*d,*d,*d,*d,*d,*d,*d,*d]}";

#[test]
fn each_bad_value_blocks_by_the_options_name_and_the_next_good_one_recovers() {
    let Some((charm, options)) =
        charm("each_bad_value_blocks_by_the_options_name_and_the_next_good_one_recovers")
    else {
        return;
    };
    let bomb = format!("environment={BOMB}");
    let cases: Vec<BadConfig> = [
        ("command=", "invalid config \"command\": is empty; set it to"),
        ("command='   '", "invalid config \"command\": is empty; set it to"),
        ("command=# later", "invalid config \"command\": cannot be run: it holds no word"),
        (
            "command=sh -c \"oops",
            "invalid config \"command\": cannot be run: a quote is not closed",
        ),
        ("environment=just text", "invalid config \"environment\": must be a YAML map"),
        ("environment=[a, b]", "invalid config \"environment\": must be a YAML map"),
        (
            "environment={A: {B: c}}",
            "invalid config \"environment\": must be a YAML map of names to plain values",
        ),
        (
            "environment={A: 1, A: 2}",
            "(a name is given twice, the second time at line 1, column 8)",
        ),
        ("environment={A: 1", "invalid config \"environment\""),
        (
            "environment={\"A=B\": c}",
            "invalid config \"environment\": a name must not be empty or hold '='",
        ),
        (&bomb, "invalid config \"environment\""),
        ("working-dir=srv/data", "invalid config \"working-dir\": must be an absolute path"),
        ("group=root", "invalid config \"group\": needs the option user"),
        ("port=-1", "invalid config \"port\": must be a port from 1 to 65535, or 0 for none"),
        ("port=65536", "invalid config \"port\": must be a port from 1 to 65535"),
        (
            "health-check=http",
            "invalid config \"health-check\": must be http:/PATH, tcp, exec:COMMAND",
        ),
        (
            "health-check=ping",
            "invalid config \"health-check\": must be http:/PATH, tcp, exec:COMMAND",
        ),
        ("health-check=http:/", "invalid config \"health-check\": needs the option port"),
        ("health-check=tcp", "invalid config \"health-check\": needs the option port"),
        (
            "health-check=exec:",
            "invalid config \"health-check\": must be http:/PATH, tcp, exec:COMMAND",
        ),
        (
            "health-check=exec:sh -c \"oops",
            "invalid config \"health-check\": has an exec command that cannot be run: a quote is \
             not closed",
        ),
        (
            "pebble-retry-attempts=0",
            "invalid config \"pebble-retry-attempts\": must be a whole number from 1 to 1000",
        ),
        ("pebble-retry-attempts=-1", "invalid config \"pebble-retry-attempts\": must be"),
        (
            "pebble-retry-attempts=99999999999999",
            "invalid config \"pebble-retry-attempts\": must be",
        ),
        (
            "pebble-retry-step=soon",
            "invalid config \"pebble-retry-step\": must be a duration from 1ms to 1h",
        ),
        ("pebble-retry-step=-1s", "invalid config \"pebble-retry-step\": must be a duration"),
        ("pebble-retry-step=0s", "invalid config \"pebble-retry-step\": must be a duration"),
        ("pebble-retry-step=9999h", "invalid config \"pebble-retry-step\": must be a duration"),
    ]
    .into_iter()
    .map(|(bad, message)| {
        let option = bad.split('=').next().unwrap();
        let fixing_lines = match option {
            "command" => "config command=sleep 600".to_owned(),
            option => format!("config --reset {option}"),
        };
        BadConfig {
            breaking_lines: vec![format!("config {bad}")],
            message,
            fixing_lines: vec![fixing_lines],
        }
    })
    .collect();
    assert_blocked_then_active(&charm, &options, &["command=sleep 600"], &cases);
}
