//! What the client does when a reply is lost or Pebble dies, against the real daemon: every effect
//! exactly once, every refusal sent exactly once.

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

/// A daemon that starts nothing by itself.
fn start_held(test: &str, options: DaemonOptions) -> Option<Fixture> {
    Fixture::start(test, options.hold())
}

/// Runs the cases of a test, some at a time: nearly all of their time is Pebble's own second of
/// waiting.
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
