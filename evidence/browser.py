"""A headless Chromium, driven by the DevTools protocol over a pair of pipes."""

from __future__ import annotations

import base64
import importlib.util
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["AXE", "CHROMIUM", "Browser", "browser"]

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_SPEC = importlib.util.find_spec("axe_core_python")
# The accessibility checks of axe-core, a script; None where the package is missing.
AXE = (Path(_SPEC.submodule_search_locations[0]) / "axe.min.js"
       if _SPEC and _SPEC.submodule_search_locations else None)
PATIENCE = 300.0  # s, as other work may keep the machine busy
# No sandbox: tests may run as root in a container.
_FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe",
          "--no-first-run", "--disable-background-networking", "--disable-dev-shm-usage")


class Browser:
    """One page; ``errors`` are what its console complained of, ``requests`` what it loaded."""

    def __init__(self, commands: int, answers: int):
        self._commands, self._answers, self._rest, self._number = commands, answers, b"", 0
        self._session: str | None = None
        self.errors: list[str] = []
        self.requests: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target,
                                  flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, timeout: float = PATIENCE, **parameters: Any) -> dict[str, Any]:
        """Have Chromium do ``method`` and wait for its answer."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + timeout
        while True:
            found = self._read(deadline, method)
            if found.get("id") == self._number:
                assert "error" not in found, found
                return found["result"]
            self._note(found)

    def open(self, page: Path, width: int = 1000, height: int = 900, dark: bool = False) -> None:
        """Open a file at this size of the window."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=width < 600)
        self.color(dark)
        self.call("Page.navigate", url=page.resolve().as_uri())
        self.wait("document.readyState === 'complete' && location.protocol === 'file:'")

    def color(self, dark: bool) -> None:
        """By night or by day."""
        self.call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def before(self, script: str) -> None:
        """Run ``script`` in every page from now on, before the page's own."""
        self.call("Page.addScriptToEvaluateOnNewDocument", source=script)

    def findings(self) -> list[str]:
        """What axe finds serious or critical in the page, by day and by night."""
        assert AXE
        self.value(AXE.read_text(encoding="utf-8") + "; 0")
        found: list[str] = []
        for dark in (False, True):
            self.color(dark)
            found += self.value("axe.run().then(result => result.violations.filter(each => "
                                "['serious', 'critical'].includes(each.impact)).map(each => "
                                "each.id + ': ' + each.nodes[0].html))")
        return found

    def value(self, expression: str, timeout: float = PATIENCE) -> Any:
        """What a JavaScript expression gives, awaited."""
        found = self.call("Runtime.evaluate", timeout, expression=expression, awaitPromise=True,
                          returnByValue=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def wait(self, expression: str, timeout: float = PATIENCE) -> Any:
        """The expression's value once it is true."""
        deadline = time.monotonic() + timeout
        while not (found := self.value(expression)):
            assert time.monotonic() < deadline, f"{expression} stays {found!r}"
            time.sleep(0.05)
        return found

    def shoot(self, path: Path) -> None:
        """A picture of the whole page."""
        found = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(found["data"]))

    def _read(self, deadline: float, waiting_for: str) -> dict[str, Any]:
        while b"\0" not in self._rest:
            left = deadline - time.monotonic()
            assert left > 0 and select.select([self._answers], [], [], left)[0], \
                f"Chromium does not answer {waiting_for}"
            got = os.read(self._answers, 1 << 20)
            assert got, "Chromium ended"
            self._rest += got
        found, _, self._rest = self._rest.partition(b"\0")
        return json.loads(found)

    def _note(self, event: dict[str, Any]) -> None:
        match event.get("method"):
            case "Runtime.exceptionThrown":
                self.errors.append(str(event["params"]["exceptionDetails"]))
            case "Log.entryAdded":
                self.errors.append(event["params"]["entry"]["text"])
            case "Runtime.consoleAPICalled":
                self.errors.append(str(event["params"]["args"]))
            case "Network.requestWillBeSent":
                self.requests.append(event["params"]["request"]["url"])


def _end(process: subprocess.Popen) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def browser() -> Iterator[Browser]:
    """A Chromium that ends with the block."""
    assert CHROMIUM
    take, commands = os.pipe()
    answers, give = os.pipe()
    with tempfile.TemporaryDirectory(prefix="bsnn_hw_", ignore_cleanup_errors=True) as profile:
        def place() -> None:  # Chromium reads from descriptor 3 and writes to 4
            kept = os.dup(take), os.dup(give)
            os.dup2(kept[0], 3)
            os.dup2(kept[1], 4)

        process = subprocess.Popen(
            [CHROMIUM, *_FLAGS, f"--user-data-dir={profile}"], close_fds=False,
            preexec_fn=place, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(take)
        os.close(give)
        try:
            yield Browser(commands, answers)
        finally:
            _end(process)
            os.close(commands)
            os.close(answers)
