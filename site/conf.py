"""How Sphinx makes the site: `cargo xtask site` runs it on the folder in which that command puts the pages together.

Pages are MyST Markdown and notebooks. Nothing is executed here, and the result needs nothing from elsewhere: no fonts, no
scripts, no counters. It opens from a folder as well as from a server.
"""

import pathlib

from docutils import nodes
from sphinx.util import logging

ROOT = pathlib.Path(__file__).parent.parent
REPOSITORY = "https://github.com/psychrnn/psychrnn-rs"

project = "psychrnn"
author = "The psychrnn developers"
language = "en"
extensions = ["myst_nb", "sphinx.ext.githubpages", "sphinx_copybutton"]
nitpicky = True

nb_execution_mode = "off"
nb_merge_streams = True
myst_enable_extensions = ["attrs_block", "attrs_inline", "colon_fence", "deflist", "html_image"]
myst_heading_anchors = 4
# Ours are resolved below.
myst_url_schemes = {"http": None, "https": None, "mailto": None, "repo": None, "rust": None}
# What a cell printed is not copied.
copybutton_selector = "div:not(.output) > div.highlight pre"

html_theme = "furo"
html_title = "psychrnn"
html_static_path = ["static"]
html_css_files = ["custom.css"]
html_copy_source = False
html_use_index = False
html_show_sphinx = False
html_show_copyright = False
pygments_style = "a11y-light"
pygments_dark_style = "a11y-dark"

logger = logging.getLogger(__name__)


def resolve_links(app, doctree, docname):
    """`rust:PATH` is a page of the Rust reference, from the folder of the crate; `repo:PATH` a file of the repository."""
    for link in doctree.findall(nodes.reference):
        scheme, _, path = link.get("refuri", "").partition(":")
        if scheme == "rust":
            link["refuri"] = app.builder.get_relative_uri(docname, "index")[: -len("index.html")] + f"rust/psychrnn/{path}"
            link["internal"] = True
        elif scheme == "repo":
            if not (ROOT / path.partition("#")[0]).exists():
                logger.warning("there is no `%s` in the repository", path, location=link)
            link["refuri"] = f"{REPOSITORY}/blob/main/{path}"


def check_notebooks(app, env):
    """Every notebook has its sentence in `learn.md`, through which readers find it."""
    text = pathlib.Path(env.doc2path("learn")).read_text(encoding="utf-8")
    for name in sorted(env.found_docs):
        if name.startswith("notebooks/") and f"({name}.ipynb)" not in text:
            logger.warning("site/pages/learn.md has no line about %s.ipynb", name)


def setup(app):
    app.connect("doctree-resolved", resolve_links)
    app.connect("env-check-consistency", check_notebooks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
