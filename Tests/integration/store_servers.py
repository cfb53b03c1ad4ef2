"""Servers for the object store's tests, all on loopback: S3 behind faults or TLS, STS, credentials.

`FaultProxy` forwards to a real S3 server and breaks chosen requests; it can speak TLS. `Answers` is
a server that answers from a function.
"""

import http.client
import socket
import ssl
import struct
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Quiet(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def answer(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if not any(name.lower() == "content-length" for name, _ in headers):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def reset(self):
        """RST in place of an answer."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()


class Server:
    """An HTTP server on a thread; `requests` are the lines seen, as "PUT /path?query"."""

    def __init__(self, handle, tls=None):
        outer = self
        self.requests = []
        self._lock = threading.Lock()

        class Handler(Quiet):
            def run(self):
                with outer._lock:
                    outer.requests.append(f"{self.command} {self.path}")
                try:
                    handle(self)
                except (ConnectionError, ssl.SSLError, ValueError):
                    self.close_connection = True

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = run

        class Listener(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass

            def finish_request(self, request, address):
                if tls is not None:
                    request = tls.wrap_socket(request, server_side=True)
                super().finish_request(request, address)

        self._listener = Listener(("127.0.0.1", 0), Handler)
        self.port = self._listener.server_address[1]
        self._thread = threading.Thread(target=self._listener.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def close(self):
        self._listener.shutdown()
        self._listener.server_close()
        self._thread.join(10)


class FaultProxy(Server):
    """Forwards to 127.0.0.1:`target`. `fault(request_line, ordinal)` may return what to do instead:
    ("answer", status, body) without forwarding, ("lose", status, body) after forwarding, ("reset",)
    without forwarding, ("forward-reset",) after it, ("forward-call", f) calls f() after forwarding
    and resets, ("late", seconds) answers later; None forwards. `strip` names request fields to
    leave out."""

    def __init__(self, target, fault=lambda line, ordinal: None, tls=None, strip=()):
        self.seen_headers = []

        def handle(request):
            line = f"{request.command} {request.path}"
            body = request.body()
            self.seen_headers.append((line, dict(request.headers)))
            what = fault(line, len(self.requests))
            if what and what[0] == "answer":
                return request.answer(what[1], what[2])
            if what and what[0] == "reset":
                return request.reset()
            connection = http.client.HTTPConnection("127.0.0.1", target, timeout=30)
            connection.putrequest(
                request.command, request.path, skip_host=True, skip_accept_encoding=True
            )
            for name, value in request.headers.items():
                if name.lower() not in ("connection", "expect", *strip):
                    connection.putheader(name, value)
            connection.endheaders(body or None)
            response = connection.getresponse()
            content = response.read()
            connection.close()
            if what and what[0] == "forward-call":
                what[1]()
            if what and what[0] in ("forward-reset", "forward-call"):
                return request.reset()
            if what and what[0] == "late":
                time.sleep(what[1])
            if what and what[0] == "lose":
                return request.answer(what[1], what[2])
            headers = [
                (n, v)
                for n, v in response.getheaders()
                if n.lower() not in ("connection", "transfer-encoding", "server", "date")
                and (n.lower() != "content-length" or request.command == "HEAD")
            ]
            request.answer(response.status, content, headers)

        super().__init__(handle, tls)


def private_ca(directory):
    """A CA and a certificate for localhost and 127.0.0.1; (path of the CA, server context)."""
    ca, key, csr, certificate = (
        directory / n for n in ("ca.pem", "server.key", "server.csr", "server.pem")
    )

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=directory)

    openssl(
        *"req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2".split(),
        *("-subj", "/CN=Private test CA", "-addext", "keyUsage=critical,keyCertSign,cRLSign"),
    )
    openssl(
        *"req -newkey rsa:2048 -nodes -keyout server.key -out server.csr".split(),
        *("-subj", "/CN=localhost"),
    )
    (directory / "san").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    openssl(
        *"x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2".split(),
        *("-extfile", "san", "-out", "server.pem"),
    )
    assert csr.exists()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return ca, context
