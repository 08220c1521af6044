"""A loopback proxy that misbehaves on request, in front of a real server.

    proxy = FaultyProxy("http://127.0.0.1:5000")
    proxy.url                                   # what the program under test is given
    proxy.fault = "500"                         # until it is changed; or {"status": 429, "headers": {"Retry-After": "1"}}
    proxy.times = 3                             # the fault ends by itself after so many requests; None: never

Faults: None (all is well), a status or a dict with `status`, "refuse" (nothing listens), "half-open" (takes the request
and never answers), "cut" (forwards it and breaks off in the middle of the answer), "reset" (forwards it and closes
without an answer: the server has taken what the client believes lost).
`proxy.requests` lists (method, path, status or fault).
"""
import http.client
import http.server
import socket
import struct
import threading
import urllib.parse


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer waits 40 ms

    def log_message(self, *_):
        pass

    def _handle(self):
        proxy = self.server.proxy
        body = self._body()
        fault = proxy.next_fault()
        proxy.requests.append((self.command, self.path, str(fault.get("status") if isinstance(fault, dict) else fault or "forwarded")))
        if isinstance(fault, dict):
            return self._answer(fault["status"], fault.get("headers", {}), fault.get("body", "{}").encode())
        if fault == "half-open":
            proxy.held.append(self.connection)
            proxy.closing.wait()
            self.close_connection = True
            return None
        if fault == "refuse":  # a connection from before
            self.close_connection = True
            return None
        status, headers, answer = proxy.forward(self.command, self.path, self.headers, body)
        if fault in ("cut", "reset"):
            if fault == "cut":
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer) + 100))
                self.end_headers()
                self.wfile.write(answer[: len(answer) // 2])
                self.wfile.flush()
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            return None
        return self._answer(status, headers, answer)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _handle

    def _body(self):
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _answer(self, status, headers, body):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, *_):
        pass


class FaultyProxy:
    def __init__(self, upstream, fault=None):
        self._upstream = urllib.parse.urlparse(upstream)
        self._lock = threading.Lock()
        self.requests, self.held, self.times = [], [], None
        self.closing = threading.Event()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self._server = self._fault = None
        self.fault = fault

    @property
    def fault(self):
        return self._fault

    @fault.setter
    def fault(self, fault):
        self._fault = {"status": int(fault)} if isinstance(fault, str) and fault.isdigit() else fault
        if self._fault == "refuse":
            self._stop()
        elif self._server is None:
            self._server = _Server(("127.0.0.1", self._port), _Handler)
            self._server.proxy = self
            threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def next_fault(self):
        with self._lock:
            fault = self._fault
            if fault is not None and self.times is not None:
                self.times -= 1
                if self.times <= 0:
                    self._fault = self.times = None
            return fault

    def forward(self, method, path, headers, body):
        connection = http.client.HTTPConnection(self._upstream.hostname, self._upstream.port, timeout=60)
        passed = {k: v for k, v in headers.items() if k.lower() not in ("host", "transfer-encoding", "connection", "content-length")}
        connection.request(method, self._upstream.path + path, body=body, headers=passed)
        answer = connection.getresponse()
        content = answer.read()
        kept = {k: v for k, v in answer.getheaders() if k.lower() not in ("transfer-encoding", "connection", "content-length", "server", "date")}
        connection.close()
        return answer.status, kept, content

    def _stop(self):
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def close(self):
        self.closing.set()
        self._stop()
