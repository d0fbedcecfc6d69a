//! Services, what is done with them, and the changes that come of it.

use std::time::Duration;

use charmwright_pebble::{ChangeFilter, ChangeStatus, Error, Service, Signal, Startup};

use crate::faults::fault_fixture::FaultFixture;
use crate::faults::operations::{Lost, Operation, Soon};

/// A change of this case that is over.
pub(super) fn started<'a>(fixture: &'a mut FaultFixture) -> Soon<'a, ()> {
    Box::pin(async {
        fixture.add_service(fixture.service()).await;
        let change = fixture.client.start(fixture.one()).await.unwrap();
        fixture.id = change.id().to_string();
    })
}

/// A service of this case that does not run.
pub(super) fn added<'a>(fixture: &'a mut FaultFixture) -> Soon<'a, ()> {
    Box::pin(async { fixture.add_service(fixture.service()).await })
}

/// The same, to be started by itself.
fn enabled<'a>(fixture: &'a mut FaultFixture) -> Soon<'a, ()> {
    Box::pin(async { fixture.add_service(fixture.service().startup(Startup::Enabled)).await })
}

/// The most starts that one daemon has made: on the daemon that follows a killed one the effect is
/// wanted once again.
fn starts<'a>(fixture: &'a FaultFixture) -> Soon<'a, usize> {
    Box::pin(async { fixture.starts().into_iter().max().unwrap_or_default() })
}

/// The same of a service that the first daemon had started before.
fn restarts<'a>(fixture: &'a FaultFixture) -> Soon<'a, usize> {
    Box::pin(async {
        let mut counts = fixture.starts();
        if let Some(first) = counts.first_mut() {
            *first -= 1;
        }
        counts.into_iter().max().unwrap_or_default()
    })
}

/// An action on the service of this case.
const fn action(
    name: &'static str,
    run: for<'a> fn(&'a FaultFixture) -> Soon<'a, Result<(), Error>>,
) -> Operation {
    Operation {
        slow: true,
        survives: true,
        prepare: added,
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
        slow: true,
        prepare: started,
        ..Operation::read("change", "GET /v1/changes/{id}", |fixture| {
            Box::pin(async {
                let change = fixture.client.change(&fixture.id.parse().unwrap()).await?;
                assert_eq!((change.kind(), change.id().as_str()), ("start", &*fixture.id));
                Ok(())
            })
        })
    },
    Operation {
        slow: true,
        // What a new daemon says of the changes of the last depends on what was in hand.
        survives: false,
        prepare: |fixture| {
            Box::pin(async {
                let stubborn = Service::new()
                    .command("/bin/sh -c 'trap \"\" TERM; while :; do sleep 0.05; done'")
                    .kill_delay(Duration::from_secs(1));
                fixture.add_service(stubborn).await;
                fixture.client.start(fixture.one()).await.unwrap();
                let hurried = fixture.direct.clone().with_change_deadline(Duration::ZERO);
                let error = hurried.stop(fixture.one()).await.unwrap_err();
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
        slow: true,
        prepare: |fixture| {
            Box::pin(async {
                let stubborn = fixture
                    .service()
                    .command("/bin/sh -c 'trap \"\" TERM; while :; do sleep 0.05; done'");
                fixture.add_service(stubborn).await;
                let hurried = fixture.direct.clone().with_change_deadline(Duration::ZERO);
                let error = hurried.start(fixture.one()).await.unwrap_err();
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
            assert_eq!(fixture.client.services(fixture.one()).await?, []);
            Ok(())
        })
    }),
    action("start", |fixture| {
        Box::pin(async {
            let change = fixture.client.start(fixture.one()).await?;
            assert_eq!(*change.status(), ChangeStatus::Done);
            assert!(fixture.lines("starts") > 0);
            Ok(())
        })
    }),
    Operation {
        prepare: started,
        effects: restarts,
        ..action("restart", |fixture| {
            Box::pin(async {
                fixture.client.restart(fixture.one()).await?;
                assert!(fixture.lines("starts") > 1);
                Ok(())
            })
        })
    },
    Operation {
        prepare: started,
        // What is to be stopped is not there any more, and a new daemon may not know its name.
        survives: false,
        effects: |_| Box::pin(async { 0 }),
        ..action("stop", |fixture| {
            Box::pin(async {
                fixture.client.stop(fixture.one()).await?;
                assert!(
                    !fixture
                        .direct
                        .services(fixture.one())
                        .await?
                        .iter()
                        .any(charmwright_pebble::ServiceInfo::is_active)
                );
                Ok(())
            })
        })
    },
    Operation {
        prepare: enabled,
        ..action("replan", |fixture| {
            Box::pin(async {
                fixture.client.replan().await?;
                assert!(fixture.lines("starts") > 0);
                Ok(())
            })
        })
    },
    Operation {
        prepare: enabled,
        ..action("autostart", |fixture| {
            Box::pin(async {
                fixture.client.autostart().await?;
                assert!(fixture.lines("starts") > 0);
                Ok(())
            })
        })
    },
    Operation {
        slow: true,
        prepare: started,
        lost: Lost::NeverAgain,
        effects: |fixture| {
            Box::pin(async {
                // The shell looks at its signals between two sleeps.
                tokio::time::sleep(Duration::from_millis(120)).await;
                fixture.lines("hups")
            })
        },
        ..Operation::write("signal", "POST /v1/signals", |fixture| {
            Box::pin(async { fixture.client.signal(&Signal::HUP, fixture.one()).await })
        })
    },
];
