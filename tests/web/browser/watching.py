"""Whatever goes wrong in a page, seen or not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from playwright.sync_api import ConsoleMessage, Page, Request, Response

# Chromium tells of a breach of the policy in the console, too; this also names the rule.
_POLICY = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy: ${event.violatedDirective} forbids ${event.blockedURI}`));
"""


@dataclass
class Watch:
    """The faults of a page: errors, answers that say so, and requests to anybody else.

    `expected` holds parts of faults that the test brings about on purpose.
    """

    host: str
    expected: list[str] = field(default_factory=list)
    found: list[str] = field(default_factory=list)

    def attach(self, page: Page) -> None:
        """Watch a page from now on."""
        page.add_init_script(_POLICY)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.found.append(f"error: {error}"))
        page.on("request", self._request)
        page.on("response", self._response)
        page.on("requestfailed", self._failed)

    @property
    def faults(self) -> list[str]:
        """Return what was not expected."""
        return [each for each in self.found if not any(part in each for part in self.expected)]

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            where = message.location.get("url", "")
            self.found.append(f"console: {message.text} ({where})")

    def _request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in {"data", "blob"} and parts.netloc != self.host:
            self.found.append(f"elsewhere: {request.url}")

    def _response(self, response: Response) -> None:
        if response.status >= 400:
            self.found.append(f"answer: {response.status} of {response.url}")

    def _failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # what is not wanted any more is called off
            self.found.append(f"failed: {request.url}, {request.failure}")
