//! The client records a custom notice.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use super::client::Client;
#[cfg(test)]
use super::docs_table::Sample;
use super::duration::GoDuration;
use super::error::Error;
use super::notices::{NoticeId, SINCE};
use super::request::Request;
use super::resend::Resend;
use super::retry::RetryPolicy;

/// The longest key that Pebble accepts, in bytes (Pebble 1.32.1,
/// `internals/overlord/state/notices.go`).
const LONGEST_KEY: usize = 256;

/// The most data that Pebble accepts, in bytes of JSON (the same source).
const MOST_DATA: usize = 4096;

/// A custom notice to record with [`Client::notify`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Notify {
    key: String,
    data: BTreeMap<String, String>,
    repeat_after: Duration,
}

impl Notify {
    /// Makes a notice with this key: a domain, then a path, such as `example.com/backup/done`.
    /// Domain and path consist of lower-case letters and digits, with single hyphens between them.
    /// The key has at most 256 bytes.
    pub fn new(key: impl Into<String>) -> Self {
        Self { key: key.into(), data: BTreeMap::new(), repeat_after: Duration::ZERO }
    }

    /// Adds an entry to the data, of which Pebble accepts 4096 bytes of JSON. The data of an
    /// occurrence replaces that of the one before.
    pub fn data(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.data.insert(name.into(), value.into());
        self
    }

    /// Sets the time within which a further occurrence is counted, but does not count as new and
    /// ends no wait. It is at most 292 years.
    pub fn repeat_after(mut self, time: Duration) -> Self {
        self.repeat_after = time;
        self
    }

    fn operation(&self) -> String {
        format!("notify {:?}", self.key)
    }

    /// Returns the reason for which Pebble would certainly refuse the notice.
    fn fault(&self) -> Option<String> {
        if self.key.len() > LONGEST_KEY {
            return Some(format!(
                "the key has {} bytes, and Pebble takes {LONGEST_KEY}",
                self.key.len()
            ));
        }
        if !is_key(&self.key) {
            let shape = "a domain and a path in lower-case letters, digits and single hyphens, \
                         such as example.com/path";
            return Some(format!("the key has to be {shape}"));
        }
        // The JSON is longer than this sum. By how much depends on Pebble's encoder, so only the
        // certain part is checked here.
        let data: usize = self.data.iter().map(|(name, value)| name.len() + value.len()).sum();
        (data > MOST_DATA).then(|| {
            format!("the data has {data} bytes, and Pebble takes {MOST_DATA} bytes of its JSON")
        })
    }

    /// Without `repeat-after` a second request would be another occurrence that counts as new. With
    /// a `repeat-after` that is longer than the policy goes on, it only raises the count.
    fn resend(&self, policy: &RetryPolicy) -> Resend {
        if self.repeat_after > policy.time_limit() { Resend::Safe } else { Resend::Never }
    }

    fn request(&self, policy: &RetryPolicy) -> Request {
        let mut body = json!({ "action": "add", "type": "custom", "key": self.key });
        if let Some(body) = body.as_object_mut() {
            if !self.data.is_empty() {
                body.insert("data".to_owned(), json!(self.data));
            }
            if !self.repeat_after.is_zero() {
                let repeat_after = GoDuration::from(self.repeat_after).to_string();
                body.insert("repeat-after".to_owned(), repeat_after.into());
            }
        }
        Request::post("/v1/notices", self.operation(), &body, self.resend(policy)).since(SINCE)
    }
}

/// `^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)+(/[a-z0-9]+(-[a-z0-9]+)*)+$`
fn is_key(key: &str) -> bool {
    let is_word = |word: &str| {
        word.split('-').all(|part| {
            !part.is_empty()
                && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        })
    };
    key.split_once('/').is_some_and(|(domain, path)| {
        domain.contains('.') && domain.split('.').all(is_word) && path.split('/').all(is_word)
    })
}

impl Client {
    /// Records a custom notice, and returns its id: `POST /v1/notices` (Pebble 1.5). Any local user
    /// may; before Pebble 1.9 only an administrator may.
    ///
    /// If the answer is lost, the request is not sent again, since the notice might occur twice;
    /// the error says that it may have acted. But a notice whose
    /// [`repeat_after`](Notify::repeat_after) is longer than the
    /// [`time_limit`](RetryPolicy::time_limit) of the policy is sent again: that only raises the
    /// count of its occurrences. Dropping the future does not take back what was sent.
    ///
    /// # Errors
    /// It fails with [`InvalidRequest`](super::ErrorKind::InvalidRequest) for a key or data that
    /// Pebble would refuse; with [`Unsupported`](super::ErrorKind::Unsupported) from a Pebble
    /// before 1.5; with [`PermissionDenied`](super::ErrorKind::PermissionDenied) for a user without
    /// the right; and with [`Unreachable`](super::ErrorKind::Unreachable) when no answer comes
    /// within the policy, or the answer was lost.
    pub async fn notify(&self, notice: &Notify) -> Result<NoticeId, Error> {
        #[derive(Deserialize)]
        struct Recorded {
            id: NoticeId,
        }
        if let Some(fault) = notice.fault() {
            return Err(self.refuse(&notice.operation(), fault));
        }
        let answer = self.send(notice.request(self.policy())).await?;
        Ok(answer.decode::<Recorded>()?.id)
    }
}

#[cfg(test)]
pub(super) fn samples() -> Vec<Sample> {
    let policy = RetryPolicy::default();
    let notify = Notify::new("example.com/a");
    vec![
        Sample::new("Client::notify", "/v1/notices", notify.request(&policy)),
        Sample::new(
            "Notify::repeat_after",
            "/v1/notices",
            notify.repeat_after(Duration::from_secs(3600)).request(&policy),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_is_as_pebble_wants_it() {
        for good in ["a.b/c", "example.com/path", "x-1.y-2.z/a-b/c/9", "a.b.c.d/0"] {
            assert_eq!(Notify::new(good).fault(), None, "{good}");
        }
        let long = format!("a.b/{}", "c".repeat(LONGEST_KEY - 3));
        for bad in [
            "", "a", "a.b", "a/b", "a.b/", "/a.b/c", "a..b/c", "a.b//c", "A.b/c", "a-.b/c",
            "a.b/c--d", "a.b/c d", "a.b/ä", "a.b/c\n", &long,
        ] {
            assert!(Notify::new(bad).fault().is_some(), "{bad}");
        }
        let data = |size| Notify::new("a.b/c").data("a", "x".repeat(size)).fault();
        assert!(data(MOST_DATA).is_some() && data(MOST_DATA - 1).is_none());
    }

    #[test]
    fn it_is_sent_again_only_where_that_wakes_nobody_twice() {
        let policy = RetryPolicy::default();
        let rule = |time| Notify::new("a.b/c").repeat_after(time).resend(&policy);
        assert!(matches!(rule(Duration::ZERO), Resend::Never));
        assert!(matches!(rule(policy.time_limit()), Resend::Never));
        assert!(matches!(rule(policy.time_limit() + Duration::from_nanos(1)), Resend::Safe));
    }

    proptest! {
        #[test]
        fn a_key_that_pebble_takes_is_taken(
            key in "[a-z0-9]{1,3}(-[a-z0-9]{1,3}){0,2}\
                    (\\.[a-z0-9]{1,3}(-[a-z0-9]{1,3}){0,2}){1,3}\
                    (/[a-z0-9]{1,3}(-[a-z0-9]{1,3}){0,2}){1,3}"
        ) {
            prop_assert!(is_key(&key));
        }
    }
}
