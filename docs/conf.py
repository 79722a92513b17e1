"""How Sphinx builds the book; `make docs` calls it through build.py."""

import os
import sys
import tomllib
import warnings
from pathlib import Path

DOCS = Path(__file__).parent.resolve()
ROOT = DOCS.parent
sys.path.insert(0, str(DOCS / "_ext"))

# -- the project ----------------------------------------------------------------------------

_settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
_project = _settings["project"]
project = _project["name"]
author = "the lecturecode authors"
project_copyright = "2026, the lecturecode authors. Text CC BY 4.0, code BSD-3-Clause"
release = version = _project["version"]
language = "en"

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "myst_nb",
    "ahead",  # of the book's own; before the gallery, since chapters run beside its scripts
    "sphinx_gallery.gen_gallery",
    "sphinx_design",
    "sphinx_copybutton",
    "sphinx_exercise",
    "sphinxcontrib.bibtex",
    "sphinx-mathjax-offline",
    # the book's own, from _ext/
    "shared",
    "progress",
    "failures",
    "search_index",
    "figures",
    "solutions",
    "folds",
    "judged",
    "movable",
    "reference",
    "lecture_map",
    "front",
    "timings",
    "live_facts",
    "benchmarks",
    "beside",
    "numbering",
    "redirects",
    "accessibility",
    "live",
    "typography",
    "notebooks",
    "twins",
    "addresses",
]

# joblib tells when it replaces a worker that has grown; nothing is lost by that.
warnings.filterwarnings("ignore", message="A worker stopped while some jobs were given")

# The gallery's generated scripts, notebooks and archives are no pages of their own.
exclude_patterns = [
    "_build",
    "_ext",
    "auto_gallery/**.ipynb",
    "auto_gallery/**.py",
    "auto_gallery/**.zip",
    "auto_gallery/**.json",
    "auto_gallery/**/sg_execution_times.rst",
    "auto_gallery/sg_execution_times.rst",
    "sg_execution_times.rst",
]
templates_path = ["_templates"]
numfig = True
math_numfig = True
numfig_secnum_depth = 1
math_eqref_format = "({number})"
html_secnumber_suffix = " "
show_warning_types = True
suppress_warnings = ["sphinx_gallery.space_in_filename"]  # the folder's name may have one

# -- the chapters: Markdown whose cells are run ---------------------------------------------

with_solutions = os.environ.get("LECTURECODE_SOLUTIONS", "1") != "0"
hide_solutions = not with_solutions

myst_enable_extensions = ["amsmath", "attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
myst_dmath_double_inline = True
nb_execution_mode = "cache"
nb_execution_cache_path = str(DOCS / "_build" / ".jupyter_cache")
nb_execution_timeout = 600  # seconds a cell, for a busy machine takes ten times as long
nb_execution_raise_on_error = False  # _ext/failures.py: all of them, each with its line
nb_execution_show_tb = True
nb_merge_streams = True
nb_output_stderr = "remove-warn"  # a warning in a cell fails the build instead of ending in a page
nb_number_source_lines = False

# -- the gallery: scripts that are run ------------------------------------------------------

sphinx_gallery_conf = {
    "examples_dirs": ["../gallery"],
    "gallery_dirs": ["auto_gallery"],
    "filename_pattern": r"plot_",
    "within_subsection_order": "FileNameSortKey",
    "subsection_order": "figures.by_folder_name",
    "backreferences_dir": "auto_gallery/backreferences",
    "doc_module": ("lecturecode",),
    "image_scrapers": ("figures.gallery_scraper",),
    "reset_modules": ("matplotlib", "progress.script_done"),
    "reset_modules_order": "both",
    "image_srcset": ["2x"],
    "matplotlib_animations": True,
    "abort_on_example_error": False,
    "show_memory": False,
    "show_signature": False,
    "download_all_examples": False,
    "min_reported_time": 0,
    "write_computation_times": False,
    "remove_config_comments": True,
    "nested_sections": True,
    "plot_gallery": True,
    "parallel": min(os.cpu_count() or 1, 4),
    "capture_repr": (),
}

# -- the API reference ----------------------------------------------------------------------

autosummary_generate = False
autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_inherit_docstrings = False  # methods of a family are described once, with its base
autodoc_preserve_defaults = True
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
numpydoc_xref_param_type = False

# -- formulas, citations --------------------------------------------------------------------

mathjax3_config = {
    "tex": {
        "macros": {
            "R": r"\mathbb{R}",
            "N": r"\mathbb{N}",
            "T": r"\mathsf{T}",
            "grad": r"\nabla",
            "norm": [r"\lVert #1 \rVert", 1],
            "abs": [r"\lvert #1 \rvert", 1],
            "argmin": r"\operatorname*{arg\,min}",
            "argmax": r"\operatorname*{arg\,max}",
            "diag": r"\operatorname{diag}",
            "rank": r"\operatorname{rank}",
            "trace": r"\operatorname{tr}",
            "cond": r"\operatorname{cond}",
            "E": r"\operatorname{\mathbb{E}}",
            "V": r"\operatorname{Var}",
            "loss": r"\mathcal{L}",
            "data": r"\mathcal{T}",
            "family": r"\mathcal{F}",
        }
    }
}
bibtex_bibfiles = ["references.bib"]
bibtex_default_style = "plain"
bibtex_reference_style = "author_year"

# -- where the book lives: what needs an address that is empty is left out ---------------------

# site: canonical links, Open Graph, llms.txt; repository: "Something wrong here?" opens an issue;
# contact: a letter or an address, where there is no repository.
addresses = _settings["tool"]["hatch"]["metadata"]["hooks"]["custom"]["addresses"]

# -- the pages ------------------------------------------------------------------------------

html_theme = "sphinx_book_theme"
html_title = "Fitting a model"
html_static_path = ["_static"]
html_css_files = ["book.css", "look.css", ("print.css", {"media": "print"})]
html_js_files = [("book.js", {"defer": "defer"}), ("print.js", {"defer": "defer"})]
html_logo = html_favicon = "_static/logo.svg"
html_context = {"default_mode": "auto"}
html_show_sourcelink = False
html_copy_source = False
html_last_updated_fmt = None
html_theme_options = {
    "logo": {"text": html_title, "alt_text": "A path down into a valley"},
    "home_page_in_toc": True,
    "navbar_persistent": [],
    "navbar_start": [],
    "show_navbar_depth": 1,
    "show_toc_level": 2,
    "use_download_button": False,
    "use_fullscreen_button": True,
    "use_sidenotes": False,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
    "toc_title": "On this page",
}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
copybutton_exclude = ".linenos, .gp, .go"
