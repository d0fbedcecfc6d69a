//! Waits for conditions, each with a time limit.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// The limit of a wait. It is longer than anything here takes on a busy machine.
pub const WAIT_LIMIT: Duration = Duration::from_secs(30);

/// The time between two checks of a condition.
const PAUSE: Duration = Duration::from_millis(5);

/// Waits until the condition is true. Panics after [`WAIT_LIMIT`].
#[track_caller]
pub fn until_blocking(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + WAIT_LIMIT;
    while !condition() {
        assert!(Instant::now() < end, "in vain: {what}");
        thread::sleep(PAUSE);
    }
}

/// Waits under a runtime until the condition is true. Panics after [`WAIT_LIMIT`].
pub async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + WAIT_LIMIT;
    while !condition().await {
        assert!(Instant::now() < end, "in vain: {what}");
        tokio::time::sleep(PAUSE).await;
    }
}

/// Runs `work` and returns its result. Panics after [`WAIT_LIMIT`].
pub async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(WAIT_LIMIT, work).await.expect("it hangs")
}

/// Returns the process id in a file, or `None` if its line is not complete yet.
pub fn pid_in(file: &Path) -> Option<u32> {
    std::fs::read_to_string(file).ok()?.strip_suffix('\n')?.parse().ok()
}

/// Waits until a command has written its process id to a file.
pub async fn written_pid(file: &Path) -> u32 {
    until("a command writes its process id", async || pid_in(file).is_some()).await;
    pid_in(file).unwrap()
}
