//! Tests of each rule by which Juju refuses a charm's files, and of files that it accepts.

mod charmcraft;

use crate::CharmMeta;

pub(super) const HEAD: &str = "name: web\nsummary: s\ndescription: d\n";

fn error_text(metadata: &str, config: Option<&str>, actions: Option<&str>) -> String {
    match CharmMeta::parse(metadata, config, actions) {
        Ok(_) => "taken".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[track_caller]
pub(super) fn assert_error(error_text: &str, part: &str, of: &str) {
    assert!(
        error_text == part || (error_text.starts_with("cannot ") && error_text.contains(part)),
        "{of:?}: {error_text:?} has no {part:?}"
    );
}

#[test]
fn metadata_is_checked_as_juju_checks_it() {
    for (text, part) in [
        ("", "cannot use metadata.yaml: it is empty"),
        ("- a", "cannot use metadata.yaml: expected a map at the top"),
        ("name: web\n- a", "cannot read metadata.yaml as YAML: line 2: "),
        ("summary: x", "metadata.yaml: name: missing"),
        (
            "name: Web\nsummary: s\ndescription: d",
            "metadata.yaml: name: \"Web\" is not a charm name",
        ),
        ("name: app-1\nsummary: s\ndescription: d", "name: \"app-1\" is not a charm name"),
        ("name: 5\nsummary: s\ndescription: d", "name: expected a string, found a number"),
        ("name: web\ndescription: d", "metadata.yaml: summary: missing"),
        ("name: web\nsummary: s", "metadata.yaml: description: missing"),
        ("name: web\nsummary:\ndescription: d", "summary: expected a string, found nothing"),
        ("name: web\nsummary: [a]\ndescription: d", "summary: expected a string, found a list"),
    ] {
        assert_error(&error_text(text, None, None), part, text);
    }
    for (rest, part) in [
        ("", "taken"),
        ("unheard-of: [1]", "taken"),
        ("tags: [a]\ncategories: [b]\nrevision: 1\nformat: 2", "taken"),
        ("tags: a", "tags: expected a list"),
        ("tags: [1]", "tags[0]: expected a string"),
        ("revision: x", "revision: expected a whole number"),
        // Subordinates.
        ("subordinate: false", "taken"),
        ("subordinate: \"false\"", "taken"),
        ("subordinate: 1", "subordinate: expected a boolean, found a number"),
        ("subordinate: maybe", "subordinate: expected a boolean"),
        ("subordinate:", "subordinate: expected a boolean, found nothing"),
        ("subordinate: true", "at least one endpoint with `scope: container`"),
        ("subordinate: true\nrequires: {a: {interface: b}}", "scope: container"),
        ("subordinate: true\nprovides: {a: {interface: b, scope: container}}", "scope: container"),
        ("subordinate: true\nrequires: {a: {interface: b, scope: container}}", "taken"),
        (
            "subordinate: true\nrequires: {juju-info: {interface: juju-info, scope: container}}",
            "taken",
        ),
        // Endpoints.
        (
            "requires: {db: pgsql, a_b-c2: {interface: x, limit: 1, optional: true, scope: \
             global}}",
            "taken",
        ),
        ("peers: {a: {interface: r, limit: }}", "taken"),
        ("requires:", "requires: expected a map, found nothing"),
        ("requires: [a]", "requires: expected a map, found a list"),
        ("requires: {a: {}}", "requires.a.interface: missing"),
        ("requires: {a: }", "requires.a: expected a map, found nothing"),
        ("requires: {a: {interface: 1}}", "requires.a.interface: expected a string"),
        ("requires: {a: {interface: b, limit: x}}", "requires.a.limit: expected a whole number"),
        ("requires: {a: {interface: b, optional: 1}}", "requires.a.optional: expected a boolean"),
        (
            "requires: {a: {interface: b, scope: unit}}",
            "requires.a.scope: expected global or container",
        ),
        ("requires: {A: b}", "requires.A: an endpoint's name"),
        ("requires: {a--b: b}", "requires.a--b: an endpoint's name"),
        ("requires: {a: b}\npeers: {a: b}", "peers.a: this endpoint's name is used twice"),
        (
            "requires: {juju-db: b}",
            "requires.juju-db: cannot use this as an endpoint's name: the \"juju-\" prefix",
        ),
        (
            "requires: {juju-info: {interface: juju-info, scope: container}}",
            "the \"juju-\" prefix is reserved",
        ),
        ("peers: {juju: b}", "peers.juju: cannot use this as an endpoint's name: \"juju\" is"),
        ("provides: {a: juju-x}", "provides.a: cannot use the interface \"juju-x\""),
        ("peers: {a: {interface: juju}}", "peers.a: cannot use the interface \"juju\""),
        ("requires: {a: juju-info, jujuish: c}", "taken"),
        ("extra-bindings: {a: , b: }", "taken"),
        ("extra-bindings: {}", "extra-bindings: it is empty"),
        ("extra-bindings:", "extra-bindings: expected a map"),
        ("extra-bindings: {a: 1}", "extra-bindings.a: expected nothing"),
        ("requires: {a: b}\nextra-bindings: {a: }", "extra-bindings.a: an endpoint has this name"),
        // Storages and devices.
        (
            "storage: {data: {type: filesystem, location: /srv, multiple: {range: 0-2}, \
             minimum-size: 1.5GiB, properties: [transient]}}",
            "taken",
        ),
        (
            "storage: {data: {type: block, shared: true, read-only: \"true\", multiple: {range: \
             2}, minimum-size: 10M}}",
            "taken",
        ),
        ("storage: {data: {type: block, multiple: {range: 2+}}}", "taken"),
        ("storage: {data: {type: block, multiple: {range: 2-}}}", "taken"),
        ("storage: {data: {type: block, multiple: {range: \"2\"}}}", "taken"),
        ("storage: {Data: {type: block}}", "storage.Data: a storage's name"),
        ("storage: {data: }", "storage.data: expected a map, found nothing"),
        ("storage: {data: {}}", "storage.data.type: missing"),
        ("storage: {data: {type: tape}}", "storage.data.type: expected filesystem or block"),
        (
            "storage: {data: {type: block, location: /srv}}",
            "storage.data.location: only a storage of type filesystem",
        ),
        ("storage: {data: {type: block, shared: 1}}", "storage.data.shared: expected a boolean"),
        ("storage: {data: {type: block, multiple: {}}}", "storage.data.multiple.range: missing"),
        ("storage: {data: {type: block, multiple: 2}}", "storage.data.multiple: expected a map"),
        ("storage: {data: {type: block, multiple: {range: 0}}}", "range: the count is not above 0"),
        (
            "storage: {data: {type: block, multiple: {range: -1}}}",
            "range: the count is not above 0",
        ),
        ("storage: {data: {type: block, multiple: {range: 0-0}}}", "range: the largest count is 0"),
        ("storage: {data: {type: block, multiple: {range: 1+2}}}", "range: expected a count"),
        ("storage: {data: {type: block, multiple: {range: many}}}", "range: expected a count"),
        ("storage: {data: {type: block, multiple: {range: [1]}}}", "range: expected a count"),
        (
            "storage: {data: {type: block, minimum-size: 10}}",
            "minimum-size: expected a string, found a number",
        ),
        (
            "storage: {data: {type: block, minimum-size: 10K}}",
            "minimum-size: expected one of the units",
        ),
        ("storage: {data: {type: block, minimum-size: -1G}}", "minimum-size: expected a number"),
        ("storage: {data: {type: block, minimum-size: G}}", "minimum-size: expected"),
        (
            "storage: {data: {type: block, properties: [fast]}}",
            "properties[0]: the only property is transient",
        ),
        ("devices: {gpu: {type: gpu, countmin: 1, countmax: 2}}", "taken"),
        ("devices: {gpu: {countmin: 1}}", "devices.gpu.type: missing"),
        (
            "devices: {gpu: {type: gpu, countmin: 3}}",
            "devices.gpu: countmin is larger than countmax",
        ),
        (
            "devices: {gpu: {type: gpu, countmin: -1}}",
            "devices.gpu.countmin: a count is not negative",
        ),
        // Resources and payloads.
        (
            "resources: {f: {filename: a.txt}, i: {type: oci-image}, j: {type: oci-image, \
             filename: a/b}}",
            "taken",
        ),
        ("resources: {f: {}}", "resources.f: a resource of type file has a filename"),
        (
            "resources: {f: {type: file, filename: a/b}}",
            "resources.f.filename: a filename has no slash",
        ),
        ("resources: {f: {type: image}}", "resources.f.type: expected file or oci-image"),
        ("resources: {f: }", "resources.f: expected a map"),
        (
            "resources: {i: {type: oci-image, description: [a]}}",
            "resources.i.description: expected a string",
        ),
        ("payloads: {p: {type: docker}}", "taken"),
        ("payloads: {p: {}}", "payloads.p.type: missing"),
        ("payloads: {P: {type: docker}}", "payloads.P: a payload's name"),
        // Containers.
        ("containers: {web: {}}", "taken"),
        ("containers:", "containers: expected a map, found nothing"),
        ("containers: [web]", "containers: expected a map, found a list"),
        ("containers: {web: }", "containers.web: expected a map, found nothing"),
        ("containers: {web: [a]}", "containers.web: expected a map, found a list"),
        ("containers: {Web: {}}", "containers.Web: a container's name"),
        (
            "containers: {web: {resource: image}}",
            "containers.web.resource: the charm declares no resource \"image\"",
        ),
        (
            "resources: {f: {filename: f}}\ncontainers: {web: {resource: f}}",
            "the resource \"f\" is not an oci-image",
        ),
        ("resources: {i: {type: oci-image}}\ncontainers: {web: {resource: i}}", "taken"),
        ("containers: {web: {resource: }}", "containers.web.resource: expected a string"),
        (
            "containers: {web: {mounts: [{storage: data, location: /srv}]}}",
            "containers.web.mounts[0].storage: the charm declares no storage \"data\"",
        ),
        (
            "storage: {data: {type: filesystem}}\ncontainers: {web: {mounts: [{storage: data, \
             location: /srv}]}}",
            "taken",
        ),
        (
            "storage: {data: {type: filesystem}}\ncontainers: {web: {mounts: [{storage: data}]}}",
            "mounts[0].location: missing",
        ),
        ("containers: {web: {mounts: [{location: /srv}]}}", "mounts[0].storage: missing"),
        ("containers: {web: {mounts: {storage: data}}}", "containers.web.mounts: expected a list"),
        ("containers: {web: {uid: 999, gid: 10000}}", "taken"),
        ("containers: {web: {uid: 1000}}", "containers.web.uid: Juju keeps 1000 to 9999"),
        ("containers: {web: {gid: 9999}}", "containers.web.gid: Juju keeps 1000 to 9999"),
        ("containers: {web: {uid: root}}", "containers.web.uid: expected a whole number"),
        ("containers: {web: {uid: 1.5}}", "containers.web.uid: expected a whole number"),
        // The rest.
        (
            "assumes: [k8s-api, juju >= 3.6, {any-of: [juju < 4, {all-of: [juju>=4.0-beta1]}]}]",
            "taken",
        ),
        ("assumes: k8s-api", "assumes: expected a list"),
        ("assumes: [K8s]", "assumes[0]: expected a feature"),
        ("assumes: [juju > 3]", "assumes[0]: expected a feature"),
        ("assumes: [juju >= x]", "assumes[0]: expected a feature"),
        ("assumes: [juju >= 3 4]", "assumes[0]: expected a feature"),
        ("assumes: [3]", "assumes[0]: expected a feature, or any-of"),
        ("assumes: [{none-of: [juju >= 3]}]", "assumes[0]: expected one key"),
        ("assumes: [{any-of: juju}]", "assumes[0]: expected one key"),
        ("assumes: [{any-of: [1]}]", "assumes[0].any-of[0]: expected a feature"),
        ("assumes: []\nseries: [jammy]", "ambiguous metadata: series cannot be used with assumes"),
        (
            "containers: {web: {}}\nmin-juju-version: 3.0.0",
            "min-juju-version cannot be used with containers",
        ),
        ("charm-user: non-root", "taken"),
        ("charm-user: nobody", "charm-user: expected root, sudoer or non-root"),
        ("series: [jammy, focal, centos7]", "taken"),
        ("series: [Jammy]", "series[0]: a series is"),
        (
            "series: [jammy]\ndeployment: {type: stateful}",
            "deployment: only a charm whose first series is kubernetes",
        ),
        ("series: [kubernetes]\ndeployment: {type: stateful}", "taken"),
        ("min-juju-version: 2.9.0", "taken"),
        ("min-juju-version: 3.0-beta1", "taken"),
        ("min-juju-version: 2.9", "min-juju-version: expected a string, found a number"),
        ("min-juju-version: \"2.9\"", "min-juju-version: expected a whole version"),
        ("terms: [a1, owner/name, name/3, cs:owner/name/27]", "taken"),
        ("terms: [A]", "terms[0]: expected NAME"),
        ("terms: [a/b/c]", "terms[0]: expected NAME"),
        ("terms: [name/-1]", "terms[0]: expected NAME"),
        ("terms: [a/b/1/2]", "terms[0]: expected NAME"),
    ] {
        assert_error(&error_text(&format!("{HEAD}{rest}"), None, None), part, rest);
    }
    // A charm whose name begins with `juju-` may use the reserved names.
    let own = "name: juju-dash\nsummary: s\ndescription: d\nprovides: {juju-a: juju-b}";
    assert_error(&error_text(own, None, Some("juju-x: {}")), "taken", own);
}

#[test]
fn config_is_checked_as_juju_checks_it() {
    for (text, part) in [
        ("", "config.yaml: it is empty"),
        ("# nothing\n", "config.yaml: it is empty"),
        ("{}", "config.yaml: it is empty"),
        ("settings: {}", "config.yaml: it is empty"),
        ("[a]", "config.yaml: expected a map"),
        ("options:", "taken"),
        ("options: {}", "taken"),
        ("options: {}\nother: 1", "taken"),
        ("options: [a]", "options: expected a map"),
        ("options: {a: 1}", "options.a: expected a map"),
        ("options: {a: }", "taken"),
        ("options: {a: {}}", "taken"),
        ("options: {a: {default: x}}", "taken"),
        ("options: {a: {type: number}}", "options.a.type: \"number\" is not a type"),
        ("options: {a: {type: [int]}}", "options.a.type: expected a string"),
        ("options: {a: {description: [x]}}", "options.a.description: expected a string"),
        ("options: {a: {type: int, default: 80}}", "taken"),
        ("options: {a: {type: int, default: \"0x10\"}}", "taken"),
        ("options: {a: {type: int, default: }}", "taken"),
        (
            "options: {a: {type: int, default: 1.0}}",
            "options.a.default: it does not fit the option's type, int",
        ),
        ("options: {a: {type: int, default: hunter2}}", "options.a.default: it does not fit"),
        ("options: {a: {type: int, default: \"\"}}", "options.a.default: it does not fit"),
        ("options: {a: {type: float, default: 1}}", "taken"),
        (
            "options: {a: {type: float, default: \"1\"}}",
            "options.a.default: it does not fit the option's type, float",
        ),
        ("options: {a: {type: boolean, default: \"true\"}}", "taken"),
        (
            "options: {a: {type: boolean, default: 1}}",
            "options.a.default: it does not fit the option's type, boolean",
        ),
        (
            "options: {a: {type: string, default: 5}}",
            "options.a.default: it does not fit the option's type, string",
        ),
        ("options: {a: {type: secret, default: \"\"}}", "taken"),
        (
            "options: {a: {type: secret, default: hunter2}}",
            "options.a.default: it does not fit the option's type, secret",
        ),
    ] {
        let error_text = error_text(HEAD, Some(text), None);
        assert_error(&error_text, part, text);
        assert!(!error_text.contains("hunter2"), "{error_text}");
    }
}

#[test]
fn actions_are_checked_as_juju_checks_them() {
    for (text, part) in [
        ("", "taken"),
        ("do: ", "taken"),
        ("do: {}", "taken"),
        (
            "do: {description: d, title: t, parallel: true, execution-group: g, required: [], \
             params: {a: {}}}",
            "taken",
        ),
        ("[a]", "actions.yaml: expected a map"),
        ("do: [a]", "actions.yaml: do: expected a map"),
        ("Do: {}", "actions.yaml: Do: an action's name"),
        ("do-: {}", "actions.yaml: do-: an action's name"),
        ("juju: {}", "juju: cannot use this as an action's name: \"juju\" is a reserved name"),
        ("juju-run: {}", "juju-run: cannot use this as an action's name: the \"juju-\" prefix"),
        (
            "do: {params: {on: {type: string}}}",
            "cannot read actions.yaml as YAML: line 1: map keyed with non-string",
        ),
        ("do: {params: }", "do.params: expected a map, found nothing"),
        ("do: {params: [a]}", "do.params: expected a map, found a list"),
        (
            "do: {params: {a: 1}}",
            "do: its parameters have a wrong schema: schema must be of type object",
        ),
        ("do: {params: {a: {type: integr}}}", "integr is not a valid type"),
        (
            "do: {params: {a: {properties: {$ref: {}}}}}",
            "do.params: schema key \"$ref\" not compatible",
        ),
        ("do: {params: {a: {$schema: x}}}", "do.params: schema key \"$schema\" not compatible"),
        ("do: {$schema: x}", "do.$schema: not compatible"),
        ("do: {items: {$ref: x}}", "do.items: schema key \"$ref\" not compatible"),
        ("do: {required: a}", "do.required: expected a list"),
        ("do: {required: }", "do.required: expected a list, found nothing"),
        ("do: {required: [1]}", "required items must be string"),
        ("do: {additionalProperties: 1}", "additionalProperties must be of type boolean/schema"),
        ("do: {additionalProperties: }", "additionalProperties must be of type boolean/schema"),
        ("do: {parallel: 1}", "do.parallel: expected true or false"),
        ("do: {execution-group: 1}", "do.execution-group: expected a string"),
        ("do: {description: [a]}", "do.description: expected a string"),
        ("do: {title: 1}", "do.title: expected a string"),
        ("do: {minProperties: x}", "minProperties must be of an integer"),
    ] {
        assert_error(&error_text(HEAD, None, Some(text)), part, text);
    }
}
