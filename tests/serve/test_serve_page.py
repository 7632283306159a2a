"""The page of `wikirank serve` in headless Chromium, over the real command."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
from australia import CAPITAL, write_australia
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright
from serving import served

from wikirank.corpus import open_source
from wikirank.index import WikiIndex
from wikirank.types import Passage

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="needs Chromium on the PATH: chromium, google-chrome"
)

QUESTION = "Who eats herring?"
HOSTILE = Passage(
    id="hostile",
    text='A zeppelin <img src=x onerror="window.harm = 1"> <script>window.harm = 2</script> flew.',
    title="Zeppelin <script>window.harm = 3</script>",
    section=('"><svg onload="window.harm = 4">',),
    url="javascript:window.harm=5",
)
LONG = Passage(id="long", text=f"A {'zeppelin' * 20} flew.", title="Zeppelin" * 20)
CONTRASTS = """() => {
  const channels = (color) => color.match(/[0-9.]+/g).map(Number);
  const luminance = ([r, g, b]) => [r, g, b]
    .map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const background = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = channels(getComputedStyle(at).backgroundColor);
      if (color.length === 3) return color;
    }
    return [255, 255, 255];
  };
  const hasText = (element) =>
    [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  return [...document.body.querySelectorAll("*")]
    .filter((element) => element.checkVisibility() && hasText(element))
    .map((element) => {
      const pair = [channels(getComputedStyle(element).color), background(element)].map(luminance);
      const [dark, light] = pair.sort((a, b) => a - b);
      return [element.className || element.tagName, (light + 0.05) / (dark + 0.05)];
    });
}"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, tiny_wiki: Path) -> Iterator[str]:
    """Address of a server with the tiny wiki and hostile passages."""
    folder = tmp_path_factory.mktemp("site") / "index"
    with WikiIndex.create(folder) as index:
        index.add_source(open_source(tiny_wiki))
        index.add_passages([HOSTILE, replace(HOSTILE, id="data", url="data:text/html,harm"), LONG])
    with served(folder) as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, site: str) -> Iterator[Page]:
    """A page that must stay within its origin and report no error."""
    page = browser.new_page(viewport={"width": 1200, "height": 800})
    page.set_default_timeout(60_000)
    expect.set_options(timeout=60_000)
    problems: list[str] = []
    requested: list[str] = []
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: requested.append(request.url))
    page.goto(site)
    yield page
    page.close()
    assert problems == []
    assert {url for url in requested if not url.startswith((site, "data:"))} == set()


def ask(page: Page, question: str = QUESTION) -> None:
    page.locator("#query").fill(question)
    page.keyboard.press("Enter")
    expect(page.locator("#answer")).to_be_visible()
    expect(page.locator("body")).not_to_have_attribute("data-busy", "")


def set_threshold(page: Page, key: str) -> None:
    """Move the threshold to an end: Home is 0, End is 0.999."""
    page.locator("#threshold").press(key)


def shown(page: Page, column: str) -> list[str]:
    ids: list[str] = page.locator(f"#{column} .card:visible").evaluate_all(
        "cards => cards.map((card) => card.dataset.id)"
    )
    return ids


def test_ask_by_keyboard_and_see_both_lists(page: Page) -> None:
    expect(page.locator("#query")).to_be_focused()
    page.keyboard.type(QUESTION)
    page.keyboard.press("Enter")
    expect(page.locator("#answer")).to_be_visible()
    set_threshold(page, "Home")
    assert sorted(shown(page, "before")) == sorted(shown(page, "after"))
    assert len(shown(page, "after")) > 10
    expect(page.locator("#before-title")).to_have_text("Before: hybrid")
    expect(page.locator("#after .card").first).to_contain_text("Herring")
    assert "herring" in {text.lower() for text in page.locator("#after mark").all_inner_texts()}
    assert "who" not in {text.lower() for text in page.locator("mark").all_inner_texts()}
    legend = page.locator("#times").inner_text()
    assert all(stage in legend for stage in ("embed", "vectors", "BM25", "fuse", "rerank", "ms"))
    for score in ("cosine", "BM25", "logit"):
        expect(page.locator("#after .card").first).to_contain_text(score)


def test_ranks_and_moves_agree(page: Page) -> None:
    ask(page)
    set_threshold(page, "Home")
    before, after = shown(page, "before"), shown(page, "after")
    for number, id_ in enumerate(after):
        up = before.index(id_) - number
        expected = f"▲{up}" if up > 0 else f"▼{-up}" if up < 0 else "="
        move = page.locator(f'#after [data-id="{id_}"] .move > span').first
        assert move.inner_text() == expected


def test_examples_ask(page: Page) -> None:
    expect(page.locator("#examples button")).to_have_count(3)
    page.locator("#examples button").first.click()
    expect(page.locator("#answer")).to_be_visible()
    expect(page.locator("#query")).to_have_value("Amber Lighthouse")
    expect(page.locator("#empty")).to_be_hidden()


def test_the_slider_hides_and_counts(page: Page) -> None:
    ask(page)
    set_threshold(page, "Home")
    every = len(shown(page, "after"))
    expect(page.locator("#passing")).to_have_text(f"{every} of {every} pass")
    for _ in range(4):  # 0.01
        page.keyboard.press("ArrowRight")
    expect(page.locator("#threshold-value")).to_have_text("0.010")
    some = len(shown(page, "after"))
    assert 0 < some < every
    expect(page.locator("#passing")).to_have_text(f"{some} of {every} pass")
    assert len(shown(page, "before")) == every
    assert page.locator("#before .card.below").count() == every - some
    set_threshold(page, "End")
    assert shown(page, "after") == []
    expect(page.locator("#abstained")).to_contain_text("The wiki does not answer.")
    expect(page.locator("#status")).to_have_text("The wiki does not answer.")
    expect(page.locator("#nearest")).to_contain_text("Herring")


def test_keys_move_among_the_passages(page: Page) -> None:
    ask(page)
    set_threshold(page, "Home")
    page.keyboard.press("/")
    expect(page.locator("#query")).to_be_focused()
    page.keyboard.press("ArrowDown")
    cards = page.locator("#after .card")
    expect(cards.nth(0)).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("ArrowDown")
    expect(cards.nth(2)).to_be_focused()
    page.keyboard.press("k")
    expect(cards.nth(1)).to_be_focused()
    chosen = cards.nth(1).get_attribute("data-id")
    expect(page.locator(".card.active")).to_have_count(2)
    page.keyboard.press("h")
    expect(page.locator(f'#before [data-id="{chosen}"]')).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(cards.nth(1)).to_be_focused()
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()


def test_pointing_at_a_passage_shows_its_twin(page: Page) -> None:
    ask(page)
    page.locator("#before .card").nth(3).hover()
    chosen = page.locator("#before .card").nth(3).get_attribute("data-id")
    active = page.locator(".card.active").evaluate_all("cards => cards.map((c) => c.dataset.id)")
    assert active == [chosen, chosen]


def test_hostile_passages_stay_text(page: Page) -> None:
    ask(page, "zeppelin")
    set_threshold(page, "Home")
    expect(page.locator("#after")).to_contain_text('<img src=x onerror="window.harm = 1">')
    expect(page.locator("#after")).to_contain_text("Zeppelin <script>window.harm = 3</script>")
    assert (
        page.locator("#columns").locator("img, script, svg svg, [onload], [onerror]").count() == 0
    )
    addresses = page.locator("#columns a").evaluate_all("links => links.map((l) => l.protocol)")
    assert set(addresses) == {"https:"}
    assert page.locator("#after [data-id=hostile] span.title").count() == 1
    relations = page.locator("#columns a").evaluate_all("links => links.map((l) => l.rel)")
    assert set(relations) == {"noopener noreferrer"}
    assert page.evaluate("window.harm") is None


def test_an_address_can_be_shared(page: Page, site: str) -> None:
    page.goto(f"{site}?q={quote(QUESTION)}&t=0.999&from=lexical&n=10")
    expect(page.locator("#answer")).to_be_visible()
    expect(page.locator("#abstained")).to_be_visible()
    expect(page.locator("#before-title")).to_have_text("Before: BM25")
    ask(page, "lighthouse")
    assert "q=lighthouse&t=0.999&from=lexical&n=10" in page.url
    page.go_back()
    expect(page.locator("#query")).to_have_value(QUESTION)
    expect(page.locator("#after")).to_contain_text("Herring")


def test_the_latest_question_wins(page: Page) -> None:
    held: list[Route] = []

    def hold_the_first(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)

    page.route("**/api/search", hold_the_first)
    page.locator("#query").fill("lighthouse")
    page.keyboard.press("Enter")
    expect(page.locator("#status")).to_have_text("Searching…")
    ask(page)
    held[0].abort()
    expect(page.locator("#error")).to_be_hidden()
    expect(page.locator("#after .card").first).to_contain_text("Herring")


def test_errors_are_shown(page: Page) -> None:
    page.route("**/api/search", lambda route: route.fulfill(status=200, body='{"passa'))
    page.locator("#query").fill("lighthouse")
    page.keyboard.press("Enter")
    expect(page.locator("#error")).to_contain_text("could not be read")
    page.unroute("**/api/search")
    ask(page)
    expect(page.locator("#error")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 800, 1200])
def test_it_fits_and_can_be_read(browser: Browser, site: str, scheme: str, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 760}, color_scheme=scheme)
    page.set_default_timeout(60_000)
    for query in ("", f"?q={quote(f'herring {LONG.title}')}&t=0"):
        page.goto(site + query)
        page.locator("#answer" if query else "#examples button").first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") == width
        faint = [found for found in page.evaluate(CONTRASTS) if found[1] < 4.5]
        assert faint == []
    page.close()


def test_on_a_phone_one_list_shows_at_a_time(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    ask(page)
    expect(page.locator("#after .card").first).to_be_visible()
    assert shown(page, "before") == []
    page.get_by_role("button", name="Before").click()
    expect(page.locator("#before .card").first).to_be_visible()
    assert shown(page, "after") == []


def test_a_token_goes_with_every_request(browser: Browser, tiny_index: WikiIndex) -> None:
    with served(tiny_index.path, token="a-long-secret-word") as url:
        page = browser.new_page()
        page.goto(f"{url}#token=a-long-secret-word")
        expect(page.locator("#index-info")).to_contain_text("31 passages")
        assert "secret" not in page.url
        page.close()
        page = browser.new_page()
        page.goto(url)
        expect(page.locator("#error")).to_contain_text("needs its token")
        page.close()


def test_a_wiki_without_an_index_says_where_candidates_come_from(
    browser: Browser, tmp_path: Path
) -> None:
    with served(None, zim=write_australia(tmp_path / "australia.zim")) as url:
        page = browser.new_page()
        page.goto(url)
        expect(page.locator("#index-info")).to_have_text("australia.zim: by its own search")
        expect(page.locator("#search-type")).to_be_hidden()
        page.locator("#query").fill(CAPITAL)
        page.keyboard.press("Enter")
        expect(page.locator("#after .card").first).to_contain_text("in 1908")
        expect(page.locator("#before-title")).to_have_text("Before: the wiki's own search")
        expect(page.locator("#origin")).to_contain_text(
            "that australia.zim found by its own search"
        )
        page.close()


def test_an_index_says_where_candidates_come_from(page: Page) -> None:
    ask(page)
    expect(page.locator("#origin")).to_contain_text("From vectors and BM25 of the index index")


def test_an_empty_question_says_so(page: Page) -> None:
    page.locator("#query").fill("  ")
    page.keyboard.press("Enter")
    expect(page.locator("#error")).to_contain_text("The question is empty")
    ask(page)
    expect(page.locator("#error")).to_be_hidden()


def test_a_filter_narrows_and_goes_with_the_address(page: Page) -> None:
    expect(page.locator("#filter")).to_be_visible()
    ask(page)
    page.locator("#filter-key").select_option("title")
    page.locator("#filter-value").fill("Herring")
    page.locator("#filter-value").press("Enter")
    expect(page).to_have_url(re.compile("key=title&is=Herring"))
    expect(page.locator("body")).not_to_have_attribute("data-busy", "")
    set_threshold(page, "Home")
    titles = page.locator("#after .card:visible .title").all_inner_texts()
    assert titles
    assert all(title.startswith("Herring") for title in titles)
    page.reload()
    expect(page.locator("#answer")).to_be_visible()
    expect(page.locator("#filter-value")).to_have_value("Herring")


def test_on_a_phone_titles_keep_their_width_and_no_keys_are_told(
    browser: Browser, site: str
) -> None:
    phone = browser.new_context(
        viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True
    )
    page = phone.new_page()
    page.goto(f"{site}?q={quote('herring ' + LONG.title)}&t=0")
    card = page.locator('#after [data-id="long"]')
    card.wait_for()
    expect(page.locator("#keys-button")).to_be_hidden()
    wide = card.locator(".body").bounding_box()
    title = card.locator("h3").bounding_box()
    assert wide is not None
    assert title is not None
    assert title["width"] == wide["width"]
    assert card.locator("h3").get_attribute("dir") == "auto"
    expect(page.locator(".meaning")).to_contain_text("probability that a passage answers")
    phone.close()


def test_another_language_and_script(browser: Browser, tmp_path: Path) -> None:
    """The bundled models read no Japanese: order is lexical, the page says so and hides nothing."""
    folder = tmp_path / "index"
    passages = [
        Passage(id="ja", text="東京都の人口は約1400万人である。", title="東京都"),
        Passage(id="ar", text="القاهرة هي عاصمة مصر.", title="القاهرة"),
    ]
    with WikiIndex.create(folder) as index:
        index.add_passages(passages)
    with served(folder) as url:
        page = browser.new_page()
        page.set_default_timeout(60_000)
        page.goto(url)
        ask(page, "東京の人口は何ですか")
        expect(page.locator("#origin")).to_contain_text("Japanese")
        card = page.locator("#after .card").first
        expect(card.locator(".relevance .number")).to_have_text("–")
        assert card.locator(".text mark").all_inner_texts() == ["東京", "の人口は"]
        set_threshold(page, "End")
        assert shown(page, "after") == ["ja"]
        expect(page.locator("#abstained")).to_be_hidden()
        ask(page, "ما هي عاصمة مصر؟")
        text = page.locator("#after .card .text").first
        assert text.evaluate("element => getComputedStyle(element).direction") == "rtl"
        assert "عاصمة" in text.locator("mark").all_inner_texts()
        page.close()
