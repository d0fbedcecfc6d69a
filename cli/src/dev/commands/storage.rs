//! The commands on the storage of the unit and on the resources of its application, as `juju` has
//! them.

use crate::dev::line_words::words;

/// The names of these commands, their arguments, and what they do.
pub const COMMANDS: &[(&str, &str, &str)] = &[
    (
        "attach-storage",
        "NAME[/N]",
        "add an instance of the charm's storage NAME, or attach the detached instance NAME/N",
    ),
    (
        "detach-storage",
        "NAME/N",
        "detach an instance: storage-detaching runs, and its folder stays for attach-storage",
    ),
    (
        "attach-resource",
        "NAME=FILE",
        "give a resource another file; as in Juju that is an upgrade of the charm",
    ),
];

/// A command on storage or on a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StorageCommand {
    /// The name of a storage, or the id of an instance.
    Attach(String),
    Detach(String),
    AttachResource {
        name: String,
        file: String,
    },
}

/// Returns `true` for the name of a command that [`parse`] reads.
pub fn is_command(name: &str) -> bool {
    COMMANDS.iter().any(|(known, ..)| *known == name)
}

/// Parses the arguments of a command.
///
/// # Errors
/// Returns the reason, or `None` if the usage alone explains it.
pub fn parse(name: &str, rest: &str) -> Result<StorageCommand, Option<String>> {
    let words = words(rest).map_err(Some)?;
    let [word] = words.as_slice() else { return Err(None) };
    match name {
        "attach-storage" if !word.contains('=') => Ok(StorageCommand::Attach(word.clone())),
        "attach-storage" => Err(Some("each call adds one instance".to_owned())),
        "detach-storage" if word.contains('/') => Ok(StorageCommand::Detach(word.clone())),
        "detach-storage" => {
            Err(Some(format!("`{word}` is no instance; `status` lists them, as {word}/0")))
        }
        _ => match word.split_once('=') {
            Some((name, file)) if !name.is_empty() && !file.is_empty() => {
                Ok(StorageCommand::AttachResource { name: name.to_owned(), file: file.to_owned() })
            }
            _ => Err(None),
        },
    }
}
