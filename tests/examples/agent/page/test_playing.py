"""Recordings are played on the page, from their best part and from where they were."""

import json

import pytest

from tests.examples.agent.page.browser import complaints, keys, status, until
from tests.examples.agent.page.hostile_names import FILES


@pytest.mark.parametrize("page", ["report", "served"])
def test_recordings_of_any_name_play_at_their_best(page, request):
    browser = request.getfixturevalue(page)
    for k in range(len(FILES)):
        browser.execute_script("document.querySelectorAll('.play')[arguments[0]].focus()", k)
        keys(browser, "ENTER")
        state = until(
            browser,
            "const a = document.getElementById('audio'); return (a.error || a.readyState > 2) && "
            "[a.error && a.error.message, a.getAttribute('src'), a.currentTime, a.duration]",
        )
        track = browser.execute_script(
            "const t = document.querySelectorAll('.track')[arguments[0]].track; return [t.start_s, t.end_s]", k
        )
        assert state[0] is None and state[1].endswith(f"#t={track[0]:.1f},{track[1]:.1f}"), FILES[k]
        assert state[2] >= track[0] - 0.1 and state[3] == pytest.approx(20, abs=0.1)
    row = "document.querySelectorAll('.track')[arguments[0]]"
    until(browser, f"return {row}.classList.contains('playing')", k)
    label = browser.execute_script(f"return {row}.querySelector('.play').ariaLabel", k)
    assert label.startswith("Pause ")
    keys(browser, "ENTER")
    until(browser, "return document.getElementById('audio').paused")
    assert browser.execute_script(f"return {row}.querySelector('.play').ariaLabel", k).startswith("Play ")
    assert complaints(browser) == []


def test_a_recording_that_is_gone_is_said_so(report):
    report.execute_script("document.querySelectorAll('.play')[arguments[0]].click()", len(FILES))
    status(report, "can't be played here")
    assert "track 00" in report.execute_script("return document.getElementById('playing').textContent")


def test_seeking_is_by_parts(served):
    served.execute_script("document.querySelectorAll('.play')[1].click()")
    until(served, "return document.getElementById('audio').readyState > 2")
    messages = [json.loads(entry["message"])["message"] for entry in served.get_log("performance")]
    codes = [
        m["params"]["response"]["status"]
        for m in messages
        if m["method"] == "Network.responseReceived" and "/audio/" in m["params"]["response"]["url"]
    ]
    assert codes and set(codes) == {206}
    served.execute_script("document.getElementById('audio').currentTime = 15")
    until(served, "const a = document.getElementById('audio'); return !a.seeking && a.currentTime >= 15")


def press_play(browser, place=0):
    browser.execute_script("document.querySelectorAll('#tracks .play')[arguments[0]].click()", place)


def test_play_after_pause_goes_on_where_it_was(served):
    served.execute_script(
        "const e = document.getElementById('text'); e.value = 'quoted'; e.dispatchEvent(new Event('input'))"
    )
    status(served, "1 track")
    press_play(served)
    until(served, "return document.getElementById('audio').currentTime > 0.3")
    press_play(served)
    until(served, "return document.getElementById('audio').paused")
    at_s = served.execute_script("document.getElementById('audio').currentTime = 6; return 6")
    until(served, "return document.querySelector('.play').ariaLabel.endsWith('from 0:06')")
    press_play(served)
    until(served, "return !document.getElementById('audio').paused && document.getElementById('audio').currentTime > 6")
    assert served.execute_script("return document.getElementById('audio').currentTime") < at_s + 5
