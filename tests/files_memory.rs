//! This test pushes 1 GiB from a reader and pulls it to a writer. The process may grow by less than
//! 32 MiB. The test has a process of its own, since it measures the memory of the process.

use std::path::Path;

use charmwright_pebble::PushOptions;
use charmwright_testing::daemon::DaemonOptions;
use charmwright_testing::daemon_or_skip;
use charmwright_tests::memory::rise;
use tokio::io::AsyncReadExt as _;

const SIZE: u64 = 1024 * 1024 * 1024;
const RISE: u64 = 32 * 1024 * 1024;

/// Returns a folder for the file. It is in memory if there is enough space, since a disk would be
/// slow.
fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let has_space = rustix::fs::statvfs(memory)
        .is_ok_and(|space| space.f_bavail.saturating_mul(space.f_frsize) > 2 * SIZE);
    if has_space { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

#[tokio::test]
async fn memory_does_not_grow_with_the_file() {
    let folder = folder();
    let options = DaemonOptions::new().forgetful().folder(folder.path().join("d"));
    let Some(daemon) = daemon_or_skip("memory_does_not_grow_with_the_file", options) else {
        return;
    };
    let client = daemon.client();
    let path = folder.path().join("large");
    let name = path.to_str().unwrap();
    // The first calls allocate what the client keeps, such as its connection, before the
    // measurement.
    client.push(name, "small", &PushOptions::new()).await.unwrap();
    assert_eq!(client.pull(name).await.unwrap(), b"small");

    let pushed = rise(async {
        let reader = tokio::io::repeat(b'\r').take(SIZE);
        client.push_from(name, reader, &PushOptions::new()).await.unwrap();
    })
    .await;
    assert_eq!(std::fs::metadata(&path).unwrap().len(), SIZE);
    let pulled = rise(async {
        assert_eq!(client.pull_to(name, tokio::io::sink()).await.unwrap(), SIZE);
    })
    .await;
    println!("the peak rose by {} KiB pushing and {} KiB pulling", pushed / 1024, pulled / 1024);
    assert!(pushed < RISE, "pushing took {pushed} bytes more");
    assert!(pulled < RISE, "pulling took {pulled} bytes more");
    // This shows that the measurement works: a file that is held in memory exceeds the limit.
    std::fs::File::create(&path).unwrap().set_len(2 * RISE).unwrap();
    let held = rise(async {
        assert_eq!(client.pull(name).await.unwrap().len() as u64, 2 * RISE);
    })
    .await;
    assert!(held > RISE, "a file of {} bytes in memory took only {held}", 2 * RISE);
}
