#!/usr/bin/env bash
# Builds the pages of docs/ as a book in target/book, and checks that no link in it is broken.
#
# Needs python3 and mdBook. Without it, mdBook is built into target/tools, which takes some minutes once and needs a
# Rust toolchain. MDBOOK names another program.
set -euo pipefail
cd "$(dirname "$0")/.."
version=0.5.4
mdbook=${MDBOOK:-target/tools/bin/mdbook}
if [ -z "${MDBOOK:-}" ] && [ "$("$mdbook" --version 2>/dev/null)" != "mdbook v$version" ]; then
    cargo install mdbook --version "$version" --locked --no-default-features --features search --root target/tools
fi
rm -rf target/book
"$mdbook" build docs
# Sources that the book copies along.
rm -f target/book/book.toml

python3 - target/book <<'PYTHON'
import pathlib
import sys
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

book = pathlib.Path(sys.argv[1]).resolve()


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.names, self.links = set(), []

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name == "id" or (tag == "a" and name == "name"):
                self.names.add(value)
            elif name in ("href", "src") and value:
                self.links.append(value)


def read(path):
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


# The page for missing addresses has links from the root of a site; the page to print holds all others.
pages = {path: read(path) for path in sorted(book.rglob("*.html")) if path.name not in ("404.html", "print.html")}
faults, count = [], 0
for path, page in pages.items():
    for link in page.links:
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        count += 1
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        if not target.exists() or not target.is_relative_to(book):
            faults.append(f"{path.relative_to(book)}: {link} leads to no file")
        elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].names:
            faults.append(f"{path.relative_to(book)}: {link} leads to no heading")
if faults:
    sys.exit("\n".join(faults))
print(f"target/book/index.html: {len(pages)} pages, {count} links")
PYTHON
