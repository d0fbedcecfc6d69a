//! The rows of the daemon itself, its plan, its checks and its identities.

use std::collections::BTreeMap;
use std::time::Duration;

use charmwright_pebble::{
    Check, CheckQuery, HealthQuery, Identity, IdentityAccess, Layer, LayerMode, LogQuery, Override,
    Service,
};

use super::services::add_service;
use crate::faults::fault_fixture::FaultFixture;
use crate::faults::operations::{BoxedFuture, Operation, ReplyForm, TEXT};

/// Adds a check with the name of this case, which does not run by itself during the case.
fn add_check<'a>(fixture: &'a mut FaultFixture) -> BoxedFuture<'a, ()> {
    Box::pin(async {
        let check = Check::exec("true").period(Duration::from_secs(3600));
        fixture.add_layer(Layer::new().check(&fixture.name, check)).await;
    })
}

/// Returns an identity with the name of this case.
fn identities(fixture: &FaultFixture) -> BTreeMap<String, Identity> {
    let id = 100_000 + fixture.case_number();
    BTreeMap::from([(fixture.name.clone(), Identity::new(IdentityAccess::Read).local(id))])
}

pub(crate) static ROWS: &[Operation] = &[
    Operation::read("system info", "GET /v1/system-info", |fixture| {
        Box::pin(async {
            let info = fixture.client.system_info().await?;
            assert_eq!(info.version(), "v1.32.1");
            Ok(())
        })
    }),
    Operation::read("health", "GET /v1/health", |fixture| {
        Box::pin(async {
            assert!(fixture.client.health(&HealthQuery::all()).await?);
            Ok(())
        })
    }),
    Operation {
        reply_form: ReplyForm::Document(TEXT),
        ..Operation::read("metrics", "GET /v1/metrics", |fixture| {
            Box::pin(async {
                let metrics = fixture.client.metrics().await?;
                assert!(metrics.is_empty() || metrics.starts_with("# HELP pebble_"), "{metrics}");
                Ok(())
            })
        })
    },
    Operation::read("plan", "GET /v1/plan", |fixture| {
        Box::pin(async {
            assert!(!fixture.client.plan().await?.services().contains_key(&fixture.name));
            Ok(())
        })
    }),
    Operation {
        succeeds_after_kill: true,
        ..Operation::write("add a layer", "POST /v1/layers", |fixture| {
            Box::pin(async {
                let layer = Layer::new().service(&fixture.name, fixture.service());
                fixture.client.add_layer(&fixture.name, &layer, LayerMode::New).await?;
                assert!(
                    fixture.was_killed()
                        || fixture.plan().await.services().contains_key(&fixture.name)
                );
                Ok(())
            })
        })
    },
    Operation {
        prepare: add_service,
        succeeds_after_kill: true,
        // Pebble appends to lists when it merges, so a layer that was combined twice shows in
        // `after`.
        effects: |fixture| {
            Box::pin(async {
                let plan = fixture.plan().await;
                plan.services().get(&fixture.name).map_or(0, |service| service.get_after().len())
            })
        },
        ..Operation::write("combine a layer", "POST /v1/layers", |fixture| {
            Box::pin(async {
                let more = Service::new().override_mode(Override::Merge).after(["something"]);
                let layer = Layer::new().service(&fixture.name, more);
                fixture.client.add_layer(&fixture.name, &layer, LayerMode::Combine).await?;
                assert!(
                    fixture.was_killed()
                        || fixture.plan().await.services()[&fixture.name].get_after()
                            == ["something"]
                );
                Ok(())
            })
        })
    },
    Operation {
        reply_form: ReplyForm::Document("application/x-ndjson"),
        ..Operation::read("logs", "GET /v1/logs", |fixture| {
            Box::pin(async {
                assert_eq!(
                    fixture.client.logs(&LogQuery::new().services(fixture.case_names())).await?,
                    []
                );
                Ok(())
            })
        })
    },
    Operation::read("checks", "GET /v1/checks", |fixture| {
        Box::pin(async {
            assert_eq!(
                fixture.client.checks(&CheckQuery::all().names(fixture.case_names())).await?,
                []
            );
            Ok(())
        })
    }),
    Operation {
        prepare: add_check,
        succeeds_after_kill: true,
        ..Operation::write("stop a check", "POST /v1/checks", |fixture| {
            Box::pin(async {
                fixture.client.stop_checks(fixture.case_names()).await?;
                let checks =
                    fixture.direct.checks(&CheckQuery::all().names(fixture.case_names())).await?;
                assert!(fixture.was_killed() || checks[0].status().as_str() == "inactive");
                Ok(())
            })
        })
    },
    Operation {
        prepare: add_check,
        succeeds_after_kill: true,
        ..Operation::write("run a check", "POST /v1/checks/refresh", |fixture| {
            Box::pin(async {
                let run = fixture
                    .client
                    .refresh_check_within(&fixture.name, Duration::from_millis(200))
                    .await?;
                assert!(run.passed(), "{run:?}");
                Ok(())
            })
        })
    },
    Operation::read("identities", "GET /v1/identities", |fixture| {
        Box::pin(async {
            assert!(!fixture.client.identities().await?.contains_key(&fixture.name));
            Ok(())
        })
    }),
    Operation {
        succeeds_after_kill: true,
        ..Operation::write("add an identity", "POST /v1/identities", |fixture| {
            Box::pin(async {
                fixture.client.add_identities(&identities(fixture)).await?;
                assert!(fixture.direct.identities().await?.contains_key(&fixture.name));
                Ok(())
            })
        })
    },
    Operation {
        succeeds_after_kill: true,
        prepare: |fixture| {
            Box::pin(async { fixture.direct.add_identities(&identities(fixture)).await.unwrap() })
        },
        ..Operation::write("remove an identity", "POST /v1/identities", |fixture| {
            Box::pin(async {
                fixture.client.remove_identities(fixture.case_names()).await?;
                assert!(!fixture.direct.identities().await?.contains_key(&fixture.name));
                Ok(())
            })
        })
    },
];
