//! Resources: the files that the operator gives, what Juju refuses of them, and a new one while the
//! charm runs.

use std::fs;

use crate::containers::{args, charm as charm_with_pebble};
use crate::support::Charm;

const RESOURCES: &str = "resources:\n\
    \x20 plugin: {type: file, filename: plugin.txt}\n\
    \x20 image: {type: oci-image}\n";

/// Prints the resource in each hook that may have another one.
const DISPATCH: &str = "echo $JUJU_HOOK_NAME >>$OUT/hooks\n\
    case $JUJU_HOOK_NAME in install|upgrade-charm)\n\
    resource-get plugin >$OUT/path 2>$OUT/error && cat $(cat $OUT/path) >>$OUT/plugins\n\
    image=$(resource-get image 2>>$OUT/error) && cat $image >$OUT/image ;;\n\
    esac\nstatus-set active $(tail -n 1 $OUT/plugins)";

fn charm() -> Charm {
    let charm = Charm::with_dispatch(DISPATCH);
    charm.write("metadata.yaml", &format!("name: web\nsummary: s\ndescription: d\n{RESOURCES}"));
    charm
}

fn given(charm: &Charm, name: &str, content: &str) -> String {
    let path = charm.out().join(name);
    fs::write(&path, content).unwrap();
    path.display().to_string()
}

#[test]
fn a_resource_is_a_copy_until_it_is_attached_again() {
    for juju in ["3.6.28", "4.0.15"] {
        let charm = charm();
        let file = given(&charm, "one.txt", "one\n");
        let next = given(&charm, "two.txt", "two\n");
        charm
            .run(
                &[
                    "--juju",
                    juju,
                    "--resource",
                    &format!("plugin={file}"),
                    "--resource",
                    "image=ghcr.io/x/y:1",
                ],
                &format!(
                    "expect active one\nattach-resource plugin={file}\nwait-for idle\n\
                     attach-resource plugin={next}\nexpect active two\nstatus\n\
                     try attach-resource plugin={next}.gone\nexpect active two\n"
                ),
            )
            .exits(0)
            .says(&format!("plugin={file}"))
            .says("plugin has these bytes already, so that Juju does nothing")
            .says("plugin has a new file: /")
            .says("Resource  Kind       File\n")
            .says("two.txt.gone for the resource plugin: No such file")
            .says("/resources/image/content.yaml");
        assert_eq!(charm.note("plugins"), "one\ntwo\n");
        assert!(charm.note("path").ends_with("/resources/plugin/plugin.txt"));
        let image = charm.note("image");
        let is_json = juju.starts_with('4');
        let begin = if is_json { "{\"ImageName\":\"ghcr" } else { "registrypath: ghcr" };
        assert!(image.starts_with(begin), "{image}");
        let hooks = charm.note("hooks");
        let wanted = "install\nleader-elected\nconfig-changed\nstart\n\
            upgrade-charm\nconfig-changed\nstop\nremove\n";
        assert_eq!(hooks, wanted);
    }
}

#[test]
fn on_kubernetes_a_new_file_is_a_new_pod() {
    let test = "on_kubernetes_a_new_file_is_a_new_pod";
    let dispatch = "case $JUJU_HOOK_NAME in\n\
        *-pebble-ready) cat $(resource-get plugin) >>$OUT/plugins\n\
        status-set active $(tail -n 1 $OUT/plugins) ;;\nesac";
    let Some((charm, mut options)) = charm_with_pebble(test, dispatch) else { return };
    charm.write(
        "metadata.yaml",
        &format!("name: web\nsummary: s\ndescription: d\ncontainers: {{web: {{}}}}\n{RESOURCES}"),
    );
    let file = given(&charm, "one.txt", "one\n");
    let next = given(&charm, "two.txt", "two\n");
    options.extend(["--resource".to_owned(), format!("plugin={file}")]);
    let script = format!("expect active one\nattach-resource plugin={next}\nexpect active two\n");
    charm.run(&args(&options), &script).exits(0);
    let hooks = charm.note("hooks");
    let pod = ["stop", "upgrade-charm", "config-changed", "start", "web-pebble-ready"];
    let after = hooks.lines().filter(|hook| *hook != "update-status");
    let after: Vec<&str> = after.skip_while(|hook| *hook != "stop").collect();
    assert_eq!(after, [&pod[..], &["stop", "remove"]].concat(), "{hooks:?}");
}

#[test]
fn a_resource_without_a_file_is_told_and_fails_in_the_charm() {
    let charm = charm();
    charm
        .run(&[], "wait-for active\n")
        .exits(0)
        .says("plugin (no file: --resource plugin=FILE gives it one)");
    let errors = charm.note("error");
    assert_eq!(errors.matches("could not download resource").count(), 2, "{errors}");
}

#[test]
fn a_wrong_resource_is_refused_before_anything_runs() {
    let charm = charm();
    let text = given(&charm, "good.txt", "x");
    let image = given(&charm, "image.yaml", "password: SECRET\n");
    let folder = charm.out().display().to_string();
    for (value, why) in [
        ("plugin".to_owned(), "it has no `=`; it goes: --resource NAME=FILE"),
        ("=x".to_owned(), "it lacks the name or the file"),
        ("plugin=".to_owned(), "it lacks the name or the file"),
        (format!("plugn={text}"), "cannot find the resource \"plugn\"; did you mean `plugin`?"),
        (format!("zzz={text}"), "the charm declares image, plugin"),
        (format!("plugin={text}.no"), "No such file"),
        (format!("plugin={folder}"), "it is a folder"),
        ("plugin=/dev/null".to_owned(), "it is no regular file"),
        (format!("plugin={image}"), "Juju wants the extension .txt"),
        ("plugin=ubuntu:24.04".to_owned(), "a resource of type oci-image takes a reference"),
        (format!("image={text}"), "it describes no image"),
        (format!("image={image}"), "its YAML has no registrypath"),
        ("image=./gone.yaml".to_owned(), "no such file, and it is no reference of an image"),
    ] {
        let run = charm.run(&["--resource", &value], "").exits(1).says(why);
        assert!(!run.stdout.contains("SECRET") && !run.stderr.contains("SECRET"), "{value}");
    }
    let pair = format!("plugin={text}");
    charm
        .run(&["--resource", &pair, "--resource", &pair], "")
        .exits(1)
        .says("the resource is given twice");
    assert_eq!(charm.note("hooks"), "");
    for (line, why) in [
        ("attach-resource plugin", "attach-resource NAME=FILE"),
        ("attach-resource plugin=", "attach-resource NAME=FILE"),
        ("attach-resource plugin=/no/such.txt", "No such file"),
        ("attach-resource nope=/x", "cannot find the resource \"nope\""),
        (&format!("attach-resource plugin={image}"), "Juju wants the extension .txt"),
    ] {
        charm.run(&[], &format!("wait-for active\n{line}\n")).exits(1).says(why);
    }
}
