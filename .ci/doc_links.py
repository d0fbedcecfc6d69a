#!/usr/bin/env python3
"""Follow every link of the built docs to the file and the place in it that it names.

rustdoc checks what is written as a path of Rust; a link of a README to a file of the repository,
or to a heading that has another name now, it takes as it is. Links to other sites are not fetched.
"""

import functools
import html.parser
import os
import pathlib
import re
import sys
import tempfile
import urllib.parse

PLANTED = {
    "a/index.html": """<link href="../style.css"><a id=here href=#here></a> <a href='../b.html#B'>
        <a href="https://example.com/no">, <a href="">, <a href="../src/c.rs.html#2-3">,
        <a href="gone.html">, <a href="#nowhere">, <a href="../b.html#nowhere">,
        <a href="../src/c.rs.html#2-4">, <a href="../../outside.md">, <a href="../b.html#%42">
        <div id="blanket-implementations-list"><div></div><a href="theirs.html"></div>
        <a href="after.html"><a href="../moved.html#B"><a href="../moved.html#C">""",
    "moved.html": '<meta http-equiv="refresh" content="0;URL=a/../b.html">',
    "b.html": "<h1 id='B'>",
    "style.css": "",
    "src/c.rs.html": "<a href=#1 id=1>1</a><a href=#2 id=2>2</a><a href=#3 id=3>3</a>",
}
FOUND = ["#nowhere", "../../outside.md", "../b.html#nowhere", "../moved.html#C",
         "../src/c.rs.html#2-4", "after.html", "gone.html"]


class Page(html.parser.HTMLParser):
    """The links of a page, and the places in it that a link can name."""

    def __init__(self, text):
        super().__init__()
        self.links, self.places = set(), {"", "top"}
        self.moved_to = None
        self.foreign = 0
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name == "id":
                self.places.add(value)
            elif name == "href" and value is not None and not self.foreign:
                self.links.add(value)
            # The page of an item at the path of its private module, which carries places over.
            elif name == "content" and ("http-equiv", "refresh") in attributes:
                self.moved_to = value.partition("URL=")[2]
        # The docs of what other crates implement for every type; only they could mend a link there.
        if tag == "div" and (self.foreign or ("id", "blanket-implementations-list") in attributes):
            self.foreign += 1

    def handle_endtag(self, tag):
        if tag == "div" and self.foreign:
            self.foreign -= 1

    def has(self, fragment):
        """Tells whether a fragment names a place in this page, as a browser looks for it."""
        # In a page of source rustdoc's script takes a range of lines.
        lines = re.fullmatch(r"(\d+)-(\d+)", fragment)
        if lines:
            return self.places.issuperset(lines.groups())
        return fragment in self.places or urllib.parse.unquote(fragment) in self.places


def walk(root):
    """Returns (page, link) for each link under a folder that leads nowhere, and two sums."""
    root = root.resolve()
    # These two of rustdoc's own lead back to an index of all crates, which is not written.
    pages = {path: Page(path.read_text()) for path in root.rglob("*.html")
             if path.parent != root or path.name not in ("help.html", "settings.html")}
    is_there = functools.cache(lambda file: file.is_file() and file.is_relative_to(root))
    faults, links = [], 0
    for path, page in sorted(pages.items()):
        for link in sorted(page.links):
            target = urllib.parse.urlsplit(link)
            if target.scheme or target.netloc:
                continue
            links += 1
            file = path
            if target.path:
                file = pathlib.Path(os.path.normpath(path.parent / urllib.parse.unquote(target.path)))
            place = pages.get(file)
            if place and place.moved_to:
                place = pages.get(pathlib.Path(os.path.normpath(file.parent / place.moved_to)))
            if not is_there(file) or (place and not place.has(target.fragment)):
                faults.append((path.relative_to(root), link))
    return faults, len(pages), links


def show_that_planted_is_found(folder):
    for name, text in PLANTED.items():
        file = folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    found = [link for _, link in walk(folder)[0]]
    if found != FOUND:
        sys.exit(f"cannot trust the check of links: {FOUND} lead nowhere, and it found {found}")


def main():
    with tempfile.TemporaryDirectory() as folder:
        show_that_planted_is_found(pathlib.Path(folder))

    faults, pages, links = walk(pathlib.Path(sys.argv[1]))
    if not pages:
        sys.exit(f"cannot check the links of {sys.argv[1]}: no page is there")
    for page, link in faults:
        print(f"{page}: {link} leads nowhere", file=sys.stderr)
    print(f"{links} links of {pages} pages, of which {len(faults)} lead nowhere")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
