//! Files against the real daemon: what is written is what is read, each documented error, lost
//! answers and broken streams, and whole trees.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends at the first thing that is not as expected"
)]

mod early;
mod errors;
mod faults;
mod local;
mod manage;
mod names;
mod streams;
mod trees;

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use charmwright_pebble::{Budget, Client, PushOptions, RetryPolicy};
use charmwright_testing::daemon::{Daemon, DaemonOptions};
use charmwright_testing::daemon_or_skip;
use charmwright_testing::proxy::FaultProxy;

/// A daemon behind a proxy, a client of it, and a folder that both can see.
pub(crate) struct Scene {
    pub(crate) proxy: FaultProxy,
    pub(crate) client: Client,
    pub(crate) folder: PathBuf,
    _daemon: Daemon,
}

pub(crate) fn scene(test: &str) -> Option<Scene> {
    let daemon = daemon_or_skip(test, DaemonOptions::new().forgetful())?;
    let proxy = FaultProxy::start(daemon.socket()).unwrap();
    let policy =
        RetryPolicy::new().step(Duration::from_millis(10)).attempts(NonZeroU32::new(8).unwrap());
    let client = Client::new(proxy.socket()).with_target("container \"web\"").with_retry(policy);
    let folder = daemon.folder().join("files");
    std::fs::create_dir(&folder).unwrap();
    Some(Scene { proxy, client, folder, _daemon: daemon })
}

impl Scene {
    /// A client whose retries are not used up by what was lost before.
    pub(crate) fn fresh(&self) -> Client {
        self.client.clone().with_budget(Budget::new())
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.join(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn put(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        std::fs::write(self.folder.join(name), content).unwrap();
        self.path(name)
    }

    pub(crate) fn content(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.folder.join(name)).unwrap()
    }

    /// What is in the folder, temporary files included.
    pub(crate) fn names(&self) -> Vec<String> {
        names_in(&self.folder)
    }
}

pub(crate) fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

pub(crate) fn options() -> PushOptions {
    PushOptions::new()
}

/// Bytes without a pattern, the same each time.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        })
        .collect()
}
