//! The memory that this process uses (proc(5)).

/// Returns the value of a line of `/proc/self/status` in bytes, such as `VmHWM:` for the peak.
pub fn memory(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    let number = line.split_ascii_whitespace().nth(1).unwrap();
    number.parse::<u64>().unwrap() * 1024
}

/// Runs `work` and returns the number of bytes by which the peak of the memory during it lies above
/// the memory before it.
pub async fn rise(work: impl Future<Output = ()>) -> u64 {
    // The 5 resets the peak to the memory in use now (proc_pid_clear_refs(5)).
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = memory("VmRSS:");
    work.await;
    memory("VmHWM:").saturating_sub(before)
}
