"""Sphinx: docs/ as a site. `make site` builds it into build/site."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import bsnn_hw

project = "bsnn-hw"
copyright = "the authors of bsnn-hw, Apache-2.0"
version = release = bsnn_hw.__version__
html_title = f"bsnn-hw {version}"
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_show_sourcelink = html_copy_source = False
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "evidence.site.extension"]
exclude_patterns = ["notebooks/.ipynb_checkpoints"]
myst_heading_anchors = 4
default_role = "literal"  # docstrings put names between single backticks
highlight_language = "none"
python_use_unqualified_type_names = True
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
add_module_names = False
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
