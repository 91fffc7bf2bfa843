"""At which address does every program find the local API?

The emulator tells HTTP APIs apart by host name, `http://{id}.execute-api.localhost:{port}`, which curl and
browsers resolve and most other programs do not. This passes requests on from a plain address.
"""

import contextlib
import http.client
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "content-length", "host", "date", "server"}
)


@contextlib.contextmanager
def serving(api: str, host: str, port: int) -> Iterator[str]:
    """The address at which the API that the emulator calls `api` answers, while the block runs."""
    behind = urlsplit(api)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP}
            connection = http.client.HTTPConnection(host, behind.port or 80, timeout=60)
            with contextlib.closing(connection):
                connection.request(self.command, self.path, body, {**headers, "Host": behind.netloc})
                answer = connection.getresponse()
                content = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in _HOP_BY_HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def __getattr__(self, name: str) -> Callable[[], None]:
            """Every method is passed on, whatever it is called: what is no call of ours, the API says."""
            if name.startswith("do_"):
                return self.pass_on
            raise AttributeError(name)

        def log_message(self, *_: object) -> None:
            """Nothing: a path may hold an id, and the emulator has a log of its own."""

    server = ThreadingHTTPServer((host, port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.shutdown()
        server.server_close()
