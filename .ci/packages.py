#!/usr/bin/env python3
"""Hold what Cargo knows of our packages and of all that they are made of against a few rules.

It asks `cargo metadata` and `cargo tree`, and builds nothing. With `--published` it prints the
names of the packages that are published, `--libraries` those of them that are libraries.
"""

import collections
import json
import re
import subprocess
import sys

LICENCES = {
    "Apache-2.0": "our own",
    "MIT": "asks for its notice only",
    "BSD-3-Clause": "asks for its notice only",
    "Zlib": "asks for nothing in a binary",
    "Unicode-3.0": "asks for its notice only; the tables of unicode-ident",
}

# One crate in two versions is built twice, and its types do not fit each other.
DUPLICATES = {
    "syn": "zeroize, a part of zip, has version 2 still; both run in the compiler only",
}

# Which of our crates may depend on which, and for what. Dependencies of tests are free.
MAY_DEPEND_ON = {
    "charmwright": {"charmwright-pebble", "charmwright-juju", "charmwright-yaml"},
    "charmwright-pebble": {"charmwright-yaml"},
    "charmwright-juju": {"charmwright-yaml"},
    "charmwright-yaml": set(),
    "charmwright-agent": {"charmwright-juju", "charmwright-yaml"},
    "charmwright-testing": {"charmwright", "charmwright-agent", "charmwright-pebble"},
    "charmwright-cli": {"charmwright", "charmwright-agent", "charmwright-pebble",
                        "charmwright-juju", "charmwright-testing", "charmwright-yaml"},
    "any-workload-k8s": {"charmwright"},
    "busy-charm": {"charmwright"},
    "charmwright-tests": {"charmwright", "charmwright-agent", "charmwright-juju",
                          "charmwright-pebble", "charmwright-testing"},
}

# What a charm that is built carries no line of.
TEST_SIDE = {
    "charmwright-agent",
    "charmwright-cli",
    "charmwright-supervisor",
    "charmwright-testing",
}


def cargo(*arguments):
    done = subprocess.run(["cargo", *arguments], text=True, stdout=subprocess.PIPE)
    if done.returncode:
        sys.exit(f"cannot look at the packages: `cargo {' '.join(arguments)}` failed")
    return done.stdout


def satisfied(expression, allowed):
    """Tells whether a licence expression of SPDX can be met by licences of a set."""
    tokens = re.findall(r"[()]|[^\s()]+", expression.replace("/", " OR "))

    def term():
        token = tokens.pop(0)
        if token == "(":
            met = either()
            tokens.pop(0)
            return met
        if tokens[:1] == ["WITH"]:
            token = " ".join([token, tokens.pop(0), tokens.pop(0)])
        return token in allowed

    def both():
        met = term()
        while tokens[:1] == ["AND"]:
            tokens.pop(0)
            met &= term()
        return met

    def either():
        met = both()
        while tokens[:1] == ["OR"]:
            tokens.pop(0)
            met |= both()
        return met

    return either()


def show_that_licences_are_told_apart():
    for expression, met in {"MIT": True, "GPL-3.0": False, "A OR MIT": True, "A AND MIT": False,
                            "(A OR MIT) AND Zlib": True, "A OR MIT AND B": False,
                            "MIT WITH exception": False, "A/MIT": True}.items():
        if satisfied(expression, {"MIT", "Zlib"}) != met:
            sys.exit(f"cannot trust the check of licences: it takes {expression} for {not met}")


def licence_faults(packages):
    for package in packages:
        if not satisfied(package["license"] or "none", LICENCES):
            yield f"{package['id']} has the licence {package['license']}, which is not on the list"
    for licence in LICENCES:
        rest = set(LICENCES) - {licence}
        if all(satisfied(package["license"] or "none", rest) for package in packages):
            yield f"no package needs the licence {licence}: strike it off the list"


def duplicate_faults(packages):
    versions = collections.defaultdict(list)
    for package in packages:
        versions[package["name"]].append(package["version"])
    several = {name for name, found in versions.items() if len(found) > 1}
    for name in sorted(several - set(DUPLICATES)):
        yield f"{name} is there in the versions {', '.join(versions[name])}"
    for name in sorted(set(DUPLICATES) - several):
        yield f"{name} is there once: strike it off the list of duplicates"


def rust_version_faults(packages, ours):
    def order(version):
        return tuple(int(part) for part in version.split("."))

    for package in packages:
        needed = package["rust_version"]
        if needed and order(needed)[:2] > order(ours)[:2]:
            yield f"{package['id']} needs Rust {needed}, and we say that {ours} will do"


def arrow_faults(own):
    for package in own:
        allowed = MAY_DEPEND_ON.get(package["name"])
        if allowed is None:
            yield f"nothing says on which of our crates {package['name']} may depend"
            continue
        for dependency in package["dependencies"]:
            if dependency.get("path") and dependency["kind"] != "dev":
                name, wanted = dependency["name"], f"={package['version']}"
                if name not in allowed:
                    yield f"{package['name']} must not depend on {name}"
                if dependency["req"] != wanted:
                    yield f"{package['name']} takes {name} {dependency['req']} and not {wanted}"


def manifest_faults(published):
    for package in published:
        wanted = ["description", "license", "repository", "readme", "keywords", "categories"]
        if is_library(package):
            wanted.append("documentation")
        for field in wanted:
            if not package[field]:
                yield f"{package['name']} has no {field}"
        if len(package["keywords"]) > 5:
            yield f"{package['name']} has more than five keywords, which crates.io refuses"


def documented_twice(own):
    """Two targets of one name share a folder of docs, of which cargo only warns."""
    names = collections.Counter(
        target["name"].replace("-", "_") for package in own for target in package["targets"]
        if target["doc"] and {"lib", "proc-macro", "bin"} & set(target["kind"]))
    for name, times in names.items():
        if times > 1:
            yield f"the docs of {times} targets are called {name}"


def test_side_faults():
    def shown(package):
        tree = cargo("tree", "--locked", "--edges=normal,build", "--prefix=none",
                     f"--package={package}")
        return {line.split()[0] for line in tree.splitlines() if line} & TEST_SIDE

    # The tool has it, else this would look for the wrong names.
    if not shown("charmwright-cli") >= {"charmwright-agent", "charmwright-testing"}:
        yield "the tree of charmwright-cli does not show the agent and the test kit"
    for package in ("charmwright", "charmwright-pebble", "charmwright-juju", "any-workload-k8s",
                    "busy-charm"):
        for name in sorted(shown(package)):
            yield f"who builds {package} builds {name} too"


def is_library(package):
    return any("lib" in target["kind"] for target in package["targets"])


def main():
    metadata = json.loads(cargo("metadata", "--locked", "--format-version=1"))
    packages = metadata["packages"]
    own = [package for package in packages if package["id"] in metadata["workspace_members"]]
    published = [package for package in own if package["publish"] != []]
    if "--published" in sys.argv or "--libraries" in sys.argv:
        print("\n".join(package["name"] for package in published
                        if "--published" in sys.argv or is_library(package)))
        return

    show_that_licences_are_told_apart()
    ours = next(package["rust_version"] for package in own if package["name"] == "charmwright")
    faults = [
        *licence_faults(packages),
        *duplicate_faults(packages),
        *rust_version_faults(packages, ours),
        *arrow_faults(own),
        *manifest_faults(published),
        *documented_twice(own),
        *test_side_faults(),
    ]
    for fault in faults:
        print(f"packages: {fault}", file=sys.stderr)
    print(f"{len(packages)} packages, of which {len(own)} are ours: {len(faults)} faults")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
