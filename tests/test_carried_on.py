"""What others need to carry the project on: hosted checks, versions, an index, how to add a method."""

import importlib.util
import re
import shutil
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
GUIDE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def load(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def jobs():
    for path in WORKFLOWS:
        for name, job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].items():
            yield pytest.param(job, id=f"{path.stem}-{name}")


# --- hosted checks -----------------------------------------------------------------------------------


@pytest.mark.parametrize("job", list(jobs()))
def test_a_hosted_job_is_one_make_target(job):
    runs = [step["run"] for step in job["steps"] if "run" in step]
    assert len(runs) <= 1, "what a job does can be repeated by hand, by one command"
    for run in runs:
        assert re.fullmatch(r"make [a-z-]+( [A-Z]+=\S*(\$\{\{ [\w.]+ \}\})?)*", run), run
        assert run.split()[1] in TARGETS, f"there is no {run}"
    assert job["timeout-minutes"] <= 90
    for step in job["steps"]:
        assert re.fullmatch(r"[\w./-]+@(v\d+|release/v1)", step.get("uses", "a@v1"))


def test_every_python_that_the_package_promises_is_tested():
    tests = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text(encoding="utf-8"))["jobs"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    promised = re.findall(r"Python :: (3\.\d+)", "\n".join(project["classifiers"]))
    assert tests["tests"]["strategy"]["matrix"]["python"] == promised
    assert project["requires-python"] == f">={promised[0]}"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_what_has_not_run_says_so_and_asks_for_no_more_than_it_needs(path):
    text = path.read_text(encoding="utf-8")
    assert "Untried" in text.split("name:")[0]
    assert yaml.safe_load(text)["permissions"] == {"contents": "read"}


def test_hooks_call_what_the_makefile_calls():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"][0][
        "hooks"
    ]
    for hook in hooks:
        module = hook["entry"].split()[2]
        assert f"$(RUN) -m {module}" in MAKEFILE


# --- versions, and what an index shows ---------------------------------------------------------------


def test_the_version_is_the_same_everywhere():
    assert load("release").problems(ROOT, "") == []


def test_a_tag_of_another_version_is_refused(tmp_path):
    tool = load("release")
    for name in ("pyproject.toml", "CHANGELOG.md", *tool.PLACES):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    assert len(tool.problems(tmp_path, "v9.9.9")) == 2
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "9.9.9"\n')
    assert len(tool.problems(tmp_path, "v9.9.9")) == 3
    (tmp_path / "CHANGELOG.md").write_text("## 9.9.9 (2030-01-02)\n")
    assert len(tool.problems(tmp_path, "v9.9.9")) == 2


README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("repository", ["", "https://example.org/book"])
def test_links_of_the_readme_lead_somewhere_on_an_index(repository):
    shown = load("metadata").readme(README, repository)
    targets = re.findall(r"\]\(([^)\s]+)\)", re.sub(r"^```.*?^```", "", shown, flags=re.M | re.S))
    assert targets
    assert not [target for target in targets if not target.startswith(("https://", "#"))]
    assert ("![" in shown) == bool(repository)
    if repository:
        assert f"({repository}/raw/main/docs/_static/readme-page.png)" in shown
        for target in re.findall(rf"{repository}/(?:raw|blob)/main/([^)]+)", shown):
            assert (ROOT / target).exists(), target
    assert re.findall(r"^```.*?^```", shown, re.M | re.S) == re.findall(
        r"^```.*?^```", README, re.M | re.S
    )


def test_addresses_appear_only_where_they_are_set():
    tool = load("metadata")
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    addresses = settings["tool"]["hatch"]["metadata"]["hooks"]["custom"]["addresses"]
    assert set(addresses) == {"site", "repository", "contact"}
    assert tool.urls(dict.fromkeys(addresses, "")) == {}
    both = tool.urls({"site": "https://a.org/", "repository": "https://b.org/c/"})
    assert both["Documentation"] == "https://a.org"
    assert both["Changelog"] == "https://b.org/c/blob/main/CHANGELOG.md"


# --- how to add a method -----------------------------------------------------------------------------


def test_what_the_guide_names_exists():
    for command in re.findall(r"make ([a-z-]+)", GUIDE):
        assert command in TARGETS, f"there is no make {command}"
    for path in re.findall(r"`((?:docs|src|tests|tools|gallery)/[\w./-]+)`", GUIDE):
        assert (ROOT / path).exists(), path
    for path in re.findall(r"tests/\w+\.py", GUIDE):
        assert (ROOT / path).exists(), path


def test_the_guide_names_every_place_that_is_checked():
    import test_places

    for place in {**test_places.PLACES_OF_A_RULE, **test_places.PLACES_OF_A_METHOD}:
        assert re.search(rf"^\| {place} \|", GUIDE, re.MULTILINE), f"no row for {place}"


def test_the_readme_says_the_commands_for_machines_without_make():
    section = README.partition("## Without make")[2].partition("\n## ")[0]
    commands = re.findall(r"^(?:py|\.venv).*$", section, re.MULTILINE)
    assert len(commands) == 3
    for command in commands:
        for script in re.findall(r"(?:tools|docs)[\\/]\w+\.py", command):
            assert (ROOT / script.replace("\\", "/")).is_file()
