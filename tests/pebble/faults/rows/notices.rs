//! Notices, and all that is watched.

use std::time::Duration;

use charmwright_pebble::{LogEvent, LogQuery, NoticeQuery, NoticeType, Notify, Update};

use super::services::{added, started};
use crate::faults::operations::{Lost, Operation, Soon, Way};
use crate::faults::stage::Stage;

fn key(stage: &Stage) -> String {
    format!("example.com/{}", stage.name)
}

fn query(stage: &Stage) -> NoticeQuery {
    NoticeQuery::new().types([NoticeType::Custom]).keys([key(stage)])
}

fn noticed<'a>(stage: &'a mut Stage) -> Soon<'a, ()> {
    Box::pin(async {
        let id = stage.direct.notify(&Notify::new(key(stage))).await.unwrap();
        stage.id = id.to_string();
    })
}

fn occurrences<'a>(stage: &'a Stage) -> Soon<'a, usize> {
    Box::pin(async {
        let found = stage.direct.notices(&query(stage)).await.unwrap();
        found.first().map_or(0, |notice| usize::try_from(notice.occurrences()).unwrap())
    })
}

pub(crate) static ROWS: &[Operation] = &[
    Operation {
        lost: Lost::NeverAgain,
        effects: occurrences,
        ..Operation::write("notify", "POST /v1/notices", |stage| {
            Box::pin(async {
                stage.client.notify(&Notify::new(key(stage))).await?;
                Ok(())
            })
        })
    },
    Operation {
        prepare: noticed,
        ..Operation::read("notice", "GET /v1/notices/{id}", |stage| {
            Box::pin(async {
                let notice = stage.client.notice(&stage.id.parse().unwrap()).await?;
                assert_eq!(notice.key(), key(stage));
                Ok(())
            })
        })
    },
    Operation {
        prepare: noticed,
        ..Operation::read("notices", "GET /v1/notices", |stage| {
            Box::pin(async {
                let notices = stage.client.notices(&query(stage)).await?;
                assert_eq!((notices.len(), notices[0].occurrences()), (1, 1));
                Ok(())
            })
        })
    },
    Operation {
        prepare: noticed,
        ..Operation::read("wait for notices", "GET /v1/notices", |stage| {
            Box::pin(async {
                let notices =
                    stage.client.wait_notices(&query(stage), Duration::from_secs(10)).await?;
                assert_eq!(notices[0].key(), key(stage));
                Ok(())
            })
        })
    },
    Operation {
        way: Way::Watch,
        slow: true,
        prepare: noticed,
        ..Operation::read("watch notices", "GET /v1/notices", |stage| {
            Box::pin(async {
                let notice = stage.client.watch_notices(query(stage)).next().await.unwrap()?;
                assert_eq!(notice.key(), key(stage));
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
        ..Operation::read("watch services", "GET /v1/services", |stage| {
            Box::pin(async {
                let update = stage.client.watch_services(stage.one()).next().await.unwrap()?;
                assert!(
                    matches!(&update, Update::Is(service) if service.name() == stage.name),
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
        prepare: |stage| {
            Box::pin(async {
                let talker = stage.service().command("/bin/sh -c 'echo hello; exec sleep 600'");
                stage.add_service(talker).await;
                stage.client.start(stage.one()).await.unwrap();
            })
        },
        ..Operation::read("follow logs", "GET /v1/logs", |stage| {
            Box::pin(async {
                let query = LogQuery::new().services(stage.one()).newest(1);
                let event = stage.client.follow_logs(&query).next().await.unwrap()?;
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
        ..Operation::read("wait for a service", "GET /v1/services", |stage| {
            Box::pin(async {
                let stays = Duration::from_millis(50);
                let patience = Duration::from_secs(10);
                stage.client.wait_service_active(&stage.name, stays, patience).await?;
                Ok(())
            })
        })
    },
];
