"""The site of these pages (``make docs``): Sphinx reads the Markdown as it is, and asks nothing of the network.

A link or reference that leads nowhere is an error. Links to files of the checkout become copies within the site.
Formulas are written as plain text and code, which need no script to be drawn.
"""

import re
from pathlib import Path

from sphinx.application import Sphinx

project = "Concord"
copyright = "Concord's contributors, Apache-2.0"
extensions = ["myst_parser"]
# A heading is the target of a link like operations.md#settings, as on code hosts.
myst_heading_anchors = 4
html_theme = "furo"
html_title = "Concord"
html_css_files = ["tables.css"]
html_static_path = ["styles"]
html_show_sourcelink = False
html_copy_source = False
html_show_sphinx = False
# Prompts and program output are no language that Pygments would colour.
highlight_language = "none"


def _read_page(app: Sphinx, name: str, text: list[str]) -> None:
    """The README is the site's first page, and what else lies beside it becomes a copy."""
    text[0] = re.sub(r"\]\(\.\./((?:\.\./)*)README\.md", r"](\1index.md", text[0])
    text[0] = re.sub(r"\]\(((?:\.\./)+[A-Z]+\.md)", r"](path:\1", text[0])


def _read_readme(app: Sphinx, path: Path, parent: str, text: list[str]) -> None:
    """Its links lead from the folder above."""
    text[0] = re.sub(r"\]\(([A-Z]+\.md)", r"](path:../\1", text[0].replace("](docs/", "]("))


def setup(app: Sphinx) -> None:
    """Links that are right in the checkout are right in the site."""
    app.connect("source-read", _read_page)
    app.connect("include-read", _read_readme)
