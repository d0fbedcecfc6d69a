//! What is tried: each endpoint, by the call that a user makes.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use charmwright::pebble::{
    ChangeFilter, ChangeStatus, Check, CheckQuery, Error, HealthQuery, Identity, IdentityAccess, Layer, LayerMode,
    LogQuery, Override, Service, Signal, Startup,
};
use charmwright::testing::proxy::{Fault, Rule};

use crate::stage::Stage;

/// What metrics are.
pub(crate) const TEXT: &str = "text/plain; charset=utf-8";

type Soon<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// How an endpoint answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// With one document.
    Whole(&'static str),
    /// With a stream that has an end.
    Stream(&'static str),
    /// With a stream, or stream of documents, that has none.
    Watch,
    Websocket,
}

/// What its rule says of a lost answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lost {
    /// In the end it works.
    SentAgain,
    /// In the end nobody knows.
    NeverAgain,
    /// Either, by what can be proved.
    ByWhere,
}

/// One row of the table.
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    /// As in the docs.
    pub(crate) endpoint: &'static str,
    pub(crate) way: Way,
    pub(crate) lost: Lost,
    /// It takes Pebble's second, or longer.
    pub(crate) slow: bool,
    /// It works even when Pebble is killed and comes back, without what only that Pebble knew.
    pub(crate) survives: bool,
    /// What has to be there before.
    pub(crate) prepare: for<'a> fn(&'a mut Stage) -> Soon<'a, ()>,
    /// The call, and a look at what it gives.
    pub(crate) run: for<'a> fn(&'a Stage) -> Soon<'a, Result<(), Error>>,
    /// How often it has had its effect.
    pub(crate) effects: for<'a> fn(&'a Stage) -> Soon<'a, usize>,
}

impl Operation {
    /// One that only reads, in one document.
    const fn read(
        name: &'static str,
        endpoint: &'static str,
        run: for<'a> fn(&'a Stage) -> Soon<'a, Result<(), Error>>,
    ) -> Self {
        Self {
            name,
            endpoint,
            way: Way::Whole("application/json"),
            lost: Lost::SentAgain,
            slow: false,
            survives: true,
            prepare: |_| Box::pin(async {}),
            run,
            effects: |_| Box::pin(async { 0 }),
        }
    }

    /// One that changes something and answers with one document.
    const fn write(
        name: &'static str,
        endpoint: &'static str,
        run: for<'a> fn(&'a Stage) -> Soon<'a, Result<(), Error>>,
    ) -> Self {
        Self {
            survives: false,
            ..Self::read(name, endpoint, run)
        }
    }

    fn method(&self) -> &'static str {
        self.endpoint.split(' ').next().unwrap()
    }

    /// Whether its request changes something.
    pub(crate) fn acts(&self) -> bool {
        self.method() == "POST" || self.way == Way::Websocket
    }

    pub(crate) fn content_type(&self) -> &'static str {
        match self.way {
            Way::Whole(content_type) | Way::Stream(content_type) => content_type,
            Way::Watch => "application/json",
            Way::Websocket => "text/plain",
        }
    }

    /// The next request of this operation meets this fault.
    pub(crate) fn spoiled(&self, stage: &Stage, fault: Fault) -> Rule {
        let path = self.endpoint.split(' ').nth(1).unwrap();
        match path.split_once('{') {
            None => Rule::new(self.method(), path, fault).whole_path(),
            // The id of this case, and no more than that.
            Some((start, rest)) => {
                let tail = rest.split_once('}').unwrap().1;
                match (stage.id.is_empty(), tail.contains('{')) {
                    (false, false) => {
                        Rule::new(self.method(), format!("{start}{}{tail}", stage.id), fault).whole_path()
                    }
                    _ => Rule::new(self.method(), start, fault),
                }
            }
        }
    }
}

/// A change of this case that is over.
fn started<'a>(stage: &'a mut Stage) -> Soon<'a, ()> {
    Box::pin(async {
        stage.add_service(stage.service()).await;
        let change = stage.client.start(&stage.one()).await.unwrap();
        stage.id = change.id().to_string();
    })
}

/// A service of this case that does not run.
fn added<'a>(stage: &'a mut Stage) -> Soon<'a, ()> {
    Box::pin(async { stage.add_service(stage.service()).await })
}

/// The same, to be started by itself.
fn enabled<'a>(stage: &'a mut Stage) -> Soon<'a, ()> {
    Box::pin(async { stage.add_service(stage.service().startup(Startup::Enabled)).await })
}

fn checked<'a>(stage: &'a mut Stage) -> Soon<'a, ()> {
    Box::pin(async {
        let check = Check::exec("true").period(Duration::from_secs(3600));
        stage.add(Layer::new().check(&stage.name, check)).await;
    })
}

fn starts<'a>(stage: &'a Stage) -> Soon<'a, usize> {
    Box::pin(async { stage.lines("starts") })
}

/// Starts of a service that ran before, and is now to run once more.
fn restarts<'a>(stage: &'a Stage) -> Soon<'a, usize> {
    Box::pin(async { stage.lines("starts").saturating_sub(1) })
}

/// An action on the service of this case.
const fn action(name: &'static str, run: for<'a> fn(&'a Stage) -> Soon<'a, Result<(), Error>>) -> Operation {
    Operation {
        slow: true,
        survives: true,
        prepare: added,
        effects: starts,
        ..Operation::write(name, "POST /v1/services", run)
    }
}

fn identities(stage: &Stage) -> BTreeMap<String, Identity> {
    let id = 100_000 + stage.number();
    BTreeMap::from([(stage.name.clone(), Identity::new(IdentityAccess::Read).local(id))])
}

/// Every endpoint, some of them by several calls.
pub(crate) static OPERATIONS: &[Operation] = &[
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
                stage.client.start(&stage.one()).await.unwrap();
                let hurried = stage.straight.clone().with_change_deadline(Duration::ZERO);
                let error = hurried.stop(&stage.one()).await.unwrap_err();
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
                let hurried = stage.straight.clone().with_change_deadline(Duration::ZERO);
                let error = hurried.start(&stage.one()).await.unwrap_err();
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
            assert_eq!(stage.client.services(&stage.one()).await?, []);
            Ok(())
        })
    }),
    action("start", |stage| {
        Box::pin(async {
            let change = stage.client.start(&stage.one()).await?;
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
                stage.client.restart(&stage.one()).await?;
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
                stage.client.stop(&stage.one()).await?;
                assert!(
                    !stage
                        .straight
                        .services(&stage.one())
                        .await?
                        .iter()
                        .any(|service| service.is_active())
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
                assert!(stage.was_killed() || stage.plan().await.services().contains_key(&stage.name));
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
                plan.services()
                    .get(&stage.name)
                    .map_or(0, |service| service.get_after().len())
            })
        },
        ..Operation::write("combine a layer", "POST /v1/layers", |stage| {
            Box::pin(async {
                let more = Service::new().override_mode(Override::Merge).after(["something"]);
                let layer = Layer::new().service(&stage.name, more);
                stage.client.add_layer(&stage.name, &layer, LayerMode::Combine).await?;
                assert!(stage.was_killed() || stage.plan().await.services()[&stage.name].get_after() == ["something"]);
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
                stage.client.stop_checks(&stage.one()).await?;
                let checks = stage.straight.checks(&CheckQuery::all().names(stage.one())).await?;
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
            Box::pin(async { stage.client.signal(&Signal::HUP, &stage.one()).await })
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
                assert!(stage.straight.identities().await?.contains_key(&stage.name));
                Ok(())
            })
        })
    },
    Operation {
        survives: true,
        prepare: |stage| Box::pin(async { stage.straight.add_identities(&identities(stage)).await.unwrap() }),
        ..Operation::write("remove an identity", "POST /v1/identities", |stage| {
            Box::pin(async {
                stage.client.remove_identities(&stage.one()).await?;
                assert!(!stage.straight.identities().await?.contains_key(&stage.name));
                Ok(())
            })
        })
    },
];
