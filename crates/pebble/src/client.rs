//! The client: all calls of the API that change something, on top of those that only read.

use std::any::Any;
use std::fmt;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::reader::Reader;
use super::retry::{Budget, RetryObserver, RetryPolicy};

/// A client of one Pebble daemon.
///
/// The calls that change nothing are those of [`Reader`], which it derefs to.
///
/// Cheap to clone. Clones share the connections, the retry budget and the memory of the layers that
/// were added; policy, target, tag, hint, observer and deadline belong to each clone, so one call
/// is given a policy of its own by `client.clone().with_retry(policy).replan()`.
///
/// # What every call does
/// It sends one request and gives its one answer. While there is no answer it tries again as its
/// [`RetryPolicy`] says, bounded by the shared [`Budget`]; an answer is never asked for twice.
/// Repeating never doubles an effect: after a reply that was lost on its way, the client first
/// finds out what the request has done. And a Pebble that was restarted gets back the layers that
/// this client had added before it is told to start, restart or replan anything or to run a check,
/// since it has forgotten them.
///
/// Every future may be dropped at any time; that closes the connection in use, and nothing goes on
/// in the background. What was sent may still take effect in the daemon.
#[derive(Clone)]
pub struct Client {
    reader: Reader,
}

impl Client {
    /// A client of the daemon behind `socket`. It never touches the disk; a bad path fails at the
    /// first call.
    #[must_use]
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self { reader: Reader::new(socket) }
    }

    /// The same client without the calls that change something.
    #[must_use]
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// As [`Reader::with_target`].
    #[must_use]
    pub fn with_target(self, target: impl Into<String>) -> Self {
        Self { reader: self.reader.with_target(target) }
    }

    /// As [`Reader::with_tag`].
    #[must_use]
    pub fn with_tag(self, tag: Arc<dyn Any + Send + Sync>) -> Self {
        Self { reader: self.reader.with_tag(tag) }
    }

    /// As [`Reader::with_hint`].
    #[must_use]
    pub fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { reader: self.reader.with_hint(hint) }
    }

    /// As [`Reader::with_retry`].
    #[must_use]
    pub fn with_retry(self, policy: RetryPolicy) -> Self {
        Self { reader: self.reader.with_retry(policy) }
    }

    /// As [`Reader::with_budget`].
    #[must_use]
    pub fn with_budget(self, budget: Budget) -> Self {
        Self { reader: self.reader.with_budget(budget) }
    }

    /// As [`Reader::with_observer`].
    #[must_use]
    pub fn with_observer(self, observer: Arc<dyn RetryObserver>) -> Self {
        Self { reader: self.reader.with_observer(observer) }
    }

    /// As [`Reader::with_change_deadline`].
    #[must_use]
    pub fn with_change_deadline(self, deadline: Duration) -> Self {
        Self { reader: self.reader.with_change_deadline(deadline) }
    }
}

impl Deref for Client {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        &self.reader
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reader.debug_as("Client", f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_and_their_calls_cross_threads() {
        fn crosses<T: Send>(_: T) {}
        let client = Client::new("/nowhere");
        crosses(client.clone());
        crosses(client.replan());
        crosses(client.plan());
        crosses(client.start(["a"]));
        crosses(client.start(&["a"]));
        crosses(client.start(vec![String::new()]));
        crosses(client.start(&[String::new()]));
        crosses(client.reader().clone());
        let id = "1".parse().unwrap();
        crosses(client.wait_change(&id, Duration::ZERO));
        let layer = super::super::Layer::new();
        crosses(client.add_layer("a", &layer, super::super::LayerMode::New));
        let push = super::super::PushOptions::new();
        crosses(client.push("/a", "a", &push));
        crosses(client.push_file("/a", "/a", &push));
        crosses(client.push_from("/a", tokio::io::empty(), &push));
        crosses(client.pull("/a"));
        crosses(client.pull_to("/a", tokio::io::sink()));
        crosses(client.pull_file("/a", "/a"));
        crosses(client.pull_all(["/a"]));
        let tree = super::super::TreeOptions::new();
        crosses(client.push_tree("/a", "/a", &tree));
        crosses(client.pull_tree("/a", "/a", &tree));
    }
}
