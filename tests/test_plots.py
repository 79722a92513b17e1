"""Figures: what is drawn is what was given, and the player keeps its promises to every reader."""

import io
import re
from base64 import b64decode
from dataclasses import replace
from html.parser import HTMLParser
from itertools import combinations

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.animation import AbstractMovieWriter
from mpl_toolkits.mplot3d import Axes3D
from PIL import Image

from lecturecode import (
    Mixture,
    coordinate_descent,
    gaussian_mixture,
    gradient_descent,
    kmeans,
    particle_swarm,
    plots,
)
from lecturecode.backpropagation import backprop_by_hand
from lecturecode.datasets import penguins
from lecturecode.domains import Interval
from lecturecode.losses import CrossEntropy, SquaredError
from lecturecode.network import Network
from lecturecode.objectives import DoubleWell, Quadratic, Rosenbrock
from lecturecode.optimizers import Adam
from lecturecode.training import train

BOX = [(-2.0, 1.0), (-1.0, 3.0)]


@pytest.fixture(autouse=True)
def _own_style_and_no_figure_left_open():
    with plt.rc_context():
        plots.use_style()
        yield
    plt.close("all")


@pytest.fixture
def descent():
    return gradient_descent(Quadratic([1.0, 8.0]), [2.0, 1.0], 0.2, steps=12, tol=0.0)


class Counting:
    """g(theta) = theta_1^2 + 3 theta_2, and how often it was called."""

    def __init__(self):
        self.calls = 0

    def __call__(self, theta):
        self.calls += 1
        return theta[..., 0] ** 2 + 3 * theta[..., 1]


def data(line):
    return np.column_stack(line.get_data())


# ------------------------------------------------------------------------------ style and colours


def test_style_is_opaque_and_white():
    figure, ax = plt.subplots(figsize=(2, 2))
    ax.set_axis_off()
    buffer = io.BytesIO()
    figure.savefig(buffer)
    pixels = np.asarray(Image.open(buffer).convert("RGBA"))
    assert (pixels == 255).all()


def linear_rgb(colour):
    c = np.array(mpl.colors.to_rgb(colour))
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def cielab(rgb):
    to_xyz = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
         [0.0193339, 0.1191920, 0.9503041]]
    )  # fmt: skip
    x = to_xyz @ np.clip(rgb, 0, 1) / [0.95047, 1.0, 1.08883]
    f = np.where(x > 0.008856, np.cbrt(x), 7.787 * x + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


# Machado, Oliveira & Fernandes (2009), severity 1: how linear RGB is seen
VISION = {
    "full": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                   [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                     [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
                   [0.004733, 0.691367, 0.303900]],
}  # fmt: skip


@pytest.mark.parametrize("vision", VISION)
def test_methods_have_colours_that_everyone_can_tell_apart(vision):
    seen = {
        name: cielab(np.array(VISION[vision]) @ linear_rgb(colour))
        for name, colour in plots.METHODS.items()
    }
    for one, other in combinations(seen, 2):
        assert np.linalg.norm(seen[one] - seen[other]) > 15, (one, other)


@pytest.mark.parametrize("name", plots.COLOURS)
def test_colours_stand_out_from_white(name):
    luminance = linear_rgb(plots.COLOURS[name]) @ [0.2126, 0.7152, 0.0722]
    assert 1.05 / (luminance + 0.05) >= 3.0  # WCAG 1.4.11, graphical objects


def test_kinds_of_stationary_points_have_markers_and_colours_of_their_own():
    assert len(set(plots.KINDS.values())) == len(plots.KINDS) == 4
    assert len({plots.COLOURS[kind] for kind in plots.KINDS}) == 4


# ------------------------------------------------------------------------------ g


def test_curve_draws_g():
    g = DoubleWell(1)
    line = plots.curve(g, [(-1.5, 1.5)], points=31)
    theta = np.linspace(-1.5, 1.5, 31)
    np.testing.assert_array_equal(data(line), np.column_stack([theta, g(theta[:, None])]))
    assert line.axes.get_xlabel() == r"$\theta$"


def test_contours_draw_g_in_one_call():
    g = Counting()
    bands = plots.contours(g, BOX, levels=[-2.0, 0.0, 1.0, 6.0])
    assert g.calls == 1
    np.testing.assert_array_equal(bands.levels, [-2, 0, 1, 6])
    lines = bands.axes.collections[1]  # the contour lines, at the same levels
    for level, contour in zip(lines.levels, lines.get_paths(), strict=True):
        assert len(contour.vertices) > 10
        # between grid points the lines are interpolated: the error is at most h^2 / 4
        np.testing.assert_allclose(Counting()(contour.vertices), level, atol=(3 / 199) ** 2)


def test_contours_name_and_fill_their_axes():
    ax = plots.contours(Counting(), BOX).axes
    assert (ax.get_xlabel(), ax.get_ylabel()) == (r"$\theta_1$", r"$\theta_2$")
    assert ax.get_xlim() == (-2, 1)
    assert ax.get_ylim() == (-1, 3)
    plots.path(np.array([[0.0, 0.0], [9.0, 9.0]]), ax=ax)
    assert ax.get_xlim() == (-2, 1)


def test_bands_cover_all_values_evenly_or_in_equal_ratios():
    g = Counting()  # from -3 to 13 over the box
    even = plots.contours(g, BOX, levels=8, points=301).levels
    np.testing.assert_allclose(even, np.linspace(-3, 13, 9), atol=1e-3)
    log = plots.contours(g, BOX, levels=9, log=True, points=301).levels
    above = log[1:] - log[0]
    np.testing.assert_allclose(above[1:] / above[:-1], (above[1] / above[0]) * np.ones(8))
    assert above[0] == pytest.approx(1e-4 * 16, rel=1e-3)
    assert log[-1] == pytest.approx(13)


def test_box_comes_from_the_domain_when_it_is_not_given():
    ax = plots.contours(Rosenbrock()).axes
    assert (ax.get_xlim(), ax.get_ylim()) == ((-2, 2), (-1, 3))
    ax = plots.contours(Counting(), Interval(0, 1) * Interval(2, 4)).axes
    assert (ax.get_xlim(), ax.get_ylim()) == ((0, 1), (2, 4))


def test_surface_draws_g_and_its_contours_beneath(monkeypatch):
    drawn = {}

    def spy(name):
        original = getattr(Axes3D, name)

        def record(self, *arguments, **options):
            drawn[name] = (arguments[:3], options)
            return original(self, *arguments, **options)

        monkeypatch.setattr(Axes3D, name, record)

    spy("plot_surface")
    spy("contour")
    g = Counting()
    ax = plots.surface(g, BOX, points=31).axes
    assert g.calls == 1
    for (x, y, z), _ in drawn.values():
        assert z.shape == (31, 31)
        np.testing.assert_array_equal(z, x**2 + 3 * y)
        assert (x.min(), x.max(), y.min(), y.max()) == (-2, 1, -1, 3)
    low, high = ax.get_zlim()
    assert high == pytest.approx(13)
    assert drawn["contour"][1]["offset"] == low < -3  # on the floor, below the lowest value
    assert ax.get_zlabel() == r"$g(\theta)$"
    assert all(-5 < tick <= 13 for tick in ax.get_zticks())


def test_values_that_are_not_finite_are_left_blank():
    def half(theta):
        return np.where(theta[..., 0] > 0, np.nan, theta[..., 1])

    bands = plots.contours(half, BOX)
    assert np.isfinite(bands.levels).all()
    for contour in bands.axes.collections[1].get_paths():
        assert (contour.vertices[:, 0] <= 0).all()


@pytest.mark.parametrize("draw", [plots.contours, plots.surface])
def test_a_constant_g_can_be_drawn(draw):
    draw(lambda theta: 0 * theta[..., 0], BOX).axes.figure.canvas.draw()


def test_bad_boxes_and_functions_are_refused_with_the_fix():
    g = Counting()
    with pytest.raises(ValueError, match=r"no domain.*\[\(-2, 2\), \(-1, 3\)\]"):
        plots.contours(g)
    with pytest.raises(ValueError, match=r"give 2 finite \(low, high\)"):
        plots.contours(g, [(-1, 1)])
    with pytest.raises(ValueError, match=r"give 1 finite \(low, high\)"):
        plots.curve(g, [(-1, np.inf)])
    with pytest.raises(ValueError, match="pointwise"):
        plots.contours(lambda theta: theta.sum(), BOX)
    with pytest.raises(ValueError, match="finite nowhere"):
        plots.contours(lambda theta: theta[..., 0] * np.nan, BOX)


# ------------------------------------------------------------------------------ marks and paths


def test_mark_draws_the_points_in_the_style_of_their_kind():
    ax = plots.contours(Counting(), BOX).axes
    line = plots.mark([[0.5, 1.0], [-1.0, 2.0]], "saddle", ax=ax)
    np.testing.assert_array_equal(data(line), [[0.5, 1.0], [-1.0, 2.0]])
    assert (line.get_marker(), line.get_color()) == ("X", plots.COLOURS["saddle"])
    plots.mark([0.0, 0.0], "saddle", ax=ax)
    assert ax.get_legend_handles_labels()[1] == ["saddle"]  # named once
    np.testing.assert_array_equal(data(plots.mark([0.3], "minimum", ax=ax, height=2.0)), [[0.3, 2]])


def test_mark_refuses_what_it_cannot_place():
    ax = plt.subplots()[1]
    with pytest.raises(ValueError, match="minimum, maximum, saddle"):
        plots.mark([0.0, 0.0], "flat", ax=ax)
    with pytest.raises(ValueError, match="give height"):
        plots.mark([0.0], "minimum", ax=ax)


@pytest.mark.parametrize("kind", ["array", "tensor"])
def test_path_draws_the_iterates_and_marks_both_ends(kind):
    start = [2.0, 1.0] if kind == "array" else torch.tensor([2.0, 1.0], dtype=torch.float64)
    g = Quadratic([1.0, 8.0] if kind == "array" else torch.tensor([1.0, 8.0], dtype=torch.float64))
    trace = gradient_descent(g, start, 0.2, steps=12, tol=0.0)
    line = plots.path(trace, label="gradient descent")
    np.testing.assert_array_equal(data(line), np.asarray(trace.thetas))
    assert line.get_color() == plots.COLOURS["gradient descent"]
    _, begin, end = line.axes.lines
    np.testing.assert_array_equal(data(begin), [[2.0, 1.0]])
    np.testing.assert_array_equal(data(end), np.asarray(trace.thetas[-1:]))
    assert begin.get_markerfacecolor() == "white"
    assert line.axes.get_legend_handles_labels()[1] == ["gradient descent"]


def test_path_of_one_coordinate_runs_on_the_curve():
    g = DoubleWell(1)
    for every in (1, 3):
        trace = gradient_descent(g, [0.1], 0.02, steps=11, tol=0.0, record_every=every)
        drawn = data(plots.path(trace))
        assert len(drawn) == len(trace.thetas)
        np.testing.assert_allclose(drawn[:, 1], g(drawn[:, :1]), rtol=1e-15)


def test_path_of_a_tensor_that_requires_a_gradient():
    thetas = torch.tensor([[0.0, 1.0], [2.0, 3.0]], requires_grad=True)
    np.testing.assert_array_equal(data(plots.path(thetas)), [[0, 1], [2, 3]])


def test_path_needs_a_plane_and_a_record():
    with pytest.raises(ValueError, match=r"shape \(N, 2\).*got \(5, 3\)"):
        plots.path(np.zeros((5, 3)))
    with pytest.raises(ValueError, match=r"shape \(N, 2\)"):
        plots.path(np.zeros((5, 1)))
    bare = gradient_descent(Quadratic([1.0, 8.0]), [2.0, 1.0], 0.2, steps=5, record_every=0)
    with pytest.raises(ValueError, match="record_every=1"):
        plots.path(bare)


def test_a_descent_that_diverged_can_be_drawn():
    trace = gradient_descent(Quadratic([1.0, 8.0]), [2.0, 1.0], 0.3, steps=2000)
    assert not trace.converged
    ax = plots.contours(Quadratic([1.0, 8.0]), BOX).axes
    plots.path(trace, ax=ax)
    plots.values(trace).axes.figure.canvas.draw()
    ax.figure.canvas.draw()


def test_values_are_drawn_above_the_minimum(descent):
    line = plots.values(descent, label="momentum", minimum=-1.0)
    expected = np.column_stack([np.arange(13), descent.values + 1])
    np.testing.assert_array_equal(data(line), expected)
    assert line.axes.get_yscale() == "log"
    assert line.axes.get_xlabel() == "step"
    assert r"\min g" in line.axes.get_ylabel()
    assert line.get_color() == plots.COLOURS["momentum"]


def test_values_against_evaluations(descent):
    line = plots.values(descent, against="evaluations")
    np.testing.assert_array_equal(line.get_xdata(), descent.evaluations)
    assert line.axes.get_xlabel() == "evaluations of g"
    with pytest.raises(ValueError, match="against must be one of steps, evaluations"):
        plots.values(descent, against="time")


def test_values_of_a_population_are_those_of_its_best(descent):
    population = replace(descent, values=np.array([[3.0, 2.0], [1.0, 5.0], [4.0, 0.5]]))
    np.testing.assert_array_equal(plots.values(population).get_ydata(), [2.0, 1.0, 0.5])


# ------------------------------------------------------------------------------ animations


def walk(steps, scale=1.0):
    return scale * np.column_stack([np.linspace(-2, 1, steps), np.linspace(3, -1, steps)])


def moving_lines(ax):
    """The path of each trace: those lines that are neither a start nor an end."""
    return [line for line in ax.lines if line.get_linestyle() == "-"]


class Watch(AbstractMovieWriter):
    """Looks at the figure in each frame, as a film would."""

    def __init__(self, look):
        super().__init__()
        self.look, self.seen = look, []

    def setup(self, fig, outfile, dpi=None):
        pass

    def grab_frame(self, **options):
        self.seen.append(self.look())

    def finish(self):
        pass


def watch(animation, look):
    watcher = Watch(look)
    animation.save("nothing", writer=watcher)
    return watcher.seen


def test_animation_shows_each_trace_up_to_each_step():
    long, short = walk(21), walk(6, 0.5)
    animation = plots.animate_path(Counting(), {"momentum": long, "Adam": short}, BOX, frames=5)
    (ax,) = plt.gcf().axes
    first, second = moving_lines(ax)
    heads = [line for line in ax.lines if line.get_marker() == "s"]
    seen = watch(animation, lambda: [data(line).copy() for line in (first, second, *heads)])
    assert len(seen) == 5
    for last, (one, other, head, other_head) in zip([0, 5, 10, 15, 20], seen, strict=True):
        np.testing.assert_array_equal(one, long[: last + 1])
        np.testing.assert_array_equal(other, short[: last + 1])
        np.testing.assert_array_equal(head, long[[last]])
        np.testing.assert_array_equal(other_head, short[[min(last, 5)]])
    assert first.get_color() == plots.COLOURS["momentum"]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["momentum", "Adam"]


def test_animation_side_by_side():
    traces = {"small": walk(4), "large": walk(9)}
    animation = plots.animate_path(Counting(), traces, BOX, panels=True, frames=3)
    left, right = plt.gcf().axes
    assert [left.get_title(), right.get_title()] == ["small", "large"]
    look = lambda: [data(moving_lines(ax)[0]).copy() for ax in (left, right)]  # noqa: E731
    *_, (small, large) = watch(animation, look)
    np.testing.assert_array_equal(small, walk(4))
    np.testing.assert_array_equal(large, walk(9))


def test_animation_on_a_curve_counts_recorded_steps():
    trace = gradient_descent(DoubleWell(1), [0.1], 0.02, steps=12, tol=0.0, record_every=4)
    animation = plots.animate_path(DoubleWell(1), trace, [(-1.5, 1.5)])
    seen = watch(animation, plt.gcf().get_supxlabel)
    assert seen == ["step 0", "step 4", "step 8", "step 12"]


# ------------------------------------------------------------------------------ alternative text


def test_describe_sets_the_label_and_returns_the_figure():
    figure = plt.figure()
    assert plots.describe(figure, "  a bowl,\n seen from above ") is figure
    assert figure.get_label() == "a bowl, seen from above"
    with pytest.raises(ValueError, match="say what the figure shows"):
        plots.describe(figure, "  ")


# ------------------------------------------------------------------------------ player


class Elements(HTMLParser):
    """All elements of a page: tag, attributes, the text inside, and the tags around."""

    VOID = frozenset({"img", "input", "br", "link", "meta"})

    def __init__(self, page):
        super().__init__()
        self.found, self.open = [], []
        self.feed(page)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        around = [entry["tag"] for entry in self.open]
        entry = {"tag": tag, "text": "", "around": around, **dict(attrs)}
        self.found.append(entry)
        if tag not in self.VOID:
            self.open.append(entry)

    def handle_endtag(self, tag):
        assert self.open.pop()["tag"] == tag

    def handle_data(self, text):
        for entry in self.open:
            entry["text"] += text

    def all(self, tag):
        return [entry for entry in self.found if entry["tag"] == tag]


@pytest.fixture
def film():
    animation = plots.animate_path(Counting(), walk(4), BOX, interval=80)
    return plots.player(animation, 'a "walk" <down>')


def test_player_holds_one_picture_a_frame(film):
    assert len(film.frames) == 4
    assert film.interval == 80
    pictures = [np.asarray(Image.open(io.BytesIO(frame)).convert("RGB")) for frame in film.frames]
    assert len({picture.shape for picture in pictures}) == 1
    for one, other in combinations(pictures, 2):
        assert (one != other).any()
    assert len(repr(film)) < 200


def test_player_embeds_its_pictures_and_asks_for_nothing(film):
    page = film._repr_html_()
    words = re.sub(r"[A-Za-z0-9+/=]{200,}", "", page)  # all but the pictures
    assert not re.search(r"//|@import|url\(|<link|src=(?!\"data:)", words)
    embedded = Elements(page).found[0]["data-pictures"].split(" ")
    assert [b64decode(picture, validate=True) for picture in embedded] == list(film.frames)


def test_player_is_named_for_those_who_do_not_see_it(film):
    elements = Elements(film._repr_html_())
    (image,) = elements.all("img")
    assert image["alt"] == 'a "walk" <down>'
    buttons = [entry.get("aria-label", entry["text"].strip()) for entry in elements.all("button")]
    assert len(buttons) == len(set(buttons)) == 7
    assert all(re.fullmatch(r"[A-Z][a-z]+( frame)?", name) for name in buttons)
    assert all(entry["type"] == "button" for entry in elements.all("button"))
    (slider,) = [entry for entry in elements.all("input") if entry["type"] == "range"]
    assert slider["aria-label"] == "Frame"
    radios = [entry for entry in elements.all("input") if entry["type"] == "radio"]
    assert len(radios) == 3
    assert all("label" in entry["around"] for entry in radios)
    assert [entry["text"].strip() for entry in elements.all("label")] == [
        "Once",
        "Loop",
        "Back and forth",
    ]


def test_players_share_no_identifier(film):
    """Two on a page must not answer to one name: there is no id, and radios have their own form."""
    elements = Elements(film._repr_html_())
    assert not [entry for entry in elements.found if "id" in entry or "for" in entry]
    assert all("form" in entry["around"] for entry in elements.all("input"))


def test_player_takes_its_text_from_the_figure_and_closes_it():
    animation = plots.animate_path(Counting(), walk(3), BOX)
    plots.describe(plt.gcf(), "from the figure")
    assert plots.player(animation).alt == "from the figure"
    assert plt.get_fignums() == []


def test_player_insists_on_a_text():
    animation = plots.animate_path(Counting(), walk(3), BOX)
    with pytest.raises(ValueError, match="no alternative text"):
        plots.player(animation)
    assert plt.get_fignums() == []


def test_player_of_forty_frames_stays_light():
    trace = gradient_descent(Rosenbrock(), [-1.5, 2.0], 1e-3, steps=400)
    animation = plots.animate_path(Rosenbrock(), {"gradient descent": trace}, log=True)
    film = plots.player(animation, "gradient descent creeps along the canyon")
    assert len(film.frames) == 40
    assert len(film._repr_html_()) < 2_000_000


# ------------------------------------------------------------------------------ populations


@pytest.fixture(scope="module")
def swarm():
    return particle_swarm(Quadratic([1.0, 8.0]), Interval(-2, 2) ** 2, population=7, steps=6, rng=0)


def test_members_are_drawn_in_the_colour_of_their_method(swarm):
    dots = plots.members(swarm.thetas[2], label="particle swarm")
    np.testing.assert_array_equal(data(dots), swarm.thetas[2])
    assert dots.get_color() == plots.COLOURS["particle swarm"]
    assert dots.get_linestyle() == "None"


def test_flights_end_at_the_particles_in_the_units_of_the_plane(swarm):
    arrows = plots.flights(swarm.thetas[3], swarm.extras["velocities"][3])
    np.testing.assert_array_equal(arrows.get_offsets(), swarm.thetas[3])
    np.testing.assert_array_equal(np.column_stack([arrows.U, arrows.V]), swarm.extras["velocities"][3])
    assert (arrows.pivot, arrows.angles, arrows.scale_units, arrows.scale) == ("tip", "xy", "xy", 1)
    with pytest.raises(ValueError, match=r"velocities.*M is 7 in points; got \(3, 2\)"):
        plots.flights(swarm.thetas[3], swarm.extras["velocities"][3][:3])


@pytest.mark.parametrize("deviations", [1.0, 2.0])
def test_ellipse_has_one_distance_from_the_mean(deviations):
    mean, covariance = np.array([1.0, -2.0]), np.array([[4.0, 1.5], [1.5, 1.0]])
    away = data(plots.ellipse(mean, covariance, deviations=deviations)) - mean
    mahalanobis = np.einsum("ni,ij,nj->n", away, np.linalg.inv(covariance), away)
    np.testing.assert_allclose(mahalanobis, deviations**2)
    np.testing.assert_allclose(away[0], away[-1], atol=1e-12)
    assert abs(away[:, 0]).max() == pytest.approx(deviations * 2, rel=1e-3)


def test_ellipse_of_no_width_is_a_line_and_not_nan():
    drawn = data(plots.ellipse([0.0, 0.0], [[1.0, 1.0], [1.0, 1.0]]))
    np.testing.assert_allclose(drawn[:, 0], drawn[:, 1], atol=1e-7)


@pytest.mark.parametrize(
    ("mean", "covariance", "says"),
    [
        ([0.0, 0.0, 0.0], np.eye(3), r"mean must have shape \(2,\)"),
        ([0.0, 0.0], [[1.0, 0.5], [0.0, 1.0]], "symmetric"),
        ([0.0, 0.0], [[1.0, 2.0], [2.0, 1.0]], "no negative eigenvalue"),
    ],
)
def test_ellipse_refuses_what_is_no_covariance(mean, covariance, says):
    with pytest.raises(ValueError, match=says):
        plots.ellipse(mean, covariance)


PLACES = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])


def test_trails_join_all_pairs_and_are_as_wide_as_the_share_of_their_scent():
    pheromone = np.diag([9.0, 9.0, 9.0, 9.0])  # of a place to itself, which is no road
    pheromone[0, 1], pheromone[0, 2], pheromone[1, 0] = 3.0, 1.0, 0.5
    pheromone[2, 1], pheromone[2, 3] = 4.0, 0.02
    lines = plots.trails(PLACES, pheromone)
    drawn = {
        tuple(map(tuple, segment)): width
        for segment, width in zip(lines.get_segments(), lines.get_linewidths(), strict=True)
    }
    assert len(drawn) == 6
    widest = drawn[(0.0, 0.0), (1.0, 0.0)]  # from 1 to 0: all the scent that there is at 1
    assert widest > 5
    assert drawn[(0.0, 0.0), (1.0, 1.0)] == pytest.approx(widest / 4)
    assert drawn[(1.0, 0.0), (1.0, 1.0)] == pytest.approx(widest * 4 / 4.02)
    assert drawn[(1.0, 1.0), (0.0, 1.0)] == 0  # too faint to be seen
    assert lines.axes.get_aspect() == 1


def test_trails_refuse_what_does_not_fit():
    with pytest.raises(ValueError, match=r"shape \(N, N\), and N is 4 in places; got \(3, 3\)"):
        plots.trails(PLACES, np.ones((3, 3)))
    with pytest.raises(ValueError, match="not be negative"):
        plots.trails(PLACES, -np.ones((4, 4)))
    with pytest.raises(ValueError, match=r"places must have shape \(N, 2\).*got \(4, 3\)"):
        plots.trails(np.ones((4, 3)), np.ones((4, 4)))
    assert max(plots.trails(PLACES, np.zeros((4, 4))).get_linewidths()) == 0


def test_a_tour_comes_back_to_its_start():
    ax = plt.subplots()[1]
    drawn = data(plots.tour(PLACES, [2, 0, 1, 3], ax=ax, label="ant colony"))
    np.testing.assert_array_equal(drawn, PLACES[[2, 0, 1, 3, 2]])
    with pytest.raises(ValueError, match="each of the 4 places once"):
        plots.tour(PLACES, [0, 1, 1, 3], ax=ax)


def test_animation_of_a_swarm_shows_members_and_flights(swarm):
    animation = plots.animate_population(Quadratic([1.0, 8.0]), swarm, label="particle swarm", frames=4)
    (ax,) = plt.gcf().axes
    (dots,), arrows = ax.lines, ax.collections[-1]
    look = lambda: (data(dots).copy(), np.column_stack([arrows.U, arrows.V]), ax.get_title())  # noqa: E731
    seen = watch(animation, look)
    assert len(seen) == 4
    for i, (points, velocities, title) in zip([0, 2, 4, 6], seen, strict=True):
        np.testing.assert_array_equal(points, swarm.thetas[i])
        np.testing.assert_array_equal(velocities, swarm.extras["velocities"][i])
        assert title == f"step {i}: lowest so far {swarm.values[: i + 1].min():.3g}"


def test_animation_of_a_strategy_has_its_ellipse(swarm):
    covariances = np.arange(1, 8)[:, None, None] * np.diag([4.0, 1.0])
    extras = {"means": swarm.thetas.mean(1), "covariances": covariances}
    strategy = replace(swarm, extras=extras)
    animation = plots.animate_population(Quadratic([1.0, 8.0]), strategy, label="evolution strategy")
    ring = plt.gcf().axes[0].lines[1]
    seen = watch(animation, lambda: data(ring).copy())
    assert len(seen) == 7
    for i, drawn in enumerate(seen):
        away = drawn - extras["means"][i]
        np.testing.assert_allclose((away**2 @ [0.25, 1.0]), 4 * (i + 1))


def test_animation_of_populations_needs_them():
    g, box = Quadratic([1.0, 8.0]), Interval(-2, 2) ** 2
    bare = particle_swarm(g, box, population=5, steps=3, rng=0, record_every=0)
    with pytest.raises(ValueError, match="record_every=0"):
        plots.animate_population(g, bare, label="particle swarm")
    with pytest.raises(ValueError, match=r"\(records, M, 2\)"):
        plots.animate_population(g, gradient_descent(g, [1.0, 1.0], 0.1, steps=3), label="x")


def test_animation_of_trails_follows_the_pheromone(swarm):
    pheromone = np.ones((7, 4, 4))
    pheromone[:, 0, 1] = 1 + np.arange(7)
    ants = replace(swarm, extras={"pheromone": pheromone})
    title = "step {step}, {value:.1f}"
    animation = plots.animate_trails(PLACES, ants, frames=4, title=title)
    (ax,) = plt.gcf().axes
    seen = watch(animation, lambda: (np.array(ax.collections[0].get_linewidths()), ax.get_title()))
    assert len(seen) == 4
    for i, (widths, text) in zip(
        [0, 2, 4, 6], seen, strict=True
    ):  # at place 0, the road to 1 against those to 2 and 3
        np.testing.assert_allclose(widths[0] / widths.max(), 1)
        np.testing.assert_allclose(widths[0] * (3 + i), seen[0][0][0] * 3 * (1 + i))
        assert text == f"step {i}, {swarm.values[: i + 1].min():.1f}"
    with pytest.raises(ValueError, match="kept no pheromone"):
        plots.animate_trails(PLACES, swarm)


def test_a_film_of_a_population_stays_light(swarm):
    animation = plots.animate_population(Rosenbrock(), swarm, label="particle swarm", log=True)
    assert len(plots.player(animation, "a swarm")._repr_html_()) < 2_000_000


# ------------------------------------------------------------------------------ alternated


@pytest.mark.parametrize("vision", VISION)
def test_clusters_have_colours_that_everyone_can_tell_apart(vision):
    seen = {c: cielab(np.array(VISION[vision]) @ linear_rgb(c)) for c in plots.CLUSTERS}
    for one, other in combinations(seen, 2):
        assert np.linalg.norm(seen[one] - seen[other]) > 15, (one, other)


@pytest.mark.parametrize("colour", plots.CLUSTERS)
def test_clusters_stand_out_from_white(colour):
    assert 1.05 / (linear_rgb(colour) @ [0.2126, 0.7152, 0.0722] + 0.05) >= 3.0


def test_no_two_of_seventy_clusters_look_alike():
    assert len({plots.look(k) for k in range(70)}) == 70
    assert len({plots.look(k)[0] for k in range(7)}) == len({plots.look(k)[1] for k in range(7)}) == 7


def pieces(line):
    """The straight pieces of a line that has gaps, shape (n, 2, 2)."""
    points = data(line).reshape(-1, 3, 2)
    assert np.isnan(points[:, 2]).all()
    return points[:, :2]


def test_staircase_has_the_half_steps_of_each_coordinate():
    turned = Quadratic([1.0, 10.0], basis=np.array([[1.0, -1.0], [1.0, 1.0]]) / 2**0.5)
    trace = coordinate_descent(turned, [-1.8, 0.5], sweeps=4, tol=0)
    flat, steep = plots.staircase(trace, turned, BOX)
    steps = np.stack([trace.thetas[:-1], trace.thetas[1:]], axis=1)
    np.testing.assert_array_equal(pieces(flat), steps[::2])
    np.testing.assert_array_equal(pieces(steep), steps[1::2])
    assert (
        np.ptp(pieces(flat)[:, :, 1], axis=1).max() == np.ptp(pieces(steep)[:, :, 0], axis=1).max() == 0
    )
    assert flat.get_color() != steep.get_color()
    assert (flat.get_label(), steep.get_label()) == (r"$\theta_1$ moves", r"$\theta_2$ moves")
    assert flat.axes.get_xlim() == BOX[0], "the contours beneath"
    ends = [line for line in flat.axes.lines if line.get_marker() in ("o", "s")]
    np.testing.assert_array_equal([data(line)[0] for line in ends], trace.thetas[[0, -1]])


def test_staircase_alone_takes_tensors_and_leaves_out_what_does_not_move():
    points = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 0.0], [2.0, 0.0]], requires_grad=True)
    flat, steep = plots.staircase(points)
    assert pieces(flat).tolist() == [[[0, 0], [1, 0]], [[1, 0], [2, 0]]]
    assert len(pieces(steep)) == 0
    assert not flat.axes.collections
    many = np.cumsum(np.tile([[1.0, 0.0], [0.0, 1.0]], (150, 1)), axis=0)
    assert [line.get_marker() for line in plots.staircase(many)] == ["", ""]


def test_staircase_refuses_a_path_that_is_none(descent):
    with pytest.raises(ValueError, match="step 1 moves both coordinates"):
        plots.staircase(descent)
    thinned = coordinate_descent(Quadratic([1.0, 10.0]), [1.0, 1.0], sweeps=3, record_every=2)
    with pytest.raises(ValueError, match="record_every=1"):
        plots.staircase(thinned)
    with pytest.raises(ValueError, match=r"\(N, 2\)"):
        plots.staircase(np.zeros((3, 4)))


SAMPLES = np.array([[0.0, 0.0], [1.0, 0.0], [9.0, 9.0], [9.0, 8.0], [0.5, 0.5]])


def test_clusters_draw_each_sample_with_its_own():
    labels, centers = np.array([0, 0, 2, 2, 0]), np.array([[0.5, 0.2], [4.0, 4.0], [9.0, 8.5]])
    names = ["a", "b", "c"]
    lines = plots.clusters(SAMPLES, labels, centers, names=names)
    assert [line.get_label() for line in lines[:3]] == names
    for k in range(3):
        np.testing.assert_array_equal(data(lines[k]), SAMPLES[labels == k])
        np.testing.assert_array_equal(data(lines[3 + k]), centers[k : k + 1])
        for line in (lines[k], lines[3 + k]):
            assert (line.get_color(), line.get_marker()) == plots.look(k)
    tensors = plots.clusters(torch.tensor(SAMPLES), torch.tensor(labels))
    assert len(tensors) == 3
    np.testing.assert_array_equal(data(tensors[2]), SAMPLES[2:4])


@pytest.mark.parametrize(
    ("x", "labels", "centers", "says"),
    [
        (SAMPLES[:, :1], [0] * 5, None, r"x must have shape \(T, 2\); got \(5, 1\)"),
        (SAMPLES, [0] * 4, None, r"labels must have shape \(T,\), and T is 5 in x; got \(4,\)"),
        (SAMPLES, [0, 0, 0, 0, -1], None, "integers from 0 to 9999; got -1..0"),
        (SAMPLES, [0, 0, 0, 0, 0.5], None, "integers from 0 to 9999; got dtype float64"),
        (SAMPLES, [0] * 5, np.zeros((2, 3)), r"centers must have shape \(K, 2\); got \(2, 3\)"),
        (SAMPLES, [0, 0, 0, 0, 2], None, "names must hold 3 texts, one for each cluster; got 2"),
    ],
)
def test_clusters_refuse_what_does_not_fit(x, labels, centers, says):
    with pytest.raises((TypeError, ValueError), match=says):
        plots.clusters(x, labels, centers, names=["one", "two"])


TWO = Mixture(
    np.array([0.25, 0.75]), np.array([[0.0, 0.0], [9.0, 9.0]]), np.array([np.eye(2), [[4.0, 1], [1, 2]]])
)


def test_components_mix_the_colours_in_proportion():
    shares = np.array([[1.0, 0.0], [0.75, 0.25], [0.0, 1.0], [0.25, 0.75], [0.6, 0.4]])
    (first, second), _ = plots.components(SAMPLES, TWO, shares=shares)
    one, other = (np.array(mpl.colors.to_rgb(plots.look(k)[0])) for k in range(2))
    mixed = shares[:, :1] * one + shares[:, 1:] * other
    np.testing.assert_array_equal(first.get_offsets(), SAMPLES[[0, 1, 4]])
    np.testing.assert_allclose(first.get_facecolors()[:, :3], mixed[[0, 1, 4]])
    np.testing.assert_array_equal(second.get_offsets(), SAMPLES[[2, 3]])
    np.testing.assert_allclose(second.get_facecolors()[:, :3], mixed[[2, 3]])


def test_components_have_ellipses_at_two_deviations_and_their_own_shares():
    dots, (ring, mean, other_ring, _) = plots.components(SAMPLES, TWO)
    np.testing.assert_allclose(np.linalg.norm(data(ring), axis=1), 2)
    assert (ring.get_color(), mean.get_marker()) == plots.look(0)
    away = data(other_ring) - 9
    np.testing.assert_allclose((away @ np.linalg.inv(TWO.covariances[1]) * away).sum(1), 4)
    assert other_ring.get_linewidth() > ring.get_linewidth(), "it has more weight"
    assert [len(some.get_offsets()) for some in dots] == [3, 2]
    pure = mpl.colors.to_rgb(plots.look(0)[0])
    np.testing.assert_allclose(dots[0].get_facecolors()[0, :3], pure, atol=1e-6)
    tensors = Mixture(*(torch.tensor(part) for part in (TWO.weights, TWO.means, TWO.covariances)))
    again, _ = plots.components(torch.tensor(SAMPLES), tensors)
    np.testing.assert_allclose(again[0].get_facecolors(), dots[0].get_facecolors())
    with pytest.raises(ValueError, match=r"shares must have shape \(5, 2\); got \(5, 3\)"):
        plots.components(SAMPLES, TWO, shares=np.ones((5, 3)))


def test_animation_of_clusters_shows_every_half_step():
    trace = kmeans(SAMPLES, 2, start=SAMPLES[:2])
    animation = plots.animate_clusters(SAMPLES, trace, names=("left", "up"))
    ax, below = plt.gcf().axes

    def look():
        big = [line for line in ax.lines if line.get_label() == "_center"]
        rings = [data(line) for line in ax.lines if line.get_markersize() == 10]
        moves = sum(line.get_linewidth() == 3 for line in ax.lines)
        dots = [data(line) for line in ax.lines if line.get_label().startswith("_cluster")]
        now = data(below.lines[1])[0].tolist()
        return np.concatenate([data(line) for line in big]), dots, rings, moves, now, ax.get_title()

    seen = watch(animation, look)
    labels = trace.extras["labels"]
    assert len(seen) == len(trace) > 4
    assert (labels[2] != labels[1]).any()
    for i, (centers, dots, rings, moves, now, title) in enumerate(seen):
        np.testing.assert_array_equal(centers, trace.thetas[i].reshape(2, 2))
        for k in range(2):
            np.testing.assert_array_equal(dots[k], SAMPLES[labels[i] == k])
        assert now == [i, trace.values[i]]
        assert moves == (2 if i % 2 else 0)
        if i and i % 2 == 0:
            changed = labels[i] != labels[i - 1]
            np.testing.assert_array_equal(rings[0], SAMPLES[changed])
            assert title == f"half-step {i}: {changed.sum()} of 5 labels change"
        else:
            assert not rings
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("left", "up")


def test_animation_of_a_mixture_moves_ellipses_and_colours_in_turns():
    x = np.random.default_rng(0).standard_normal((60, 2))
    x[:30] += 3
    start = replace(TWO, means=np.array([[1.0, 0.0], [1.0, 3.0]]))
    trace = gaussian_mixture(x, 2, start=start, sweeps=6)
    animation = plots.animate_mixture(x, trace)
    ax = plt.gcf().axes[0]

    def look():
        colours = {
            tuple(place): tuple(colour)
            for dots in ax.collections
            for place, colour in zip(dots.get_offsets(), dots.get_facecolors(), strict=True)
        }
        return [data(line) for line in ax.lines], [colours[tuple(t)] for t in x], ax.get_title()

    seen = watch(animation, look)
    assert len(seen) == len(trace) == 13
    means = trace.extras["means"]
    for i, (lines, colours, title) in enumerate(seen):
        assert len(lines) == 4, "no ellipse of an earlier half-step is left"
        np.testing.assert_array_equal(np.concatenate(lines[1::2]), means[i])
        if i:
            ellipses_moved = not np.array_equal(lines[0], seen[i - 1][0][0])
            colours_changed = not np.array_equal(colours, seen[i - 1][1])
            assert (ellipses_moved, colours_changed) == (i % 2 == 1, i % 2 == 0), title
            assert ("M-step" in title, "E-step" in title) == (i % 2 == 1, i % 2 == 0)


def test_animations_of_half_steps_need_all_of_them():
    thin = kmeans(SAMPLES, 2, rng=0, record_every=2)
    with pytest.raises(ValueError, match="record_every=2"):
        plots.animate_clusters(SAMPLES, thin)
    with pytest.raises(ValueError, match=r"weights, means, covariances.*extras labels"):
        plots.animate_mixture(SAMPLES, kmeans(SAMPLES, 2, rng=0))
    with pytest.raises(ValueError, match=r"x must have shape \(T, 2\); got \(5, 3\).*x\[:, :2\]"):
        plots.animate_clusters(np.ones((5, 3)), thin)


def test_a_film_of_half_steps_stays_light():
    birds = penguins().x[:, [0, 2]]
    trace = gaussian_mixture(birds, 3, rng=0)
    assert len(trace) > 40
    page = plots.player(plots.animate_mixture(birds, trace), "penguins")._repr_html_()
    assert len(page) < 2_000_000


# ------------------------------------------------------------------------------ networks

SLIDES = Network((2, 3, 3, 2, 1))  # four layers, as in the lecture


def segments(lines):
    return np.array([np.asarray(segment) for segment in lines.get_segments()])


def test_a_network_is_a_column_a_layer_and_an_edge_a_weight():
    graph = plots.network_graph(SLIDES)
    assert [len(column.get_offsets()) for column in graph.neurons] == [2, 3, 3, 2, 1]
    assert [len(lines.get_segments()) for lines in graph.edges] == [6, 9, 6, 2]
    for i, lines in enumerate(graph.edges):
        starts, ends = graph.neurons[i].get_offsets(), graph.neurons[i + 1].get_offsets()
        wanted = [[start, end] for end in ends for start in starts]
        np.testing.assert_allclose(segments(lines), wanted)
    assert [text.get_text() for text in graph.names][:2] == ["$x = x^0$", "$a^{1}, x^{1}$"]
    assert [text.get_text() for text in graph.parameters][-1] == "$W^{4}, b^{4}$"
    assert {"$l$", "$y$", "$r$"} <= {text.get_text() for text in graph.ax.texts}


def test_an_edge_is_as_wide_as_its_weight_and_has_the_colour_of_its_sign():
    network = Network((2, 2, 1))
    W1, W2 = np.array([[4.0, -2.0], [0.0, 1.0]]), np.array([[-4.0, 3.0]])
    theta = np.concatenate([np.zeros(2), W1.ravel(), np.zeros(1), W2.ravel()])
    graph = plots.network_graph(network, theta=torch.tensor(theta, requires_grad=True))
    for lines, W in zip(graph.edges, (W1, W2), strict=True):
        extra = np.array(lines.get_linewidths()) - 0.4
        np.testing.assert_allclose(extra / 3.1, abs(W.ravel()) / 4)
        red, _, blue = np.asarray(lines.get_colors())[:, :3].T
        np.testing.assert_array_equal(np.sign(red - blue), np.sign(W.ravel()))
    with pytest.raises(ValueError, match="must have 9 entries"):
        plots.network_graph(network, theta=theta[:-1])


def test_of_a_wide_layer_the_first_neurons_and_the_last_are_drawn():
    network = Network((64, 3, 10))
    graph = plots.network_graph(network, theta=network.init(0), most=5)
    assert [shown.tolist() for shown in graph.shown] == [[0, 1, 2, 63], [0, 1, 2], [0, 1, 2, 9]]
    dots = [line for line in graph.ax.lines if line.get_marker() == "."]
    assert [set(line.get_xdata()) for line in dots] == [{0}, {2}]
    for line in dots:  # between the last two that are drawn
        heights = graph.neurons[int(line.get_xdata()[0])].get_offsets()[:, 1]
        assert heights[-1] < min(line.get_ydata())
        assert max(line.get_ydata()) < heights[-2]
    with pytest.raises(ValueError, match=r"most must be an integer of at least 3; got 2.*the last"):
        plots.network_graph(network, most=2)


def flow_frames(loss, y, network=SLIDES):
    theta, x = network.init(4), np.array([1.0, -0.5])
    animation = plots.animate_flow(network, loss, theta, x, y)
    ax = plt.gcf().axes[0]
    columns = [text for text in ax.texts if text.get_position()[0] % 1 == 0]

    def look():
        """The title, the numbers in each column, and the name beneath it."""
        found = {}
        for text in columns:
            found.setdefault(int(text.get_position()[0]), []).append(text.get_text())
        return ax.get_title(), found, [text.get_text() for text in ax.texts]

    return theta, x, watch(animation, look)


def numbers(column):
    kept = []
    for text in column:
        try:
            kept.append(float(text))
        except ValueError:
            continue
    return kept


@pytest.mark.parametrize(
    ("loss", "y", "outputs"), [(SquaredError(), np.array([0.8]), 1), (CrossEntropy(), 2, 3)]
)
def test_the_flow_shows_the_numbers_of_the_slides(loss, y, outputs):
    network = Network((2, 3, 3, 2, outputs))
    theta, x, seen = flow_frames(loss, y, network)
    value, _, G = backprop_by_hand(network, loss, theta, x, y)
    a, xs = network.forward(theta, x[None, :])
    assert len(seen) == 1 + 2 * 4 + 2 + 3 * 4

    def check(frame, i, name, wanted):
        found = seen[frame][1][i]
        assert name in found, (frame, found)
        np.testing.assert_allclose(numbers(found), wanted, atol=0.0051)

    for i in range(1, 5):
        check(2 * i - 1, i, f"$a^{i}$", a[i - 1][0])
        check(2 * i, i, f"$x^{i}$", xs[i][0])
        assert numbers(seen[2 * i - 2][1][i]) == []  # before, the column is empty
        check(13 - 3 * i + 10, i, f"$G_{{a^{i}}}$", G[f"a{i}"])
        check(13 - 3 * i + 12, i - 1, f"$G_{{x^{i - 1}}}$", G[f"x{i - 1}"])
    check(10, 4, "$G_{x^4}$", G["x4"])
    assert f"$r$ = {float(value):.2f}" in seen[9][2]
    assert "$r$" in seen[8][2]
    assert seen[-1][0] == "backwards: $G_{x^0} = W^{1T} G_{a^1}$"


def test_the_flow_colours_the_edges_by_weights_and_then_by_their_gradients():
    theta, x, y = SLIDES.init(4), np.array([1.0, -0.5]), np.array([0.8])
    animation = plots.animate_flow(SLIDES, SquaredError(), theta, x, y)
    edges = plt.gcf().axes[0].collections
    layers = [lines for lines in edges if isinstance(lines, mpl.collections.LineCollection)]
    seen = watch(animation, lambda: [np.asarray(lines.get_colors())[:, :3].copy() for lines in layers])
    _, _, G = backprop_by_hand(SLIDES, SquaredError(), theta, x, y)
    for i, (_, W) in enumerate(SLIDES.unpack(theta)):
        red, green, blue = seen[2 * i + 1][i].T
        assert len(seen[2 * i][i]) == 1  # grey before
        np.testing.assert_array_equal(np.sign(red - blue), np.sign(W.ravel()))
        red, green, blue = seen[-1][i].T
        np.testing.assert_array_equal(np.sign(green - blue), np.sign(G[f"W{i + 1}"].ravel()))


def test_a_film_of_the_flow_stays_light_and_numbers_can_be_read():
    theta = SLIDES.init(4)
    animation = plots.animate_flow(SLIDES, SquaredError(), theta, np.array([1.0, -0.5]), [0.8])
    ink = lambda text: linear_rgb(text.get_color()) @ [0.2126, 0.7152, 0.0722]  # noqa: E731
    ax = plt.gcf().axes[0]
    columns = [dots for dots in ax.collections if isinstance(dots, mpl.collections.PathCollection)]
    inside = {tuple(text.get_position()): text for text in ax.texts if float(text.get_fontsize()) == 8.0}

    def contrasts():
        worst = np.inf
        for dots in columns:
            faces = np.resize(dots.get_facecolor(), (len(dots.get_offsets()), 4))
            for place, face in zip(dots.get_offsets(), faces, strict=True):
                paper = linear_rgb(face[:3]) @ [0.2126, 0.7152, 0.0722]
                dark, light = sorted([ink(inside[tuple(place)]), paper])
                worst = min(worst, (light + 0.05) / (dark + 0.05))
        return worst

    assert min(watch(animation, contrasts)) >= 4.5  # WCAG 1.4.3
    animation = plots.animate_flow(SLIDES, SquaredError(), theta, np.array([1.0, -0.5]), [0.8])
    assert len(plots.player(animation, "the flow")._repr_html_()) < 2_000_000


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("scale", [plots.SIGNS, plots.GRADIENTS], ids=["signs", "gradients"])
def test_signs_can_be_told_apart_by_everyone_at_every_depth(scale, vision):
    for depth in (0.25, 0.5, 1.0):
        below, above = (
            cielab(np.array(VISION[vision]) @ linear_rgb(scale(0.5 + side * depth / 2)))
            for side in (-1, 1)
        )
        assert np.linalg.norm(below - above) > 15
    np.testing.assert_allclose(scale(0.5)[:3], 1)


@pytest.fixture(scope="module")
def classifier():
    x = np.random.default_rng(0).normal(size=(60, 2))
    y = (x[:, 1] > x[:, 0] ** 2 - 0.5).astype(int)
    network = Network((2, 8, 2))
    trace = train(
        network, CrossEntropy(), x, y, Adam(0.05), epochs=30, batch_size=20, rng=0, record_every=10
    )
    return network, trace, x, y


def test_regions_end_where_two_classes_are_alike(classifier):
    network, trace, x, y = classifier
    drawn = plots.boundary(network, trace.theta, x, y, classes=("below", "above"))
    lines = [contour for contour in drawn if not contour.filled]
    found = np.concatenate([path.vertices for contour in lines for path in contour.get_paths()])
    a = network.predict(trace.theta, found)
    assert len(found) > 50
    # between grid points the boundary is interpolated
    np.testing.assert_allclose(a[:, 0], a[:, 1], atol=0.001 * np.ptp(network.predict(trace.theta, x)))
    ax = drawn[0].axes
    for k in range(2):
        np.testing.assert_array_equal(data(ax.lines[k]), x[y == k])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["below", "above"]
    assert (drawn[0].get_facecolor()[0][:3] > np.array(mpl.colors.to_rgb("#006aaa"))).all()  # paler


def test_regions_of_three_classes_meet_without_a_gap():
    network = Network((2, 3), output="identity")
    x = np.array([[-1.0, -1.0], [1.0, -1.0], [0.0, 1.0]])
    theta = np.concatenate([np.zeros(3), x.ravel()])  # class k is the one of the nearest corner
    figure, ax = plt.subplots(layout="none")
    ax.set_position([0, 0, 1, 1])
    drawn = plots.boundary(network, theta, x, [0, 1, 2], ax)
    assert sum(contour.filled for contour in drawn) == 3
    figure.canvas.draw()
    ax.set_axis_off()
    figure.canvas.draw()
    picture = np.asarray(figure.canvas.buffer_rgba())[2:-2, 2:-2, :3]
    assert (picture == 255).all(axis=-1).mean() < 0.002  # white are only rims of the markers


def test_a_class_that_is_never_chosen_has_no_region(classifier):
    network, trace, x, y = classifier
    biased = trace.theta.copy()
    network.unpack(biased)[-1][0][:] = [1e6, 0.0]
    (only,) = plots.boundary(network, biased, x, y)
    assert only.filled


def test_animation_of_a_boundary_follows_the_training(classifier):
    network, trace, x, y = classifier
    animation = plots.animate_boundary(network, trace, x, y, frames=4, points=40)
    (ax,) = plt.gcf().axes

    def look():
        lines = [found for found in ax.collections if not found.filled]
        return ax.get_title(), lines[0].get_paths()[0].vertices.copy(), len(ax.collections)

    seen = watch(animation, look)
    assert len(seen) == 4
    for i, (title, line, artists) in zip([0, 3, 6, 9], seen, strict=True):
        right = np.mean(network.predict(trace.thetas[i], x).argmax(-1) == y)
        assert title == f"step {10 * i}: {100 * right:.0f} % right"
        a = network.predict(trace.thetas[i], line)
        spread = np.ptp(network.predict(trace.thetas[i], x))
        np.testing.assert_allclose(a[:, 0], a[:, 1], atol=0.01 * spread)
        assert artists == 4  # those of the picture before are gone


def test_boundaries_need_a_plane_classes_and_a_record(classifier):
    network, trace, x, y = classifier
    with pytest.raises(ValueError, match=r"widths \(3, 2\)"):
        plots.boundary(Network((3, 2)), np.zeros(8), x, y)
    with pytest.raises(ValueError, match=r"widths \(2, 1\)"):
        plots.boundary(Network((2, 1)), np.zeros(3), x, y)
    with pytest.raises(ValueError, match=r"y \(T,\); got \(60, 2\) and \(59,\)"):
        plots.boundary(network, trace.theta, x, y[:-1])
    bare = replace(trace, record_every=0)
    with pytest.raises(ValueError, match="record_every=10"):
        plots.animate_boundary(network, bare, x, y)


def test_a_player_draws_each_picture_once_and_finds_room_for_what_grows(monkeypatch):
    figure, ax = plt.subplots(layout="constrained")
    drawn, tops = [], []
    usual = type(figure).draw

    def draw(k):
        ax.set_title("\n".join(["a line"] * k))

    def counted(self, renderer):
        usual(self, renderer)
        drawn.append(self)
        tops.append(ax.get_position().y1)

    monkeypatch.setattr(type(figure), "draw", counted)
    found = plots.player(plots.animate(figure, draw, frames=4), alt="titles")
    assert len(set(found.frames)) == len(drawn) == 4
    assert tops[0] > tops[1] > tops[2] > tops[3]
