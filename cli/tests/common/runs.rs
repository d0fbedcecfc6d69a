//! The helpers of every test that runs the program: its path, a time limit, and a look at the
//! processes that it started.

use std::fs;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The path of the program under test.
pub const CHARMWRIGHT: &str = env!("CARGO_BIN_EXE_charmwright");

/// The time after which a test gives up. It is longer than anything here takes on a busy machine.
pub const WAIT_LIMIT: Duration = Duration::from_secs(90);

/// Linux does not run a script that is open for writing ("text file busy"), and a process that
/// another test starts meanwhile holds it open.
static SCRIPT_LOCK: Mutex<()> = Mutex::new(());

/// Returns a lock to hold while a script is written or a process is started.
pub fn lock_scripts() -> MutexGuard<'static, ()> {
    SCRIPT_LOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits for a condition, and checks it every 5 ms.
#[track_caller]
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + WAIT_LIMIT;
    while !condition() {
        assert!(Instant::now() < deadline, "waited {WAIT_LIMIT:?} for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Returns the processes that have a run's folder in their environment or arguments, as everything
/// has that the run starts.
pub fn processes_with_path(folder: &Path) -> Vec<String> {
    let mark = folder.as_os_str().as_encoded_bytes();
    let me = std::process::id().to_string();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap_or_default();
        if name == me || !name.chars().all(|c| c.is_ascii_digit()) {
            continue;
        }
        let read = |file: &str| fs::read(entry.path().join(file)).unwrap_or_default();
        let holds = |bytes: &[u8]| bytes.windows(mark.len()).any(|part| part == mark);
        let command = read("cmdline");
        if holds(&command) || holds(&read("environ")) {
            found.push(format!("{name} {}", String::from_utf8_lossy(&command).replace('\0', " ")));
        }
    }
    found
}
