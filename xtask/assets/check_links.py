"""Checks that what the pages of a site link to is there: files, and places in pages.

Usage: check_links.py SITE

Of the Rust reference only the front page is read, since rustdoc checks its own links.
"""

import functools
import html.parser
import pathlib
import sys
import urllib.parse

REFERENCE = "rust"


class Page(html.parser.HTMLParser):
    """The links of a page and the places in it that can be linked to."""

    def __init__(self, path):
        super().__init__()
        self.links, self.places = set(), {"", "top"}
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name in ("href", "src") and value:
                self.links.add(value)
            elif name == "id" or (tag, name) == ("a", "name"):
                self.places.add(value)


def is_page(path):
    """Whether the places of a file can be known: lines of sources are found by a script in the browser."""
    return path.suffix == ".html" and path.parts[:2] != (REFERENCE, "src")


def main(site):
    page = functools.cache(Page)
    read = [path for path in sorted(site.rglob("*.html")) if path.relative_to(site).parts[0] != REFERENCE]
    read += sorted(site.glob(f"{REFERENCE}/psychrnn/index.html"))
    count, broken = 0, []
    for path in read:
        for link in sorted(page(path).links):
            parts = urllib.parse.urlsplit(link)
            if parts.scheme or parts.netloc:
                if parts.scheme not in ("https", "data", "mailto"):
                    broken.append((path, link, "it is neither relative nor of the web"))
                continue
            count += 1
            target = (path.parent / urllib.parse.unquote(parts.path)).resolve() if parts.path else path
            place = urllib.parse.unquote(parts.fragment)
            if not target.is_file() or not target.is_relative_to(site):
                broken.append((path, link, "there is no such file"))
            elif is_page(target.relative_to(site)) and place not in page(target).places:
                broken.append((path, link, "that page has no such place"))
    for path, link, problem in broken:
        print(f"  {path.relative_to(site)} links to {link}: {problem}")
    if broken:
        sys.exit(f"{len(broken)} of {count} links are broken")
    print(f"  {count} links of {len(read)} pages hold")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]).resolve())
