"""A real webhook receiver on this machine that can be told to misbehave."""

from __future__ import annotations

import random
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CERT = Path(__file__).parent / "tls" / "cert.pem"
KEY = Path(__file__).parent / "tls" / "key.pem"


@dataclass(slots=True)
class Received:
    """One request that came in."""

    headers: dict[str, str]
    body: bytes
    path: str


@dataclass(slots=True)
class Receiver:
    """What came in, and how to answer: ``answer`` gets the request's number and returns status and headers."""

    answer: Callable[[int], tuple[int, dict[str, str]] | None] = lambda n: (204, {})
    requests: list[Received] = field(default_factory=list)
    effects: Counter[str] = field(default_factory=Counter)
    url: str = ""
    port: int = 0
    drip_seconds: float = 0.0
    body: bytes = b""
    lock: threading.Lock = field(default_factory=threading.Lock)


def flaky(
    seed: int, unavailable: float = 0.05, cut: float = 0.03
) -> Callable[[int], tuple[int, dict[str, str]] | None]:
    """Sometimes 503, sometimes the connection is cut after the request was taken."""
    dice = random.Random(seed)

    def answer(number: int) -> tuple[int, dict[str, str]] | None:
        chance = dice.random()
        if chance < unavailable:
            return 503, {}
        return None if chance < unavailable + cut else (204, {})

    return answer


@contextmanager
def receiving(receiver: Receiver, *, tls: bool = False) -> Iterator[Receiver]:
    """Serve on a free port of the loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            with receiver.lock:
                number = len(receiver.requests)
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.requests.append(Received(headers, body, self.path))
                answer = receiver.answer(number)
                if answer is None or answer[0] < 300:
                    receiver.effects[self.headers["webhook-id"]] += 1
            if answer is None:
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            status, headers = answer
            try:
                self._reply(status, headers)
            except OSError:
                return

        def _reply(self, status: int, headers: dict[str, str]) -> None:
            if receiver.drip_seconds:
                for byte in b"HTTP/1.0 204 No Content\r\nx: " + b"y" * 1000:
                    self.connection.sendall(bytes([byte]))
                    time.sleep(receiver.drip_seconds)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(receiver.body)

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERT, KEY)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    receiver.port = server.server_address[1]
    receiver.url = f"{'https' if tls else 'http'}://{'localhost' if tls else '127.0.0.1'}:{receiver.port}/hooks/o2c"
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
