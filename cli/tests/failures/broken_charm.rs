//! A charm whose declarations are wrong: the run ends at once, and its error names the file, the
//! position in it and the fault.

use crate::support::Charm;

#[test]
fn declarations_that_cannot_be_read_are_named_with_their_place() {
    const GOOD: &str = "name: web\nsummary: s\ndescription: d\n";
    for (file, content, named) in [
        ("metadata.yaml", "summary: s\n", "name"),
        ("metadata.yaml", "name: web\nsummary: s\n", "description"),
        ("metadata.yaml", "name: [web\n", "line"),
        ("metadata.yaml", "just text\n", "metadata.yaml"),
        ("metadata.yaml", "", "metadata.yaml"),
        ("metadata.yaml", "name: ../web\n", "../web"),
        (
            "metadata.yaml",
            "name: web\nsummary: s\ndescription: d\ncontainers: {../up: {}}\n",
            "../up",
        ),
        (
            "metadata.yaml",
            "name: web\nsummary: s\ndescription: d\ncontainers: [web]\n",
            "containers",
        ),
        ("config.yaml", "", "empty"),
        ("config.yaml", "options:\n  port: {type: integer}\n", "integer"),
        ("config.yaml", "options:\n  port: {type: int, default: high}\n", "port"),
        ("config.yaml", "options: [port]\n", "options"),
        ("actions.yaml", "restart: [\n", "line"),
        ("actions.yaml", "restart: 7\n", "restart"),
    ] {
        let charm = Charm::new(&[("metadata.yaml", GOOD), (file, content)]);
        let run = charm.run(&["--until-idle"], "").exits(1);
        let printed = run.stderr.trim();
        println!("{printed}");
        assert!(
            printed.starts_with("charmwright: cannot ")
                && printed.contains(file)
                && printed.contains(named),
            "{content:?}: {printed}"
        );
        assert!(
            printed.lines().count() == 1 && !printed.contains("panicked"),
            "{content:?}: {printed}"
        );
    }
}
