#![doc = include_str!("../../docs/storage.md")]

mod declared;
mod handle;
mod lookup;
#[cfg(test)]
mod tests;

pub use declared::{
    AnyNumber, AtMostOne, DeclaredStorage, ExactlyOne, Extensible, Mount, StorageCount,
};
pub use handle::{Storage, StorageByName, StorageLookup};
