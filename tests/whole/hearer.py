"""An endpoint of speech recognition that says what it is told, and writes down
what it was asked."""
import http.server
import re
import threading
from email.message import Message


class Hearer:
    """`text`: the answer to each sound, or a function of what was asked. Each
    item of `asked` is a dict of the form's fields, and "ms" of the sound."""

    def __init__(self, text):
        self.text = text
        self.asked = []
        hearer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                hearer.answer(self)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1/audio"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def settings(self):
        return ["speech.recogniser=http", f"speech.url={self.url}"]

    def answer(self, request):
        body = request.rfile.read(int(request.headers["Content-Length"]))
        asked = self.form(request.headers["Content-Type"], body)
        self.asked.append(asked)
        text = self.text(asked) if callable(self.text) else self.text
        reply = b'{"text":"%s","language":"ru"}' % text.encode()
        try:
            request.send_response(200)
            request.send_header("Content-Length", str(len(reply)))
            request.end_headers()
            request.wfile.write(reply)
        except BrokenPipeError:  # who asked has gone
            pass

    @staticmethod
    def form(kind, body):
        """multipart/form-data (RFC 7578); of the file its length alone."""
        m = Message()
        m["Content-Type"] = kind
        found = {}
        for part in body.split(b"--" + m.get_param("boundary").encode())[1:-1]:
            head, _, value = part.partition(b"\r\n\r\n")
            name = re.search(rb'name="?(\w+)', head)[1].decode()
            value = value[:-2]
            if name == "file":  # 16 bits, 16 kHz, after a head of 44 bytes
                found["ms"] = (len(value) - 44) // 32
            else:
                found[name] = value.decode()
        return found
