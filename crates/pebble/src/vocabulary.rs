//! A test of the words of this client: it is of use wherever Pebble runs, so it speaks of nothing
//! that only one of its users knows.

use std::fs;
use std::path::{Path, PathBuf};

/// The sources of the client.
const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src");

/// The pages of its documentation that are no source.
const PAGES: [&str; 2] =
    [include_str!("../docs/pebble.md"), include_str!("../docs/pebble-versions.md")];

const FOREIGN: [&str; 3] = ["hook", "charm", "juju"];

/// The framework's crates have one of the words in their name.
const CRATE: &str = "charmwright";

fn foreign_words(text: &str) -> Vec<String> {
    let foreign = |line: &&str| {
        let line = line.to_ascii_lowercase().replace(CRATE, "");
        FOREIGN.iter().any(|word| line.contains(word))
    };
    text.lines().filter(foreign).map(str::to_owned).collect()
}

fn files_below(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files_below(&path, files) } else { files.push(path) }
    }
}

#[test]
fn the_client_speaks_of_nothing_but_pebble() {
    assert_eq!(foreign_words("/// One\nof a Hook\ncharmwright_pebble"), ["of a Hook"]);
    let mut files = Vec::new();
    files_below(Path::new(SOURCES), &mut files);
    assert!(files.len() > 50, "{SOURCES} holds {} files", files.len());
    // This file has to name the words.
    files.retain(|path| !Path::new(file!()).ends_with(path.file_name().unwrap()));
    for path in files {
        let found = foreign_words(&fs::read_to_string(&path).unwrap());
        assert!(found.is_empty(), "{}: {found:#?}", path.display());
    }
    for page in PAGES {
        assert_eq!(foreign_words(page), [""; 0]);
    }
}
