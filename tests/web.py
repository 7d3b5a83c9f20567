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
    """

    def __init__(self, files):
        self.files, self.fault, self.faults_left, self.requests = dict(files), None, 10**6, []
        self.half_sent = threading.Event()

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
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            half = len(body) // 2
            self.wfile.write(body[:half])
            if fault in ("truncate", "stall"):
                site.half_sent.set()
                if fault == "stall":
                    time.sleep(5)
                return
            self.wfile.write(body[half:])

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
