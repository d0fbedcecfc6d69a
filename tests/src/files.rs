//! Files that Pebble and the test both see.

use std::path::Path;

use charmwright_pebble::{Budget, Client};

use crate::Fixture;

impl Fixture {
    /// Returns a client whose retries are not used up by what was lost before.
    pub fn fresh(&self) -> Client {
        self.client.clone().with_budget(Budget::new())
    }

    /// Returns a path in the [folder](Self::folder), as Pebble is told it.
    pub fn path(&self, name: &str) -> String {
        self.folder.join(name).to_str().unwrap().to_owned()
    }

    /// Writes a file there and returns its path.
    pub fn put(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        std::fs::write(self.folder.join(name), content).unwrap();
        self.path(name)
    }

    /// Reads a file there.
    pub fn content(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.folder.join(name)).unwrap()
    }

    /// Returns what is in the folder, temporary files included.
    pub fn names(&self) -> Vec<String> {
        names_in(&self.folder)
    }
}

/// Returns the names in a folder in their order.
pub fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// Returns bytes without a pattern, the same each time.
pub fn noise(length: usize) -> Vec<u8> {
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
