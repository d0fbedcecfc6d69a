//! Tests of storage: the hooks and their order, the tools, and the commands of the operator.

mod hooks;
mod operator;
mod random;
mod tools;

use std::time::Instant;

use super::super::{
    CharmMeta, Deployment, HookExit, Model, ModelSettings, Next, StorageId, Substrate, ToolAnswer,
    ToolRequest, ToolStep, UnitName,
};

/// A charm with two singular storages, one with a range and an optional one.
const METADATA: &str = "name: web\nsummary: s\ndescription: d\nstorage:\n\
    \x20 blk: {type: block}\n  data: {type: filesystem, location: /srv/data}\n\
    \x20 logs: {type: filesystem, multiple: {range: 0-3}}\n\
    \x20 many: {type: filesystem, location: /srv/many, multiple: {range: 2-}}\n\
    peers: {ring: {interface: ring}}\nrequires: {db: {interface: sql}}\n";

fn charm() -> CharmMeta {
    CharmMeta::parse(METADATA, None, None).unwrap()
}

/// A charm with one storage that a unit need not have.
fn optional() -> CharmMeta {
    let metadata = "name: opt\nsummary: s\ndescription: d\nstorage:\n\
        \x20 logs: {type: filesystem, multiple: {range: 0-3}}\n";
    CharmMeta::parse(metadata, None, None).unwrap()
}

fn settings(substrate: Substrate) -> ModelSettings {
    ModelSettings::new().substrate(substrate)
}

fn model_on(substrate: Substrate, meta: CharmMeta) -> Model {
    let mut model = Model::new(settings(substrate));
    let name = meta.name().to_owned();
    model.deploy(&name, Deployment::charm(meta)).unwrap();
    model
}

fn unit(name: &str) -> UnitName {
    name.parse().unwrap()
}

fn id(text: &str) -> StorageId {
    text.parse().unwrap()
}

fn begin(model: &mut Model, name: &str) -> String {
    match model.next(&unit(name), Instant::now()).unwrap() {
        Next::Run(run) => shown(&run),
        other => panic!("nothing to run on {name}: {other:?}"),
    }
}

/// Returns the name of a hook, with the id of its storage.
fn shown(run: &super::super::HookRun) -> String {
    match run.kind().storage() {
        Some(storage) => format!("{} {}", run.name(), storage.id()),
        None => run.name(),
    }
}

fn finish(model: &mut Model, name: &str, code: i32) {
    let exit = HookExit::Code(code);
    model.finish(&unit(name), &exit, Instant::now(), b"", b"").unwrap();
}

fn succeed(model: &mut Model, name: &str) -> String {
    let hook = begin(model, name);
    finish(model, name, 0);
    hook
}

/// Runs every hook of a unit that is due, and returns the names.
fn run_all(model: &mut Model, name: &str) -> Vec<String> {
    let mut hooks = Vec::new();
    while let Ok(Next::Run(run)) = model.next(&unit(name), Instant::now()) {
        hooks.push(shown(&run));
        finish(model, name, 0);
        assert!(hooks.len() < 50, "no end: {hooks:?}");
    }
    hooks
}

fn tool(model: &mut Model, name: &str, line: &[&str]) -> ToolAnswer {
    let running = model.record(&unit(name)).unwrap().running.as_ref().expect("a hook runs");
    let (tool, args) = line.split_first().unwrap();
    let request = ToolRequest {
        context_id: running.run.id().to_owned(),
        dir: "/cwd".into(),
        name: (*tool).to_owned(),
        args: args.iter().map(|arg| (*arg).to_owned()).collect(),
        ..ToolRequest::default()
    };
    match model.tool(&unit(name), &request) {
        ToolStep::Done(answer) => answer,
        other => panic!("{line:?}: {other:?}"),
    }
}

/// Returns the standard output of a tool, which must succeed.
fn stdout(model: &mut Model, name: &str, line: &[&str]) -> String {
    let answer = tool(model, name, line);
    assert_eq!((answer.code, super::text(&answer.stderr)), (0, String::new()), "{line:?}");
    super::text(&answer.stdout)
}

/// Returns the exit code and the text of a tool, which must fail.
fn failure(model: &mut Model, name: &str, line: &[&str]) -> (u8, String) {
    let answer = tool(model, name, line);
    let text = super::text(&answer.stderr);
    let text = text.strip_prefix("ERROR ").and_then(|text| text.strip_suffix('\n'));
    (answer.code, text.unwrap_or_else(|| panic!("{line:?} gave {answer:?}")).to_owned())
}

/// Returns every instance of the model with its unit and its state.
fn instances(model: &Model) -> Vec<String> {
    let shown = |instance: &super::super::StorageInstance| {
        let owner = instance.unit().map_or("-".to_owned(), ToString::to_string);
        format!("{} {owner} {}", instance.id(), instance.state().as_str())
    };
    model.storages().map(shown).collect()
}
