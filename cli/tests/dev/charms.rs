//! The forms of a charm: a folder with its declarations in one file or several, a packed file, a
//! Cargo project. And the copy that is run.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Command;

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::support::{CHARMWRIGHT, Charm, Run};

const FAST: &[&str] = &["--speed", "100"];

/// A program that notes the files in the charm's folder and the config.
const TELLS: &str = "#!/bin/sh\n[ $JUJU_HOOK_NAME = start ] || exit 0\nls -A >$OUT/files; \
                     config-get >$OUT/config; status-set active\n";

#[test]
fn a_charmcraft_yaml_is_enough() {
    let charm = Charm::new(&[
        (
            "charmcraft.yaml",
            "type: charm\nname: web\nsummary: s\ndescription: d\nparts: {web: {plugin: nil}}\n\
             config: {options: {port: {type: int, default: 80}}}\nactions: {backup: {}}\n",
        ),
        ("dispatch", TELLS),
    ]);
    fs::remove_file(charm.dir().join("metadata.yaml")).unwrap();
    charm
        .run(FAST, "wait-for active\nrun backup\nwait-for active\n")
        .exits(0)
        .says("action 1: completed");
    assert_eq!(charm.note("config"), "port: 80\n");
    let files = charm.note("files");
    for name in ["metadata.yaml", "config.yaml", "actions.yaml"] {
        assert!(files.contains(name), "charmcraft writes {name}: {files}");
    }
}

#[test]
fn what_charmcraft_yaml_adds_to_the_other_files_is_not_lost() {
    let charm = Charm::new(&[
        ("charmcraft.yaml", "type: charm\nconfig: {options: {port: {type: int, default: 81}}}\n"),
        ("dispatch", TELLS),
    ]);
    charm.run(FAST, "wait-for active\n").exits(0);
    assert_eq!(charm.note("config"), "port: 81\n");
    for (name, content, printed) in [
        ("config.yaml", "options: {}\n", "config.yaml is there too"),
        ("charmcraft.yaml", "name: web\n", "metadata.yaml has the same keys (name)"),
    ] {
        charm.write(name, content);
        charm.run(FAST, "").exits(1).says("cannot use charmcraft.yaml").says(printed);
        let _ = fs::remove_file(charm.dir().join("config.yaml"));
    }
}

#[test]
fn a_folder_with_nothing_to_run_is_told_so_before_any_hook() {
    for (file, advice) in
        [("src/charm.py", "`charmcraft pack`"), ("README.md", "write an executable `dispatch`")]
    {
        let charm = Charm::new(&[(file, "")]);
        let run = charm.run(&["--until-idle"], "").exits(2).says(advice);
        assert!(!run.stdout.contains("install"), "{}", run.stdout);
    }
}

#[test]
fn the_charm_runs_from_a_copy_and_nothing_of_a_unit_is_left_in_the_folder() {
    let dispatch = "#!/bin/sh\n[ -e .unit-state.db ] && echo found >>$OUT/found; [ -e .git ] && \
                    echo git >>$OUT/found\n\
                    touch .unit-state.db left; cat text >>$OUT/text; ./link >>$OUT/text; \
                    ../charm/dir/run >>$OUT/text; exit 0\n";
    let charm = Charm::new(&[
        ("dispatch", dispatch),
        ("text", "a\n"),
        (".unit-state.db", "of another unit"),
        (".git/HEAD", "x"),
        ("dir/run", "#!/bin/sh\necho run\n"),
    ]);
    std::os::unix::fs::symlink("dir/run", charm.dir().join("link")).unwrap();
    let mut before: Vec<_> =
        fs::read_dir(charm.dir()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    charm.run(FAST, "wait-for unknown\nquit\n").exits(0);
    let mut after: Vec<_> =
        fs::read_dir(charm.dir()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    before.sort();
    after.sort();
    assert_eq!(before, after);
    assert!(charm.note("text").starts_with("a\nrun\nrun\n"));
    // Of the six hooks all but the first find the files that the first has left.
    let found = charm.note("found");
    assert!(!found.contains("git") && found.lines().count() >= 3, "{found}");
    let hooks = charm.note("text").lines().filter(|line| *line == "a").count();
    assert_eq!(
        found.lines().count(),
        hooks - 1,
        "the first hook found a state that is not its own"
    );
}

#[test]
fn an_upgrade_takes_the_folder_anew_and_leaves_what_is_the_units() {
    let first = "#!/bin/sh\n[ $JUJU_HOOK_NAME != install ] || touch .unit-state.db mine \
                 old-dir/mine\nstatus-set active first\n";
    let charm = Charm::new(&[("dispatch", first), ("gone", "x"), ("old-dir/gone", "x")]);
    let next = charm.out().join("next");
    charm.write(
        "../out/next",
        "#!/bin/sh\n[ $JUJU_HOOK_NAME != upgrade-charm ] || find . -type f | sort \
         >$OUT/files\nstatus-set active second\n",
    );
    // The author's edit comes while the unit runs, so an action of the first charm makes it.
    charm.write("actions.yaml", "edit: {}\n");
    charm.write(
        "dispatch",
        &format!(
            "{first}[ $JUJU_DISPATCH_PATH != actions/edit ] || {{ cd {dir}; rm -r gone old-dir; \
             cp {next} new; mv new dispatch; }}\n",
            dir = charm.dir().display(),
            next = next.display()
        ),
    );
    charm
        .run(
            FAST,
            "expect active first\nrun edit\nwait-for idle\nupgrade\nwait-for idle\nexpect active \
             second\n",
        )
        .exits(0);
    assert_eq!(
        charm.note("files"),
        "./.unit-state.db\n./actions.yaml\n./dispatch\n./metadata.yaml\n./mine\n./old-dir/mine\n"
    );
    // A charm that is refused leaves the unit as it was.
    charm.write("actions.yaml", "edit: {\n");
    charm.write("dispatch", "#!/bin/sh\n");
    fs::write(charm.dir().join("actions.yaml"), "spoil: {}\n").unwrap();
    charm.write(
        "dispatch",
        &format!(
            "#!/bin/sh\n[ $JUJU_DISPATCH_PATH != actions/spoil ] || echo 'spoil: [' \
             >{}/actions.yaml\nstatus-set active first\n",
            charm.dir().display()
        ),
    );
    charm
        .run(FAST, "wait-for active\nrun spoil\nwait-for idle\nupgrade\nwait-for idle\n")
        .exits(1)
        .says("actions.yaml");
}

/// Packs a charm from names, modes and contents.
fn pack(archive: &Path, entries: &[(&str, u32, &str)]) {
    let mut zip = ZipWriter::new(File::create(archive).unwrap());
    for (name, mode, content) in entries {
        let options = SimpleFileOptions::default().unix_permissions(*mode);
        zip.start_file(*name, options).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.finish().unwrap();
}

#[test]
fn a_packed_charm_is_unpacked_and_run() {
    let charm = Charm::new(&[]);
    let tells = TELLS.replace("$OUT", &charm.out().display().to_string());
    let archive = charm.out().join("web_ubuntu-24.04-amd64.charm");
    let run = |entries: &[(&str, u32, &str)]| {
        pack(&archive, entries);
        let mut child = Command::new(CHARMWRIGHT)
            .arg("dev")
            .arg(&archive)
            .args(["--speed", "100"])
            .env("TMPDIR", charm.out().parent().unwrap().join("tmp"))
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let _ =
            child.stdin.take().unwrap().write_all(b"wait-for active\nupgrade\nwait-for active\n");
        let run = Run::from(child.wait_with_output().unwrap());
        charm.assert_nothing_left();
        run
    };
    let metadata = ("metadata.yaml", 0o644, "name: web\nsummary: s\ndescription: d\n");
    // The file that charmcraft read is packed too, but has no meaning any more.
    let charmcraft = ("charmcraft.yaml", 0o644, "name: other\nsummary: s\ndescription: d\n");
    let config = ("config.yaml", 0o644, "options: {port: {type: int, default: 82}}\n");
    run(&[metadata, charmcraft, config, ("dispatch", 0o755, &tells)])
        .exits(0)
        .says("web/0")
        .says("upgrade-charm");
    assert_eq!(charm.note("config"), "port: 82\n");
    // Known hooks are made executable, `dispatch` is not.
    run(&[metadata, ("hooks/start", 0o644, &tells)]).exits(0);
    run(&[metadata, ("../up", 0o644, "x")]).exits(1).says("does not stay within the charm");
    assert!(!charm.out().join("up").exists());
    run(&[("dispatch", 0o755, &tells)]).exits(1).says("metadata.yaml");
    run(&[metadata, ("README.md", 0o644, "x")]).exits(2).says("neither a `dispatch` nor `hooks/`");
    fs::write(&archive, "no zip").unwrap();
    let ran = Command::new(CHARMWRIGHT).arg("dev").arg(&archive).output().unwrap();
    Run::from(ran).exits(1).says("cannot unpack");
}

#[test]
fn a_cargo_project_is_built_and_run() {
    let program = "fn main() { std::process::Command::new(\"status-set\").args([\"active\", \
                   NAME]).status().unwrap(); }\n";
    let manifest =
        "[package]\nname = \"my-charm\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n";
    let charm = Charm::new(&[
        ("Cargo.toml", manifest),
        ("src/main.rs", &format!("const NAME: &str = \"only\";\n{program}")),
    ]);
    let run_in = |folder: &str, script: &str| {
        let mut command = charm.command(FAST);
        if !folder.is_empty() {
            command = Command::new(CHARMWRIGHT);
            command.arg("dev").arg(charm.dir().join(folder)).args(FAST);
            command.env("TMPDIR", charm.out().join("../tmp"));
        }
        let mut child = command
            .env_remove("CARGO_TARGET_DIR")
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let _ = child.stdin.take().unwrap().write_all(script.as_bytes());
        Run::from(child.wait_with_output().unwrap())
    };
    let run = |script: &str| run_in("", script);
    run("expect active only\n").exits(0).says("building the charm in ");
    // Of several programs the one runs that charmcraft.yaml makes the dispatch.
    charm.write("src/bin/other.rs", &format!("const NAME: &str = \"other\";\n{program}"));
    run("").exits(1).says("my-charm, other");
    charm.write(
        "charmcraft.yaml",
        "type: charm\nparts: {web: {plugin: rust, source: ., organize: {bin/other: dispatch}}}\n",
    );
    run("expect active other\n").exits(0);
    // An example of the project may be a charm, with its declarations beside its source.
    charm.write("examples/shown/main.rs", &format!("const NAME: &str = \"shown\";\n{program}"));
    charm.write(
        "examples/shown/charmcraft.yaml",
        "name: shown\ntype: charm\nsummary: s\ndescription: d\n",
    );
    run_in("examples/shown", "expect active shown\n").exits(0).says("shown/0*");
    charm.assert_nothing_left();
}
