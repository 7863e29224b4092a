"""A local server that behaves as the comment APIs of GitHub and GitLab do, as
far as the scripts use them, and that fails on demand."""

import io
import json
import re
import threading
import time
import urllib.parse
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN = "tok-0123456789-secret"
PAGE_SIZE = 100


class Fault:
    """What goes wrong with a request that it is asked about, and how often."""

    def __init__(self, method, status=None, headers=None, message="no", times=1, path="", lost=None, cut=False, value=None, drip=False):
        self.method = method
        self.status = status
        self.headers = headers or {}
        self.message = message
        self.times = times
        self.path = path
        # "before": the connection ends, and nothing was done; "after": it was.
        self.lost = lost
        # The answer ends in its middle; "without length": which it hasn't told.
        self.cut = cut
        # The answer comes byte by byte, each before anybody gives up waiting.
        self.drip = drip
        # What is answered, if not an error's message.
        self.value = value


class Forge(ThreadingHTTPServer):
    """The server; its state is what a test looks at."""

    daemon_threads = True

    def __init__(self, kind="github", me="github-actions[bot]"):
        super().__init__(("127.0.0.1", 0), Handler)
        self.kind = kind
        self.me = me
        self.comments = []
        self.newest = 1000
        # Called with the method and path of each request, before it is answered.
        self.meanwhile = None
        self.faults = []
        self.requests = []
        self.lists = {}
        self.listed_at_most = None
        self.archives = {}
        self.artifact_host = None
        # The token of an app, such as a workflow's, may ask only in GraphQL who it is.
        self.tells_user = kind == "gitlab"
        self.graphql = "/graphql"
        # The newest commit of the pull request.
        self.head_sha = None
        self.lock = threading.Lock()
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request, client_address):
        # A client that hangs up is part of some tests.
        pass

    def add(self, author, body):
        with self.lock:
            self.newest += 1
            comment = {"id": self.newest, "author": author, "body": body}
            self.comments.append(comment)
            return comment

    def bodies(self, author=None):
        return [comment["body"] for comment in self.comments if author in (None, comment["author"])]

    def writes(self):
        return [method for method, path, _ in self.requests if method != "GET" and not path.endswith("/graphql")]

    def fault_for(self, method, path):
        with self.lock:
            for fault in self.faults:
                # The question who one is isn't what a fault of POST is meant for.
                named = "graphql" in fault.path or not path.endswith("/graphql")
                if fault.times and fault.method == method and fault.path in path and named:
                    fault.times -= 1
                    return fault
        return None

    def shown(self, comment):
        user = {"login": comment["author"]} if self.kind == "github" else {"username": comment["author"]}
        key = "user" if self.kind == "github" else "author"
        return {"id": comment["id"], key: user, "body": comment["body"], "html_url": "https://x/1", "system": False}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.handle_request("GET")

    def do_POST(self):
        self.handle_request("POST")

    def do_PATCH(self):
        self.handle_request("PATCH")

    def do_DELETE(self):
        self.handle_request("DELETE")

    def do_PUT(self):
        self.handle_request("PUT")

    def handle_request(self, method):
        forge = self.server
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with forge.lock:
            forge.requests.append((method, self.path, dict(self.headers)))
            if forge.meanwhile:
                forge.meanwhile(method, self.path)
        fault = forge.fault_for(method, self.path)
        if fault and fault.lost == "before":
            return self.hang_up()
        if fault and fault.drip:
            return self.dribble()
        if fault and fault.status:
            value = {"message": fault.message} if fault.value is None else fault.value
            return self.answer(fault.status, value, fault.headers)
        status, value, headers = self.route(method, json.loads(data) if data else None)
        if fault and fault.lost == "after":
            return self.hang_up()
        self.answer(status, value, headers, cut=fault and fault.cut)

    def hang_up(self):
        self.close_connection = True
        self.connection.close()

    def dribble(self):
        try:
            for byte in b"HTTP/1.1 200 OK\r\nX: " + 1000 * b"x":
                self.wfile.write(bytes([byte]))
                time.sleep(0.1)
        except OSError:
            self.hang_up()

    def answer(self, status, value, headers=None, cut=False):
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        for name, text in (headers or {}).items():
            self.send_header(name, text)
        if cut == "without length":
            self.send_header("Connection", "close")
        else:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if cut else data)
        if cut:
            self.hang_up()

    def may(self):
        if self.server.kind == "github":
            return self.headers.get("Authorization") == f"Bearer {TOKEN}"
        return self.headers.get("PRIVATE-TOKEN") == TOKEN

    def route(self, method, body):
        forge = self.server
        path, _, query = self.path.partition("?")
        query = dict(urllib.parse.parse_qsl(query))
        if path in forge.archives and path.startswith("/blobs/"):
            return 200, forge.archives[path], {}
        if not self.may():
            return 401, {"message": "Bad credentials"}, {}
        if path == "/user":
            if not forge.tells_user:
                return 403, {"message": "Resource not accessible by integration"}, {}
            return 200, {"login": forge.me, "username": forge.me}, {}
        if path == forge.graphql and method == "POST":
            asked = body == {"query": "{ viewer { login } }"}
            return 200, {"data": {"viewer": {"login": forge.me}}} if asked else {"errors": []}, {}
        if path in forge.lists:
            return self.page(forge.lists[path], path, query)
        if method == "GET" and path == ("/repos/o/n/pulls/7" if forge.kind == "github" else "/projects/g%2Fp/merge_requests/7"):
            return 200, {"head": {"sha": forge.head_sha}} if forge.kind == "github" else {"sha": forge.head_sha}, {}
        if path in forge.archives:
            return 302, {}, {"Location": f"{forge.artifact_host.url}/blobs/1?sig=signed"}
        return self.comment_route(method, path, query, body)

    def comment_route(self, method, path, query, body):
        forge = self.server
        if forge.kind == "github":
            many, one = r"/repos/o/n/issues/7/comments", r"/repos/o/n/issues/comments/(\d+)"
            update, longest = "PATCH", 65_536
        else:
            many, one = r"/projects/g%2Fp/merge_requests/7/notes", r"/projects/g%2Fp/merge_requests/7/notes/(\d+)"
            update, longest = "PUT", 1_000_000
        if body is not None and len(body["body"]) > longest:
            return 422, {"message": "Validation Failed: body is too long"}, {}
        if re.fullmatch(many, path) and method == "GET":
            return self.page([forge.shown(comment) for comment in forge.comments], path, query)
        if re.fullmatch(many, path) and method == "POST":
            return 201, forge.shown(forge.add(forge.me, body["body"])), {}
        match = re.fullmatch(one, path)
        if match and method in (update, "DELETE"):
            for comment in forge.comments:
                if comment["id"] == int(match[1]):
                    if comment["author"] != forge.me:
                        return 403, {"message": "not yours"}, {}
                    if method == "DELETE":
                        forge.comments.remove(comment)
                        return 204, b"", {}
                    comment["body"] = body["body"]
                    return 200, forge.shown(comment), {}
        return 404, {"message": "Not Found"}, {}

    def page(self, items, path, query):
        if not isinstance(items, list):
            return 200, items, {}
        items = items[: self.server.listed_at_most]
        number, size = int(query.get("page", 1)), min(PAGE_SIZE, int(query.get("per_page", 30)))
        start = (number - 1) * size
        headers = {}
        if start + size < len(items):
            following = urllib.parse.urlencode({**query, "page": number + 1})
            headers["Link"] = f'<{self.server.url}{path}?{following}>; rel="next", <{self.server.url}{path}>; rel="first"'
        return 200, items[start : start + size], headers


def archive(files, method=zipfile.ZIP_DEFLATED):
    """A zip of files, as (name, bytes)."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", method) as out:
        for name, text in files:
            out.writestr(name, text)
    return data.getvalue()
