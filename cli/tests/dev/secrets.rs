//! Secrets: those of the operator, of a remote application and of the charm, of which no content is
//! found in anything that a run prints or leaves.

use std::fs;
use std::path::Path;

use crate::support::Charm;

const FAST: &[&str] = &["--speed", "100"];

const METADATA: &str = "name: web\nsummary: s\ndescription: d\n\
                        requires: {database: {interface: sql}}\n\
                        peers: {ring: {interface: ring}}\n";

#[test]
fn a_secret_of_the_operator_comes_by_a_config_option() {
    let charm = Charm::with_dispatch(
        "case $JUJU_HOOK_NAME in config-changed|secret-changed)\n\
         uri=$(config-get token); [ -n \"$uri\" ] || exit 0\n\
         if secret-get $uri value --refresh >$OUT/value 2>$OUT/error; then status-set active \
         \"$(cat $OUT/value)\"; else status-set blocked \"$(cat $OUT/error)\"; fi;;\nesac",
    );
    charm.write("config.yaml", "options:\n  token: {type: secret}\n");
    let script = "wait-for idle\nadd-secret api value=one\nconfig token=secret:api\n\
                  expect blocked 'permission denied'\ngrant-secret api\nconfig --reset token\n\
                  wait-for idle\nconfig token=secret:api\nexpect active one\n\
                  update-secret api value=two\nexpect active two\n\
                  update-secret api value=two\nstatus\nrevoke-secret api\n\
                  remove-secret api\nwait-for idle\ntry config token=secret:api\n";
    let run = charm.run(FAST, script).exits(0);
    run.says("(`secret:api` stands for it)")
        .says("web may read secret:")
        .says("has a new content, revision 2")
        .says("has this content already, in revision 2")
        .says("Juju runs no hook for a grant")
        .says("web may not read secret:")
        .says("api   model  2         2")
        .says("its value is neither the URI of a secret nor the name of one");
}

#[test]
fn a_provider_grants_a_user_over_the_relation() {
    let charm = Charm::with_dispatch(
        "case $JUJU_HOOK_NAME in database-relation-changed|secret-changed)\n\
         relation=$(relation-ids database)\n\
         uri=$(relation-get -r $relation --app secret-user pg); [ -n \"$uri\" ] || exit 0\n\
         status-set active \"$(secret-get $uri username --refresh)\";;\n\
         update-status) secret-get $(cat $OUT/uri) 2>$OUT/error || status-set blocked \
         gone;;\nesac\n[ -z \"$uri\" ] || echo $uri >$OUT/uri",
    );
    charm.write("metadata.yaml", METADATA);
    let script = "wait-for idle\ntry add-secret pg/user username=a\nrelate database pg\n\
                  add-secret pg/user username=app password=x\ntry add-secret web/own value=x\n\
                  try add-secret pg/user username=b\ngrant-secret pg/user\n\
                  remote pg database secret-user=secret:pg/user\nexpect active app\n\
                  update-secret pg/user username=later password=x\nexpect active later\nstatus\n\
                  break database\nwait-for idle\nupdate-status\nexpect blocked\n";
    let run = charm.run(FAST, script).exits(0);
    assert!(charm.note("uri").starts_with("secret:"), "{}", charm.note("uri"));
    run.says("`relate ENDPOINT pg` makes it")
        .says("its charm makes its own secrets")
        .says("`update-secret` replaces its content")
        .says("pg/user  pg     2         2");
}

#[test]
fn a_content_may_be_in_base64_or_in_a_file() {
    let charm = Charm::with_dispatch(
        "[ $JUJU_HOOK_NAME != config-changed ] || { uri=$(config-get token); [ -z \"$uri\" ] || \
         secret-get $uri >$OUT/content; }",
    );
    charm.write("config.yaml", "options:\n  token: {type: secret}\n");
    let file = charm.out().join("lines");
    fs::write(&file, "one\ntwo\n").unwrap();
    let bytes = charm.out().join("bytes");
    fs::write(&bytes, [0xff, 0xfe]).unwrap();
    let (file, bytes) = (file.display(), bytes.display());
    let script = format!(
        "wait-for idle\nadd-secret api text#base64=aGVsbG8= lines#file={file}\ngrant-secret api\n\
         config token=secret:api\nwait-for idle\ntry add-secret no abc#file={file}.no\n\
         try add-secret no abc#file={bytes}\ntry update-secret api ab#file={file}\n\
         try update-secret api abc#file=/\n"
    );
    let run = charm.run(FAST, &script).exits(0);
    assert_eq!(charm.note("content"), "lines: |\n  one\n  two\ntext: hello\n");
    run.says("cannot read the file for \"abc\" of the secret: No such file")
        .says("it is no text; KEY#base64=VALUE takes bytes in base64")
        .says("it is not a regular file")
        .says("key \"ab\" not valid");
}

/// Every content that is planted has this in it.
const PLANT: &str = "c0ntent-that-nobody-may-see";

/// A charm that makes a secret of its own, reads every secret that it can, and looks for their
/// contents in the run's folder and in the arguments of every process. What it looks for is in a
/// file, since the arguments of `grep` would be a place too.
const READER: &str = "case $JUJU_HOOK_NAME in\n\
    leader-elected) secret-add --label own --owner application key#file=$OUT/../own >/dev/null;;\n\
    config-changed|secret-changed|database-relation-changed)\n\
    for uri in $(config-get token) $(relation-get -r $(relation-ids database) --app secret-user pg \
    2>/dev/null); do secret-get $uri --refresh >>$OUT/read; done\n\
    secret-get --label own --refresh >>$OUT/read\nsecret-set $(secret-ids) key#file=$OUT/../own2\n\
    status-set active;;\nesac\n\
    if [ $JUJU_DISPATCH_PATH = actions/look ]; then\n\
    grep -rlF -f $OUT/../plant $DIR >$OUT/found\n\
    grep -lF -f $OUT/../plant /proc/[0-9]*/cmdline >>$OUT/found 2>/dev/null\n\
    grep -lF -f $OUT/../plant /proc/[0-9]*/environ >>$OUT/found 2>/dev/null\n\
    echo done >>$OUT/found\nfi\n\
    exit 0";

#[test]
fn no_content_is_printed_logged_kept_or_passed_as_an_argument() {
    let charm = Charm::new(&[]);
    let dir = charm.out().join("../run");
    let dispatch = READER.replace("$DIR", &dir.display().to_string());
    charm.write("dispatch", &format!("#!/bin/sh\n{dispatch}\n"));
    charm.write("metadata.yaml", METADATA);
    charm.write("config.yaml", "options:\n  token: {type: secret}\n");
    charm.write("actions.yaml", "look: {}\n");
    for (name, content) in
        [("plant", PLANT), ("own", &format!("own {PLANT}")), ("own2", &format!("own2 {PLANT}"))]
    {
        fs::write(charm.out().join("..").join(name), content).unwrap();
    }
    let script = format!(
        "wait-for idle\nadd-secret op first='operator {PLANT}' second={PLANT}\ngrant-secret op\n\
         config token=secret:op\nwait-for active\nupdate-secret op first=op2{PLANT}\n\
         wait-for idle\nrelate database pg\nadd-secret pg/user password='remote {PLANT}'\n\
         grant-secret pg/user\nremote pg database secret-user=secret:pg/user raw='{PLANT}'\n\
         wait-for idle\nupdate-secret pg/user password=remote2{PLANT}\nwait-for idle\n\
         try add-secret key={PLANT}\ntry add-secret op a={PLANT}\ntry update-secret op {PLANT}\n\
         try add-secret bad KEY={PLANT}\ntry update-secret pg/user bad={PLANT} K={PLANT}\n\
         try remote pg database {PLANT}\ntry remote pg nothing a={PLANT}\n\
         try grant-secret op x={PLANT}\ntry addsecret op a={PLANT}\n\
         try remote pg database a='{PLANT}\ntry remote pg database a=secret:{PLANT}\n\
         try config token=secret:{PLANT}\nremote pg database\nstatus\nrun look\n\
         expect-action completed\nlog\n"
    );
    let dir_text = dir.display().to_string();
    for format in ["table", "json"] {
        let mut args = FAST.to_vec();
        args.extend(["--dir", &dir_text, "--format", format]);
        let run = charm.run(&args, &script).exits(0);
        // Each was really there to be seen.
        let read = charm.note("read");
        for content in ["own ", "own2 ", "operator ", "op2", "remote ", "remote2"] {
            assert!(read.contains(&format!("{content}{PLANT}")), "no {content} in {read}");
        }
        fs::remove_file(charm.out().join("read")).unwrap();
        assert_eq!(charm.note("found"), "done\n");
        for printed in [&run.stdout, &run.stderr] {
            assert!(!printed.contains(PLANT), "{printed}");
        }
        if format == "json" {
            let status: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
            let secrets = status["secrets"].as_array().unwrap();
            let owners: Vec<&str> =
                secrets.iter().map(|secret| secret["owner"].as_str().unwrap()).collect();
            assert_eq!(secrets.len(), 3, "{secrets:?}");
            assert!(
                ["web", "model", "pg"].iter().all(|owner| owners.contains(owner)),
                "{owners:?}"
            );
            assert!(secrets.iter().all(|secret| secret["revision"].as_u64() >= Some(2)));
        }
    }
    let mut seen = 0;
    assert_nothing_planted(&dir, &mut seen);
    assert!(seen >= 1, "the log is there");
}

/// Checks every file below `folder`, and counts them.
fn assert_nothing_planted(folder: &Path, seen: &mut usize) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()) {
        let path = entry.path();
        if path.is_dir() {
            assert_nothing_planted(&path, seen);
            continue;
        }
        *seen += 1;
        let content = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
        assert!(!content.contains(PLANT), "{}: {content}", path.display());
    }
}
