# SPDX-License-Identifier: Apache-2.0
"""Firefox without a screen, driven directly by WebDriver BiDi, without a driver program."""

import base64
import itertools
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from browser import Page
from websockets.sync.client import ClientConnection, connect
from writers import wait_until

FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
TIMEOUT_S = 60
CLICK = ("pointerDown", "pointerUp")
PREFERENCES = {
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "browser.aboutConfig.showWarning": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.dns.localDomains": "camera.test",  # by this name the page is one from another host
    "services.settings.server": "data:,",
    "toolkit.telemetry.enabled": False,
}


class Firefox:
    """A window, with the methods of Selenium's driver that a Page calls."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._numbers = itertools.count()
        self._complaints: list[str] = []
        self._ask("session.new", capabilities={})
        self._ask("session.subscribe", events=["log.entryAdded"])
        self._window = self._ask("browsingContext.getTree")["contexts"][0]["context"]

    def _ask(self, method: str, **parameters: Any) -> Any:
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._socket.recv(TIMEOUT_S))
            if answer.get("method") == "log.entryAdded" and answer["params"]["level"] == "error":
                self._complaints.append(answer["params"]["text"])
            elif answer.get("id") == number:
                assert answer["type"] == "success", answer
                return answer["result"]

    @property
    def current_url(self) -> str:
        return str(self._ask("browsingContext.getTree")["contexts"][0]["url"])

    def get(self, url: str) -> None:
        self._ask("browsingContext.navigate", context=self._window, url=url, wait="complete")

    def execute_script(self, script: str) -> Any:
        """Run a script, and return its result as JSON."""
        expression = f"(async () => JSON.stringify(await (async () => {{ {script} }})() ?? null))()"
        answer = self._ask(
            "script.evaluate",
            expression=expression,
            target={"context": self._window},
            awaitPromise=True,
        )
        assert answer["type"] == "success", answer
        return json.loads(answer["result"]["value"])

    def click(self, x: int, y: int) -> None:
        """Click there in the window, as a person does."""
        steps = [{"type": "pointerMove", "x": x, "y": y}, *({"type": kind, "button": 0} for kind in CLICK)]
        mouse = {"type": "pointer", "id": "mouse", "actions": steps}
        self._ask("input.performActions", context=self._window, actions=[mouse])

    def set_window_size(self, width: int, height: int) -> None:
        viewport = {"width": width, "height": height}
        self._ask("browsingContext.setViewport", context=self._window, viewport=viewport)

    def errors(self) -> list[str]:
        """Return the errors that the browser logged since the last call."""
        self.execute_script("return 0")
        told, self._complaints = self._complaints, []
        return told

    def save_screenshot(self, path: str) -> None:
        data = self._ask("browsingContext.captureScreenshot", context=self._window)["data"]
        Path(path).write_bytes(base64.b64decode(data))


class FirefoxPage(Page):
    """The page in Firefox."""

    driver: Firefox

    def click(self, name: str) -> None:
        """Click it, once more if the page moved it away under the mouse, as when a ring comes to the list above."""
        listens = "button.addEventListener('click', () => done(true), {once: true, capture: true})"
        before = f"""
            const button = document.getElementById({name!r}), {{x, y, width, height}} = button.getBoundingClientRect();
            globalThis.clicked = new Promise((done) => {{ {listens}; setTimeout(done, 2000); }});
            return [width, x + width / 2, y + height / 2];"""

        def arrives() -> bool:
            width, x, y = self.driver.execute_script(before)
            if not width:
                return False
            self.driver.click(round(x), round(y))
            return bool(self.driver.execute_script("return globalThis.clicked"))

        self.wait(arrives, f"{name} is clicked")

    def errors(self) -> list[str]:
        """Return the errors that the browser logged since the last call."""
        return self.driver.errors()


@contextmanager
def firefox(folder: Path, preferences: dict[str, Any] | None = None) -> Iterator[Firefox]:
    """Start the browser, with its data in that folder."""
    told = PREFERENCES | (preferences or {})
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in told.items()]
    (folder / "user.js").write_text("\n".join(lines))
    command = [str(FIREFOX), "--headless", "--no-remote", "--profile", str(folder), "--remote-debugging-port", "0"]
    log = folder / "log"
    with log.open("w") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            wait_until(lambda: "BiDi listening" in log.read_text(), "Firefox listens")
            address = re.findall(r"BiDi listening on (ws://\S+)", log.read_text())[0]
            with connect(f"{address}/session", max_size=None) as socket:
                yield Firefox(socket)
        finally:
            process.terminate()
            process.wait(TIMEOUT_S)
