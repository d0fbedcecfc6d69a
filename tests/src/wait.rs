//! Waiting for conditions, with an end.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// Longer than anything here takes, shorter than anybody's patience.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The time between two looks.
const PAUSE: Duration = Duration::from_millis(5);

/// Waits for a condition, for [`PATIENCE`].
#[track_caller]
pub fn until_blocking(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < end, "in vain: {what}");
        thread::sleep(PAUSE);
    }
}

/// Does the same under a runtime, with a condition that may ask Pebble.
pub async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !condition().await {
        assert!(Instant::now() < end, "in vain: {what}");
        tokio::time::sleep(PAUSE).await;
    }
}

/// Fails after [`PATIENCE`] what would hang.
pub async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.expect("it hangs")
}

/// Returns the process id in a file; `None` while its line is not whole.
pub fn pid_in(file: &Path) -> Option<u32> {
    std::fs::read_to_string(file).ok()?.strip_suffix('\n')?.parse().ok()
}

/// Waits until a command has written its process id to a file.
pub async fn written_pid(file: &Path) -> u32 {
    until("a command writes its process id", async || pid_in(file).is_some()).await;
    pid_in(file).unwrap()
}
