"""A real browser for pages: headless Chromium, and the texts that pages must survive."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

HOSTILE = [
    "<script>alert(1)</script>",
    "</script><script>alert(2)</script>",
    "<img src=x onerror=alert(3)>",
    "\"'><svg onload=alert(4)>",
    "<!--<script>",
    "]]> &lt;b&gt; & \u2028 \u2029 \x00 \ud800",
    "{{ 7 * 7 }} {% raw %}",
    "javascript:alert(5)",
]


def _high(descriptor: int) -> int:
    """The same file under a number that is out of the way of 3 and 4."""
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD, 10)
    os.close(descriptor)
    return moved


class Browser:
    """A page in headless Chromium, spoken to over a pipe in the DevTools protocol.

    Attributes:
        requests: addresses that the page asked for, itself included.
        trouble: dialogs, uncaught errors, and what the console and the policy complained of.
    """

    def __init__(self, binary: str, profile: Path) -> None:
        self.requests: list[str] = []
        self.trouble: list[str] = []
        their_in, self._out = os.pipe()
        self._in, their_out = os.pipe()
        flags = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
        flags += "--disable-background-networking --disable-component-update --disable-sync "
        flags += "--disable-dev-shm-usage --hide-scrollbars --remote-debugging-pipe"
        # Chromium reads commands from descriptor 3 and answers on 4.
        their_in, their_out = _high(their_in), _high(their_out)
        command = f'exec "$0" "$@" 3<&{their_in} 4>&{their_out} {their_in}<&- {their_out}>&-'
        self._process = subprocess.Popen(
            ["bash", "-c", command, binary, *flags.split(), f"--user-data-dir={profile}"],
            pass_fds=(their_in, their_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(their_in)
        os.close(their_out)
        self._buffer = b""
        self._number = 0
        self._session: str | None = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """One command and its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return dict(answer["result"])

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            received = os.read(self._in, 1 << 20)
            assert received, "the browser is gone"
            self._buffer += received
        message, _, self._buffer = self._buffer.partition(b"\0")
        answer: dict[str, Any] = json.loads(message)
        self._note(answer)
        return answer

    def _note(self, answer: dict[str, Any]) -> None:
        method, params = answer.get("method"), answer.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Page.javascriptDialogOpening":
            self.trouble.append(f"dialog: {params['message']}")
        elif method == "Runtime.exceptionThrown":
            self.trouble.append(f"exception: {params['exceptionDetails']}")
        elif method == "Log.entryAdded":
            self.trouble.append(f"log: {params['entry']['text']}")

    def open(self, page: Path | str, fragment: str = "") -> None:
        """Load a file, or an address, and wait until it has run."""
        self.call("Page.navigate", url="about:blank")
        self.requests.clear()
        self.trouble.clear()
        url = page if isinstance(page, str) else page.as_uri()
        self.call("Page.navigate", url=url + fragment)
        while self._read().get("method") != "Page.loadEventFired":
            pass

    def run(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page."""
        result = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def press(self, key: str) -> None:
        """Press and release a key."""
        text = {"Enter": "\r", "Space": " "}.get(key, key if len(key) == 1 else "")
        named = {"key": " " if key == "Space" else key, "code": key}
        codes = {"Tab": 9, "Enter": 13, "Space": 32}
        for kind in ("keyDown", "keyUp"):
            extra = {"text": text} if text and kind == "keyDown" else {}
            if key in codes:
                extra["windowsVirtualKeyCode"] = codes[key]
            self.call("Input.dispatchKeyEvent", type=kind, **named, **extra)

    def size(self, width: int, height: int, dark: bool = False) -> None:
        """Set the window's size and the preferred colours."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def screenshot(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=20)
        os.close(self._in)
        os.close(self._out)


def start_browser(profile: Path) -> Browser:
    """A browser; skips the test where there is none."""
    binary = shutil.which("chromium") or shutil.which("chromium-browser")
    if binary is None:
        pytest.skip("no `chromium` on the PATH (Debian: apt-get install chromium)")
    return Browser(binary, profile)
