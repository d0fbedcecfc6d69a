//! These cases record, list and await notices, and check which user may see which.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use charmwright_pebble::{
    Check, Client, GoDuration, Identity, IdentityAccess, Layer, LayerMode, Notice, NoticeQuery,
    NoticeType, Notify, Timestamp,
};
use charmwright_tests::wait::WAIT_LIMIT;

use super::pebble::{Pebble, add, assert_refused, since, sleeper};
use super::raw::{ask, get, post};

const A: &str = "example.com/a";
const B: &str = "example.com/b";

fn custom() -> NoticeQuery {
    NoticeQuery::new().types([NoticeType::Custom])
}

async fn keys(client: &Client, query: NoticeQuery) -> Vec<String> {
    let notices = client.notices(&query).await.unwrap();
    notices.iter().map(|notice| notice.key().to_owned()).collect()
}

pub(crate) async fn are_recorded_counted_and_read(pebble: &impl Pebble) {
    let client = pebble.client();
    let before = Timestamp::now();
    let notice = Notify::new(A).data("name", "<äß> \"\\");
    let Some(id) = since(pebble, "1.5", client.notify(&notice).await) else {
        return;
    };
    let id = id.unwrap();
    let first = client.notice(&id).await.unwrap();
    assert_eq!((first.id(), first.key(), first.occurrences()), (&id, A, 1));
    assert_eq!(*first.notice_type(), NoticeType::Custom);
    assert_eq!(first.last_data()["name"], "<äß> \"\\");
    assert!(first.first_occurred() >= before && first.last_occurred() == first.first_occurred());
    assert_eq!(first.user_id().is_some(), pebble.has("1.7"));
    assert_eq!(first.expire_after().to_string(), "168h0m0s");
    // The id stays the same, and the data are those of the last occurrence.
    assert_eq!(client.notify(&Notify::new(A)).await.unwrap(), id);
    let second = client.notice(&id).await.unwrap();
    assert_eq!((second.occurrences(), second.last_data().len()), (2, 0));
    assert_eq!(second.first_occurred(), first.first_occurred());
    assert!(second.last_repeated() > first.last_repeated());
    assert_ne!(client.notify(&Notify::new(B)).await.unwrap(), id);
}

pub(crate) async fn repeat_after_their_time(pebble: &impl Pebble) {
    let client = pebble.client();
    let hour = Notify::new(A).repeat_after(Duration::from_secs(3600));
    let Some(id) = since(pebble, "1.5", client.notify(&hour).await) else {
        return;
    };
    let id = id.unwrap();
    let first = client.notice(&id).await.unwrap();
    assert_eq!(first.repeat_after(), GoDuration::from_secs(3600));
    client.notify(&hour).await.unwrap();
    let second = client.notice(&id).await.unwrap();
    // The occurrence was counted and is no repetition, so a wait for later notices does not end.
    assert_eq!(second.occurrences(), 2);
    assert_eq!(second.last_repeated(), first.last_repeated());
    assert!(second.last_occurred() > second.last_repeated());
    assert_eq!(keys(&client, custom().after(first.last_repeated())).await, [""; 0]);
    client.notify(&Notify::new(A)).await.unwrap();
    let third = client.notice(&id).await.unwrap();
    assert!(
        third.last_repeated() > second.last_occurred() && third.repeat_after() == GoDuration::ZERO
    );
}

pub(crate) async fn are_listed_as_asked_for(pebble: &impl Pebble) {
    let client = pebble.client();
    let Some(none) = since(pebble, "1.5", client.notices(&custom()).await) else {
        return;
    };
    assert_eq!(none.unwrap(), []);
    for key in [B, A, "example.com/c"] {
        client.notify(&Notify::new(key)).await.unwrap();
    }
    client.notify(&Notify::new(B)).await.unwrap();
    // Notices are listed in the order of their last repetition.
    assert_eq!(keys(&client, custom()).await, [A, "example.com/c", B]);
    assert_eq!(keys(&client, custom().keys([B, A, "example.com/none"])).await, [A, B]);
    let other = || NoticeType::Other("of-a-later-version".to_owned());
    assert_eq!(keys(&client, NoticeQuery::new().types([other()])).await, [""; 0]);
    assert_eq!(keys(&client, custom().types([other()])).await.len(), 3);
    let answer = get(pebble, &format!("/v1/notices?types=custom&keys={A},%20{B},"));
    assert_eq!(answer.json()["result"].as_array().unwrap().len(), 2, "a list may be one word");
    // `after` excludes its own time, which has nanoseconds.
    let listed = client.notices(&custom()).await.unwrap();
    assert_eq!(
        keys(&client, custom().after(listed[0].last_repeated())).await,
        ["example.com/c", B]
    );
    assert_eq!(keys(&client, custom().after(listed[2].last_repeated())).await, [""; 0]);
}

pub(crate) async fn are_waited_for(pebble: &impl Pebble) {
    let client = pebble.client();
    let soon = Duration::from_millis(50);
    let Some(none) = since(pebble, "1.5", client.wait_notices(&custom(), soon).await) else {
        return;
    };
    assert_eq!(none.unwrap(), [], "its time is over: no error");
    let begun = Instant::now();
    let answer = get(pebble, "/v1/notices?types=custom&timeout=50ms");
    assert_eq!((answer.status, &answer.json()["result"]), (200, &serde_json::json!([])));
    assert!(begun.elapsed() >= soon);
    let query = custom().keys([B]);
    let wait = client.wait_notices(&query, WAIT_LIMIT);
    let record = async {
        client.notify(&Notify::new(A)).await.unwrap();
        client.notify(&Notify::new(B)).await.unwrap()
    };
    let (seen, id) = tokio::join!(wait, record);
    let seen = seen.unwrap();
    assert_eq!((seen.len(), seen[0].id()), (1, &id));
    // Trap: a wait ends at once for notices that are there already, so a client has to move `after`
    // on.
    assert_eq!(client.wait_notices(&query, WAIT_LIMIT).await.unwrap(), seen);
    let later = query.after(seen[0].last_repeated());
    let wait = client.wait_notices(&later, WAIT_LIMIT);
    let (again, _) = tokio::join!(wait, async { client.notify(&Notify::new(B)).await.unwrap() });
    assert_eq!(again.unwrap()[0].occurrences(), 2);
}

pub(crate) async fn are_recorded_of_changes(pebble: &impl Pebble) {
    let client = pebble.client();
    add(&client, [("web", sleeper())]).await;
    let change = client.stop(["web"]).await.unwrap();
    let updates = NoticeQuery::new().types([NoticeType::ChangeUpdate]);
    let Some(notices) = since(pebble, "1.5", client.notices(&updates).await) else {
        return;
    };
    let notices = notices.unwrap();
    if !pebble.has("1.10") {
        assert_eq!(notices, []);
        return;
    }
    let of_it = |notice: &&Notice| notice.key() == change.id().as_str();
    let notice = notices.iter().find(of_it).unwrap();
    assert_eq!((notice.user_id(), notice.last_data()["kind"].as_str()), (None, "stop"));
    assert!(notice.occurrences() >= 2, "made and done: {notice:?}");
    // When a wait for a change has returned, the last notice of the change is recorded.
    assert_eq!(keys(&client, updates.clone().after(notice.last_repeated())).await, [""; 0]);
    if !pebble.has("1.11") {
        return;
    }
    let layer = Layer::new().check("up", Check::exec("true"));
    client.add_layer("check", &layer, LayerMode::New).await.unwrap();
    let of_check = updates.after(notice.last_repeated());
    let notices = client.wait_notices(&of_check, WAIT_LIMIT).await.unwrap();
    let data = notices[0].last_data();
    assert_eq!(data["kind"], "perform-check");
    let name = data.get("check-name").map(String::as_str);
    assert_eq!(name, pebble.has("1.14").then_some("up"));
}

pub(crate) async fn of_other_users_are_for_administrators(pebble: &impl Pebble) {
    let client = pebble.client();
    let Some(id) = since(pebble, "1.5", client.notify(&Notify::new(A)).await) else {
        return;
    };
    let id = id.unwrap();
    let Some(user) = client.notice(&id).await.unwrap().user_id() else {
        assert!(!pebble.has("1.7"));
        return;
    };
    assert_eq!(user, rustix::process::getuid().as_raw());
    assert_eq!(keys(&client, custom().user(user)).await, [A]);
    assert_eq!(keys(&client, custom().user(user + 1)).await, [""; 0]);
    assert_eq!(keys(&client, custom().all_users()).await, [A]);
    for (query, text) in [
        ("users=all&user-id=1", "cannot use both \"users\" and \"user-id\" parameters"),
        ("users=some", "invalid \"users\" filter: must be \"all\""),
        ("user-id=1&user-id=2", "must only include one \"user-id\""),
        ("user-id=4294967296", "user ID is not a valid uint32: 4294967296"),
        ("user-id=me", "invalid \"user-id\" filter: "),
    ] {
        let answer = get(pebble, &format!("/v1/notices?{query}"));
        assert!(
            answer.status == 400 && answer.error_message().contains(text),
            "{query}: {}",
            answer.error_message()
        );
    }
    if !pebble.has("1.22") {
        return;
    }
    // The first identity has no user id, since it signs in by a password. The second is this user
    // with read access only.
    let monitor = Identity::new(IdentityAccess::Read).basic(super::identities::HASH);
    let me = Identity::new(IdentityAccess::Read).local(user);
    let identities = BTreeMap::from([("mon".to_owned(), monitor), ("me".to_owned(), me)]);
    client.add_identities(&identities).await.unwrap();
    let password = "Authorization: Basic bW9uOnBhc3N3b3Jk\r\n";
    for target in ["/v1/notices".to_owned(), format!("/v1/notices/{id}")] {
        let answer = ask(pebble, "GET", &target, password, b"");
        assert_eq!(answer.status, 403, "{target}: {}", answer.error_message());
    }
    assert_refused(
        client.notices(&custom().all_users()).await,
        403,
        "only admins may use the \"users\" filter",
    );
    assert_refused(
        client.notices(&custom().user(user + 1)).await,
        403,
        "only admins may use the \"user-id\" filter",
    );
    assert_eq!(keys(&client, custom()).await, [A]);
    client.notify(&Notify::new(B)).await.unwrap();
}

pub(crate) async fn that_are_wrong_are_refused(pebble: &impl Pebble) {
    let client = pebble.client();
    let unknown = client.notice(&"4711".parse().unwrap()).await;
    let Some(unknown) = since(pebble, "1.5", unknown) else {
        return;
    };
    assert_refused(unknown, 404, "cannot find notice with ID \"4711\"");
    // These data are too long only in JSON, with the quotes escaped.
    let quotes = Notify::new(A).data("a", "\"".repeat(4000));
    assert_refused(
        client.notify(&quotes).await,
        400,
        "total size of data must be 4096 bytes or less",
    );
    for (query, text) in [
        ("after=x", "invalid \"after\" timestamp: "),
        ("after=2026-01-01", "invalid \"after\" timestamp: "),
        ("timeout=5", "invalid timeout: "),
    ] {
        let answer = get(pebble, &format!("/v1/notices?{query}"));
        assert!(
            answer.status == 400 && answer.error_message().starts_with(text),
            "{query}: {}",
            answer.error_message()
        );
    }
    let long = format!("example.com/{}", "x".repeat(250));
    let key = |key: &str| format!(r#"{{"action":"add","type":"custom","key":"{key}"}}"#);
    let with = |member: &str| format!(r#"{{"action":"add","type":"custom","key":"{A}",{member}}}"#);
    for (body, text) in [
        (r#"{"action":"dance"}"#.to_owned(), "invalid action \"dance\""),
        (
            format!(r#"{{"action":"add","type":"warning","key":"{A}"}}"#),
            "invalid type \"warning\" (can only add \"custom\" notices)",
        ),
        (key("bad"), "invalid key \"bad\""),
        (key("Example.com/a"), "invalid key \"Example.com/a\""),
        (key(&long), "key must be 256 bytes or less"),
        (with(r#""repeat-after":"x""#), "invalid repeat-after: "),
        (with(r#""data":{"a":1}"#), "cannot decode notice data: "),
        (with(r#""data":["a"]"#), "cannot decode notice data: "),
        (String::new(), "cannot decode request body"),
    ] {
        let answer = post(pebble, "/v1/notices", &body);
        assert!(
            answer.status == 400 && answer.error_message().starts_with(text),
            "{body}: {}",
            answer.error_message()
        );
    }
    assert_eq!(keys(&client, custom()).await, [""; 0]);
}
