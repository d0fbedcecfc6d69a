//! These tests record, list and watch notices.

use std::time::Duration;

use charmwright_pebble::{
    ErrorKind, GoDuration, Notice, NoticeQuery, NoticeType, NoticeWatch, Notify, Timestamp,
};
use charmwright_testing::daemon::DaemonOptions;
use charmwright_testing::proxy::{Fault, Rule};
use charmwright_tests::Fixture;
use charmwright_tests::wait::within;

const A: &str = "example.com/a";
const B: &str = "example.com/b";

/// Returns a query for custom notices, so that the notices of changes do not disturb a test.
fn custom() -> NoticeQuery {
    NoticeQuery::new().types([NoticeType::Custom])
}

/// Starts a fixture without services.
fn start_fixture(test: &str) -> Option<Fixture> {
    Fixture::start(test, DaemonOptions::new().hold())
}

/// Returns the next notice of a watch.
async fn next(watch: &mut NoticeWatch) -> Notice {
    within(watch.next()).await.expect("the watch goes on").unwrap()
}

#[tokio::test]
async fn a_notice_is_recorded_read_and_listed() {
    let Some(fixture) = start_fixture("a_notice_is_recorded") else {
        return;
    };
    let client = &fixture.client;
    let before = Timestamp::now();
    let id = client.notify(&Notify::new(A).data("name", "<äß> \"\\")).await.unwrap();
    let first = client.notice(&id).await.unwrap();
    assert_eq!((first.id(), first.key(), first.occurrences()), (&id, A, 1));
    assert_eq!(*first.notice_type(), NoticeType::Custom);
    assert_eq!(first.last_data()["name"], "<äß> \"\\");
    assert!(first.first_occurred() > before && first.user_id().is_some());
    assert_eq!(first.expire_after().to_string(), "168h0m0s");

    let same = client.notify(&Notify::new(A)).await.unwrap();
    let second = client.notice(&same).await.unwrap();
    assert_eq!((same, second.occurrences()), (id, 2));
    assert!(second.last_repeated() > first.last_repeated() && second.last_data().is_empty());
    let hour = Duration::from_secs(3600);
    client.notify(&Notify::new(A).repeat_after(hour)).await.unwrap();
    client.notify(&Notify::new(B)).await.unwrap();

    let listed = client.notices(&custom()).await.unwrap();
    assert_eq!(listed.iter().map(Notice::key).collect::<Vec<_>>(), [A, B]);
    assert_eq!(listed[0].repeat_after(), GoDuration::from(hour));
    // The third occurrence was counted, but it is no repetition, since it came within the hour.
    assert_eq!((listed[0].occurrences(), listed[0].last_repeated()), (3, second.last_repeated()));
    assert!(listed[0].last_occurred() > listed[0].last_repeated());
    let one = |query: NoticeQuery| async move {
        let listed = client.notices(&query).await.unwrap();
        listed.iter().map(|notice| notice.key().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(one(custom().keys([B, "example.com/none"])).await, [B]);
    assert_eq!(one(custom().after(listed[0].last_repeated())).await, [B]);
    assert_eq!(one(custom().after(listed[1].last_repeated())).await, [""; 0]);
    assert_eq!(one(NoticeQuery::new().types([NoticeType::Other("new".into())])).await, [""; 0]);
}

#[tokio::test]
async fn the_users_of_a_query_are_kept() {
    let Some(fixture) = start_fixture("the_users_of_a_query") else {
        return;
    };
    let client = &fixture.client;
    // The notices of changes are public. A custom one belongs to the user that has recorded it.
    client.replan().await.unwrap();
    let id = client.notify(&Notify::new(A)).await.unwrap();
    let user = client.notice(&id).await.unwrap().user_id().unwrap();
    let has = async |query: NoticeQuery| {
        let listed = client.notices(&query).await.unwrap();
        (
            listed.iter().any(|notice| notice.key() == A),
            listed.iter().any(|notice| *notice.notice_type() == NoticeType::ChangeUpdate),
        )
    };
    assert_eq!(has(NoticeQuery::new()).await, (true, true));
    assert_eq!(has(NoticeQuery::new().user(user)).await, (true, true));
    assert_eq!(has(NoticeQuery::new().user(user + 1)).await, (false, true));
    assert_eq!(has(NoticeQuery::new().all_users()).await, (true, true));
}

#[tokio::test]
async fn what_is_no_notice_is_refused() {
    let Some(fixture) = start_fixture("what_is_no_notice") else {
        return;
    };
    let (client, proxy) = (&fixture.client, &fixture.proxy);
    for (notice, why) in [
        (Notify::new("Not A Key"), "the key has to be"),
        (Notify::new(A).data("a", "x".repeat(5000)), "the data has"),
    ] {
        let error = client.notify(&notice).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::InvalidRequest);
        assert!(error.to_string().contains(why), "{error}");
    }
    assert_eq!(proxy.requests().len(), 0);
    // These data are too long only in JSON, with the quotes escaped, so Pebble refuses them.
    let error = client.notify(&Notify::new(A).data("a", "\"".repeat(4000))).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Api { status: 400 }, "{error}");
    let error = client.notice(&"4711".parse().unwrap()).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Api { status: 404 }, "{error}");
    // A Pebble before 1.5 replies so.
    let refusal = Fault::Reply {
        status: 404,
        body: concat!(
            r#"{"type": "error", "status-code": 404, "#,
            r#""result": {"message": "invalid API endpoint requested"}}"#
        )
        .to_owned(),
    };
    proxy.add(Rule::any(refusal));
    let error = client.notices(&custom()).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Unsupported { since: "1.5" });
}

#[tokio::test]
async fn a_lost_answer_makes_no_second_occurrence_that_wakes_anybody() {
    let Some(fixture) = start_fixture("a_lost_answer_makes_no_second") else {
        return;
    };
    let (client, proxy) = (&fixture.client, &fixture.proxy);
    let lose = || proxy.add(Rule::new("POST", "/v1/notices", Fault::DropReply));
    lose();
    let error = client.notify(&Notify::new(A)).await.unwrap_err();
    assert_eq!((error.kind(), error.may_have_acted()), (&ErrorKind::Unreachable, true));
    assert_eq!(client.notices(&custom()).await.unwrap()[0].occurrences(), 1);
    lose();
    let day = Duration::from_secs(24 * 3600);
    client.notify(&Notify::new(B).repeat_after(day)).await.unwrap();
    let listed = client.notices(&custom().keys([B])).await.unwrap();
    assert_eq!(
        (listed[0].occurrences(), listed[0].last_repeated()),
        (2, listed[0].first_occurred())
    );
}

#[tokio::test]
async fn waiting_ends_with_a_notice_or_at_its_deadline() {
    let Some(fixture) = start_fixture("waiting_ends_with_a_notice") else {
        return;
    };
    let (client, proxy) = (&fixture.client, &fixture.proxy);
    let short = Duration::from_millis(300);
    assert_eq!(client.wait_notices(&custom(), short).await.unwrap(), []);
    assert_eq!(client.wait_notices(&custom(), Duration::ZERO).await.unwrap(), []);
    proxy.forget();
    let notify = async {
        while proxy.count("GET", "/v1/notices") == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // The wait also goes on after its connection was cut.
        proxy.cut_connections();
        client.notify(&Notify::new(A)).await.unwrap()
    };
    let query = custom();
    let waiting = client.wait_notices(&query, Duration::from_secs(60));
    let (found, id) = within(async { tokio::join!(waiting, notify) }).await;
    assert_eq!(*found.unwrap()[0].id(), id);
    assert_eq!(client.wait_notices(&query, Duration::ZERO).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_watch_misses_nothing_over_a_break() {
    let Some(fixture) = start_fixture("a_watch_misses_nothing") else {
        return;
    };
    let direct = &fixture.direct;
    direct.notify(&Notify::new(A)).await.unwrap();
    let mut watch = fixture.client.watch_notices(custom());
    assert_eq!(next(&mut watch).await.key(), A);
    // The watch is polled until its long poll waits in the daemon. Then the connection is cut.
    let waiting = within(async {
        let mut waiting = std::pin::pin!(watch.next());
        while fixture.proxy.count("GET", "/v1/notices") < 2 {
            assert!(
                tokio::time::timeout(Duration::from_millis(5), waiting.as_mut()).await.is_err()
            );
        }
    });
    waiting.await;
    fixture.refuse_connections();
    for n in 1..=20 {
        direct.notify(&Notify::new(A).data("n", n.to_string())).await.unwrap();
    }
    direct.notify(&Notify::new(B)).await.unwrap();
    // In this time the client tries at least once to connect and is refused.
    assert!(tokio::time::timeout(Duration::from_millis(900), watch.next()).await.is_err());
    fixture.accept_connections();
    let last = next(&mut watch).await;
    assert_eq!((last.key(), last.occurrences()), (A, 21));
    assert_eq!(last.last_data()["n"], "20");
    assert_eq!(watch.cursor(), Some(last.last_repeated()));
    assert_eq!(next(&mut watch).await.key(), B);
    // Another watch begins at the cursor of this one, and goes on after a reply of garbage.
    fixture.proxy.add(Rule::new("GET", "/v1/notices", Fault::Garbage(b"hello\r\n\r\n".to_vec())));
    let mut another = fixture.client.watch_notices(custom().after(watch.cursor().unwrap()));
    direct.notify(&Notify::new(A)).await.unwrap();
    assert_eq!(next(&mut another).await.occurrences(), 22);
}

#[tokio::test]
async fn a_watch_goes_on_over_a_restart_of_pebble() {
    let Some(fixture) = start_fixture("a_watch_goes_on_over_a_restart") else {
        return;
    };
    fixture.direct.notify(&Notify::new(A)).await.unwrap();
    let mut watch = fixture.client.watch_notices(custom());
    assert_eq!(next(&mut watch).await.key(), A);
    fixture.restart();
    fixture.direct.notify(&Notify::new(B)).await.unwrap();
    assert_eq!(next(&mut watch).await.key(), B);
    // Pebble is stopped by SIGTERM while the long poll waits in it. It waits for open requests for
    // no longer than a second.
    assert!(tokio::time::timeout(Duration::from_millis(200), watch.next()).await.is_err());
    fixture.daemon.stop().unwrap();
    fixture.daemon.start_again().unwrap();
    fixture.direct.notify(&Notify::new(A)).await.unwrap();
    let again = next(&mut watch).await;
    assert_eq!((again.key(), again.occurrences()), (A, 2));
}
