//! Services, what is done with them, and the changes that come of it.

use std::time::Duration;

use charmwright_pebble::{ChangeFilter, ChangeStatus, Error, Service, Signal, Startup};

use crate::faults::operations::{Lost, Operation, Soon};
use crate::faults::stage::Stage;

/// A change of this case that is over.
pub(super) fn started<'a>(stage: &'a mut Stage) -> Soon<'a, ()> {
    Box::pin(async {
        stage.add_service(stage.service()).await;
        let change = stage.client.start(stage.one()).await.unwrap();
        stage.id = change.id().to_string();
    })
}

/// A service of this case that does not run.
pub(super) fn added<'a>(stage: &'a mut Stage) -> Soon<'a, ()> {
    Box::pin(async { stage.add_service(stage.service()).await })
}

/// The same, to be started by itself.
fn enabled<'a>(stage: &'a mut Stage) -> Soon<'a, ()> {
    Box::pin(async { stage.add_service(stage.service().startup(Startup::Enabled)).await })
}

/// The most starts that one daemon has made: on the daemon that follows a killed one the effect is
/// wanted once again.
fn starts<'a>(stage: &'a Stage) -> Soon<'a, usize> {
    Box::pin(async { stage.starts().into_iter().max().unwrap_or_default() })
}

/// The same of a service that the first daemon had started before.
fn restarts<'a>(stage: &'a Stage) -> Soon<'a, usize> {
    Box::pin(async {
        let mut counts = stage.starts();
        if let Some(first) = counts.first_mut() {
            *first -= 1;
        }
        counts.into_iter().max().unwrap_or_default()
    })
}

/// An action on the service of this case.
const fn action(
    name: &'static str,
    run: for<'a> fn(&'a Stage) -> Soon<'a, Result<(), Error>>,
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
    Operation::read("changes", "GET /v1/changes", |stage| {
        Box::pin(async {
            let changes = stage.client.changes(&ChangeFilter::all().service(&stage.name)).await?;
            assert_eq!(changes, []);
            Ok(())
        })
    }),
    Operation {
        slow: true,
        prepare: started,
        ..Operation::read("change", "GET /v1/changes/{id}", |stage| {
            Box::pin(async {
                let change = stage.client.change(&stage.id.parse().unwrap()).await?;
                assert_eq!((change.kind(), change.id().as_str()), ("start", &*stage.id));
                Ok(())
            })
        })
    },
    Operation {
        slow: true,
        // What a new daemon says of the changes of the last depends on what was in hand.
        survives: false,
        prepare: |stage| {
            Box::pin(async {
                let stubborn = Service::new()
                    .command("/bin/sh -c 'trap \"\" TERM; while :; do sleep 0.05; done'")
                    .kill_delay(Duration::from_secs(1));
                stage.add_service(stubborn).await;
                stage.client.start(stage.one()).await.unwrap();
                let hurried = stage.direct.clone().with_change_deadline(Duration::ZERO);
                let error = hurried.stop(stage.one()).await.unwrap_err();
                stage.id = error.change().unwrap().id().to_string();
            })
        },
        ..Operation::read("wait for a change", "GET /v1/changes/{id}/wait", |stage| {
            Box::pin(async {
                let id = stage.id.parse().unwrap();
                let change = stage.client.wait_change(&id, Duration::from_secs(10)).await?;
                assert!(change.ready(), "{change:?}");
                Ok(())
            })
        })
    },
    Operation {
        slow: true,
        prepare: |stage| {
            Box::pin(async {
                let stubborn = stage
                    .service()
                    .command("/bin/sh -c 'trap \"\" TERM; while :; do sleep 0.05; done'");
                stage.add_service(stubborn).await;
                let hurried = stage.direct.clone().with_change_deadline(Duration::ZERO);
                let error = hurried.start(stage.one()).await.unwrap_err();
                stage.id = error.change().unwrap().id().to_string();
            })
        },
        ..Operation::write("abort a change", "POST /v1/changes/{id}", |stage| {
            Box::pin(async {
                let change = stage.client.abort_change(&stage.id.parse().unwrap()).await?;
                assert_eq!(change.id().as_str(), stage.id);
                Ok(())
            })
        })
    },
    Operation::read("services", "GET /v1/services", |stage| {
        Box::pin(async {
            assert_eq!(stage.client.services(stage.one()).await?, []);
            Ok(())
        })
    }),
    action("start", |stage| {
        Box::pin(async {
            let change = stage.client.start(stage.one()).await?;
            assert_eq!(*change.status(), ChangeStatus::Done);
            assert!(stage.lines("starts") > 0);
            Ok(())
        })
    }),
    Operation {
        prepare: started,
        effects: restarts,
        ..action("restart", |stage| {
            Box::pin(async {
                stage.client.restart(stage.one()).await?;
                assert!(stage.lines("starts") > 1);
                Ok(())
            })
        })
    },
    Operation {
        prepare: started,
        // What is to be stopped is not there any more, and a new daemon may not know its name.
        survives: false,
        effects: |_| Box::pin(async { 0 }),
        ..action("stop", |stage| {
            Box::pin(async {
                stage.client.stop(stage.one()).await?;
                assert!(
                    !stage
                        .direct
                        .services(stage.one())
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
        ..action("replan", |stage| {
            Box::pin(async {
                stage.client.replan().await?;
                assert!(stage.lines("starts") > 0);
                Ok(())
            })
        })
    },
    Operation {
        prepare: enabled,
        ..action("autostart", |stage| {
            Box::pin(async {
                stage.client.autostart().await?;
                assert!(stage.lines("starts") > 0);
                Ok(())
            })
        })
    },
    Operation {
        slow: true,
        prepare: started,
        lost: Lost::NeverAgain,
        effects: |stage| {
            Box::pin(async {
                // The shell looks at its signals between two sleeps.
                tokio::time::sleep(Duration::from_millis(120)).await;
                stage.lines("hups")
            })
        },
        ..Operation::write("signal", "POST /v1/signals", |stage| {
            Box::pin(async { stage.client.signal(&Signal::HUP, stage.one()).await })
        })
    },
];
