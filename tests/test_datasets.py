"""Shipped data: the numbers are those of the sources, and no caller can spoil them for the next."""

import subprocess
import sys
from importlib.resources import files

import numpy as np
import pytest

from lecturecode.datasets import Dataset, diabetes, digits, norris, penguins


def test_penguins_have_the_published_counts():
    everyone = penguins(keep_missing=True)
    assert len(everyone) == 344
    assert everyone.classes == ("Adelie", "Chinstrap", "Gentoo")
    assert np.bincount(everyone.y).tolist() == [152, 68, 124]
    islands = dict(zip(*np.unique(everyone["island"], return_counts=True), strict=True))
    assert islands == {"Biscoe": 168, "Dream": 124, "Torgersen": 52}
    sexes = dict(zip(*np.unique(everyone["sex"], return_counts=True), strict=True))
    assert sexes == {"": 11, "female": 165, "male": 168}
    years = dict(zip(*np.unique(everyone["year"], return_counts=True), strict=True))
    assert years == {2007: 110, 2008: 114, 2009: 120}


def test_penguins_drop_the_two_unmeasured_birds_unless_asked():
    birds, everyone = penguins(), penguins(keep_missing=True)
    missing = np.isnan(everyone.x).any(axis=1)
    assert np.flatnonzero(missing).tolist() == [3, 271]
    assert birds.x.shape == (342, 4)
    assert np.isfinite(birds.x).all()
    np.testing.assert_array_equal(birds.x, everyone.x[~missing])
    np.testing.assert_array_equal(birds.y, everyone.y[~missing])
    assert np.bincount(birds.y).tolist() == [151, 68, 123]


def test_penguins_measurements_are_those_of_birds():
    birds = penguins()
    assert birds.x.dtype == np.float64
    assert birds.y.dtype == np.int64
    # smallest and largest in mm, mm, mm, g, as the data's own summary gives them
    np.testing.assert_array_equal(birds.x.min(axis=0), [32.1, 13.1, 172, 2700])
    np.testing.assert_array_equal(birds.x.max(axis=0), [59.6, 21.5, 231, 6300])
    np.testing.assert_allclose(
        birds.x.mean(axis=0), [43.92193, 17.15117, 200.91520, 4201.75439], rtol=1e-7
    )
    for column, name in enumerate(["bill_length_mm", "bill_depth_mm", "flipper_length_mm"]):
        np.testing.assert_array_equal(birds[name], birds.x[:, column])
    assert [birds.classes[k] for k in birds.y] == birds["species"].tolist()


def test_norris_is_the_file():
    text = files("lecturecode.datasets").joinpath("Norris.dat").read_text()
    table = np.array(text.splitlines()[60:96])  # the header says: data on lines 61 to 96
    expected = np.array([line.split() for line in table], dtype=float)
    ozone = norris()
    np.testing.assert_array_equal(np.column_stack([ozone.y, ozone.x]), expected)
    np.testing.assert_array_equal(ozone["x"], ozone.x)
    np.testing.assert_array_equal(ozone["y"], ozone.y)


def test_norris_certified_values_follow_from_the_data():
    """The certified line, from sums of the decimal data in exact rational arithmetic."""
    from fractions import Fraction

    ozone = norris()
    x = [Fraction(repr(float(v))) for v in ozone.x]
    y = [Fraction(repr(float(v))) for v in ozone.y]
    samples = len(x)
    mean_x, mean_y = sum(x) / samples, sum(y) / samples
    spread = sum((a - mean_x) ** 2 for a in x)
    slope = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / spread
    intercept = mean_y - slope * mean_x
    residual = sum((b - slope * a - intercept) ** 2 for a, b in zip(x, y, strict=True))
    variance = float(residual / (samples - 2))
    certified = ozone.certified
    assert certified is not None
    close = {"rel": 5e-15, "abs": 0}
    assert float(slope) == pytest.approx(certified.slope, **close)
    assert float(intercept) == pytest.approx(certified.intercept, **close)
    assert variance**0.5 == pytest.approx(certified.residual_deviation, **close)
    assert (variance / float(spread)) ** 0.5 == pytest.approx(certified.slope_deviation, **close)
    leverage = float(Fraction(1, samples) + mean_x**2 / spread)
    assert (variance * leverage) ** 0.5 == pytest.approx(certified.intercept_deviation, **close)


def test_digits_are_those_of_scikit_learn():
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    images = digits()
    np.testing.assert_array_equal(images.x, x)
    np.testing.assert_array_equal(images.y, y)


def test_digits_have_the_published_counts_and_ranges():
    images = digits()
    assert images.x.shape == (1797, 64)
    assert images.x.dtype == np.float64
    assert images.y.shape == (1797,)
    assert images.y.dtype == np.int64
    assert images.x.min() == 0
    assert images.x.max() == 16
    # the class distribution of the test set that UCI prints
    assert np.bincount(images.y).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert len(images.names) == 64


@pytest.mark.parametrize("load", [penguins, norris, digits, diabetes])
def test_each_call_returns_arrays_of_its_own(load):
    first, untouched = load(), load()
    for array in (first.x, first.y, *first.columns.values()):
        array[...] = "0" if array.dtype.kind == "U" else 0
    again = load()
    np.testing.assert_array_equal(again.x, untouched.x)
    np.testing.assert_array_equal(again.y, untouched.y)
    for name, column in untouched.columns.items():
        np.testing.assert_array_equal(again[name], column)


@pytest.mark.parametrize("load", [penguins, norris, digits, diabetes])
def test_changing_x_leaves_the_columns_alone(load):
    data = load()
    before = {name: column.copy() for name, column in data.columns.items()}
    data.x[...] = -1
    for name, column in before.items():
        np.testing.assert_array_equal(data[name], column)


@pytest.mark.parametrize("load", [penguins, norris, digits, diabetes])
def test_each_data_set_describes_itself(load):
    data = load()
    assert isinstance(data, Dataset)
    assert len(data) == len(data.x) == len(data.y)
    assert data.source
    assert data.licence
    width = 1 if data.x.ndim == 1 else data.x.shape[1]
    assert len(data.names) == width
    assert str(data.x.shape) in repr(data)
    assert len(repr(data)) < 300
    page = data._repr_html_()
    for name in data.columns:
        assert f">{name}</th>" in page
    assert data.licence in page
    assert f">{data.title}</caption>" in page


def test_a_wrong_column_names_the_right_ones():
    with pytest.raises(KeyError, match=r"no column 'mass'.*body_mass_g"):
        penguins()["mass"]


@pytest.mark.parametrize("name", [0, ["year"], None, np.ones(2)], ids=str)
def test_what_is_no_name_of_a_column(name):
    with pytest.raises(KeyError, match=r"no column .*; it has .*body_mass_g"):
        penguins()[name]


@pytest.mark.parametrize("keep", [0, 1, None, "no"])
def test_missing_birds_are_kept_or_not(keep):
    with pytest.raises(TypeError, match=f"keep_missing must be True or False; got {keep!r}"):
        penguins(keep_missing=keep)


def test_every_file_is_small_and_has_its_source_and_licence():
    folder = files("lecturecode.datasets")
    data = [f for f in folder.iterdir() if f.name.endswith((".csv", ".dat", ".gz", ".npz"))]
    assert len(data) == 4
    assert sum(len(f.read_bytes()) for f in data) < 400_000
    sources = folder.joinpath("SOURCES.md").read_text(encoding="utf-8")
    for file in data:
        assert f"## `{file.name}`" in sources
    for load in (penguins, norris, digits, diabetes):
        assert load().licence in sources


def test_import_reads_no_file_and_needs_neither_torch_nor_matplotlib():
    probe = (
        "import sys, numpy\n"
        "opened = []\n"
        "sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == 'open' "
        "else None)\n"
        "import lecturecode.datasets\n"
        "assert not {'torch', 'matplotlib', 'pandas'} & set(sys.modules), 'heavy import'\n"
        "data = [name for name in opened if name.endswith(('.csv', '.gz', '.dat'))]\n"
        "assert not data, data\n"
        "lecturecode.datasets.norris()\n"
        "assert any(name.endswith('Norris.dat') for name in opened), 'the probe sees nothing'\n"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_diabetes_is_the_table_that_others_ship():
    from sklearn.datasets import load_diabetes

    theirs = load_diabetes(scaled=False)
    patients = diabetes()
    np.testing.assert_array_equal(patients.x, theirs.data)
    np.testing.assert_array_equal(patients.y, theirs.target)
    assert list(patients.columns) == [*theirs.feature_names, "progression"]


def test_diabetes_gives_the_published_fit():
    """Least squares on columns of norm one: the coefficients and R^2 that the literature prints."""
    patients = diabetes()
    x = patients.x - patients.x.mean(0)
    x /= np.linalg.norm(x, axis=0)
    y = patients.y - patients.y.mean()
    theta = np.linalg.lstsq(x, y)[0]
    published = [-10.0, -239.8, 519.8, 324.4, -792.2, 476.7, 101.0, 177.1, 751.3, 67.6]
    np.testing.assert_allclose(theta, published, atol=0.06)
    assert 1 - ((y - x @ theta) ** 2).sum() / (y @ y) == pytest.approx(0.5177, abs=5e-5)
