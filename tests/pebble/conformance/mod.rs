//! These cases record how Pebble's API behaves, endpoint by endpoint: the usual replies, each
//! documented error, and behaviour that a client does not expect (comments that begin with
//! "Trap:").
//!
//! A case is written for the trait [`Pebble`](pebble::Pebble) and runs on each of its
//! implementations: the pinned Pebble, and the oldest that Juju still ships. Where the two differ,
//! a case names the version that has made the change, by [`since`](pebble::since) or
//! [`Pebble::has`](pebble::Pebble::has). `docs/pebble-versions.md` lists these versions with their
//! cases, and a test in [`versions`] compares the two, so the names of cases stand there, too.

mod changes;
mod checks;
mod exec;
mod exec_websockets;
mod files;
mod files_written;
mod identities;
mod layers;
mod logs;
mod notices;
mod pebble;
mod protocol;
mod raw;
mod services;
mod signals;
mod system;
mod versions;
mod websocket;

/// Makes a test of each case for each implementation, and a list of the cases. The name of a test
/// reads as a sentence with that of its module, such as `services::are_listed_by_name`.
macro_rules! conformance {
    ($($module:ident: [$($case:ident),+ $(,)?]),+ $(,)?) => {
        /// The module and the name of every case.
        const CASES: &[(&str, &str)] = &[$($((stringify!($module), stringify!($case))),+),+];
        mod pinned {
            $(mod $module { $(#[test] fn $case() {
                crate::conformance::pebble::run::<crate::conformance::pebble::Current>(
                    stringify!($case),
                    async |pebble| crate::conformance::$module::$case(pebble).await,
                );
            })+ })+
        }
        mod oldest {
            $(mod $module { $(#[test] fn $case() {
                crate::conformance::pebble::run::<crate::conformance::pebble::Oldest>(
                    stringify!($case),
                    async |pebble| crate::conformance::$module::$case(pebble).await,
                );
            })+ })+
        }
    };
}

conformance! {
    protocol: [
        an_unknown_path_is_404_and_a_wrong_method_405,
        what_is_no_json_is_refused_and_trailing_bytes_are_not,
        a_stub_answers_that_it_is_none,
    ],
    system: [tells_who_it_is, counts_its_services_and_checks, is_healthy_as_its_checks_are],
    changes: [
        are_listed_by_state_and_service,
        are_waited_for_and_told_when_they_fail,
        that_are_unknown_are_404,
        are_aborted_once,
        a_wait_ends_at_its_timeout,
    ],
    services: [
        are_listed_by_name,
        start_stop_and_restart,
        that_are_unknown_or_missing_are_refused,
        that_end_at_once_fail_their_start,
        a_start_pulls_in_what_is_required_and_a_stop_what_requires,
        a_replan_restarts_what_has_changed,
        are_started_together_when_enabled,
    ],
    layers: [
        are_added_and_combined,
        that_exist_or_are_wrong_are_refused,
        are_forgotten_by_a_restart,
        of_a_folder_go_between_others,
    ],
    checks: [
        are_listed_by_level_and_name,
        start_and_stop,
        are_run_when_asked_for,
        go_down_and_up,
    ],
    signals: [reach_the_main_process, that_cannot_be_sent_are_refused],
    identities: [are_added_changed_and_removed, that_are_wrong_are_refused],
    files: [
        are_listed_by_name,
        that_cannot_be_listed_are_refused,
        are_read,
        that_cannot_be_read_are_told_in_the_last_part,
        of_folders_are_made,
        are_removed,
    ],
    files_written: [
        are_whole_or_as_before,
        belong_to_whom_they_are_to,
        that_cannot_be_are_told_one_by_one,
        by_requests_that_are_wrong_are_not,
        with_other_media_are_refused,
    ],
    exec: [
        gives_output_and_exit_code,
        runs_where_and_with_what_it_is_told,
        runs_as_whom_it_is_told,
        takes_a_service_for_its_context,
        that_cannot_be_run_are_refused,
        that_do_not_start_fail_their_change,
        are_killed_at_their_timeout,
        end_by_signals,
        that_are_aborted_are_killed_and_done,
        have_a_terminal,
        that_a_restart_interrupts_have_no_known_end,
    ],
    exec_websockets: [
        are_refused,
        of_a_command_that_is_over_are_none,
        are_waited_for_5_seconds,
        carry_data_and_its_end,
        start_a_command_without_the_control_one,
        end_a_command_by_breaking,
        that_nobody_reads_hold_a_command_up,
        that_others_hold_open_hold_a_command_up,
    ],
    notices: [
        are_recorded_counted_and_read,
        repeat_after_their_time,
        are_listed_as_asked_for,
        are_waited_for,
        are_recorded_of_changes,
        of_other_users_are_for_administrators,
        that_are_wrong_are_refused,
    ],
    logs: [
        are_as_many_as_asked_for,
        that_are_asked_for_wrongly_are_refused,
        are_lines_of_both_streams,
        of_long_lines_are_several,
        are_kept_over_restarts_of_the_service_only,
        are_followed,
    ],
}
