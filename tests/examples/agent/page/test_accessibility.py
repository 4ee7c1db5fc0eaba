"""The page by keyboard, to a screen reader, in any colours, printed, and under the rules of WCAG."""

import base64
import json
from pathlib import Path

import numpy as np
import pytest

from tests.examples.agent.page.browser import ids, keys, slide, status, until
from tests.examples.made_up import NAMES


def test_all_of_it_works_by_keyboard(report):
    focus = "const e = document.activeElement; return e.id || e.className || e.textContent"
    report.execute_script("document.body.focus()")
    keys(report, "TAB")
    assert report.execute_script(focus) == "skip"
    seen = []
    for _ in range(13):
        keys(report, "TAB")
        seen.append(report.execute_script(focus))
    sliders = [f"genre-{k}" for k in range(4)]
    assert seen[:9] == [*sliders, "clear", "text", "least", "play", "More like this"]
    outline = report.execute_script("return getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"
    slide(report, "Drama", "ARROW_RIGHT", "ARROW_RIGHT")
    status(report, "best first")
    words = report.execute_script("const e = document.getElementById('genre-2'); return [e.ariaValueText, e.value]")
    assert words == ["more, 0.2", "0.2"]
    report.execute_script("document.getElementById('clear').focus()")
    keys(report, "ENTER")
    until(report, "return document.getElementById('heading').textContent === 'All tracks'")
    before = len(ids(report))
    report.execute_script("document.querySelector('.actions button').focus()")
    keys(report, "SPACE")
    curves = report.execute_script("return document.querySelector('.curves').querySelectorAll('.curve').length")
    assert curves == 4 and report.execute_script("return document.activeElement.ariaExpanded") == "true"
    assert len(ids(report)) >= before


def test_everything_has_a_role_and_a_name(report):
    report.execute_script("document.querySelector('.actions button').click()")
    tree = report.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    kinds: dict[str, list[str]] = {}
    for node in tree:
        if not node.get("ignored"):
            kinds.setdefault(node["role"]["value"], []).append(node.get("name", {}).get("value", ""))
    for kind in ("button", "slider", "link", "searchbox", "combobox", "heading", "form", "image", "region"):
        assert kinds.get(kind) and all(kinds[kind]), kind
    assert kinds["slider"] == list(NAMES) and "status" in kinds and "main" in kinds and "list" in kinds
    assert any("where Drama is strongest" in name for name in kinds["button"])
    labels = kinds["button"] + kinds["link"]
    assert len(labels) == len(set(labels)), "two controls of one name can't be told apart"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark_can_be_read(report, scheme):
    report.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
    try:
        slide(report, "Drama", "END")
        slide(report, "Comedy", "HOME")
        status(report, "best first")
        colours = report.execute_script(
            "const of = (s, p) => getComputedStyle(document.querySelector(s))[p].match(/[\\d.]+/g).map(Number);"
            "return [of('body', 'backgroundColor'), ...arguments[0].map((s) => of(s, 'color'))]",
            "h3|.words|#status|output|.less output|.actions a|.actions button|.score span|footer p|.hint".split("|"),
        )
    finally:
        report.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    paper = luminance(colours[0])
    assert (paper > 0.5) == (scheme == "light")
    for colour in colours[1:]:
        darker, lighter = sorted([luminance(colour), paper])
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5, colour  # WCAG 2.1, 1.4.3


def luminance(colour):
    """Return the relative luminance of an sRGB colour (WCAG 2.1)."""
    c = np.array(colour[:3]) / 255
    return float(np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722])


def test_a_narrow_window_needs_no_scrolling_aside(report):
    report.set_window_size(500, 900)
    try:
        width = until(report, "return innerWidth < 600 && [document.documentElement.scrollWidth, innerWidth]")
        assert width[0] <= width[1]
    finally:
        report.set_window_size(1280, 1000)


def test_a_printed_page_says_what_was_asked_for_in_dark_ink(report):
    slide(report, "Drama", "END")
    status(report, "best first")
    report.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"media": "print", "features": [{"name": "prefers-color-scheme", "value": "dark"}]},
    )
    try:
        shown = report.execute_script(
            "const style = (query) => getComputedStyle(document.querySelector(query));"
            "return [style('#asked').display, document.getElementById('asked').textContent, style('form').display,"
            " style('body').backgroundColor, style('.track').contentVisibility, style('.curve .area').fill]"
        )
        assert shown == ["block", "Drama +1.0", "none", "rgb(255, 255, 255)", "visible", "rgb(98, 140, 154)"]
        assert len(base64.b64decode(report.execute_cdp_cmd("Page.printToPDF", {})["data"])) > 10_000
    finally:
        report.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})


@pytest.mark.parametrize("page", ["report", "served"])
def test_labels_say_what_is_seen(page, request):
    """Someone who speaks to the browser says the words that are shown (WCAG 2.5.3)."""
    browser = request.getfixturevalue(page)
    browser.execute_script("document.querySelector('#tracks .actions button').click()")
    labelled = browser.execute_script(
        "return [...document.querySelectorAll('a, button')].map((e) => [e.textContent.trim(), e.ariaLabel])"
    )
    assert len(labelled) > 40
    assert all(label is None or words in label for words, label in labelled)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_rails_fields_and_curves_stand_out(report, scheme):
    """At least 3:1 from what is around them (WCAG 1.4.11), also where the best part is marked."""
    feature = [{"name": "prefers-color-scheme", "value": scheme}]
    report.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": feature})
    try:
        names = ["--edge", "--more-soft", "--more-most", "--less-soft", "--less-most", "--best-line"]
        colour = "return getComputedStyle(document.documentElement).getPropertyValue(arguments[0]).trim()"
        for name in names:
            for ground in ("--paper", "--raised") if name == "--edge" else ("--paper", "--best"):
                assert contrast(report.execute_script(colour, name), report.execute_script(colour, ground)) >= 3, name
        border = report.execute_script("return getComputedStyle(document.getElementById('text')).borderColor")
        edge = report.execute_script(colour, "--edge")
        assert border == "rgb({}, {}, {})".format(*(int(edge[k : k + 2], 16) for k in (1, 3, 5)))
    finally:
        report.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})


def contrast(one, other):
    """Return the contrast of two colours by WCAG 2.1."""

    def luminance(colour):
        parts = np.array([int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)])
        return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_forced_colours_keep_rails_and_curves(report):
    report.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "forced-colors", "value": "active"}]})
    try:
        colours = report.execute_script(
            "const root = getComputedStyle(document.body), area = getComputedStyle(document.querySelector('.area'));"
            "const carried = getComputedStyle(document.querySelector('.carried'));"
            "return [root.backgroundColor, area.fill, carried.fill]"
        )
        assert len(set(colours)) == 3
    finally:
        report.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("page", ["report", "served"])
def test_axe_finds_nothing_wrong_in_any_view(page, scheme, request):
    """The rules of WCAG 2.2 AA, best practice and what axe tries out; it comes with `pip install axe-core-python`."""
    package = pytest.importorskip("axe_core_python")
    axe = (Path(package.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice", "experimental"]
    names = "JSON.stringify(found.violations.map((each) => each.id))"
    run = f"axe.run(document, {{runOnly: {tags}}}).then((found) => {names})"
    browser = request.getfixturevalue(page)

    def violations():
        asked = {"expression": f"{axe};{run}", "awaitPromise": True}
        return json.loads(browser.execute_cdp_cmd("Runtime.evaluate", asked)["result"]["value"])

    feature = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": feature})
    try:
        assert violations() == []
        slide(browser, "Drama", "END")
        status(browser, "best first")
        assert violations() == []
        browser.execute_script("document.querySelector('#tracks .actions button').click()")
        assert violations() == []
        browser.execute_script("document.querySelector('#tracks .actions a').click()")
        status(browser, "most alike")
        assert violations() == []
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})
