//! Notices, and all that is watched.

use std::time::Duration;

use charmwright_pebble::{LogEvent, LogQuery, NoticeQuery, NoticeType, Notify, Update};

use super::services::{added, started};
use crate::faults::fault_fixture::FaultFixture;
use crate::faults::operations::{Lost, Operation, Soon, Way};

fn key(fixture: &FaultFixture) -> String {
    format!("example.com/{}", fixture.name)
}

fn query(fixture: &FaultFixture) -> NoticeQuery {
    NoticeQuery::new().types([NoticeType::Custom]).keys([key(fixture)])
}

fn noticed<'a>(fixture: &'a mut FaultFixture) -> Soon<'a, ()> {
    Box::pin(async {
        let id = fixture.direct.notify(&Notify::new(key(fixture))).await.unwrap();
        fixture.id = id.to_string();
    })
}

fn occurrences<'a>(fixture: &'a FaultFixture) -> Soon<'a, usize> {
    Box::pin(async {
        let found = fixture.direct.notices(&query(fixture)).await.unwrap();
        found.first().map_or(0, |notice| usize::try_from(notice.occurrences()).unwrap())
    })
}

pub(crate) static ROWS: &[Operation] = &[
    Operation {
        lost: Lost::NeverAgain,
        effects: occurrences,
        ..Operation::write("notify", "POST /v1/notices", |fixture| {
            Box::pin(async {
                fixture.client.notify(&Notify::new(key(fixture))).await?;
                Ok(())
            })
        })
    },
    Operation {
        prepare: noticed,
        ..Operation::read("notice", "GET /v1/notices/{id}", |fixture| {
            Box::pin(async {
                let notice = fixture.client.notice(&fixture.id.parse().unwrap()).await?;
                assert_eq!(notice.key(), key(fixture));
                Ok(())
            })
        })
    },
    Operation {
        prepare: noticed,
        ..Operation::read("notices", "GET /v1/notices", |fixture| {
            Box::pin(async {
                let notices = fixture.client.notices(&query(fixture)).await?;
                assert_eq!((notices.len(), notices[0].occurrences()), (1, 1));
                Ok(())
            })
        })
    },
    Operation {
        prepare: noticed,
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
        way: Way::Watch,
        slow: true,
        prepare: noticed,
        ..Operation::read("watch notices", "GET /v1/notices", |fixture| {
            Box::pin(async {
                let notice = fixture.client.watch_notices(query(fixture)).next().await.unwrap()?;
                assert_eq!(notice.key(), key(fixture));
                Ok(())
            })
        })
    },
    Operation {
        way: Way::Watch,
        slow: true,
        // A new daemon has no such service.
        outlives: false,
        prepare: added,
        ..Operation::read("watch services", "GET /v1/services", |fixture| {
            Box::pin(async {
                let update = fixture.client.watch_services(fixture.one()).next().await.unwrap()?;
                assert!(
                    matches!(&update, Update::Is(service) if service.name() == fixture.name),
                    "{update:?}"
                );
                Ok(())
            })
        })
    },
    Operation {
        way: Way::Watch,
        slow: true,
        // A new daemon has no such line.
        outlives: false,
        prepare: |fixture| {
            Box::pin(async {
                let talker = fixture.service().command("/bin/sh -c 'echo hello; exec sleep 600'");
                fixture.add_service(talker).await;
                fixture.client.start(fixture.one()).await.unwrap();
            })
        },
        ..Operation::read("follow logs", "GET /v1/logs", |fixture| {
            Box::pin(async {
                let query = LogQuery::new().services(fixture.one()).newest(1);
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
        slow: true,
        survives: false,
        prepare: started,
        ..Operation::read("wait for a service", "GET /v1/services", |fixture| {
            Box::pin(async {
                let stays = Duration::from_millis(50);
                let patience = Duration::from_secs(10);
                fixture.client.wait_service_active(&fixture.name, stays, patience).await?;
                Ok(())
            })
        })
    },
];
