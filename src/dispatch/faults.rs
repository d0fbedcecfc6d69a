//! The mistakes that only the user can mend, kept from one hook to the next so that the status goes
//! on telling of them.

use std::collections::BTreeMap;

use crate::event::Event;
use crate::text;

/// One message a hook, by the name of the hook that met the mistake.
///
/// They have a bound of their own, so that they never take the place of a deferred event: messages
/// are cut to keep it, and at last the mistakes of other hooks are forgotten. The unit is Blocked
/// all the same, and whoever mends what it says meets the next one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Faults {
    by_hook: BTreeMap<String, String>,
}

impl Faults {
    /// The most bytes of JSON that all mistakes together take.
    pub(crate) const LARGEST: usize = 8 * 1024;

    /// The mistakes of these hooks, each with its message.
    pub(crate) fn from_hooks(by_hook: BTreeMap<String, String>) -> Self {
        Self { by_hook }
    }

    /// The messages, by the name of the hook that met the mistake.
    pub(crate) fn by_hook(&self) -> &BTreeMap<String, String> {
        &self.by_hook
    }

    /// Keeps the message until the mistake is mended.
    pub(crate) fn add(&mut self, event: &Event, message: &str) {
        let hook = event.to_string();
        self.by_hook.insert(hook.clone(), message.to_owned());
        self.fit(Self::LARGEST, &hook);
    }

    /// Forgets the mistake of this event.
    pub(crate) fn remove(&mut self, event: &Event) {
        self.by_hook.remove(&event.to_string());
    }

    pub(crate) fn clear(&mut self) {
        self.by_hook.clear();
    }

    /// The messages, in the order of the hooks' names.
    pub(crate) fn messages(&self) -> impl Iterator<Item = &str> {
        self.by_hook.values().map(String::as_str)
    }

    /// Cuts messages until all take at most `size` bytes, and then forgets the mistakes of other
    /// hooks than `newest`.
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
            // A hook whose name alone is too long has no message.
            self.by_hook.remove(&last.unwrap_or_else(|| newest.to_owned()));
        }
    }

    fn size(&self) -> usize {
        // A map of strings can always be written.
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
