"""A proxy that carries requests to the API, and swallows one answer."""

from __future__ import annotations

import contextlib
import socket
import threading
from urllib.parse import urlsplit


class Swallower:
    """It cuts the connection instead of passing on the first answer that has `marker` in it."""

    def __init__(self, url: str, marker: bytes) -> None:
        parts = urlsplit(url)
        self._target = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._marker = marker
        self.swallowed = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._target)
            threading.Thread(target=self._carry, args=(client, server, False), daemon=True).start()
            threading.Thread(target=self._carry, args=(server, client, True), daemon=True).start()

    def _carry(self, source: socket.socket, to: socket.socket, is_answer: bool) -> None:
        try:
            while data := source.recv(1 << 16):
                if is_answer and self._marker in data and not self.swallowed.is_set():
                    self.swallowed.set()
                    break
                to.sendall(data)
        except OSError:
            # The other thread has closed the connection.
            return
        finally:
            for end in (source, to):
                # Without it the thread that reads from there would not notice.
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()

    def close(self) -> None:
        self._listener.close()
