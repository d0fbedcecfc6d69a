//! The content of a secret is planted by its owner, and looked for everywhere but where it belongs.

use std::cell::Cell;
use std::fmt::Write as _;
use std::rc::Rc;
use std::time::Duration;

use charmwright::juju::ToolError;
use charmwright::{
    Charm, Declaration, Endpoint, Event, Hook, LimitOne, Metadata, NoActions, NoConfig, NoLimit,
    NoState, OrStop as _, Outcome, Provides, RemoteSecret, Requires, Result, SecretRotation, Stop,
};
use charmwright_agent::{CharmMeta, Resolve};

use super::charms::token_owner::token_interface::{Offer, Token};
use super::juju::{Juju, Ran, name};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Every revision of the content begins so.
const PLANTED: &str = "hunter22";
/// The same in base64, from where it is long enough to be found.
const IN_BASE64: &str = "aHVudGVyMj";

struct Declared;

impl Declaration for Declared {
    type Config = NoConfig;
    type State = NoState;
    type Action = NoActions;
    const METADATA: Metadata = Metadata::new("token");
}

#[derive(Clone, Copy)]
struct Observers;

impl Endpoint for Observers {
    const NAME: &'static str = "token";
    const INTERFACE: &'static str = "example_token";
    type Role = Provides;
    type Limit = NoLimit;
}

#[derive(Clone, Copy)]
struct FromOwner;

impl Endpoint for FromOwner {
    const NAME: &'static str = "token";
    const INTERFACE: &'static str = "example_token";
    type Role = Requires;
    type Limit = LimitOne;
}

/// What both charms do, besides what they are for. A clone is the same.
#[derive(Clone, Default)]
struct Play {
    /// `true` while each event is deferred.
    defers: Rc<Cell<bool>>,
    /// `true` while each hook fails.
    fails: Rc<Cell<bool>>,
    /// The number of the newest content that an observer has read.
    read: Rc<Cell<u32>>,
}

impl Play {
    /// Ends a handler that had this content in its hands, as carelessly as an author might.
    fn end(&self, token: &Token) -> Result<Outcome> {
        tracing::info!("has {token:?} and {:?}", token.token);
        if self.fails.get() {
            return Err(Stop::failed(format!("cannot use {token:?}")));
        }
        if self.defers.get() {
            return Ok(Outcome::defer(format!("waiting to use {token:?}")));
        }
        Ok(Outcome::done())
    }
}

fn content(number: u32) -> Token {
    Token { token: format!("{PLANTED}-{number}").into() }
}

/// An owner that knows the content of each revision beforehand.
struct Owner(Play, Rc<Cell<u32>>);

impl Charm for Owner {
    type Declared = Declared;

    async fn reconcile(&mut self, _: &Hook<Declared>) -> Result {
        Ok(())
    }

    async fn handle(&mut self, event: &Event, hook: &Hook<Declared>) -> Result<Outcome> {
        let secret = hook.app_secret::<Token>("token").rotation(SecretRotation::Daily);
        let leader = hook.leader()?.or_wait("waiting to lead")?;
        match event {
            Event::SecretRotate(_) => {
                self.1.set(self.1.get() + 1);
                secret.set(&leader, &content(self.1.get()))?;
                return Ok(Outcome::done());
            }
            Event::SecretRemove(unused) => {
                secret.remove_revision(&leader, unused.revision())?;
                return Ok(Outcome::done());
            }
            _ => {}
        }
        let token = secret.or_create(|| content(self.1.get()))?;
        for observer in hook.related(Observers)? {
            secret.grant(&leader, observer.id())?;
            let offer = Offer { token: RemoteSecret::new(secret.id(&leader)?) };
            observer.app_bag().write(&leader, &offer)?;
        }
        self.0.end(&token)
    }
}

struct Observer(Play);

impl Charm for Observer {
    type Declared = Declared;

    async fn reconcile(&mut self, _: &Hook<Declared>) -> Result {
        Ok(())
    }

    async fn handle(&mut self, _: &Event, hook: &Hook<Declared>) -> Result<Outcome> {
        let owner = hook.related(FromOwner)?.or_wait("waiting for an owner")?;
        let offer: Offer = owner.remote_app().read()?;
        let token = offer.token.refresh(hook)?;
        let number = token.token.expose().strip_prefix("hunter22-").unwrap().parse().unwrap();
        self.0.read.set(number);
        self.0.end(&token)
    }
}

/// A run, with everything that was seen in it.
struct Searched {
    juju: Juju,
    seen: String,
    files: usize,
}

impl Searched {
    /// Adds what these hooks have shown.
    fn add(&mut self, ran: &[Ran]) {
        for hook in ran {
            writeln!(self.seen, "{hook:#?}").unwrap();
            for (level, line) in hook.report.log() {
                writeln!(self.seen, "{level} {line}").unwrap();
            }
            for call in &hook.calls {
                let stdin = call.stdin().map(|stdin| String::from_utf8_lossy(stdin).into_owned());
                writeln!(self.seen, "{:?} {stdin:?}", call.argv()).unwrap();
                // The content goes in a file that is gone when the tool has ended.
                let file = call.args().iter().find_map(|arg| arg.strip_prefix("--file="));
                if matches!(call.tool(), "secret-add" | "secret-set") {
                    assert!(!std::path::Path::new(file.unwrap()).exists());
                    self.files += 1;
                }
            }
        }
        self.add_model();
    }

    /// Adds what the model keeps and shows.
    fn add_model(&mut self) {
        let seen = &mut self.seen;
        self.juju.with(|model| {
            writeln!(seen, "{model:#?}").unwrap();
            for unit in model.units() {
                let report = model.report(&unit).unwrap();
                writeln!(seen, "{report:?} {}", serde_json::to_string(&report).unwrap()).unwrap();
                let known = model.unit(&unit).unwrap();
                writeln!(seen, "{:?}", known.state()).unwrap();
                for line in known.log(0) {
                    writeln!(seen, "{line:?}").unwrap();
                }
                for relation in &report.relations {
                    let bag = model.unit_data(relation.id, &unit).unwrap();
                    let app = model.app_data(relation.id, &report.application).unwrap();
                    writeln!(seen, "{bag:?} {app:?}").unwrap();
                }
            }
        });
        self.seen.push_str(&self.juju.output.text());
    }
}

#[test]
fn a_planted_content_is_found_nowhere_but_where_it_belongs() {
    let mut juju = Juju::new();
    let (play, number) = (Play::default(), Rc::new(Cell::new(1)));
    let meta = |example: &str| {
        let examples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
        CharmMeta::read(&examples.join(example)).unwrap()
    };
    let owner = (play.clone(), Rc::clone(&number));
    juju.deploy_charm("owner", meta("token_owner"), 1, move || {
        Owner(owner.0.clone(), Rc::clone(&owner.1))
    });
    let observer = play.clone();
    juju.deploy_charm("app", meta("token_observer"), 1, move || Observer(observer.clone()));
    juju.integrate("owner", "app");
    let mut all = Searched { juju, seen: String::new(), files: 0 };

    let ran = all.juju.settle();
    all.add(&ran);
    assert_eq!(play.read.get(), 1);

    // An event that is deferred with the content in its hands.
    play.defers.set(true);
    let ran = all.juju.update_status();
    all.add(&ran);
    play.defers.set(false);

    // A rotation, with a hook that fails first.
    all.juju.advance(DAY);
    all.juju.tools_of("owner/0").fail_once(
        "secret-set",
        ToolError::Exited { code: 1, stderr: "ERROR cannot reach the controller".to_owned() },
    );
    let ran = all.juju.settle_unit("owner/0");
    assert!(ran.iter().any(|hook| !hook.finished.committed()), "{ran:#?}");
    all.add(&ran);
    all.juju.with(|model| model.resolved(&name("owner/0"), Resolve::Retry)).unwrap();
    let ran = all.juju.settle();
    all.add(&ran);
    assert_eq!(play.read.get(), number.get());
    assert!(number.get() > 1);

    // Both charms fail with the content in their hands.
    play.fails.set(true);
    let ran = all.juju.update_status();
    assert_eq!(ran.iter().filter(|hook| !hook.finished.committed()).count(), 2, "{ran:#?}");
    all.add(&ran);
    play.fails.set(false);
    for unit in ["owner/0", "app/0"] {
        all.juju.with(|model| model.resolved(&name(unit), Resolve::Retry)).unwrap();
    }
    let ran = all.juju.settle();
    all.add(&ran);

    // The search would find it: what is looked through is complete, and names the type.
    assert!(all.files >= 3, "{} files", all.files);
    for told in [
        "secret-add",
        "secret-set",
        "secret-get",
        "secret-remove",
        "cannot use Token",
        "waiting to use Token",
    ] {
        assert!(all.seen.contains(told), "{told}");
    }
    for planted in [PLANTED, IN_BASE64] {
        let found = all.seen.lines().find(|line| line.contains(planted));
        assert_eq!(found, None);
    }
}
