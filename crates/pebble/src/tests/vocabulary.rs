//! This test reads the words of the client. It is of use wherever Pebble runs, so its texts name
//! nothing that only one of its users knows.

use std::fs;
use std::path::{Path, PathBuf};

const CRATE: &str = env!("CARGO_MANIFEST_DIR");

const FOREIGN: [&str; 3] = ["hook", "charm", "juju"];

/// The crates of this workspace have one of the words in their names.
const OWN_NAME: &str = "charmwright";

fn foreign_words(text: &str) -> Vec<String> {
    let foreign = |line: &&str| {
        let line = line.to_ascii_lowercase().replace(OWN_NAME, "");
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
    assert_eq!(foreign_words("/// One\nof a Hook\ncharmwright::pebble"), ["of a Hook"]);
    let mut files = Vec::new();
    files_below(&Path::new(CRATE).join("src"), &mut files);
    assert!(files.len() > 50, "{CRATE} holds {} sources", files.len());
    files_below(&Path::new(CRATE).join("docs"), &mut files);
    // The manifest and the pages that a registry shows.
    let top = fs::read_dir(CRATE).unwrap().map(|entry| entry.unwrap().path());
    files.extend(
        top.filter(|path| path.extension().is_some_and(|end| end == "md" || end == "toml")),
    );
    // This file has to name the words.
    files.retain(|path| !path.ends_with("src/tests/vocabulary.rs"));
    for path in files {
        let found = foreign_words(&fs::read_to_string(&path).unwrap());
        assert!(found.is_empty(), "{}: {found:#?}", path.display());
    }
}
