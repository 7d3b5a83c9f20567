"""A web server on the loopback interface: it stops with its `with` block, and has faults on demand."""

import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Site:
    """What the server has and does.

    Attributes:
        files: Content by path.
        fault: None, or `"error"` (status 500), `"truncate"` or `"stall"` (after half of the body).
        faults_left: How many answers still have the fault.
        requests: The paths that were asked for.
        half_sent: Set when half of a body has been sent.
        version: The `ETag` of all files, which makes ranges of bytes available; None: whole files only.
        encoding: The `Content-Encoding` of all files; None: not compressed.
        sent: Number of bytes of bodies that were sent.
    """

    def __init__(self, files):
        self.files, self.fault, self.faults_left, self.requests = dict(files), None, 10**6, []
        self.half_sent = threading.Event()
        self.version, self.encoding, self.sent = None, None, 0

    def faulty(self, fault, times=10**6):
        self.fault, self.faults_left = fault, times
        return self


@contextmanager
def served(site):
    """Serve a site; gives its base URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            site.requests.append(self.path)
            fault = site.fault if site.faults_left > 0 else None
            site.faults_left -= 1
            body = site.files.get(self.path)
            if callable(body):
                body = body(f"http://{self.headers['Host']}")
            if body is None or fault == "error":
                self.send_error(500 if fault == "error" else 404)
                return
            start = 0
            if site.version and self.headers.get("If-Range") == site.version:
                start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            body = body[start:]
            self.send_header("Content-Length", str(len(body)))
            for name, value in (("ETag", site.version), ("Content-Encoding", site.encoding)):
                if value:
                    self.send_header(name, value)
            self.end_headers()
            half = len(body) // 2
            self.wfile.write(body[:half])
            site.sent += half
            if fault in ("truncate", "stall"):
                site.half_sent.set()
                if fault == "stall":
                    time.sleep(5)
                return
            self.wfile.write(body[half:])
            site.sent += len(body) - half

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
