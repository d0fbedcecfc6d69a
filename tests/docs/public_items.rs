//! The public items of the library, found in its sources.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The folders whose items a charm may use.
const FOLDERS: [&str; 3] = ["src", "crates/juju/src", "crates/pebble/src"];

/// Returns the public types, traits and functions of the library by their names, and their methods,
/// variants and constants as `Type::name`. What a macro makes is not found.
pub fn public_items(root: &Path) -> BTreeSet<String> {
    let mut items = BTreeSet::new();
    for folder in FOLDERS {
        find_in(&root.join(folder), &mut items);
    }
    items
}

fn find_in(folder: &Path, items: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap();
        if name == "tests" {
            continue;
        }
        if path.is_dir() {
            find_in(&path, items);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            items_of(&fs::read_to_string(&path).unwrap(), items);
        }
    }
}

/// What the lines belong to that are indented by one step.
enum Inside {
    Impl(String),
    Trait(String),
    Enum(String),
    Other,
}

fn items_of(source: &str, items: &mut BTreeSet<String>) {
    let mut inside = Inside::Other;
    for line in source.lines() {
        if !line.starts_with(' ') {
            inside = top_level(line, items).unwrap_or(inside);
            continue;
        }
        let Some(line) = line.strip_prefix("    ").filter(|line| !line.starts_with(' ')) else {
            continue;
        };
        let found = match &inside {
            Inside::Impl(name) => {
                after_any(line, &["pub fn ", "pub const fn ", "pub async fn ", "pub const "])
                    .map(|rest| (name, rest))
            }
            Inside::Trait(name) => {
                after_any(line, &["fn ", "async fn ", "const ", "type ", "const fn "])
                    .map(|rest| (name, rest))
            }
            Inside::Enum(name) if line.starts_with(|start: char| start.is_ascii_uppercase()) => {
                Some((name, line))
            }
            Inside::Enum(_) | Inside::Other => None,
        };
        if let Some((name, rest)) = found {
            items.insert(format!("{name}::{}", word(rest)));
        }
    }
}

/// Reads a line that is not indented. `None` if it does not end or begin anything.
fn top_level(line: &str, items: &mut BTreeSet<String>) -> Option<Inside> {
    if line.starts_with('}') {
        return Some(Inside::Other);
    }
    if let Some(rest) = after_any(line, &["impl<", "impl "]) {
        // The parameters may have bounds, which are types too.
        let rest = if line.starts_with("impl<") { after_parameters(rest)? } else { rest };
        let owner = rest.split_once(" for ").map_or(rest, |(_, owner)| owner);
        return Some(Inside::Impl(word(owner.trim_start()).to_owned()));
    }
    if let Some(rest) = after_any(line, &["pub fn ", "pub async fn ", "pub struct ", "pub type "]) {
        items.insert(word(rest).to_owned());
        return Some(Inside::Other);
    }
    if let Some(rest) = after_any(line, &["pub enum ", "pub trait "]) {
        let name = word(rest).to_owned();
        items.insert(name.clone());
        let is_enum = line.starts_with("pub enum ");
        return Some(if is_enum { Inside::Enum(name) } else { Inside::Trait(name) });
    }
    None
}

fn after_any<'a>(line: &'a str, starts: &[&str]) -> Option<&'a str> {
    starts.iter().find_map(|start| line.strip_prefix(start))
}

/// Returns what follows the `>` that ends a list of parameters.
fn after_parameters(text: &str) -> Option<&str> {
    let mut depth = 1;
    for (position, character) in text.char_indices() {
        match character {
            '<' => depth += 1,
            '>' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return text.get(position + 1..);
        }
    }
    None
}

fn word(text: &str) -> &str {
    text.split(|character: char| !character.is_alphanumeric() && character != '_').next().unwrap()
}

#[test]
fn items_are_found_by_their_names() {
    let source = "pub struct One<T>(T);\n\
                  impl<T: Into<String>> One<T> {\n    pub fn get(&self) {}\n\
                  \x20   fn own(&self) {}\n}\n\
                  pub enum Two {\n    First,\n    Second(u8),\n}\n\
                  pub trait Three {\n    async fn run(&self);\n}\n\
                  impl From<u8> for Two {\n    fn from(_: u8) {}\n}\n";
    let mut items = BTreeSet::new();
    items_of(source, &mut items);
    let found: Vec<&str> = items.iter().map(String::as_str).collect();
    assert_eq!(
        found,
        ["One", "One::get", "Three", "Three::run", "Two", "Two::First", "Two::Second"]
    );
}
