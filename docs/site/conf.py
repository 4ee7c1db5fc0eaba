"""Configuration of Sphinx for the folder that build.py prepares."""

import importlib.util
import os
import re
import sys
from pathlib import Path

ROOT = Path(os.environ["NNLITE_CHECKOUT"])
sys.path[:0] = [str(ROOT), str(ROOT / "examples")]
if importlib.util.find_spec("matplotlib"):
    import matplotlib

    matplotlib.use("agg")

project = "nnlite"
author = "the nnlite developers"
copyright = "the nnlite developers, BSD-3-Clause"

from nnlite.version import __version__ as release  # noqa: E402

version = release

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["templates"]
exclude_patterns = ["build", "**/GALLERY_HEADER.rst"]
suppress_warnings = ["config.cache"]

# Pages
myst_heading_anchors = 4
source_suffix = {".rst": "restructuredtext", ".md": "markdown"}

# Reference
autosummary_generate = True
autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_validation_checks = set()

# Gallery
sphinx_gallery_conf = {
    "examples_dirs": str(ROOT / "examples" / "gallery"),
    "gallery_dirs": "gallery",
    "filename_pattern": r"\.py$",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "remove_config_comments": True,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
}

# Look
html_theme = "pydata_sphinx_theme"
html_title = "nnlite"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_sidebars = {"index": [], "tutorial": [], "study": [], "changelog": []}
html_theme_options = {
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "header_links_before_dropdown": 6,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_prev_next": False,
    "show_toc_level": 2,
    "pygments_light_style": "default",
    "pygments_dark_style": "monokai",
}

default_role = "py:obj"
STARS = re.compile(r"(?<![\w*\\])\*(?=[A-Za-z])(?![^*\s]+\*(?!\w))")
ENDS = re.compile(r"(?<=\w)_(?![\w`])")


def escape(app, what, name, obj, options, lines):
    """Escape the stars of shapes, (N, *shape), and underscores at ends of names, which have a meaning in rST."""
    for number, line in enumerate(lines):
        if not line.lstrip().startswith((">>>", "...")):
            parts = re.split(r"(``.*?``|`[^`]*`)", line)
            parts[::2] = [ENDS.sub(r"\\_", STARS.sub(r"\\*", part)) for part in parts[::2]]
            lines[number] = "".join(parts)


def setup(app):
    app.connect("autodoc-process-docstring", escape, priority=900)
