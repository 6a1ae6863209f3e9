"""The web server of the page: its address, its looks, and what it warms up once it is open."""

from __future__ import annotations

import errno
import socket
import threading
from pathlib import Path

import gradio as gr

from interviewer.errors import PortInUse
from interviewer.ui.page import Page
from interviewer.wiring import Wiring
from interviewer.words import say

_HERE = Path(__file__).parent
_WORKERS = 16


def serve(wiring: Wiring, host: str, port: int) -> None:
    """Start the page and stay until it is stopped; PortInUse when the port is taken."""
    _check_port(host, port)
    wiring.check_data_folder()
    demo = Page(wiring).build()
    shown = "localhost" if host in ("0.0.0.0", "::") else host  # noqa: S104 - compared, not bound
    fonts = ["system-ui", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "sans-serif"]
    mono = ["ui-monospace", "Consolas", "monospace"]
    demo.queue(default_concurrency_limit=_WORKERS).launch(
        server_name=host,
        server_port=port,
        theme=gr.themes.Soft(font=fonts, font_mono=mono),
        css_paths=_HERE / "page.css",
        head_paths=_HERE / "head.html",
        footer_links=["api"],
        quiet=True,
        ssr_mode=False,
        max_file_size="1mb",
        show_error=False,
        prevent_thread_lock=True,
    )
    print(say(wiring.settings.language, "page.address", url=f"http://{shown}:{port}"), flush=True)  # noqa: T201
    # Only now: the first page must not wait for what the first reply needs.
    threading.Thread(target=wiring.warm_up, daemon=True).start()
    demo.block_thread()


def _check_port(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise PortInUse("host_unusable", host=host, reason=error.strerror or error) from error
            raise PortInUse("port_in_use", port=port, other=port + 1 if port < 65535 else 7860) from error
