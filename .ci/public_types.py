#!/usr/bin/env python3
"""Look for types and traits of other crates in the public interface of the packages named.

A type of another crate in a public signature binds its version into ours: who has another version
cannot use the signature, and a new major version there is one here. So each crate that may show
is in ALLOWED, with the reason.

rustdoc's JSON names the crate of every type, trait and re-export, also of those that its HTML
prints without a link. A stable rustdoc writes it when RUSTC_BOOTSTRAP is set; that is set for
rustdoc alone, since build scripts that see it would build every dependency anew. The form of the
JSON may change with the toolchain, so each run first shows that what was planted is found.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

ALLOWED = {
    "std": "the language",
    "core": "the language",
    "alloc": "the language",
    "serde_core": "serde's Serialize and Deserialize, of the types that are documents",
    "serde_json": "a value of JSON whose form the caller chooses",
    "tokio": "AsyncRead and AsyncWrite of the streams; the runtime is part of the promise",
    "futures_core": "Stream, which has no place in std yet",
    "tracing_core": "CapturedLog is the Subscriber of a test, and its lines have a Level",
}

RUSTDOC = str(pathlib.Path(__file__).with_name("rustdoc-json").resolve())

# Each of these is a way for a foreign type into the interface; `hidden` and `Private` are none.
PLANTED = {
    "foreign.rs": "pub struct Type; pub trait Trait {} pub enum Kind { One }",
    "planted.rs": """
        pub struct Own;
        impl From<foreign::Type> for Own { fn from(_: foreign::Type) -> Self { Own } }
        impl foreign::Trait for Own {}
        pub fn argument(_: Vec<Option<foreign::Type>>) {}
        pub fn bound<T: foreign::Trait>(_: T) {}
        pub fn returned() -> impl foreign::Trait { Own }
        pub struct Field { pub field: foreign::Type }
        pub enum Arm { Arm(foreign::Type) }
        pub type Alias = foreign::Type;
        pub use foreign::Kind as Reexport;
        pub const CONSTANT: foreign::Kind = foreign::Kind::One;
        #[doc(hidden)] pub fn hidden(_: foreign::Type) {}
        pub struct Private(foreign::Type);
    """,
}
FOUND = {
    "Alias shows foreign::Type",
    "Arm::Arm::0 shows foreign::Type",
    "CONSTANT shows foreign::Kind",
    "Field::field shows foreign::Type",
    "Reexport shows foreign::Kind",
    "argument shows foreign::Type",
    "bound shows foreign::Trait",
    "impl for Own shows foreign::Trait",
    "impl for Own shows foreign::Type",
    "impl for Own::from shows foreign::Type",
    "returned shows foreign::Trait",
}


def foreign(document, own, allowed):
    """Yields (item, type) for each type in the interface whose crate is neither own nor allowed."""
    crates = {int(number): crate["name"] for number, crate in document["external_crates"].items()}
    paths, index = document["paths"], document["index"]
    parents = {}
    for key, item in index.items():
        for child in children(item["inner"]):
            parents[str(child)] = key

    def name(key):
        parts = []
        while key is not None and key in index and key != str(document["root"]):
            item = index[key]
            if "impl" in item["inner"]:
                of = next(named(item["inner"]["impl"]["for"]), None)
                parts.append("impl for " + paths.get(str(of), {"path": ["?"]})["path"][-1])
                break
            used = item["inner"].get("use", {})
            parts.append(item["name"] or used.get("name") or "?")
            key = parents.get(key)
        return "::".join(reversed(parts))

    for key, item in index.items():
        implementation = item["inner"].get("impl", {})
        # What a foreign crate implements for every type is not our promise.
        of_all = implementation.get("blanket_impl") or implementation.get("is_synthetic")
        if item["crate_id"] != 0 or of_all:
            continue
        for identity in named(item["inner"]):
            of = paths.get(str(identity))
            crate = crates.get(of["crate_id"]) if of else None
            if crate and crate not in own and crate not in allowed:
                yield name(key), "::".join(of["path"])


def named(node):
    """Yields the number of each type, trait and re-export that stands in a part of an item."""
    if isinstance(node, dict):
        if isinstance(node.get("id"), int):
            yield node["id"]
        for value in node.values():
            yield from named(value)
    elif isinstance(node, list):
        for value in node:
            yield from named(value)


def children(inner):
    """Yields the number of each item that an item holds."""
    for node in inner.values():
        if not isinstance(node, dict):
            continue
        kind = node.get("kind")
        holders = [node] + list(kind.values() if isinstance(kind, dict) else [])
        for holder in holders:
            if isinstance(holder, dict):
                for field in ("items", "fields", "variants"):
                    yield from (child for child in holder.get(field) or [] if child is not None)
            elif isinstance(holder, list):
                yield from (child for child in holder if isinstance(child, int))


def show_that_planted_is_found(folder):
    for file, text in PLANTED.items():
        (folder / file).write_text(text)
    subprocess.run(["rustc", "--edition=2024", "--crate-type=lib", "--emit=metadata", "foreign.rs"],
                   cwd=folder, check=True)
    subprocess.run([RUSTDOC, "--edition=2024", "--crate-type=lib",
                    "--extern=foreign=libforeign.rmeta", "planted.rs", "-o", "."],
                   cwd=folder, check=True)
    document = json.loads((folder / "planted.json").read_text())
    found = {f"{item} shows {path}" for item, path in foreign(document, {"planted"}, ALLOWED)}
    if found != FOUND:
        sys.exit("cannot trust the check of public types, since it takes what was planted for "
                 f"something else ({sorted(found ^ FOUND)}); has the form of the JSON changed?")


def main():
    with tempfile.TemporaryDirectory() as folder:
        show_that_planted_is_found(pathlib.Path(folder))

    libraries = sys.argv[1:]
    packages = [f"--package={library}" for library in libraries]
    done = subprocess.run(["cargo", "doc", "--quiet", "--locked", "--no-deps", "--lib", *packages],
                          env=dict(os.environ, RUSTDOC=RUSTDOC))
    if done.returncode:
        sys.exit("cannot look for public types: rustdoc failed")
    own = {library.replace("-", "_") for library in libraries}
    faults, seen = [], set()
    for crate in sorted(own):
        document = json.loads(pathlib.Path(f"target/doc/{crate}.json").read_text())
        # charmwright-yaml promises no stability, so the others must not show it.
        for item, path in foreign(document, own - {"charmwright_yaml"} | {crate}, ()):
            seen.add(path.split("::")[0])
            if path.split("::")[0] not in ALLOWED:
                faults.append(f"{crate}::{item} shows {path}")
    faults += [f"nothing shows {crate}: strike it off the list" for crate in ALLOWED
               if crate not in seen and crate not in ("alloc", "std")]
    for fault in sorted(set(faults)):
        print(f"public types: {fault}", file=sys.stderr)
    if faults:
        sys.exit("a type of ours around it mends it, or its crate in .ci/public_types.py")
    print(f"{len(own)} libraries show types of {', '.join(sorted(seen))} and of no other crate")


if __name__ == "__main__":
    main()
