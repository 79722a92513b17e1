"""Every link of the built site leads somewhere: pages, anchors, pictures and scripts."""

from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import pytest
from conftest import REDIRECTS, SITE, Reader, address, pages

pytestmark = pytest.mark.browser


class Links(HTMLParser):
    """Collects what a page points to, and the anchors that it offers."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        self.anchors |= {found[key] for key in ("id", "name") if found.get(key)}
        self.targets += [found[key] for key in ("href", "src") if found.get(key)]


@pytest.fixture(scope="module")
def links() -> dict[str, Links]:
    return {page: Links((SITE / page).read_text(encoding="utf-8")) for page in pages("**/*.html")}


def test_the_site_has_pages(links: dict[str, Links]) -> None:
    chapters = [page for page in links if page.startswith("chapters/")]
    assert len(chapters) >= 4
    assert {"index.html", "search.html", "lecture_map.html", "auto_gallery/index.html"} <= set(links)


def test_no_internal_link_is_dead(links: dict[str, Links]) -> None:
    dead, seen = [], 0
    for page, found in links.items():
        for target in found.targets:
            url = urlsplit(target)
            if url.scheme or url.netloc or target.startswith("#top"):
                continue
            seen += 1
            path = (SITE / page).parent / unquote(url.path) if url.path else SITE / page
            path = path.resolve()
            if not path.is_file():
                dead.append(f"{page} -> {target}")
            elif url.fragment and path.suffix == ".html":
                other = links.get(path.relative_to(SITE.resolve()).as_posix())
                if other and unquote(url.fragment) not in other.anchors:
                    dead.append(f"{page} -> {target} (no such anchor)")
    assert seen > 500
    assert not dead, "\n".join(sorted(set(dead)))


def test_external_links_are_encrypted_and_named(links: dict[str, Links]) -> None:
    outside = {t for found in links.values() for t in found.targets if urlsplit(t).netloc}
    assert all(target.startswith("https://") for target in outside), outside


def test_old_addresses_lead_to_where_their_sections_stand_now(
    reader: Reader, links: dict[str, Links]
) -> None:
    leads = {f"{old}.html": f"{new}.html" for old, new in REDIRECTS["pages"].items()}
    assert len(leads) > 20
    for old, new in leads.items():
        assert Links((SITE / old).read_text(encoding="utf-8")).targets, f"{old} leads nowhere"
        assert new in links
    for page, sections in REDIRECTS["sections"].items():
        for anchor, target in sections.items():
            name, _, section = target.partition("#")
            assert anchor not in links[f"{page}.html"].anchors, f"{page} has {anchor} still"
            assert section in links[f"{name}.html"].anchors
    reader.page.goto(address("chapters/11_local_minima.html", "#minima-sgd"))
    reader.page.wait_for_url("**/chapters/12_local_minima.html#minima-sgd")
    reader.page.goto(address("chapters/10_stochastic_gradient_descent.html", "#sgd-adam"))
    reader.page.wait_for_url("**/chapters/11_momentum_and_adam.html#adam-scale")
