"""Small real data that a model can be fitted to: birds, ozone monitors, digits, patients.

Each function reads a file that is shipped beside this one and returns a :class:`Dataset` whose
arrays are the caller's own: changing them does not change what the next call returns. Nothing is
downloaded, and nothing is read before a function is called. ``SOURCES.md`` in this folder says
where each file comes from and under which licence.
"""

import csv
import gzip
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lecturecode.door import came, flag

__all__ = ["Certified", "Dataset", "diabetes", "digits", "norris", "penguins"]


@dataclass(frozen=True)
class Certified:
    """The certified least-squares line y = slope x + intercept of a NIST reference data set.

    Attributes
    ----------
    slope, intercept : float
        The parameters of the line.
    slope_deviation, intercept_deviation : float
        Their standard deviations.
    residual_deviation : float
        The standard deviation of the residuals, with T - 2 in the denominator.
    """

    slope: float
    intercept: float
    slope_deviation: float
    intercept_deviation: float
    residual_deviation: float


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """A training set: T samples as arrays, and what they are.

    Attributes
    ----------
    title : str
        What the samples are.
    x : float64 array of shape (T,) or (T, D)
        The inputs.
    y : array of shape (T,)
        The targets: float64 for a regression, int64 classes for a classification.
    names : tuple of str
        Name and unit of each column of x.
    classes : tuple of str
        The name of each class in y; empty for a regression.
    columns : mapping of str to array
        Every column of the file by its name; ``data["name"]`` is ``data.columns["name"]``.
    source, licence : str
        Where the file comes from, and what may be done with it.
    certified : Certified, optional
        The certified fit, where the source gives one.
    """

    title: str
    x: NDArray[np.float64]
    y: NDArray[Any]
    names: tuple[str, ...]
    classes: tuple[str, ...]
    columns: Mapping[str, NDArray[Any]] = field(hash=False)
    source: str
    licence: str
    certified: Certified | None = None

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, name: str) -> NDArray[Any]:
        if not isinstance(name, str) or name not in self.columns:
            raise KeyError(f"no column {came(name)} in {self.title}; it has {', '.join(self.columns)}")
        return self.columns[name]

    def __repr__(self) -> str:
        shapes = f"x {self.x.shape}, y {self.y.shape}, columns {', '.join(self.columns)}"
        return f"<Dataset {self.title}: {shapes}; {self.licence}>"

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><th scope="row" style="text-align: left">{escape(name)}</th><td>{column.shape}</td>'
            f"<td>{escape(_summary(column))}</td></tr>"
            for name, column in self.columns.items()
        )
        head = "".join(f'<th scope="col">{word}</th>' for word in ("column", "shape", "values"))
        return (
            f'<table><caption style="color: inherit">{escape(self.title)}</caption>'
            f"<thead><tr>{head}</tr></thead>"
            f"<tbody>{rows}</tbody></table><p>Source: {escape(self.source)}. "
            f"Licence: {escape(self.licence)}.</p>"
        )


def _summary(column: NDArray[Any]) -> str:
    """Range and mean of numbers, counts of words."""
    if column.dtype.kind == "U":
        words, counts = np.unique(column, return_counts=True)
        return ", ".join(f"{w or 'missing'} {c}" for w, c in zip(words, counts, strict=True))
    return f"{np.nanmin(column):g} to {np.nanmax(column):g}, mean {np.nanmean(column):.4g}"


def _read(name: str) -> bytes:
    return files(__name__).joinpath(name).read_bytes()


def penguins(*, keep_missing: bool = False) -> Dataset:
    """Palmer penguins: four measurements of 342 birds of three species.

    x has shape (342, 4): bill length (mm), bill depth (mm), flipper length (mm), body mass (g).
    y has shape (342,): 0 Adelie, 1 Chinstrap, 2 Gentoo. The columns also hold ``species``,
    ``island``, ``sex`` (an empty string where it was not recorded) and ``year``.

    Parameters
    ----------
    keep_missing : bool
        Keep the two of the 344 birds that were not measured at all, with NaN as measurements.

    Returns
    -------
    Dataset
        With T = 342, or 344.

    Raises
    ------
    TypeError
        If `keep_missing` is not True or False.

    References
    ----------
    Gorman, Williams & Fraser (2014), PLoS ONE 9(3): e90081, prepared by Horst, Hill & Gorman as
    ``palmerpenguins``. Licence: CC0 1.0.

    Examples
    --------
    >>> birds = penguins()
    >>> birds.x.shape, birds.classes
    ((342, 4), ('Adelie', 'Chinstrap', 'Gentoo'))
    >>> round(float(birds["flipper_length_mm"].mean()), 2)  # mm
    200.92
    """
    keep_missing = flag(keep_missing, "keep_missing")
    rows = list(csv.DictReader(_read("penguins.csv").decode().splitlines()))
    measured = ("bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g")
    rows = [row for row in rows if keep_missing or all(row[name] != "NA" for name in measured)]
    columns: dict[str, NDArray[Any]] = {}
    for name in rows[0]:
        words = np.array([row[name] for row in rows])
        if name in measured:
            columns[name] = np.where(words == "NA", "nan", words).astype(np.float64)
        elif name == "year":
            columns[name] = words.astype(np.int64)
        else:
            columns[name] = np.where(words == "NA", "", words)
    classes, y = np.unique(columns["species"], return_inverse=True)
    return Dataset(
        title="Palmer penguins",
        x=np.column_stack([columns[name] for name in measured]),
        y=y.astype(np.int64),
        names=("bill length (mm)", "bill depth (mm)", "flipper length (mm)", "body mass (g)"),
        classes=tuple(str(name) for name in classes),
        columns=columns,
        source="Gorman, Williams & Fraser (2014), doi:10.1371/journal.pone.0090081",
        licence="CC0 1.0",
    )


def norris() -> Dataset:
    """Norris: calibration of ozone monitors, 36 pairs and the certified line through them.

    x has shape (36,): the ozone concentration as NIST measured it. y has shape (36,): the
    customer's reading of the same air. The file names no unit. ``certified`` holds slope, intercept,
    their standard deviations and the residual standard deviation, to the 15 digits of the file.

    Returns
    -------
    Dataset
        With T = 36.

    References
    ----------
    NIST Statistical Reference Datasets, linear regression, ``Norris.dat``. Licence: U.S. government
    work, public domain in the United States.

    Examples
    --------
    >>> ozone = norris()
    >>> ozone.x.shape, ozone.y.shape
    ((36,), (36,))
    >>> ozone.certified.slope
    1.00211681802045
    """
    lines = _read("Norris.dat").decode("ascii").splitlines()
    words = [line.split() for line in lines]
    estimate = {w[0]: (float(w[1]), float(w[2])) for w in words if w and w[0] in ("B0", "B1")}
    (residual,) = (w[2] for w in words if w[:2] == ["Standard", "Deviation"] and len(w) == 3)
    start = words.index(["Data:", "y", "x"]) + 1
    y, x = np.array([w for w in words[start:] if w], dtype=np.float64).T
    return Dataset(
        title="Norris, calibration of ozone monitors",
        x=x.copy(),
        y=y.copy(),
        names=("ozone measured by NIST",),
        classes=(),
        columns={"x": x.copy(), "y": y.copy()},
        source="NIST Statistical Reference Datasets, Norris.dat",
        licence="public domain in the United States",
        certified=Certified(
            slope=estimate["B1"][0],
            intercept=estimate["B0"][0],
            slope_deviation=estimate["B1"][1],
            intercept_deviation=estimate["B0"][1],
            residual_deviation=float(residual),
        ),
    )


def digits() -> Dataset:
    """Handwritten digits: 1797 grey images of 8 x 8 pixels, ten classes.

    x has shape (1797, 64): the image row by row, each pixel the number of dark dots (0 to 16,
    no unit) in a 4 x 4 block of the scan; ``x.reshape(-1, 8, 8)`` gives the images. y has shape
    (1797,): the digit, 0 to 9.

    Returns
    -------
    Dataset
        With T = 1797.

    References
    ----------
    The test set of *Optical Recognition of Handwritten Digits*, Alpaydin & Kaynak (1998), UCI Machine
    Learning Repository, doi:10.24432/C50P49. Licence: CC BY 4.0.

    Examples
    --------
    >>> images = digits()
    >>> images.x.shape, float(images.x.max())
    ((1797, 64), 16.0)
    >>> images.y[:5]
    array([0, 1, 2, 3, 4])
    """
    lines = gzip.decompress(_read("digits.csv.gz")).decode("ascii").splitlines()
    table = np.loadtxt(lines, delimiter=",", dtype=np.int64)
    x, y = table[:, :-1].astype(np.float64), table[:, -1].copy()
    return Dataset(
        title="Handwritten digits",
        x=x,
        y=y,
        names=tuple(f"pixel {row}, {column}" for row in range(8) for column in range(8)),
        classes=tuple("0123456789"),
        columns={"pixels": x.copy(), "digit": y.copy()},
        source="Alpaydin & Kaynak (1998), UCI Machine Learning Repository, doi:10.24432/C50P49",
        licence="CC BY 4.0",
    )


def diabetes() -> Dataset:
    """Diabetes: ten measurements of 442 patients, and how far the disease had come a year later.

    x has shape (442, 10), in the units of the file: age (years), sex (coded 1 and 2), body mass
    index (kg/m^2), mean blood pressure, and six measurements of the blood serum, s1 to s6. y has
    shape (442,): a number without unit for the progression of the disease, 25 to 346.

    Returns
    -------
    Dataset
        With T = 442.

    References
    ----------
    Efron, Hastie, Johnstone & Tibshirani, Least angle regression, *Annals of Statistics* 32 (2004),
    who fit the lasso to these data. Licence: the file is made from scikit-learn's, BSD-3-Clause.

    Examples
    --------
    >>> patients = diabetes()
    >>> patients.x.shape, patients.names[2]
    ((442, 10), 'body mass index (kg/m^2)')
    >>> round(float(patients.y.mean()), 2)
    152.13
    """
    header, *lines = _read("diabetes.csv").decode("ascii").splitlines()
    table = np.loadtxt(lines, delimiter=",", dtype=np.float64)
    return Dataset(
        title="Diabetes",
        x=table[:, :-1].copy(),
        y=table[:, -1].copy(),
        names=(
            "age (years)",
            "sex (1 or 2)",
            "body mass index (kg/m^2)",
            "mean blood pressure",
            "s1, total cholesterol",
            "s2, low-density lipoproteins",
            "s3, high-density lipoproteins",
            "s4, total / high-density cholesterol",
            "s5, logarithm of triglycerides (as is believed)",
            "s6, blood sugar",
        ),
        classes=(),
        columns=dict(zip(header.split(","), table.T.copy(), strict=True)),
        source="Efron, Hastie, Johnstone & Tibshirani (2004), doi:10.1214/009053604000000067",
        licence="BSD-3-Clause",
    )
