//! The parts that every test which runs the program needs: its path, patience, and a look at the
//! processes that it started.

use std::fs;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The program under test.
pub const CHARMWRIGHT: &str = env!("CARGO_BIN_EXE_charmwright");

/// Longer than anything here takes on a busy machine; only a broken run waits so long.
pub const WAIT_LIMIT: Duration = Duration::from_secs(90);

/// A script that is being written while another test starts a process cannot be run until that
/// process has let go of it.
static SCRIPT_LOCK: Mutex<()> = Mutex::new(());

/// Is held while a script is written or a process is started.
pub fn lock_scripts() -> MutexGuard<'static, ()> {
    SCRIPT_LOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits for a condition, in small steps.
#[track_caller]
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + WAIT_LIMIT;
    while !condition() {
        assert!(Instant::now() < deadline, "waited {WAIT_LIMIT:?} for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The processes that know a run's folder from their environment or arguments, as everything does
/// that it starts.
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
