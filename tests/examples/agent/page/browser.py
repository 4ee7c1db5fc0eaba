"""Helpers of tests that drive a browser."""

import json

from tests.examples.made_up import NAMES


def opened(browser, url):
    browser.get("about:blank")
    browser.get_log("browser"), browser.get_log("performance")
    browser.get(url)
    until(browser, "return document.querySelectorAll('#tracks .track').length")
    return browser


def until(browser, script, *arguments):
    """Wait until a script returns something, and return it."""
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(browser, 30, 0.05).until(lambda window: window.execute_script(script, *arguments))


def complaints(browser):
    return [entry["message"] for entry in browser.get_log("browser")]


def requests(browser):
    """Return the addresses that were requested since the page was opened."""
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    sent = (each["params"]["request"]["url"] for each in messages if each["method"] == "Network.requestWillBeSent")
    own = ("data:", "chrome:")  # symbols of the player, and the browser's first page
    return [url for url in sent if not url.startswith(own)]


def ids(browser, count=None):
    found = browser.execute_script("return [...document.querySelectorAll('#tracks .track')].map((row) => row.track.id)")
    return found[:count]


def keys(browser, *sent):
    from selenium.webdriver.common.keys import Keys

    browser.switch_to.active_element.send_keys(*(getattr(Keys, key, key) for key in sent))


def slide(browser, genre, *sent):
    """Move a slider as the keyboard does it."""
    browser.execute_script("document.getElementById(arguments[0]).focus()", f"genre-{NAMES.index(genre)}")
    keys(browser, *sent)


def status(browser, words):
    until(browser, "return document.getElementById('status').textContent.includes(arguments[0])", words)


def address(browser):
    return browser.execute_script("return decodeURIComponent(location.hash)")
