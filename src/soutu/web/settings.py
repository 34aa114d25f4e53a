"""What a server is allowed to do, and how much of it."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass

from soutu.errors import InputError

DEFAULT_PORT = 8770


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How to serve. `token` guards everything but the page's own files and the health checks.

    `read_only` answers questions and changes nothing. `urls` lets queries name pictures on the
    web. `hosts` are further names the server may be called by. Uploads are limited to
    `max_upload_bytes` a request and to `max_megapixels` a picture.
    """

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    token: str | None = None
    read_only: bool = False
    urls: bool = False
    hosts: tuple[str, ...] = ()
    max_upload_bytes: int = 64 * 1024 * 1024
    max_megapixels: float = 200.0

    def __post_init__(self) -> None:
        """Refuse an address that others can reach without a token. Raises InputError."""
        if self.token is not None and not self.token.strip():
            raise InputError("the token is empty. Write a long random text into the token file")
        if self.token is not None and not (self.token.isascii() and self.token.isprintable()):
            msg = "the token must be one line of plain letters, digits and signs, as headers carry"
            raise InputError(msg)
        if self.token is None and not is_loopback(self.host):
            msg = (
                f"{self.host} can be reached from other machines, so a token is needed. Write a "
                f"long random text into a file and give it: --token-file FILE"
            )
            raise InputError(msg)

    def knows_host(self, name: str) -> bool:
        """Tell whether a name in a Host header (without port) is one of this server's.

        A page of another site that points its own name at this machine (DNS rebinding) sends
        that name; an address in figures or this machine's own name cannot come from there.
        """
        name = name.lower().strip("[]").rstrip(".")
        if name in {"localhost", self.host.lower(), *(each.lower() for each in self.hosts)}:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return not is_loopback(self.host) and name == socket.gethostname().lower()
        return True


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach a server at this host."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
