"""make chapter C=10 runs one chapter, and says where it fails."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = """---
file_format: mystnb
kernelspec:
  name: python3
---

# A page

```{code-cell}
import warnings

a = 2
```

Text.

```{code-cell}
:tags: [hide-input]
warnings.warn("a little", stacklevel=1)
```

````{dropdown} Is a cell in a fold run?
```{code-cell}
a += 1
```
````

```{code-cell}
assert a == 2, a
```

```{code-cell}
a = "never"
```
"""


@pytest.fixture(scope="module")
def tool():
    before = list(sys.path)
    spec = importlib.util.spec_from_file_location("chapter", ROOT / "tools" / "chapter.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    sys.path[:] = before


@pytest.mark.parametrize("name", ["6", "06", "06_gradient_descent", "06_gradient_descent.md", "06_grad"])
def test_a_chapter_is_named_by_its_number_or_its_name(tool, name):
    assert tool.find(name) == ROOT / "docs" / "chapters" / "06_gradient_descent.md"


def test_an_appendix_is_named_by_its_letter(tool):
    assert tool.find("A").stem == "a_test_functions"


@pytest.mark.parametrize("name", ["", "99", "zeros"])
def test_what_is_no_chapter_is_answered_by_those_that_there_are(tool, name):
    with pytest.raises(LookupError, match=r"names 0 chapters; there are 00_background, 01_"):
        tool.find(name)


@pytest.mark.slow
def test_it_says_where_a_cell_fails_and_where_one_warns(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    code = "import sys; sys.path.insert(0, 'tools'); import chapter, pathlib\n"
    code += "chapter.os.environ.update(chapter.build.environment(True))\n"
    code += f"print(*chapter.run(pathlib.Path({str(page)!r})), sep='\\n')"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    lines = done.stdout.splitlines()
    assert [line.rpartition(":")[0] for line in lines[:3]] == [
        "  cell 1 of 5, line 10", "  cell 2 of 5, line 19", "  cell 3 of 5, line 24",
    ]  # fmt: skip
    place = os.path.relpath(page, ROOT)
    assert lines[3].startswith(f"{place}:19: ")
    assert "UserWarning: a little" in lines[3]
    assert lines[4] == f"{place}:29: AssertionError: 3"
    assert len(lines) == 5
