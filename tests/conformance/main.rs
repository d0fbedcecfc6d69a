//! What a Pebble has to do, endpoint by endpoint: the good cases, each error that is documented, and the traps for a client.
//!
//! A case is written once, against a small trait, [`Pebble`](pebble::Pebble), and runs on every implementation named at the end of this file: the
//! pinned Pebble, and the oldest that Juju still ships. Where the two differ a case says so by the version that changed it: see
//! [`since`](pebble::since) and [`Pebble::has`](pebble::Pebble::has).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends at the first thing that is not as expected"
)]

mod changes;
mod checks;
mod identities;
mod layers;
mod pebble;
mod protocol;
mod raw;
mod services;
mod signals;
mod system;

/// Makes a test of each case for each implementation.
macro_rules! conformance {
    ($($room:ident: [$($case:ident),+ $(,)?]),+ $(,)?) => {
        mod pinned {
            $(mod $room { $(#[test] fn $case() {
                crate::pebble::run::<crate::pebble::Current>(stringify!($case), async |pebble| crate::$room::$case(pebble).await);
            })+ })+
        }
        mod oldest {
            $(mod $room { $(#[test] fn $case() {
                crate::pebble::run::<crate::pebble::Oldest>(stringify!($case), async |pebble| crate::$room::$case(pebble).await);
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
}
