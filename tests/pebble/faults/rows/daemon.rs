//! The daemon itself, its plan, its checks and its identities.

use std::collections::BTreeMap;
use std::time::Duration;

use charmwright_pebble::{
    Check, CheckQuery, HealthQuery, Identity, IdentityAccess, Layer, LayerMode, LogQuery, Override,
    Service,
};

use super::services::added;
use crate::faults::operations::{Operation, Soon, TEXT, Way};
use crate::faults::stage::Stage;

fn checked<'a>(stage: &'a mut Stage) -> Soon<'a, ()> {
    Box::pin(async {
        let check = Check::exec("true").period(Duration::from_secs(3600));
        stage.add(Layer::new().check(&stage.name, check)).await;
    })
}

fn identities(stage: &Stage) -> BTreeMap<String, Identity> {
    let id = 100_000 + stage.number();
    BTreeMap::from([(stage.name.clone(), Identity::new(IdentityAccess::Read).local(id))])
}

pub(crate) static ROWS: &[Operation] = &[
    Operation::read("system info", "GET /v1/system-info", |stage| {
        Box::pin(async {
            let info = stage.client.system_info().await?;
            assert_eq!(info.version(), "v1.32.1");
            Ok(())
        })
    }),
    Operation::read("health", "GET /v1/health", |stage| {
        Box::pin(async {
            assert!(stage.client.health(&HealthQuery::all()).await?);
            Ok(())
        })
    }),
    Operation {
        way: Way::Whole(TEXT),
        ..Operation::read("metrics", "GET /v1/metrics", |stage| {
            Box::pin(async {
                let metrics = stage.client.metrics().await?;
                assert!(metrics.is_empty() || metrics.starts_with("# HELP pebble_"), "{metrics}");
                Ok(())
            })
        })
    },
    Operation::read("plan", "GET /v1/plan", |stage| {
        Box::pin(async {
            assert!(!stage.client.plan().await?.services().contains_key(&stage.name));
            Ok(())
        })
    }),
    Operation {
        survives: true,
        ..Operation::write("add a layer", "POST /v1/layers", |stage| {
            Box::pin(async {
                let layer = Layer::new().service(&stage.name, stage.service());
                stage.client.add_layer(&stage.name, &layer, LayerMode::New).await?;
                assert!(
                    stage.was_killed() || stage.plan().await.services().contains_key(&stage.name)
                );
                Ok(())
            })
        })
    },
    Operation {
        prepare: added,
        survives: true,
        // Lists are appended, so what was combined twice shows it.
        effects: |stage| {
            Box::pin(async {
                let plan = stage.plan().await;
                plan.services().get(&stage.name).map_or(0, |service| service.get_after().len())
            })
        },
        ..Operation::write("combine a layer", "POST /v1/layers", |stage| {
            Box::pin(async {
                let more = Service::new().override_mode(Override::Merge).after(["something"]);
                let layer = Layer::new().service(&stage.name, more);
                stage.client.add_layer(&stage.name, &layer, LayerMode::Combine).await?;
                assert!(
                    stage.was_killed()
                        || stage.plan().await.services()[&stage.name].get_after() == ["something"]
                );
                Ok(())
            })
        })
    },
    Operation {
        way: Way::Whole("application/x-ndjson"),
        ..Operation::read("logs", "GET /v1/logs", |stage| {
            Box::pin(async {
                assert_eq!(stage.client.logs(&LogQuery::new().services(stage.one())).await?, []);
                Ok(())
            })
        })
    },
    Operation::read("checks", "GET /v1/checks", |stage| {
        Box::pin(async {
            assert_eq!(stage.client.checks(&CheckQuery::all().names(stage.one())).await?, []);
            Ok(())
        })
    }),
    Operation {
        prepare: checked,
        survives: true,
        ..Operation::write("stop a check", "POST /v1/checks", |stage| {
            Box::pin(async {
                stage.client.stop_checks(stage.one()).await?;
                let checks = stage.direct.checks(&CheckQuery::all().names(stage.one())).await?;
                assert!(stage.was_killed() || checks[0].status().as_str() == "inactive");
                Ok(())
            })
        })
    },
    Operation {
        prepare: checked,
        survives: true,
        ..Operation::write("run a check", "POST /v1/checks/refresh", |stage| {
            Box::pin(async {
                let run = stage
                    .client
                    .refresh_check_within(&stage.name, Duration::from_millis(200))
                    .await?;
                assert!(run.passed(), "{run:?}");
                Ok(())
            })
        })
    },
    Operation::read("identities", "GET /v1/identities", |stage| {
        Box::pin(async {
            assert!(!stage.client.identities().await?.contains_key(&stage.name));
            Ok(())
        })
    }),
    Operation {
        survives: true,
        ..Operation::write("add an identity", "POST /v1/identities", |stage| {
            Box::pin(async {
                stage.client.add_identities(&identities(stage)).await?;
                assert!(stage.direct.identities().await?.contains_key(&stage.name));
                Ok(())
            })
        })
    },
    Operation {
        survives: true,
        prepare: |stage| {
            Box::pin(async { stage.direct.add_identities(&identities(stage)).await.unwrap() })
        },
        ..Operation::write("remove an identity", "POST /v1/identities", |stage| {
            Box::pin(async {
                stage.client.remove_identities(stage.one()).await?;
                assert!(!stage.direct.identities().await?.contains_key(&stage.name));
                Ok(())
            })
        })
    },
];
