//! The client reads notices and waits for them. A notice is an entry for something that has
//! happened: one for each user, type and key, with a count. `notify` records one, and `watch`
//! follows them.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::attempt::{AttemptError, CallAttempt};
use super::call::{Call, Operation};
#[cfg(doc)]
use super::client::Client;
#[cfg(test)]
use super::docs_table::Sample;
use super::duration::GoDuration;
use super::error::Error;
use super::reader::Reader;
use super::request::{Request, segment};
use super::timestamp::Timestamp;
use super::wire::{null_as_default, wire_id, wire_words};

/// The first version of Pebble with notices.
pub(super) const SINCE: &str = "1.5";

/// The longest wait of one request for a notice. A daemon that is told to stop gives open requests
/// one second (Pebble 1.32, `internals/daemon/daemon.go`), so a longer wait gains nothing.
pub(super) const SLICE: Duration = Duration::from_secs(10);

/// The shortest time between two requests, should a daemon not wait as it is asked to.
pub(super) const LEAST_PAUSE: Duration = Duration::from_millis(100);

/// The id of a notice, by which it is read again. It stays the same however often the notice
/// occurs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct NoticeId(String);

wire_id!(NoticeId);

/// A text that cannot be the id of a notice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot use {text:?} as a notice id: it has to be 1 to 64 ASCII letters or digits")]
pub struct InvalidNoticeId {
    text: String,
}

impl FromStr for NoticeId {
    type Err = InvalidNoticeId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidNoticeId { text: text.chars().take(64).collect() })
        }
    }
}

/// The type of a notice.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NoticeType {
    /// A change was made or has a new status; the key is its id (Pebble 1.10).
    ChangeUpdate,
    /// It was recorded by [`Client::notify`] or `pebble notify`.
    Custom,
    /// A warning. Pebble 1.32 records none.
    Warning,
    /// A type that this version of the client does not know.
    Other(String),
}

wire_words!(NoticeType { ChangeUpdate = "change-update", Custom = "custom", Warning = "warning" });

/// A notice as Pebble reports it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Notice {
    id: NoticeId,
    #[serde(default)]
    user_id: Option<u32>,
    #[serde(rename = "type")]
    notice_type: NoticeType,
    key: String,
    first_occurred: Timestamp,
    last_occurred: Timestamp,
    last_repeated: Timestamp,
    #[serde(default, deserialize_with = "null_as_default")]
    occurrences: u64,
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    last_data: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "is_zero")]
    repeat_after: GoDuration,
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "is_zero")]
    expire_after: GoDuration,
}

fn is_zero(duration: &GoDuration) -> bool {
    *duration == GoDuration::ZERO
}

impl Notice {
    /// Returns the id, which stays the same however often the notice occurs.
    #[must_use]
    pub fn id(&self) -> &NoticeId {
        &self.id
    }

    /// Returns the id of the user who may see the notice; `None` if everybody may (before Pebble
    /// 1.7 every notice is public).
    #[must_use]
    pub fn user_id(&self) -> Option<u32> {
        self.user_id
    }

    /// Returns the type.
    #[must_use]
    pub fn notice_type(&self) -> &NoticeType {
        &self.notice_type
    }

    /// Returns the key, which tells the notice from others of its user and type: `example.com/path`
    /// for a custom one, the id for a change.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Returns the time at which it first occurred.
    #[must_use]
    pub fn first_occurred(&self) -> Timestamp {
        self.first_occurred
    }

    /// Returns the time at which it last occurred.
    #[must_use]
    pub fn last_occurred(&self) -> Timestamp {
        self.last_occurred
    }

    /// Returns the time at which it last counted as new, by which [`NoticeQuery::after`] selects
    /// it. An occurrence within [`Self::repeat_after`] of that time does not change it.
    #[must_use]
    pub fn last_repeated(&self) -> Timestamp {
        self.last_repeated
    }

    /// Returns the number of occurrences.
    #[must_use]
    pub fn occurrences(&self) -> u64 {
        self.occurrences
    }

    /// Returns the data of the last occurrence: for a change its `kind`, and for that of a check
    /// its `check-name` (Pebble 1.14).
    #[must_use]
    pub fn last_data(&self) -> &BTreeMap<String, String> {
        &self.last_data
    }

    /// Returns the time within which a further occurrence does not count as new; zero if each one
    /// counts.
    #[must_use]
    pub fn repeat_after(&self) -> GoDuration {
        self.repeat_after
    }

    /// Returns the time after the last occurrence at which Pebble forgets the notice: 7 days.
    #[must_use]
    pub fn expire_after(&self) -> GoDuration {
        self.expire_after
    }
}

/// The users whose notices a query selects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum UserScope {
    #[default]
    Own,
    User(u32),
    Everybody,
}

/// A query says which notices [`Reader::notices`] lists: unless narrowed, all that are public or of
/// the caller's own user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct NoticeQuery {
    users: UserScope,
    types: Vec<NoticeType>,
    keys: Vec<String>,
    after: Option<Timestamp>,
}

impl NoticeQuery {
    /// Makes a query for all notices that are public or of the caller's own user.
    pub fn new() -> Self {
        Self::default()
    }

    /// Selects the notices that are public or of this user, in place of the caller's own. Only an
    /// administrator may (Pebble 1.7; an older one ignores it).
    pub fn user(mut self, user_id: u32) -> Self {
        self.users = UserScope::User(user_id);
        self
    }

    /// Selects the notices of all users. Only an administrator may (Pebble 1.9 and 1.7.2; an older
    /// one ignores it).
    pub fn all_users(mut self) -> Self {
        self.users = UserScope::Everybody;
        self
    }

    /// Narrows the query to these types. A type that Pebble does not know has no notices.
    pub fn types(mut self, types: impl IntoIterator<Item = NoticeType>) -> Self {
        self.types.extend(types);
        self
    }

    /// Narrows the query to notices with exactly one of these keys. A key with a comma, which no
    /// custom notice has, is refused.
    pub fn keys(mut self, keys: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.keys.extend(keys.into_iter().map(Into::into));
        self
    }

    /// Narrows the query to notices that were repeated later than this.
    pub fn after(mut self, moment: Timestamp) -> Self {
        self.after = Some(moment);
        self
    }

    pub(super) fn cursor(&self) -> Option<Timestamp> {
        self.after
    }

    fn request(&self, operation: impl Into<String>) -> Request {
        let mut request = Request::get("/v1/notices", operation).since(SINCE);
        request = match self.users {
            UserScope::Own => request,
            UserScope::User(id) => request.query("user-id", &id.to_string()),
            UserScope::Everybody => request.query("users", "all"),
        };
        let types = self.types.iter().map(NoticeType::as_str);
        request = request.query_list("types", "notice type", types).query_list(
            "keys",
            "notice key",
            &self.keys,
        );
        match self.after {
            Some(moment) => request.query("after", &moment.to_string()),
            None => request,
        }
    }

    /// Makes the request that waits up to `slice` for the first notice.
    pub(super) fn wait_request(&self, operation: &str, slice: Duration) -> Request {
        self.request(operation)
            .query("timeout", &format!("{}ms", slice.as_millis().max(1)))
            .expected(slice)
    }
}

impl Reader {
    /// Reads one notice: `GET /v1/notices/ID` (Pebble 1.5). Safe to drop.
    ///
    /// # Errors
    /// It fails with `Api` and status 404 when there is none, or 403 when it is another user's and
    /// the caller is no administrator; with [`Unsupported`](super::ErrorKind::Unsupported) from a
    /// Pebble before 1.5; and with [`Unreachable`](super::ErrorKind::Unreachable) when no answer
    /// comes within the policy.
    pub async fn notice(&self, id: &NoticeId) -> Result<Notice, Error> {
        self.send(read_notice(id)).await?.decode()
    }

    /// Lists the notices that a query selects, the longest unrepeated first: `GET /v1/notices`
    /// (Pebble 1.5). Safe to drop.
    ///
    /// # Errors
    /// It fails with `Api` and status 403 when the query asks for other users' notices and the
    /// caller is no administrator; with [`Unsupported`](super::ErrorKind::Unsupported) from a
    /// Pebble before 1.5; and with [`Unreachable`](super::ErrorKind::Unreachable) when no answer
    /// comes within the policy.
    pub async fn notices(&self, query: &NoticeQuery) -> Result<Vec<Notice>, Error> {
        self.send(query.request("list notices"))
            .await?
            .decode::<Option<Vec<Notice>>>()
            .map(Option::unwrap_or_default)
    }

    /// Waits until a query selects a notice, and returns all that it then selects, or none at the
    /// deadline: `GET /v1/notices` with a timeout (Pebble 1.5).
    ///
    /// It returns at once when there are some already, so a caller that waits again passes the
    /// greatest [`Notice::last_repeated`] to [`NoticeQuery::after`]; [`Self::watch_notices`] does
    /// that by itself. `deadline` bounds the time in which Pebble answers that there is none; time
    /// without an answer goes by the policy. A zero deadline asks once. Safe to drop.
    ///
    /// # Errors
    /// It fails as [`Self::notices`] does.
    pub async fn wait_notices(
        &self,
        query: &NoticeQuery,
        deadline: Duration,
    ) -> Result<Vec<Notice>, Error> {
        let mut call = Call::new(self, query.request(WAIT));
        call.run(&mut WaitForNotices { query, deadline, waited: Duration::ZERO }).await
    }
}

/// The name of the wait in messages.
const WAIT: &str = "wait for notices";

/// This operation waits until a query selects a notice.
struct WaitForNotices<'a> {
    query: &'a NoticeQuery,
    deadline: Duration,
    /// The time for which Pebble has answered that there is none.
    waited: Duration,
}

impl Operation for WaitForNotices<'_> {
    type Output = Vec<Notice>;

    async fn attempt(
        &mut self,
        _: &mut Call<'_>,
        attempt: &mut CallAttempt<'_>,
    ) -> Result<Vec<Notice>, AttemptError> {
        loop {
            let left = self.deadline.saturating_sub(self.waited);
            let request = if left.is_zero() {
                self.query.request(WAIT)
            } else {
                self.query.wait_request(WAIT, left.min(SLICE))
            };
            let asked = Instant::now();
            let notices: Vec<Notice> = attempt.read_list(&request).await?;
            if !notices.is_empty() || left.is_zero() {
                return Ok(notices);
            }
            attempt.release();
            if asked.elapsed() < LEAST_PAUSE.min(left) {
                tokio::time::sleep(LEAST_PAUSE.min(left)).await;
            }
            self.waited = self.waited.saturating_add(asked.elapsed());
        }
    }
}

fn read_notice(id: &NoticeId) -> Request {
    let path = format!("/v1/notices/{}", segment(id.as_str()));
    Request::get(path, format!("read notice {id}")).since(SINCE)
}

#[cfg(test)]
pub(super) fn samples() -> Vec<Sample> {
    let id: NoticeId = "7".parse().expect("an id");
    let query = NoticeQuery::new();
    vec![
        Sample::new("Reader::notice", "/v1/notices/{id}", read_notice(&id)),
        Sample::new("Reader::notices", "/v1/notices", query.request("")),
        Sample::new(
            "Reader::wait_notices, Reader::watch_notices",
            "/v1/notices",
            query.wait_request("", SLICE),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_what_pebble_says() {
        // Pebble 1.32.1 writes it so.
        let custom: Notice = serde_json::from_value(json!({
            "id": "3", "user-id": 0, "type": "custom", "key": "example.com/a",
            "first-occurred": "2026-11-22T20:00:09.123456789Z",
            "last-occurred": "2026-11-22T20:00:10Z",
            "last-repeated": "2026-11-22T20:00:10Z", "occurrences": 2, "last-data": {"a": "b"},
            "repeat-after": "1h0m0s", "expire-after": "168h0m0s", "newer": 1
        }))
        .unwrap();
        assert_eq!(
            (custom.id().as_str(), custom.user_id(), custom.occurrences()),
            ("3", Some(0), 2)
        );
        assert_eq!(custom.repeat_after(), GoDuration::from_secs(3600));
        assert_eq!(custom.expire_after().to_string(), "168h0m0s");
        assert_eq!(custom.last_data()["a"], "b");
        assert_eq!(
            serde_json::from_value::<Notice>(serde_json::to_value(&custom).unwrap()).unwrap(),
            custom
        );
        let bare: Notice = serde_json::from_value(json!({
            "id": "1", "user-id": null, "type": "seen-later", "key": "x", "last-data": null,
            "first-occurred": "2026-11-22T20:00:09Z",
            "last-occurred": "2026-11-22T20:00:09Z", "last-repeated": "2026-11-22T20:00:09Z"
        }))
        .unwrap();
        assert_eq!(*bare.notice_type(), NoticeType::Other("seen-later".into()));
        assert_eq!((bare.user_id(), bare.repeat_after()), (None, GoDuration::ZERO));
    }

    #[test]
    fn asks_for_what_was_narrowed() {
        assert_eq!(NoticeQuery::new().request("").target(), "/v1/notices");
        let query = NoticeQuery::new()
            .user(7)
            .all_users()
            .types([NoticeType::Custom, NoticeType::ChangeUpdate])
            .keys(["example.com/a"])
            .after("2026-11-22T20:00:09.123456789Z".parse().unwrap());
        assert_eq!(
            query.wait_request("", Duration::from_millis(1500)).target(),
            "/v1/notices?users=all&types=custom&types=change-update&keys=example.com%2Fa\
             &after=2026-11-22T20%3A00%3A09.123456789Z&timeout=1500ms"
        );
        assert_eq!(
            NoticeQuery::new().all_users().user(7).request("").target(),
            "/v1/notices?user-id=7"
        );
    }

    proptest! {
        #[test]
        fn any_input_has_an_answer(bytes: Vec<u8>, word in ".{0,8}", count: i64) {
            let _ = serde_json::from_slice::<Vec<Notice>>(&bytes);
            let _ = serde_json::from_value::<Notice>(json!({
                "id": word, "user-id": count, "type": word, "key": word, "first-occurred": word,
                "last-occurred": "2026-11-22T20:00:09Z", "last-repeated": "2026-11-22T20:00:09Z",
                "occurrences": count, "last-data": {word.clone(): count}, "repeat-after": word
            }));
            let _ = word.parse::<NoticeId>();
        }
    }
}
