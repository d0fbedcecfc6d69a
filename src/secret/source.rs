//! The databag that is being read, which the ids of secrets in it are named by.
//!
//! Serde does not tell a field where its value comes from, so the reader of a databag says it here
//! for the time of the read.

use std::cell::RefCell;

thread_local! {
    static CURRENT: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Puts the earlier databag back when the read has ended, after a panic too.
struct Guard(Option<String>);

impl Drop for Guard {
    fn drop(&mut self) {
        CURRENT.set(self.0.take());
    }
}

/// Reads a databag. `source` is its endpoint and its owner, such as `database: pg`.
pub(crate) fn reading<T>(source: String, read: impl FnOnce() -> T) -> T {
    let _guard = Guard(CURRENT.replace(Some(source)));
    read()
}

/// Returns the databag that this thread reads now.
pub(super) fn current() -> Option<String> {
    CURRENT.with_borrow(Option::clone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_databag_is_the_current_one_while_it_is_read() {
        assert_eq!(current(), None);
        reading("database: pg".to_owned(), || {
            reading("ring: web/1".to_owned(), || {
                assert_eq!(current().as_deref(), Some("ring: web/1"));
            });
            let panicked =
                std::panic::catch_unwind(|| reading("x".to_owned(), || std::panic::panic_any(7)));
            panicked.unwrap_err();
            assert_eq!(current().as_deref(), Some("database: pg"));
        });
        assert_eq!(current(), None);
    }
}
