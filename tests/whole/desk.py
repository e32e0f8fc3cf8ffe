"""A desk in a folder of its own, served by the real program on a free port."""
import http.client
import json
import os
import shutil
import subprocess
import tempfile
import time
import urllib.parse


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.bytes = status, headers, body

    @property
    def json(self):
        return json.loads(self.bytes)


class Client:
    """One signed-in member of staff, one key, or nobody."""

    def __init__(self, port, key=None):
        self.port, self.key = port, key
        self.cookie = self.csrf = None

    def raw(self, method, path, body=None, headers=None, timeout=30):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        h = dict(headers or {})
        if self.key:
            h.setdefault("Authorization", "Bearer " + self.key)
        if self.cookie:
            h.setdefault("Cookie", self.cookie)
        if self.csrf:
            h.setdefault("X-CSRF-Token", self.csrf)
        try:
            c.request(method, path, body, h)
            r = c.getresponse()
            return Reply(r.status, r.headers, r.read())
        finally:
            c.close()

    def call(self, method, path, body=None, want=None, **headers):
        h = {k.replace("_", "-"): v for k, v in headers.items()}
        if body is not None:
            h.setdefault("Content-Type", "application/json")
            body = json.dumps(body, ensure_ascii=False).encode()
        r = self.raw(method, "/api/v1" + path, body, h)
        if want is not None and r.status != want:
            raise AssertionError(
                f"{method} {path}: {r.status} instead of {want}: {r.bytes!r}")
        return r

    def get(self, path, want=200, **headers):
        return self.call("GET", path, None, want, **headers)

    def post(self, path, body=None, want=None, **headers):
        return self.call("POST", path, body if body is not None else {}, want,
                         **headers)

    def patch(self, path, body, want=200, **headers):
        return self.call("PATCH", path, body, want, **headers)

    def delete(self, path, want=204):
        return self.call("DELETE", path, None, want)

    def upload(self, path, name, data, kind="text/plain", want=201):
        r = self.raw("POST", "/api/v1" + path + "?name=" +
                     urllib.parse.quote(name), data, {"Content-Type": kind})
        if want is not None and r.status != want:
            raise AssertionError(f"upload: {r.status} {r.bytes!r}")
        return r

    def sign_in(self, login, password="otklik-demo"):
        r = self.post("/session", {"login": login, "password": password}, 200)
        self.cookie = r.headers["Set-Cookie"].split(";")[0]
        self.csrf = r.json["csrf"]
        return self


class Desk:
    """A demo desk: a copy of $OTKLIK_TEMPLATE, which CTest makes once, for a
    sanitized program trains slowly; without it, or a model, a fresh one. What
    the server logs is in log() when `keeps_log` is set."""

    keeps_log = False

    def __init__(self, program, *settings, model=True):
        self.program, self.settings = program, settings
        self.top = tempfile.mkdtemp(prefix="otklik-whole-")
        self.folder = os.path.join(self.top, "desk")
        self.server = None
        template = os.environ.get("OTKLIK_TEMPLATE")
        if model and template:
            shutil.copytree(template, self.folder)
        else:
            self.run("init", self.folder, "--demo",
                     *([] if model else ["--no-model"]), folder=False)

    def run(self, *words, want=0, folder=True, stdin=None, timeout=120,
            env=None):
        """The program with these words; its standard output. `env` is more of
        the environment."""
        where = ["--desk", self.folder] if folder else []
        p = subprocess.run([self.program, *words, *where], text=True,
                           input=stdin, capture_output=True, timeout=timeout,
                           env={**os.environ, **(env or {})})
        if want is not None and p.returncode != want:
            raise AssertionError(f"{words}: exit {p.returncode} instead of "
                                 f"{want}\n{p.stdout}\n{p.stderr}")
        self.complaint = p.stderr
        return p.stdout

    def log(self):
        """Its lines."""
        with open(os.path.join(self.top, "log")) as f:
            return f.read().splitlines()

    def start(self, *more):
        log = open(os.path.join(self.top, "log"), "a") if self.keeps_log else None
        self.server = subprocess.Popen(
            [self.program, "serve", "--desk", self.folder, "http.port=0",
             "limits.anonymous_per_minute=100000",
             "limits.key_per_minute=1000000", *self.settings, *more],
            stdout=subprocess.PIPE, stderr=log, text=True)
        if log:
            log.close()
        line = self.server.stdout.readline()
        assert "http://" in line, line
        self.port = int(line.rsplit(":", 1)[1])
        return self

    def stop(self):
        if self.server:
            self.server.terminate()
            code = self.server.wait(60)
            self.server.stdout.close()
            self.server = None
            assert code == 0, f"the server ended with {code}"

    def client(self, login=None, key=None):
        c = Client(self.port, key)
        return c.sign_in(login) if login else c

    def key(self, scopes):
        out = self.run("key", "add", "test", "--scopes", scopes)
        return next(w for w in out.split() if w.startswith("otk_"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.stop()
        finally:
            if self.server:
                self.server.kill()
                self.server.wait()
            shutil.rmtree(self.top)


def wait_for(what, check, seconds=20):
    """The first true value of check(); fails after a generous while."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = check()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError("waited in vain: " + what)
