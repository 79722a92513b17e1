"""The front page as a reader meets it: a picture that moves if it may, and cards that are complete."""

import pytest
from conftest import Reader, address, pages
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.browser

SHOWN = """all => all.filter(e => getComputedStyle(e).opacity > 0.01).length"""
MARKS = ".family :is(.dot, .old, .end)"
RUNNING = "document.getAnimations().filter(a => a.playState === 'running').length"


def shown(page: Page) -> int:
    return page.eval_on_selector_all(MARKS, SHOWN)


def test_the_picture_starts_on_its_first_frame_pauses_and_comes_to_its_end(reader: Reader) -> None:
    page = reader.open("index.html")
    families, button = page.locator(".families"), page.locator(".families button")
    everything = page.locator(MARKS).count()
    families.scroll_into_view_if_needed()
    expect(families).to_have_attribute("data-state", "playing")
    button.click()
    expect(button).to_have_text("Go on")
    assert page.evaluate(RUNNING) == 0
    before = shown(page)
    assert before < everything
    page.wait_for_timeout(600)
    assert shown(page) == before
    button.click()
    expect(button).to_have_text("Pause")
    expect(families).not_to_have_attribute("data-state", "playing", timeout=20_000)
    expect(button).to_have_text("Play")
    assert shown(page) == everything
    button.click()
    assert shown(page) < everything


def test_who_asked_for_less_motion_sees_the_end_at_rest(browser: Browser) -> None:
    context = browser.new_context(reduced_motion="reduce")
    page = context.new_page()
    page.goto(address("index.html"))
    page.locator(".families").scroll_into_view_if_needed()
    page.wait_for_timeout(500)
    assert page.evaluate(RUNNING) == 0
    assert shown(page) == page.locator(MARKS).count() > 200
    page.locator(".families button").click()
    assert page.evaluate(RUNNING) > 0
    context.close()


def test_each_chapter_has_a_card_with_picture_question_and_minutes(reader: Reader) -> None:
    page = reader.open("index.html")
    cards = page.locator(".chapter-cards > li")
    chapters = pages("chapters/*.html")
    assert cards.count() == len(chapters)
    for card, chapter in zip(cards.all(), chapters, strict=True):
        card.scroll_into_view_if_needed()
        image = card.locator("img")
        expect(image).to_have_js_property("complete", True)
        assert image.evaluate("i => i.naturalWidth") > 100
        assert card.locator("a").get_attribute("href") == chapter
        assert 5 < int(card.locator(".time").inner_text().split()[0]) < 90
        assert len(card.locator("p").nth(1).inner_text()) > 15


def test_the_marks_stand_out_from_the_ground_in_light_and_dark(browser: Browser) -> None:
    light, dark = Reader(browser), Reader(browser, dark=True)
    inks = []
    for reader, page in ((light, light.open("index.html")), (dark, dark.open_dark("index.html"))):
        rgb = page.eval_on_selector_all(
            ".family strong", "all => all.map(e => getComputedStyle(e).color.match(/\\d+/g).map(Number))"
        )
        inks.append([sum(c) / 3 for c in rgb])
        reader.context.close()
    assert max(inks[0]) < 130
    assert min(inks[1]) > 140
