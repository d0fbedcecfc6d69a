//! How much memory this process has: proc(5).

/// Reads a number of kibibytes from `/proc/self/status`, such as `VmHWM:` for the peak, and returns
/// it in bytes.
pub fn memory(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    let number = line.split_ascii_whitespace().nth(1).unwrap();
    number.parse::<u64>().unwrap() * 1024
}

/// Returns how many bytes the peak of `work` lies above the memory before it.
pub async fn rise(work: impl Future<Output = ()>) -> u64 {
    // Sets the peak to what is in use now.
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = memory("VmRSS:");
    work.await;
    memory("VmHWM:").saturating_sub(before)
}
