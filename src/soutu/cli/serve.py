"""`soutu serve`: the library in a browser, and over HTTP."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from soutu.cli.options import examples, library_option

if TYPE_CHECKING:
    from collections.abc import Callable

    from soutu.web.serve import Ready


@click.command(
    "serve",
    epilog=examples(
        "soutu serve --open",
        "soutu serve --library ./holiday --port 0 --read-only",
        "soutu serve --host 0.0.0.0 --token-file ~/soutu-token --allow-host pics.example.org",
    ),
)
@click.option(
    "--host", default="127.0.0.1", show_default=True, metavar="ADDRESS",
    help="Where to listen; anywhere but on this machine alone takes a token.",
)  # fmt: skip
@click.option(
    "--port", default=8770, show_default=True, type=click.IntRange(0, 65535), metavar="N",
    help="The port; 0 takes any free one.",
)  # fmt: skip
@click.option(
    "--token-file", metavar="FILE", type=click.Path(),
    help="A file with the token that clients must know: a long random text.",
)  # fmt: skip
@click.option("--read-only", is_flag=True, help="Answer questions only; change nothing.")
@click.option(
    "--allow-urls", is_flag=True, help="Fetch query pictures from the public internet, by URL."
)
@click.option(
    "--allow-host", "hosts", multiple=True, metavar="NAME",
    help="A further name the server is called by; may be given several times.",
)  # fmt: skip
@click.option(
    "--grpc-port", type=click.IntRange(0, 65535), metavar="N",
    help="Serve gRPC too, on this port; 0 takes any free one.",
)  # fmt: skip
@click.option("--open", "open_", is_flag=True, help="Open the page in the browser.")
@library_option
def command(
    *,
    host: str,
    port: int,
    token_file: str | None,
    read_only: bool,
    allow_urls: bool,
    hosts: tuple[str, ...],
    grpc_port: int | None,
    open_: bool,
    library: str | None,
) -> None:
    """Show the library in a browser, and answer programs over HTTP.

    The library is made if there is none; folders can be indexed from the page. Without a token
    only this machine reaches the server, and every user of this machine can. Ctrl-C or SIGTERM
    stops it: what is being asked is answered first, and indexing goes on the next time.
    """
    from soutu.web.serve import serve
    from soutu.web.settings import Settings

    settings = Settings(
        host=host,
        port=port,
        token=None if token_file is None else _token_in(Path(token_file)),
        read_only=read_only,
        urls=allow_urls,
        hosts=hosts,
    )
    serve(
        library,
        settings=settings,
        token_file=None if token_file is None else Path(token_file),
        grpc_port=grpc_port,
        on_ready=_announcer(open_=open_),
    )


def _token_in(file: Path) -> str:
    """Read the token. Raises InputError."""
    from soutu.errors import InputError

    try:
        token = file.expanduser().read_text("utf-8").strip()
        others = file.expanduser().stat().st_mode & 0o077
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        msg = f"cannot read the token file {file}: {reason}. Make one: openssl rand -hex 32 > FILE"
        raise InputError(msg) from error
    if others and sys.platform != "win32":
        click.echo(f"Others can read the token in {file}. Better: chmod 600 {file}", err=True)
    return token


def _announcer(*, open_: bool) -> Callable[[Ready], None]:
    """Return what tells where the server answers."""
    from soutu.cli.display import printable

    def announce(ready: Ready) -> None:
        place = printable(str(ready.library))
        click.echo(f"Serving {place} at {ready.url}  (Ctrl-C stops it)")
        if ready.grpc_port is not None:
            click.echo(f"gRPC on port {ready.grpc_port}")
        if open_:
            # In a thread: some systems wait until the browser ends.
            import threading
            import webbrowser

            threading.Thread(target=webbrowser.open, args=(ready.url,), daemon=True).start()

    return announce
