"""A hub of models on a free port of loopback, with the layout of the real one.

`Hub.files` is what the model has; the other fields say what goes wrong.
"""
import hashlib
import http.server
import json
import ssl
import sys
import threading

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def model_files(weights=b"weights " * 40000):
    return {
        "config.json": b'{"model_type":"bert"}',
        "tokenizer.json": b'{"version":"1.0"}',
        "vocab.txt": b"[PAD]\n[UNK]\n",
        "1_Pooling/config.json": b"{}",
        "model.safetensors": weights,
        "README.md": b"# A model\n",
        "pytorch_model.bin": b"pickle",
    }


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A client that hangs up early is what some tests are about."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class Hub:
    def __init__(self, files=None, tls=None):
        """`tls`: a file with a key and its certificate."""
        self.files = files or model_files()
        self.name = "owner/model"
        self.commit = COMMIT
        self.etag = {}          # path -> another ETag than the SHA-256
        self.sha256 = {}        # path -> what the listing says
        self.size = {}          # path -> what the listing says
        self.more = []          # siblings besides the files
        self.token = None       # the only one that is let in
        self.cut = {}           # path -> hang up after so many bytes, once
        self.stall = set()      # paths that never come to their end
        self.before = {}        # path -> what to do before it is sent
        self.ranges = True
        self.redirect = None    # path -> where the weights are
        self.log = []           # (path, Range, Authorization, bytes sent)
        self.over = threading.Event()
        hub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                hub.answer(self)

        self.server = Server(("127.0.0.1", 0), Handler)
        scheme = "http"
        if tls:
            scheme = "https"
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls)
            self.server.socket = context.wrap_socket(self.server.socket,
                                                     server_side=True)
        self.port = self.server.server_port
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever,
                                       kwargs={"poll_interval": 0.02})
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.over.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def asked(self, path):
        return [x for x in self.log if x[0].endswith(path)]

    def listing(self):
        siblings = []
        for path, data in self.files.items():
            one = {"rfilename": path, "blobId": "0" * 40,
                   "size": self.size.get(path, len(data))}
            if path.endswith((".safetensors", ".bin")):
                one["lfs"] = {"size": one["size"], "pointerSize": 134,
                              "sha256": self.sha256.get(path, sha256(data))}
            siblings.append(one)
        return {"id": self.name, "sha": self.commit,
                "siblings": siblings + self.more}

    def answer(self, h):
        path, _, query = h.path.partition("?")
        entry = [path, h.headers.get("Range"), h.headers.get("Authorization"),
                 0]
        self.log.append(entry)
        if self.token and entry[2] != "Bearer " + self.token:
            return self.reply(h, 401, b"who are you?")
        files = f"/{self.name}/resolve/{self.commit}/"
        if path.startswith(f"/api/models/{self.name}/revision/"):
            assert query == "blobs=true", query
            return self.reply(h, 200, json.dumps(self.listing()).encode())
        if path.startswith(files) and path[len(files):] in self.files:
            return self.send_file(h, path[len(files):], entry)
        return self.reply(h, 404, b"not here")

    def reply(self, h, status, body, **headers):
        h.send_response(status)
        for k, v in headers.items():
            h.send_header(k.replace("_", "-"), v)
        h.send_header("Content-Length", str(len(body)))
        h.end_headers()
        h.wfile.write(body)

    def send_file(self, h, path, entry):
        data = self.files[path]
        etag = self.etag.get(path, '"' + sha256(data) + '"')
        if self.redirect and path == "model.safetensors":
            return self.reply(h, 302, b"", Location=self.redirect,
                              X_Linked_Etag=etag)
        start = 0
        asked = h.headers.get("Range")
        if asked and self.ranges and h.headers.get("If-Range", etag) == etag:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
        h.send_response(206 if start else 200)
        if start:
            h.send_header("Content-Range",
                          f"bytes {start}-{len(data) - 1}/{len(data)}")
        h.send_header("ETag", etag)
        h.send_header("Content-Length", str(len(data) - start))
        h.end_headers()
        self.before.pop(path, lambda: None)()
        part = data[start:]
        cut = self.cut.pop(path, None)
        if cut is not None:
            part = part[:cut]
            h.close_connection = True
        try:
            h.wfile.write(part)
            h.wfile.flush()
        except ConnectionError:
            return None
        entry[3] = len(part)
        if path in self.stall:
            self.over.wait()
        return None
