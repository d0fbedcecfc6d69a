//! A client has the calls that change something, and derefs to a reader for those that only read.

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
/// The calls that change nothing are those of [`Reader`], to which a client derefs.
///
/// A client is cheap to clone. Clones share the connections, the retry budget and the remembered
/// layers. Policy, target, tag, hint, observer and change deadline belong to each clone, so
/// `client.clone().with_retry(policy).replan()` gives one call a policy of its own.
///
/// # What every call does
/// A call sends one request and returns its answer. Without an answer it tries again as its
/// [`RetryPolicy`] says, within the shared [`Budget`]. A complete answer is never asked for twice.
/// Sending again never doubles an effect: after a lost answer the client first finds out what the
/// request has done. A Pebble that was restarted has forgotten the layers that were added to it, so
/// it gets back those of this client before it is told to start, restart or replan anything, or to
/// run a check.
///
/// Every future may be dropped at any time. That closes the connection in use, and nothing goes on
/// in the background. A request that was sent may still take effect in the daemon.
#[derive(Clone)]
pub struct Client {
    reader: Reader,
}

impl Client {
    /// Makes a client of the daemon behind `socket`. It does not touch the disk; a wrong path fails
    /// at the first call.
    #[must_use]
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self { reader: Reader::new(socket) }
    }

    /// Returns this client without the calls that change something.
    #[must_use]
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Sets the name of the daemon in messages, as [`Reader::with_target`] does.
    #[must_use]
    pub fn with_target(self, target: impl Into<String>) -> Self {
        Self { reader: self.reader.with_target(target) }
    }

    /// Adds a tag to every error, as [`Reader::with_tag`] does.
    #[must_use]
    pub fn with_tag(self, tag: Arc<dyn Any + Send + Sync>) -> Self {
        Self { reader: self.reader.with_tag(tag) }
    }

    /// Sets the hint in errors, as [`Reader::with_hint`] does.
    #[must_use]
    pub fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { reader: self.reader.with_hint(hint) }
    }

    /// Sets the retry policy, as [`Reader::with_retry`] does.
    #[must_use]
    pub fn with_retry(self, policy: RetryPolicy) -> Self {
        Self { reader: self.reader.with_retry(policy) }
    }

    /// Sets the budget, as [`Reader::with_budget`] does.
    #[must_use]
    pub fn with_budget(self, budget: Budget) -> Self {
        Self { reader: self.reader.with_budget(budget) }
    }

    /// Sets the observer, as [`Reader::with_observer`] does.
    #[must_use]
    pub fn with_observer(self, observer: Arc<dyn RetryObserver>) -> Self {
        Self { reader: self.reader.with_observer(observer) }
    }

    /// Sets the change deadline, as [`Reader::with_change_deadline`] does.
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
