//! The mistakes that only the user can correct. They are kept between hooks, so that the status
//! shows each until it is corrected.

use std::collections::BTreeMap;

use crate::event::Event;
use crate::text;

/// The messages of mistakes, by the name of the hook that met them; a hook has at most one.
///
/// They have a size limit of their own, so that they never displace a deferred event. To keep it,
/// messages are cut, and in the end the mistakes of other hooks are removed. The unit is Blocked
/// all the same, and a user who has corrected one mistake sees the next.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Faults {
    by_hook: BTreeMap<String, String>,
}

impl Faults {
    /// The size limit of all mistakes together, in bytes of JSON.
    pub(crate) const LARGEST: usize = 8 * 1024;

    /// Makes the list from the messages by hook, as a document stores them.
    pub(crate) fn from_hooks(by_hook: BTreeMap<String, String>) -> Self {
        Self { by_hook }
    }

    /// Returns the messages by the name of the hook.
    pub(crate) fn by_hook(&self) -> &BTreeMap<String, String> {
        &self.by_hook
    }

    /// Adds the message of a mistake, which stays until it is removed.
    pub(crate) fn add(&mut self, event: &Event, message: &str) {
        let hook = event.to_string();
        self.by_hook.insert(hook.clone(), message.to_owned());
        self.fit(Self::LARGEST, &hook);
    }

    /// Removes the mistake of this event.
    pub(crate) fn remove(&mut self, event: &Event) {
        self.by_hook.remove(&event.to_string());
    }

    pub(crate) fn clear(&mut self) {
        self.by_hook.clear();
    }

    /// Iterates over the messages in the order of the hooks' names.
    pub(crate) fn messages(&self) -> impl Iterator<Item = &str> {
        self.by_hook.values().map(String::as_str)
    }

    /// Cuts messages until all together have at most `size` bytes, and then removes the mistakes of
    /// hooks other than `newest`.
    fn fit(&mut self, size: usize, newest: &str) {
        for limit in text::CUTS {
            if self.size() <= size {
                return;
            }
            for message in self.by_hook.values_mut() {
                *message = text::cut(message, limit);
            }
        }
        while self.size() > size {
            let last = self.by_hook.keys().rev().find(|hook| *hook != newest).cloned();
            // If the name of the newest hook alone is too long, it is removed as well.
            self.by_hook.remove(&last.unwrap_or_else(|| newest.to_owned()));
        }
    }

    fn size(&self) -> usize {
        // Writing a map of strings as JSON cannot fail.
        serde_json::to_string(&self.by_hook).map_or(0, |text| text.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hook(name: String) -> Event {
        Event::unknown(name, [])
    }

    #[test]
    fn many_long_messages_are_cut_and_all_are_kept() {
        let mut faults = Faults::default();
        for number in 0..40 {
            faults.add(&hook(format!("hook-{number}")), &"\"wrong\" ".repeat(64));
            assert!(faults.size() <= Faults::LARGEST, "{}", faults.size());
        }
        assert_eq!(faults.messages().count(), 40);
        assert!(faults.messages().all(|message| message.starts_with("\"wrong\"")));
    }

    #[test]
    fn the_newest_is_always_told() {
        let mut faults = Faults::default();
        for number in (0..500).rev() {
            faults.add(&hook(format!("hook-{number:03}")), &format!("number {number} is wrong"));
            assert!(faults.size() <= Faults::LARGEST, "{}", faults.size());
            assert!(
                faults.messages().any(|message| message.starts_with(&format!("number {number} "))),
                "{number}"
            );
        }
        faults.add(&hook("x".repeat(20_000)), "wrong");
        assert_eq!(faults.messages().count(), 0);
    }
}
