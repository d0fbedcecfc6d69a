//! Relations of the charm: with applications that have no charm, and with peers that have no
//! process.

use crate::support::Charm;

const FAST: &[&str] = &["--speed", "100"];

const METADATA: &str = "name: web\nsummary: s\ndescription: d\n\
                        requires: {database: {interface: sql, limit: 1}, cache: {interface: kv}}\n\
                        provides: {web_site: {interface: http}}\n\
                        peers: {ring: {interface: ring}}\n";

/// Makes a charm that notes its relation hooks, each with the remote unit, and then runs `script`.
fn charm(script: &str) -> Charm {
    let charm = Charm::with_dispatch(&format!(
        "case $JUJU_HOOK_NAME in *-relation-*) echo $JUJU_HOOK_NAME $JUJU_REMOTE_UNIT \
         >>$OUT/hooks;; esac\n{script}"
    ));
    charm.write("metadata.yaml", METADATA);
    charm
}

#[test]
fn a_database_is_related_written_and_broken() {
    let charm = charm(
        "case $JUJU_HOOK_NAME in\n\
         database-relation-created) relation-set --app database=app; relation-set ready=yes;;\n\
         database-relation-changed) at=$(relation-get --app endpoints); [ -z \"$at\" ] || \
         status-set active \"at $at\";;\n\
         database-relation-broken) status-set blocked 'no database';;\nesac",
    );
    let script = "wait-for idle\nrelate database pg\nwait-for idle\nstatus\n\
                  remote pg/0 database host=10.0.0.9\nwait-for idle\n\
                  remote pg database endpoints=10.0.0.9:5432 gone='a b'\n\
                  expect active 10.0.0.9:5432\nremote pg database gone=\nwait-for idle\n\
                  remote pg database\nremote pg/1 database host=HIDDEN\nwait-for idle\n\
                  depart pg/1\nwait-for idle\nbreak database\ntry remote pg database a=b\n\
                  expect blocked database\n";
    let run = charm.run(FAST, script).exits(0);
    assert_eq!(
        charm.note("hooks"),
        "ring-relation-created\n\
         database-relation-created\n\
         database-relation-joined pg/0\ndatabase-relation-changed pg/0\n\
         database-relation-changed pg/0\n\
         database-relation-changed\n\
         database-relation-changed\n\
         database-relation-joined pg/1\ndatabase-relation-changed pg/1\n\
         database-relation-departed pg/1\n\
         database-relation-departed pg/0\ndatabase-relation-broken\n\
         ",
    );
    let run = run
        .says("database is related to pg (relation 1)")
        .says("database  1   pg   sql        joined  pg/0")
        .says("> remote pg database endpoints=... gone=...")
        .says("pg has endpoints\n")
        .says("pg/0 has egress-subnets, host, ingress-address, private-address")
        .says("web wrote database=app")
        .says("web/0 wrote ready=yes")
        .says("pg/1 joins and is written")
        .says("cannot find a relation of database with pg: relation 1 is about to end");
    assert!(!run.stdout.contains("HIDDEN"), "{}", run.stdout);
}

#[test]
fn the_peer_relation_is_there_from_the_start_and_peers_come_and_go() {
    let charm = charm(
        "[ $JUJU_HOOK_NAME != start ] || relation-set -r $(relation-ids ring) --app token=t1\n\
         case $JUJU_HOOK_NAME in ring-relation-changed) status-set active \"$(relation-list) \
         $(relation-get role) $(relation-get --app token web) of $(goal-state | grep -c web/)\";; \
         esac",
    );
    let script = "wait-for idle\nadd-peer\nwait-for idle\nremote web/1 ring role=standby\n\
                  expect active 'web/1 standby t1 of 2'\nremote web/1 ring\n\
                  try remote web ring token=t2\nleader no\nremote web ring token=t2\n\
                  wait-for idle\nremote web/2 ring role=other\nwait-for idle\ndepart web/1\n\
                  wait-for idle\n";
    let run = charm.run(FAST, script).exits(0);
    assert_eq!(
        charm.note("hooks"),
        // The leader is told of what it has written itself, as in Juju.
        "ring-relation-created\nring-relation-changed\n\
         ring-relation-joined web/1\nring-relation-changed web/1\n\
         ring-relation-changed web/1\n\
         ring-relation-changed\n\
         ring-relation-joined web/2\nring-relation-changed web/2\n\
         ring-relation-departed web/1\nring-relation-departed web/2\n"
    );
    run.says("web/1 joins its peers")
        .says("web/1 leads")
        .says("web/1 has egress-subnets, ingress-address, private-address, role")
        .says("web wrote token=t1")
        .says("`add-peer`, `leader no`; `try` lets it go");
}

#[test]
fn what_cannot_be_is_refused_with_advice() {
    let charm = charm("status-set active");
    let refused = [
        ("relate databse", "did you mean `database`?"),
        ("relate nothing", "it has: cache, database, ring, web_site"),
        ("relate ring", "`add-peer` adds a unit to it"),
        ("relate cache web", "it is the charm's own application"),
        ("relate cache No", "cannot use \"No\" as an application's name"),
        ("relate database other", "maximum relation limit of 1"),
        ("relate database pg", "already exists"),
        ("break ring", "`depart APP/N` removes a peer"),
        ("break cache", "cannot find a relation of cache; `relate cache` makes one"),
        ("break database pgg", "did you mean `pg`?"),
        ("break web_site", "it is related to proxy, web-site; name one of them"),
        ("remote pg cache a=b", "`relate cache pg` makes one"),
        ("remote pg/5 database a=b", "the next one is pg/1"),
        ("remote pg/8 database", "there are: pg/0, proxy/0, web-site/0"),
        ("remote web/0 ring a=b", "its charm runs here, and writes it itself"),
        ("depart web/0", "`quit` removes it, and ends the run"),
        ("depart pg/9", "there are: pg/0, proxy/0, web-site/0"),
        ("remote pg database a=secret:nobody", "`add-secret NAME KEY=VALUE...` adds one"),
    ];
    let mut script =
        "wait-for active\nrelate database pg\nrelate web_site proxy\nrelate web_site\n".to_owned();
    for (line, _) in refused {
        script.push_str(&format!("try {line}\n"));
    }
    let run = charm.run(FAST, &script).exits(0);
    for (line, text) in refused {
        let (_, after) = run
            .stdout
            .split_once(&format!("> try {}", line.split('=').next().unwrap()))
            .unwrap_or_else(|| panic!("no {line:?} in {}", run.stdout));
        let said = after.lines().nth(1).unwrap_or_default();
        assert!(said.contains(text) && said.contains("cannot"), "{line}: {said}");
    }
    // An application that was made for a relation that is refused does not stay.
    assert!(!run.stdout.contains("other/0"), "{}", run.stdout);
}

#[test]
fn relations_can_be_made_before_the_start() {
    let charm = charm("status-set active");
    let args = ["--until-idle", "--format", "json", "--relate", "database=pg", "--relate", "cache"];
    let run = charm.run(&args, "").exits(0).says("database is related to pg (relation 1)");
    let status: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let relations = status["relations"].as_array().unwrap();
    let row = |index: usize| {
        let text = |key: &str| relations[index][key].as_str().unwrap().to_owned();
        (text("endpoint"), text("remote-app"), text("interface"), text("state"))
    };
    let owned =
        |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned(), "joined".to_owned());
    assert_eq!(row(0), owned("ring", "web", "ring"));
    assert_eq!(row(1), owned("database", "pg", "sql"));
    assert_eq!(row(2), owned("cache", "cache", "kv"));
    assert_eq!(relations[1]["units"], serde_json::json!(["pg/0"]));
    charm
        .run(&["--until-idle", "--relate", "databse"], "")
        .exits(1)
        .says("did you mean `database`?");
}

#[test]
fn a_subordinate_runs_beside_its_principal_and_a_principal_gets_its_subordinate() {
    for metadata in [
        "name: web\nsummary: s\ndescription: d\nsubordinate: true\n\
         requires: {host: {interface: juju-info, scope: container}}\n",
        "name: web\nsummary: s\ndescription: d\n\
         provides: {host: {interface: nrpe, scope: container}}\n",
    ] {
        let charm = charm("");
        charm.write("metadata.yaml", metadata);
        let script = "wait-for idle\nrelate host other\nwait-for idle\n\
                      remote other/0 host k=v\nwait-for idle\n";
        charm.run(FAST, script).exits(0);
        assert_eq!(
            charm.note("hooks"),
            "host-relation-created\n\
             host-relation-joined other/0\nhost-relation-changed other/0\n\
             host-relation-changed other/0\n\
             host-relation-departed other/0\nhost-relation-broken\n"
        );
    }
}
