//! Tests of resources: their paths, and what a new file does.

use std::time::Instant;

use super::super::{CharmMeta, Deployment, ErrorKind, Model, ModelSettings, Next, Substrate};
use super::Fixture;
use super::applications::{name, run_all};

fn model_on(substrate: Substrate) -> Model {
    let metadata = "name: web\nsummary: s\ndescription: d\nresources:\n\
        \x20 conf: {type: file, filename: conf.txt}\n  image: {type: oci-image}\n";
    let meta = CharmMeta::parse(metadata, None, None).unwrap();
    let mut model = Model::new(ModelSettings::new().substrate(substrate));
    model.deploy("web", Deployment::charm(meta).units(2).resource("conf", "/r/conf.txt")).unwrap();
    model
}

#[test]
fn a_resource_is_printed_as_a_path_without_a_newline() {
    let mut fixture =
        Fixture::with_deployment(|deployment| deployment.resource("cfg", "/r/cfg.txt"));
    fixture.begin();
    assert_eq!(fixture.tool_stdout(&["resource-get", "cfg"]), "/r/cfg.txt");
    for (line, code, error) in [
        (&["resource-get"][..], 2, "missing required resource name"),
        (&["resource-get", "cfg", "x"], 2, "unrecognized args: [\"x\"]"),
        (&["resource-get", "nope"], 1, "could not download resource: resource \"nope\" not found"),
        (
            &["resource-get", "image"],
            1,
            "could not download resource: resource \"image\" has no file",
        ),
        (&["resource-get", "cfg", "-o", "x"], 2, "option provided but not defined: -o"),
    ] {
        assert_eq!(fixture.tool_error(line), (code, error.to_owned()), "{line:?}");
    }
}

#[test]
fn a_new_file_of_a_resource_is_an_upgrade_of_every_unit() {
    for substrate in [Substrate::Machine, Substrate::Kubernetes] {
        let mut model = model_on(substrate);
        for unit in ["web/0", "web/1"] {
            run_all(&mut model, unit);
        }
        model.attach_resource("web", "conf", "/r/2/conf.txt").unwrap();
        let report = model.report(&name("web/0")).unwrap();
        let resources = report.resources.iter().map(|it| (it.name.as_str(), it.path.as_str()));
        assert_eq!(resources.collect::<Vec<_>>(), [("conf", "/r/2/conf.txt"), ("image", "")]);
        for unit in ["web/0", "web/1"] {
            let hooks = run_all(&mut model, unit);
            if substrate == Substrate::Machine {
                assert_eq!(hooks, ["upgrade-charm", "config-changed"], "{unit}");
                continue;
            }
            assert_eq!(hooks, ["stop"], "{unit}");
            assert!(matches!(model.next(&name(unit), Instant::now()), Ok(Next::PodEnded)));
            model.pod_started(&name(unit)).unwrap();
            let hooks = run_all(&mut model, unit);
            // Until Juju 3.6 a unit that does not lead hears of the leader's settings after that.
            assert_eq!(hooks[..3], ["upgrade-charm", "config-changed", "start"], "{unit}");
        }
    }
}

#[test]
fn a_resource_that_the_charm_lacks_is_refused() {
    let mut model = model_on(Substrate::Machine);
    let refused = model.attach_resource("web", "nope", "/x").unwrap_err();
    assert_eq!(
        (refused.kind(), refused.to_string().as_str()),
        (
            ErrorKind::Resource,
            "cannot attach resource \"nope\" to web: unrecognized resource \"nope\""
        )
    );
    let meta = model.application("web").unwrap().meta().clone();
    let refused = model.deploy("two", Deployment::charm(meta).resource("nope", "/x")).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "cannot add application \"two\": unrecognized resource \"nope\""
    );
    assert!(model.application("two").is_err());
    assert_eq!(
        model.attach_resource("none", "conf", "/x").unwrap_err().kind(),
        ErrorKind::NotFound
    );
}
