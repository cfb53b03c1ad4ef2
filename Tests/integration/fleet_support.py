"""What the tests of the simulated cluster share: a run to its end, and both ends of its HTTP."""

import base64
import json
import re
import ssl
import subprocess
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from conftest import binary


def run_fleet(*args, timeout=60):
    """`fleet` to its end: status, stdout, stderr."""
    command = [str(binary("fleet")), *map(str, args)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
    return done.returncode, done.stdout, done.stderr


class API:
    """A client of the simulated API server, by its kubeconfig."""

    def __init__(self, kubeconfig):
        def field(name):
            return re.search(rf"^\s*{name}: (\S+)$", kubeconfig, re.MULTILINE).group(1)

        self.server, self.token = field("server"), field("token")
        authority = base64.b64decode(field("certificate-authority-data")).decode()
        self.context = ssl.create_default_context(cadata=authority)

    def open(self, path, token=None, method="GET"):
        request = urllib.request.Request(
            self.server + path,
            method=method,
            headers={"Authorization": f"Bearer {token or self.token}"},
        )
        return urllib.request.urlopen(request, context=self.context, timeout=30)

    def get(self, path):
        with self.open(path) as response:
            return json.load(response)

    def status(self, path, **keywords):
        try:
            with self.open(path, **keywords) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def pages(self, kind, limit):
        token, pages = "", []
        while True:
            page = self.get(f"/api/v1/{kind}?limit={limit}&continue={token}")
            pages.append(page)
            token = page["metadata"].get("continue")
            if not token:
                return pages

    def watch(self, kind, seconds, **options):
        query = "&".join(f"{name}={value}" for name, value in options.items())
        path = f"/api/v1/{kind}?watch=true&timeoutSeconds={seconds}&{query}"
        with self.open(path) as response:
            return [json.loads(line) for line in response]


class Scripted:
    """A server whose answers come from a function of the request's number and body."""

    def __init__(self, answer):
        self.bodies, lock = [], threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with lock:
                    number = len(outer.bodies)
                    outer.bodies.append(body)
                status, headers = answer(number, body)
                if status is None:
                    self.close_connection = True
                    return
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
