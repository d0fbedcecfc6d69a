//! These tests lose replies of a real Pebble and kill it. Each action must take effect exactly
//! once, and a request that Pebble refuses must be sent exactly once.

mod answers;
mod conflicts;
mod killed;
mod killed_during_action;
mod lost;
mod restored_layers;

use std::sync::Mutex;
use std::thread;

use charmwright_testing::daemon::DaemonOptions;
use charmwright_tests::Fixture;

/// Starts a fixture whose daemon does not start the enabled services by itself (`pebble run
/// --hold`).
fn start_held(test: &str, options: DaemonOptions) -> Option<Fixture> {
    Fixture::start(test, options.hold())
}

/// Runs the cases of a test, six at a time. They need little CPU: nearly all of their time is the
/// second that Pebble waits to see whether a service that it has started stays up.
fn side_by_side<T: Send>(cases: Vec<T>, run: impl AsyncFn(T) + Sync) {
    let cases = Mutex::new(cases.into_iter());
    let next = || cases.lock().unwrap().next();
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let runtime =
                    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                while let Some(case) = next() {
                    runtime.block_on(run(case));
                }
            });
        }
    });
}
