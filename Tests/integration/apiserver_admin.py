"""The scripted API server's admin port: commands as JSON over plain HTTP on loopback."""

import json
from http.server import BaseHTTPRequestHandler

from apiserver_model import compact


class AdminHandler(BaseHTTPRequestHandler):
    def log_message(self, *arguments):
        pass

    def do_GET(self):
        self.reply(200, self.server.api.requests())

    def do_POST(self):
        api = self.server.api
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        try:
            self.reply(200, api.administer(self.path, body))
        except (KeyError, TypeError, ValueError) as error:
            self.reply(400, {"error": repr(error)})

    def reply(self, code, value):
        body = compact(value)
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
