//! Files that both Pebble and the test can open.

use std::path::Path;

use charmwright_pebble::{Budget, Client};

use crate::Fixture;

impl Fixture {
    /// Returns a client with a new retry budget. A budget is shared by clones, and the replies that
    /// were lost before may have used it up.
    pub fn client_with_new_budget(&self) -> Client {
        self.client.clone().with_budget(Budget::new())
    }

    /// Returns the path of a file in the [folder](Self::folder).
    pub fn path(&self, name: &str) -> String {
        self.folder.join(name).to_str().unwrap().to_owned()
    }

    /// Writes a file in the folder and returns its path.
    pub fn put(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        std::fs::write(self.folder.join(name), content).unwrap();
        self.path(name)
    }

    /// Reads a file in the folder.
    pub fn content(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.folder.join(name)).unwrap()
    }

    /// Returns the names in the folder in alphabetical order, those of temporary files included.
    pub fn names(&self) -> Vec<String> {
        names_in(&self.folder)
    }
}

/// Returns the names in a folder in alphabetical order.
pub fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// Returns this many pseudo-random bytes (xorshift64), the same at each call.
pub fn noise(length: usize) -> Vec<u8> {
    // Any seed but zero does, which xorshift would never leave.
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
