//! The rows of services, the actions on them, and their changes.

use std::time::Duration;

use charmwright_pebble::{ChangeFilter, ChangeStatus, Error, Service, Signal, Startup};

use crate::faults::fault_fixture::FaultFixture;
use crate::faults::operations::{BoxedFuture, LostReply, Operation};

/// Adds the service of this case and starts it. The id of the case is that of the change.
pub(super) fn start_service<'a>(fixture: &'a mut FaultFixture) -> BoxedFuture<'a, ()> {
    Box::pin(async {
        fixture.add_service(fixture.service()).await;
        let change = fixture.client.start(fixture.case_names()).await.unwrap();
        fixture.id = change.id().to_string();
    })
}

/// Adds the service of this case.
pub(super) fn add_service<'a>(fixture: &'a mut FaultFixture) -> BoxedFuture<'a, ()> {
    Box::pin(async { fixture.add_service(fixture.service()).await })
}

/// Adds the service of this case with `startup: enabled`.
fn add_enabled_service<'a>(fixture: &'a mut FaultFixture) -> BoxedFuture<'a, ()> {
    Box::pin(async { fixture.add_service(fixture.service().startup(Startup::Enabled)).await })
}

/// Counts the starts of the service on the daemon that has made the most. After a restart of Pebble
/// the client has to start the service again, so one start on each daemon is right.
fn starts<'a>(fixture: &'a FaultFixture) -> BoxedFuture<'a, usize> {
    Box::pin(async { fixture.starts_by_daemon().into_iter().max().unwrap_or_default() })
}

/// Counts the starts on the daemon that has made the most, without the one in
/// [`start_service`].
fn restarts<'a>(fixture: &'a FaultFixture) -> BoxedFuture<'a, usize> {
    Box::pin(async {
        let mut counts = fixture.starts_by_daemon();
        if let Some(first) = counts.first_mut() {
            *first -= 1;
        }
        counts.into_iter().max().unwrap_or_default()
    })
}

/// Makes the row of an action on the service of this case.
const fn action(
    name: &'static str,
    run: for<'a> fn(&'a FaultFixture) -> BoxedFuture<'a, Result<(), Error>>,
) -> Operation {
    Operation {
        is_slow: true,
        succeeds_after_kill: true,
        prepare: add_service,
        effects: starts,
        ..Operation::write(name, "POST /v1/services", run)
    }
}

pub(crate) static ROWS: &[Operation] = &[
    Operation::read("changes", "GET /v1/changes", |fixture| {
        Box::pin(async {
            let changes =
                fixture.client.changes(&ChangeFilter::all().service(&fixture.name)).await?;
            assert_eq!(changes, []);
            Ok(())
        })
    }),
    Operation {
        is_slow: true,
        prepare: start_service,
        ..Operation::read("change", "GET /v1/changes/{id}", |fixture| {
            Box::pin(async {
                let change = fixture.client.change(&fixture.id.parse().unwrap()).await?;
                assert_eq!((change.kind(), change.id().as_str()), ("start", &*fixture.id));
                Ok(())
            })
        })
    },
    Operation {
        is_slow: true,
        // Pebble may or may not have stored the change at the moment at which it was killed.
        succeeds_after_kill: false,
        prepare: |fixture| {
            Box::pin(async {
                let stubborn = Service::new()
                    .command("/bin/sh -c 'trap \"\" TERM; while :; do sleep 0.05; done'")
                    .kill_delay(Duration::from_secs(1));
                fixture.add_service(stubborn).await;
                fixture.client.start(fixture.case_names()).await.unwrap();
                let hurried = fixture.direct.clone().with_change_deadline(Duration::ZERO);
                let error = hurried.stop(fixture.case_names()).await.unwrap_err();
                fixture.id = error.change().unwrap().id().to_string();
            })
        },
        ..Operation::read("wait for a change", "GET /v1/changes/{id}/wait", |fixture| {
            Box::pin(async {
                let id = fixture.id.parse().unwrap();
                let change = fixture.client.wait_change(&id, Duration::from_secs(10)).await?;
                assert!(change.ready(), "{change:?}");
                Ok(())
            })
        })
    },
    Operation {
        is_slow: true,
        prepare: |fixture| {
            Box::pin(async {
                let stubborn = fixture
                    .service()
                    .command("/bin/sh -c 'trap \"\" TERM; while :; do sleep 0.05; done'");
                fixture.add_service(stubborn).await;
                let hurried = fixture.direct.clone().with_change_deadline(Duration::ZERO);
                let error = hurried.start(fixture.case_names()).await.unwrap_err();
                fixture.id = error.change().unwrap().id().to_string();
            })
        },
        ..Operation::write("abort a change", "POST /v1/changes/{id}", |fixture| {
            Box::pin(async {
                let change = fixture.client.abort_change(&fixture.id.parse().unwrap()).await?;
                assert_eq!(change.id().as_str(), fixture.id);
                Ok(())
            })
        })
    },
    Operation::read("services", "GET /v1/services", |fixture| {
        Box::pin(async {
            assert_eq!(fixture.client.services(fixture.case_names()).await?, []);
            Ok(())
        })
    }),
    action("start", |fixture| {
        Box::pin(async {
            let change = fixture.client.start(fixture.case_names()).await?;
            assert_eq!(*change.status(), ChangeStatus::Done);
            assert!(fixture.lines("starts") > 0);
            Ok(())
        })
    }),
    Operation {
        prepare: start_service,
        effects: restarts,
        ..action("restart", |fixture| {
            Box::pin(async {
                fixture.client.restart(fixture.case_names()).await?;
                assert!(fixture.lines("starts") > 1);
                Ok(())
            })
        })
    },
    Operation {
        prepare: start_service,
        // The service has ended with the daemon, and the next daemon may not have it in its plan.
        succeeds_after_kill: false,
        effects: |_| Box::pin(async { 0 }),
        ..action("stop", |fixture| {
            Box::pin(async {
                fixture.client.stop(fixture.case_names()).await?;
                assert!(
                    !fixture
                        .direct
                        .services(fixture.case_names())
                        .await?
                        .iter()
                        .any(charmwright_pebble::ServiceInfo::is_active)
                );
                Ok(())
            })
        })
    },
    Operation {
        prepare: add_enabled_service,
        ..action("replan", |fixture| {
            Box::pin(async {
                fixture.client.replan().await?;
                assert!(fixture.lines("starts") > 0);
                Ok(())
            })
        })
    },
    Operation {
        prepare: add_enabled_service,
        ..action("autostart", |fixture| {
            Box::pin(async {
                fixture.client.autostart().await?;
                assert!(fixture.lines("starts") > 0);
                Ok(())
            })
        })
    },
    Operation {
        is_slow: true,
        prepare: start_service,
        after_lost_reply: LostReply::NotResent,
        effects: |fixture| {
            Box::pin(async {
                // The shell handles a signal only between two of its sleeps.
                tokio::time::sleep(Duration::from_millis(120)).await;
                fixture.lines("hups")
            })
        },
        ..Operation::write("signal", "POST /v1/signals", |fixture| {
            Box::pin(async { fixture.client.signal(&Signal::HUP, fixture.case_names()).await })
        })
    },
];
