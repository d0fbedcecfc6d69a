//! The rows of notices and of all watches.

use std::time::Duration;

use charmwright_pebble::{LogEvent, LogQuery, NoticeQuery, NoticeType, Notify, Update};

use super::services::{add_service, start_service};
use crate::faults::fault_fixture::FaultFixture;
use crate::faults::operations::{BoxedFuture, LostReply, Operation, ReplyForm};

/// Returns the notice key of this case.
fn key(fixture: &FaultFixture) -> String {
    format!("example.com/{}", fixture.name)
}

/// Returns the query for the notice of this case.
fn query(fixture: &FaultFixture) -> NoticeQuery {
    NoticeQuery::new().types([NoticeType::Custom]).keys([key(fixture)])
}

/// Records a notice.
fn add_notice<'a>(fixture: &'a mut FaultFixture) -> BoxedFuture<'a, ()> {
    Box::pin(async {
        let id = fixture.direct.notify(&Notify::new(key(fixture))).await.unwrap();
        fixture.id = id.to_string();
    })
}

/// Returns the number of occurrences of the notice.
fn occurrences<'a>(fixture: &'a FaultFixture) -> BoxedFuture<'a, usize> {
    Box::pin(async {
        let found = fixture.direct.notices(&query(fixture)).await.unwrap();
        found.first().map_or(0, |notice| usize::try_from(notice.occurrences()).unwrap())
    })
}

pub(crate) static ROWS: &[Operation] = &[
    Operation {
        after_lost_reply: LostReply::NotResent,
        effects: occurrences,
        ..Operation::write("notify", "POST /v1/notices", |fixture| {
            Box::pin(async {
                fixture.client.notify(&Notify::new(key(fixture))).await?;
                Ok(())
            })
        })
    },
    Operation {
        prepare: add_notice,
        ..Operation::read("notice", "GET /v1/notices/{id}", |fixture| {
            Box::pin(async {
                let notice = fixture.client.notice(&fixture.id.parse().unwrap()).await?;
                assert_eq!(notice.key(), key(fixture));
                Ok(())
            })
        })
    },
    Operation {
        prepare: add_notice,
        ..Operation::read("notices", "GET /v1/notices", |fixture| {
            Box::pin(async {
                let notices = fixture.client.notices(&query(fixture)).await?;
                assert_eq!((notices.len(), notices[0].occurrences()), (1, 1));
                Ok(())
            })
        })
    },
    Operation {
        prepare: add_notice,
        ..Operation::read("wait for notices", "GET /v1/notices", |fixture| {
            Box::pin(async {
                let notices =
                    fixture.client.wait_notices(&query(fixture), Duration::from_secs(10)).await?;
                assert_eq!(notices[0].key(), key(fixture));
                Ok(())
            })
        })
    },
    Operation {
        reply_form: ReplyForm::Watch,
        is_slow: true,
        prepare: add_notice,
        ..Operation::read("watch notices", "GET /v1/notices", |fixture| {
            Box::pin(async {
                let notice = fixture.client.watch_notices(query(fixture)).next().await.unwrap()?;
                assert_eq!(notice.key(), key(fixture));
                Ok(())
            })
        })
    },
    Operation {
        reply_form: ReplyForm::Watch,
        is_slow: true,
        // A daemon that was started again does not have the service, and the watch would wait.
        may_be_killed: false,
        prepare: add_service,
        ..Operation::read("watch services", "GET /v1/services", |fixture| {
            Box::pin(async {
                let update =
                    fixture.client.watch_services(fixture.case_names()).next().await.unwrap()?;
                assert!(
                    matches!(&update, Update::Is(service) if service.name() == fixture.name),
                    "{update:?}"
                );
                Ok(())
            })
        })
    },
    Operation {
        reply_form: ReplyForm::Watch,
        is_slow: true,
        // A daemon that was started again does not have the line, and the watch would wait.
        may_be_killed: false,
        prepare: |fixture| {
            Box::pin(async {
                let talker = fixture.service().command("/bin/sh -c 'echo hello; exec sleep 600'");
                fixture.add_service(talker).await;
                fixture.client.start(fixture.case_names()).await.unwrap();
            })
        },
        ..Operation::read("follow logs", "GET /v1/logs", |fixture| {
            Box::pin(async {
                let query = LogQuery::new().services(fixture.case_names()).newest(1);
                let event = fixture.client.follow_logs(&query).next().await.unwrap()?;
                assert!(
                    matches!(&event, LogEvent::Entry(entry) if entry.message() == "hello"),
                    "{event:?}"
                );
                Ok(())
            })
        })
    },
    Operation {
        is_slow: true,
        succeeds_after_kill: false,
        prepare: start_service,
        ..Operation::read("wait for a service", "GET /v1/services", |fixture| {
            Box::pin(async {
                let stays = Duration::from_millis(50);
                let deadline = Duration::from_secs(10);
                fixture.client.wait_service_active(&fixture.name, stays, deadline).await?;
                Ok(())
            })
        })
    },
];
