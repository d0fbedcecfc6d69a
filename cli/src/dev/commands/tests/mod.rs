//! Tests of the commands: how each is written, and what is told of a mistyped one.

use std::time::Duration;

use super::help::commands;
use super::*;
use crate::dev::wanted_status::{WantedOutcome, WantedStatus};

fn command(line: &str) -> Command {
    parse(line).unwrap().unwrap()
}

#[test]
fn every_command_is_read() {
    let text = str::to_owned;
    assert_eq!(
        command("config port=9191"),
        Command::Config { key: text("port"), value: text("9191") }
    );
    assert_eq!(
        command("config command='sleep 5 a=b'"),
        Command::Config { key: text("command"), value: text("sleep 5 a=b") }
    );
    assert_eq!(
        command("config command=sleep 5"),
        Command::Config { key: text("command"), value: text("sleep 5") }
    );
    assert_eq!(command("config a="), Command::Config { key: text("a"), value: text("") });
    assert_eq!(command("config --reset port"), Command::ConfigReset { key: text("port") });
    assert_eq!(
        command("run backup to='/a b' n=1"),
        Command::Run {
            action: text("backup"),
            params: vec![(text("to"), text("/a b")), (text("n"), text("1"))]
        }
    );
    assert_eq!(command("pebble kill"), Command::Pebble { verb: PebbleVerb::Kill, container: None });
    assert_eq!(
        command("pebble start web"),
        Command::Pebble { verb: PebbleVerb::Start, container: Some(text("web")) }
    );
    let storage = Command::Storage;
    assert_eq!(command("attach-storage data"), storage(StorageCommand::Attach(text("data"))));
    assert_eq!(command("attach-storage data/1"), storage(StorageCommand::Attach(text("data/1"))));
    assert_eq!(command("detach-storage data/1"), storage(StorageCommand::Detach(text("data/1"))));
    assert_eq!(
        command("attach-resource conf='/a b=c/file.txt'"),
        storage(StorageCommand::AttachResource {
            name: text("conf"),
            file: text("/a b=c/file.txt")
        })
    );
    assert_eq!(command("leader no"), Command::Leader(false));
    assert_eq!(command("trust yes"), Command::Trust(true));
    assert_eq!(command("resolved --no-retry"), Command::Resolved { retry: false });
    assert_eq!(command("sleep 0.5"), Command::Sleep(Duration::from_millis(500)));
    assert_eq!(
        command("wait-for active 90s"),
        Command::WaitFor { status: WantedStatus::Active, limit: Duration::from_secs(90) }
    );
    assert_eq!(
        command("wait-for error"),
        Command::WaitFor { status: WantedStatus::Error, limit: DEFAULT_WAIT }
    );
    assert_eq!(
        command("expect blocked 'port: must be'"),
        Command::Expect {
            status: WantedStatus::Blocked,
            message_part: Some(text("port: must be"))
        }
    );
    assert_eq!(
        command("expect-action failed 'no disk'"),
        Command::ExpectAction {
            outcome: WantedOutcome::Failed,
            message_part: Some(text("no disk"))
        }
    );
    assert_eq!(command("try fetch x"), Command::Try(text("fetch x")));
    assert_eq!(
        command("notify example.com/a"),
        Command::Notify { key: text("example.com/a"), container: None }
    );
    assert_eq!(
        command("kill web db"),
        Command::Kill { service: text("web"), container: Some(text("db")) }
    );
    assert_eq!(command("fetch http://127.0.0.1:1/"), Command::Fetch(text("http://127.0.0.1:1/")));
    for (line, wanted) in [
        ("upgrade", Command::Upgrade),
        ("update-status", Command::UpdateStatus),
        ("status", Command::Status),
        ("log", Command::Log),
        ("help", Command::Help),
        (" quit ", Command::Quit),
    ] {
        assert_eq!(command(line), wanted);
    }
    let relation = |line: &str| match command(line) {
        Command::Relation(command) => command,
        other => panic!("{line}: {other:?}"),
    };
    let unit = |name: &str| name.parse().unwrap();
    assert_eq!(
        relation("relate db pg"),
        RelationCommand::Relate { endpoint: text("db"), application: Some(text("pg")) }
    );
    assert_eq!(
        relation("relate db"),
        RelationCommand::Relate { endpoint: text("db"), application: None }
    );
    assert_eq!(
        relation("remote pg db data='{\"a\": 1}' gone="),
        RelationCommand::Write {
            writer: Writer::Application(text("pg")),
            endpoint: text("db"),
            values: vec![(text("data"), text("{\"a\": 1}")), (text("gone"), text(""))]
        }
    );
    assert_eq!(
        relation("remote pg/1 db"),
        RelationCommand::Show { writer: Writer::Unit(unit("pg/1")), endpoint: text("db") }
    );
    assert_eq!(relation("depart pg/1"), RelationCommand::Depart(unit("pg/1")));
    assert_eq!(
        relation("break db"),
        RelationCommand::Break { endpoint: text("db"), application: None }
    );
    assert_eq!(relation("add-peer"), RelationCommand::AddPeer);
    let secret = |line: &str| match command(line) {
        Command::Secret(command) => command,
        other => panic!("{line}: {other:?}"),
    };
    for line in ["add-secret pg/user key=va=lue", "update-secret pg/user key=va=lue"] {
        let (SecretCommand::Add { name, content }
        | SecretCommand::Update { secret: name, content }) = secret(line)
        else {
            panic!("{line}")
        };
        assert_eq!(name, "pg/user");
        assert_eq!(content.pairs().collect::<Vec<_>>(), [("key", "va=lue")]);
        assert!(!format!("{content:?}").contains("lue"), "{content:?}");
    }
    assert_eq!(
        secret("grant-secret a web"),
        SecretCommand::Grant { secret: text("a"), application: Some(text("web")) }
    );
    assert_eq!(
        secret("revoke-secret a"),
        SecretCommand::Revoke { secret: text("a"), application: None }
    );
    assert_eq!(secret("remove-secret a"), SecretCommand::Remove { secret: text("a") });
    assert_eq!(parse("  "), Ok(None));
    assert_eq!(parse("# wait"), Ok(None));
}

#[test]
fn a_wrong_line_says_how_it_goes() {
    for (line, says) in [
        ("config port", "it goes: config KEY=VALUE"),
        ("pebble burn", "it goes: pebble stop|start|kill"),
        ("quit now", "it goes: quit"),
        ("wait-for actve", "did you mean `active`?"),
        ("wait-for active soon", "`soon` is no time"),
        ("wait-fro active", "did you mean `wait-for`?"),
        ("confg port=1", "did you mean `config`?"),
        ("frobnicate", "the commands are: config, run"),
        ("run x y", "it goes: run ACTION"),
        ("expect-action complete", "did you mean `completed`?"),
        ("expect-action", "one of completed, failed"),
        ("expect-action done", "there is no outcome `done`; one of completed, failed"),
        ("try", "it goes: try COMMAND"),
        ("notify", "it goes: notify KEY [CONTAINER]"),
        ("notify a b c", "it goes: notify KEY [CONTAINER]"),
        ("kill", "it goes: kill SERVICE [CONTAINER]"),
        ("run x 'y", "a ' is not closed"),
        ("sleep", "no time"),
        ("trust", "it goes: trust yes|no"),
        ("leader maybe", "it goes: leader yes|no"),
        ("relate", "it goes: relate ENDPOINT [APP]"),
        ("relate a b c", "it goes: relate ENDPOINT [APP]"),
        ("relte db", "did you mean `relate`?"),
        ("remote pg", "it goes: remote APP[/N] ENDPOINT [KEY=VALUE...]"),
        ("remote pg db key", "it goes: remote APP[/N] ENDPOINT [KEY=VALUE...]"),
        ("remote pg db =x", "it goes: remote APP[/N] ENDPOINT [KEY=VALUE...]"),
        ("remote pg/x db a=b", "a unit is named as pg/0 is"),
        ("depart pg", "it takes a unit, such as pg/0"),
        ("break", "it goes: break ENDPOINT [APP]"),
        ("add-peer 2", "it goes: add-peer"),
        ("add-secret", "it goes: add-secret NAME KEY=VALUE..."),
        ("add-secret name", "it goes: add-secret NAME KEY=VALUE..."),
        ("add-secret a=b", "it goes: add-secret NAME KEY=VALUE..."),
        ("add-secret name key=", "Juju refuses an empty value"),
        ("update-secret name key=x other===", "Juju refuses an empty value"),
        ("add-secret secret:name key=x", "the name stands without `secret:`"),
        ("add-secret /name key=x", "is named as pg/user is"),
        ("add-secret pg/ key=x", "is named as pg/user is"),
        ("update-secret name x", "it goes: update-secret NAME KEY=VALUE..."),
        ("grant-secret", "it goes: grant-secret NAME [APP]"),
        ("revoke-secret a b c", "it goes: revoke-secret NAME [APP]"),
        ("remove-secret a b", "it goes: remove-secret NAME"),
    ] {
        let message = parse(line).unwrap_err();
        assert!(message.starts_with("cannot") && message.contains(says), "{line}: {message}");
    }
}

#[test]
fn what_may_be_secret_is_not_shown() {
    for (line, message) in [
        ("config key=SECRET and=more", "config key=..."),
        ("config key SECRET", "config ..."),
        ("config key x=SECRET", "config ..."),
        ("config --reset key", "config --reset key"),
        ("run act a=SECRET b='SECRET x' SECRET", "run act a=... b=... ..."),
        ("run act a='SECRET", "run ..."),
        ("run a=SECRET", "run ..."),
        ("try config key=SECRET", "try config key=..."),
        ("confg key=SECRET", "confg ..."),
        ("key=SECRET", "key"),
        ("fetch http://me:SECRET@host:1/path?token=SECRET", "fetch http://...@host:1/path?..."),
        ("fetch http://host/path", "fetch http://host/path"),
        ("fetch me:SECRET@host", "fetch host"),
        ("wait-for active 90s", "wait-for active 90s"),
        ("add-secret name key=SECRET", "add-secret name key=..."),
        ("add-secret key=SECRET", "add-secret key=..."),
        ("add-secret name SECRET", "add-secret name ..."),
        ("add-secret name key='SECRET", "add-secret ..."),
        (
            "try update-secret pg/user a='SECRET x' b=SECRET",
            "try update-secret pg/user a=... b=...",
        ),
        ("remote pg/0 db key=SECRET", "remote pg/0 db key=..."),
        ("remote pg db SECRET", "remote pg db ..."),
        ("remote pg key=SECRET", "remote pg key=..."),
        ("remote pg/x=SECRET db", "remote pg/x=... db"),
        ("grant-secret name key=SECRET", "grant-secret name key=..."),
        ("relate db pg key=SECRET", "relate db pg key=..."),
        ("relate db pg SECRET", "relate db pg ..."),
        ("depart pg/0 db SECRET", "depart pg/0 db ..."),
        ("add-peer key=SECRET", "add-peer ..."),
        ("grant-secret name pg", "grant-secret name pg"),
        ("attach-storage data/0", "attach-storage data/0"),
        ("attach-storage key=SECRET", "attach-storage key=..."),
        ("detach-storage data/0 SECRET", "detach-storage data/0 ..."),
        ("attach-resource conf=/a/file.txt", "attach-resource conf=/a/file.txt"),
        (" quit ", "quit"),
    ] {
        assert_eq!(redacted(line), message, "{line}");
        if let Err(error) = parse(line) {
            assert!(!error.contains("SECRET"), "{error}");
        }
    }
}

#[test]
fn help_has_every_command() {
    let help = help();
    for (name, takes, does) in commands().filter(|(name, ..)| !matches!(*name, "exit" | "#")) {
        let line =
            help.lines().find(|line| line.trim_start().starts_with(&format!("{name} {takes}")));
        assert!(line.is_some_and(|line| line.ends_with(does)), "{name}");
    }
}
