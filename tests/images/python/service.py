"""A small web service as people write them: threads, a database, children, a clean stop."""

import signal
import sqlite3
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

DATABASE = "/data/notes.sqlite"


def database():
    connection = sqlite3.connect(DATABASE, timeout=30)
    connection.execute("CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, text TEXT)")
    return connection


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/":
            self.answer(200, "it works\n")
        elif self.path == "/child":
            child = subprocess.run(["/bin/uname", "-s"], capture_output=True, text=True, check=True)
            self.answer(200, child.stdout)
        elif self.path.startswith("/notes/"):
            with database() as connection:
                row = connection.execute(
                    "SELECT text FROM notes WHERE name = ?", (self.path[7:],)
                ).fetchone()
            self.answer(200, row[0]) if row else self.answer(404, "no such note\n")
        else:
            self.answer(404, "no such page\n")

    def do_PUT(self):
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        with database() as connection:
            connection.execute("REPLACE INTO notes VALUES (?, ?)", (self.path[7:], text))
        self.answer(201, "kept\n")

    def answer(self, code, text):
        body = text.encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    # A resolver may take its time, and nobody reads the name.
    def server_bind(self):
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = "service", self.server_address[1]


server = Server(("0.0.0.0", 8080), Handler)
# shutdown() waits for serve_forever(), which the handler interrupts.
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
server.serve_forever()
