# SPDX-License-Identifier: Apache-2.0
"""The page of vshm serve in a browser, and Chromium without a screen."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from selenium import webdriver
from writers import wait_until

from vshm_ctypes.cli.web.viewer import TEXTS

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
OPTIONS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # By this name the page is one from another host: not a secure context.
    "--host-resolver-rules=MAP camera.test 127.0.0.1",
]
DIED = TEXTS["dead"]
TOO_SLOW = "This browser decodes more slowly than the pictures come: some are skipped."
BUSY = (TOO_SLOW, TEXTS["stalled"])  # what is true, and no fault of the page, where the machine of a test is busy
DESKTOP, PHONE = (1280, 900), (360, 740)


class Driver(Protocol):
    """The methods of a Selenium driver that a Page calls."""

    def get(self, url: str) -> None: ...

    def execute_script(self, script: str) -> Any: ...


class Page:
    """The page in a browser, as a person sees it."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver

    def open(self, url: str) -> None:
        self.driver.get("about:blank")  # a change of the ring alone would not load the page anew
        self.driver.get(url)

    def text(self, name: str) -> str:
        return str(self.driver.execute_script(f"return document.getElementById('{name}').textContent"))

    @property
    def complaint(self) -> str:
        """Return what the page says is wrong, without what a busy machine causes."""
        text = self.text("message")
        for one in BUSY:
            text = text.replace(one, "")
        return text.strip()

    @property
    def shown(self) -> int:
        """Return how many pictures were on screen."""
        return int(self.text("shown"))

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        try:
            wait_until(condition, what)
        except AssertionError as error:
            raise AssertionError(f"{error}; the page says {self.text('message')!r}, {self.shown} shown") from None

    def plays(self, by: str) -> None:
        """Assert that pictures appear, one after the other."""
        self.wait(lambda: self.shown >= 10, f"it plays by {by}")
        frame, shown = int(self.text("frame")), self.shown
        self.wait(lambda: self.shown >= shown + 25 and int(self.text("frame")) >= frame + 25, "the counter advances")
        assert self.text("player") == by
        assert not self.complaint, self.complaint

    def brightness(self) -> float:
        """Return the brightness in the middle of the picture on screen, 0 to 255."""
        script = """
            const from = document.querySelector("#picture > :not([hidden]):not(p)");
            const to = document.createElement("canvas");
            to.width = to.height = 1;
            to.getContext("2d").drawImage(from, 20, 20, 1, 1, 0, 0, 1, 1);
            return to.getContext("2d").getImageData(0, 0, 1, 1).data[0];"""
        return float(self.driver.execute_script(script))

    def errors(self) -> list[str]:
        """Return the errors that the browser logged since the last call."""
        raise NotImplementedError

    def says(self, *texts: str) -> None:
        """Assert that the page comes to show all of these texts."""
        self.wait(lambda: all(text in self.text("message") for text in texts), f"it says {texts}")

    def click(self, name: str) -> None:
        """Click as a person does: browsers play sound only after such a click."""
        raise NotImplementedError


class ChromiumPage(Page):
    """The page in Chromium."""

    driver: webdriver.Chrome

    def click(self, name: str) -> None:
        button = self.driver.find_element("id", name)
        self.wait(button.is_displayed, f"{name} is there")
        button.click()

    def errors(self) -> list[str]:
        """Return the errors that the browser logged since the last call."""
        log = self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        return [entry["message"] for entry in log if entry["level"] == "SEVERE"]

    @contextmanager
    def with_script(self, source: str) -> Iterator[None]:
        """Run a script before those of each page, as long as the block lasts."""
        added = self.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": source})
        try:
            yield
        finally:
            self.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)

    def size(self, width: int, height: int) -> None:
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


@contextmanager
def chromium(folder: Path) -> Iterator[webdriver.Chrome]:
    """Start the browser, with its data in that folder."""
    options = webdriver.ChromeOptions()
    for option in (*OPTIONS, f"--user-data-dir={folder}"):
        options.add_argument(option)
    options.binary_location = str(CHROMIUM)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    try:
        yield driver
    finally:
        driver.quit()
