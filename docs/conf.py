"""Configuration of the documentation; `make docs` builds it without the network."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_extensions"))

import medaug  # noqa: E402  # the extensions need the path from above

project = "medaug"
author = "The medaug developers"
release = version = medaug.__version__
html_title = f"medaug {release}"

extensions = [
    "matplotlib.sphinxext.plot_directive",
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx_copybutton",
    "sphinx_design",
    "constructor_signatures",
    "generated_text",
    "transform_pictures",
]
source_suffix = {".md": "markdown"}
# The tables of the speed report stand in its README as well.
exclude_patterns = ["results/speed/[!R]*.md"]
nitpicky = True
default_role = "code"
smartquotes = False  # "--data" is an option, not a dash

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autosummary_generate = False
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

# Figures on transparent ground, with lines that show in the light and in the dark.
plot_formats = [("png", 150)]
plot_html_show_formats = False
plot_html_show_source_link = False
plot_rcparams = {
    "axes.edgecolor": "#888888",
    "axes.labelcolor": "#888888",
    "axes.titlecolor": "#888888",
    "figure.facecolor": "none",
    "font.size": 10,
    "savefig.facecolor": "none",
    "text.color": "#888888",
    "xtick.color": "#888888",
    "ytick.color": "#888888",
}

html_theme = "furo"
pygments_style = "friendly"
pygments_dark_style = "github-dark"
html_static_path = ["_static"]
html_css_files = ["medaug.css"]
html_copy_source = False
copybutton_exclude = ".linenos, .gp, .go"
