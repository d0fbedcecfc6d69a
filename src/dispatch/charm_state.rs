//! The state of the charm, which the unit keeps between hooks.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::stored::envelope::{Document, LARGEST_DOCUMENT};
use crate::error::Error;

/// The key of the charm's document in the unit's state.
pub const CHARM_KEY: &str = "charm";

/// The format of the charm's document. Its data is written by serde from the charm's own type.
const CHARM: Document = Document { key: CHARM_KEY, version: 1 };

/// The charm's document, which is read and written as a whole.
#[derive(Debug, Default)]
pub(crate) struct CharmState {
    stored: Option<String>,
    pending: Option<String>,
    /// Whether the stored document could not be read in this hook. Writing over it would lose its
    /// content.
    is_unreadable: bool,
}

impl CharmState {
    pub(crate) fn new(stored: Option<String>) -> Self {
        Self { stored, pending: None, is_unreadable: false }
    }

    pub(crate) fn read<T: DeserializeOwned + Default>(&mut self) -> Result<T, Error> {
        let Some(text) = self.pending.as_deref().or(self.stored.as_deref()) else {
            return Ok(T::default());
        };
        let read = read_charm(text);
        self.is_unreadable |= read.is_err();
        read
    }

    pub(crate) fn write<T: Serialize + ?Sized>(&mut self, state: &T) -> Result<(), Error> {
        // A charm may write without reading, so the version of the stored document is checked here
        // too.
        if let Some(text) = &self.stored
            && !self.is_unreadable
        {
            self.is_unreadable = CHARM.open(text).is_err();
        }
        if self.is_unreadable {
            return Err(Error::state(
                "cannot write the charm's state: what is stored could not be read, and would be \
                 lost; go back to the charm's newer revision, or read it as a type that fits",
            ));
        }
        let text = CHARM.within(LARGEST_DOCUMENT, CHARM.write(state)?)?;
        self.pending = (self.stored.as_deref() != Some(text.as_str())).then_some(text);
        Ok(())
    }

    /// Returns the document to store if it differs from the stored one.
    pub(crate) fn to_write(&self) -> Option<&str> {
        self.pending.as_deref()
    }
}

/// Reads a document of any version; version 1 is the only one so far.
fn read_charm<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    let (_, data) = CHARM.open(text)?;
    CHARM.read(data)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_charms_state_defaults_reads_back_and_is_written_when_changed() {
        let mut state = CharmState::new(None);
        assert_eq!(state.read::<Vec<u32>>().unwrap(), Vec::<u32>::new());
        state.write(&[1, 2]).unwrap();
        assert_eq!(state.read::<Vec<u32>>().unwrap(), [1, 2]);
        let stored = state.to_write().unwrap().to_owned();

        let mut state = CharmState::new(Some(stored));
        state.write(&[1, 2]).unwrap();
        assert_eq!(state.to_write(), None);
        state.write(&[3]).unwrap();
        state.write(&[1, 2]).unwrap();
        assert_eq!(state.to_write(), None);
    }

    #[test]
    fn a_charm_document_that_cannot_be_read_is_never_overwritten() {
        for stored in ["{\"version\":9,\"data\":1}", "garbage", "{\"version\":1,\"data\":\"text\"}"]
        {
            let mut state = CharmState::new(Some(stored.to_owned()));
            state.read::<u32>().unwrap_err();
            state.write(&7).unwrap_err();
            assert_eq!(state.to_write(), None);
        }
        let mut unread = CharmState::new(Some("{\"version\":9,\"data\":1}".to_owned()));
        unread.write(&7).unwrap_err();
    }

    #[test]
    fn a_document_over_the_limit_is_an_error_before_it_is_lost() {
        let mut state = CharmState::new(None);
        state.write(&"x".repeat(LARGEST_DOCUMENT)).unwrap_err();
        assert_eq!(state.to_write(), None);
        state.write(&"x".repeat(LARGEST_DOCUMENT - 100)).unwrap();
    }

    proptest! {
        #[test]
        fn any_stored_text_is_read_or_refused(
            text in "(?s).{0,200}|\\{\"version\":[0-3],\"data\":\\PC{0,80}\\}"
        ) {
            let _ = CharmState::new(Some(text)).read::<Value>();
        }

        #[test]
        fn any_charm_state_survives_the_round_trip(
            state in proptest::collection::btree_map("\\PC{0,10}", "(?s).{0,30}", 0..10)
        ) {
            let mut document = CharmState::new(None);
            document.write(&state).unwrap();
            let mut again = CharmState::new(document.to_write().map(str::to_owned));
            prop_assert_eq!(again.read::<BTreeMap<String, String>>().unwrap(), state);
        }
    }
}
