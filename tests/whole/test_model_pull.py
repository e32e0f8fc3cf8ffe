"""otklik model pull, against a hub on loopback."""
import json
import os
import pty
import shutil
import socket
import subprocess
import tempfile
import unittest

from desk import wait_for
from hub import COMMIT, Hub, model_files, sha256

PROGRAM = os.environ["OTKLIK"]
WEIGHTS = "model.safetensors"
TAKEN = ["1_Pooling/config.json", "config.json", WEIGHTS, "pulled.json",
         "tokenizer.json", "vocab.txt"]


class PullCase(unittest.TestCase):
    def setUp(self):
        self.top = tempfile.mkdtemp(prefix="otklik-pull-")
        self.addCleanup(shutil.rmtree, self.top)
        self.to = os.path.join(self.top, "model")
        self.hub = self.serve()

    def serve(self, **more):
        hub = Hub(**more)
        self.addCleanup(hub.__exit__)
        return hub

    def pull(self, *words, want=0, hub=True, name="owner/model", **env):
        # a proxy of the machine is not for its own loopback, and a token of
        # the one who runs the tests is nobody's business
        env = {**os.environ, "no_proxy": "127.0.0.1", "HF_TOKEN": "", **env}
        mirror = ["--mirror", self.hub.url] if hub else []
        p = subprocess.run(
            [PROGRAM, "model", "pull", name, "--to", self.to, *mirror, *words],
            env=env, cwd=self.top, capture_output=True, text=True, timeout=60)
        self.assertEqual(p.returncode, want, (p.stdout, p.stderr))
        self.said = p.stderr
        return p.stdout

    def refused(self, code, holds, *words, **more):
        self.assertEqual(self.pull(*words, want=code, **more), "")
        for text in holds if isinstance(holds, tuple) else (holds,):
            self.assertIn(text, self.said)
        self.assertEqual(self.said.count("\n"), 1)
        self.assertFalse(os.path.exists(self.to))

    def files(self):
        return sorted(os.path.relpath(os.path.join(d, f), self.to)
                      for d, _, names in os.walk(self.to) for f in names)

    def read(self, name):
        with open(os.path.join(self.to, name), "rb") as f:
            return f.read()


class PullTest(PullCase):
    # ---- the whole

    def test_whole(self):
        out = self.pull()
        self.assertIn("owner/model is in", out)
        self.assertIn("checked by size only", out)
        self.assertNotIn(WEIGHTS, out)
        self.assertEqual(self.said, "")
        self.assertEqual(self.files(), TAKEN)
        for name in TAKEN:
            if name != "pulled.json":
                self.assertEqual(self.read(name), self.hub.files[name])
        pulled = json.loads(self.read("pulled.json"))
        self.assertEqual(
            [pulled[k] for k in ("name", "revision", "commit", "hub")],
            ["owner/model", "main", COMMIT, self.hub.url])
        weights = next(f for f in pulled["files"] if f["path"] == WEIGHTS)
        self.assertEqual(weights, {
            "path": WEIGHTS, "size": len(self.hub.files[WEIGHTS]),
            "sha256": sha256(self.hub.files[WEIGHTS]), "checked_by": "sha256"})
        self.assertFalse(os.path.exists(self.to + ".pull"))
        self.assertEqual(self.hub.asked(".bin"), [])
        self.assertTrue(all(x[2] is None for x in self.hub.log))

    def test_already_there(self):
        self.pull()
        asked = len(self.hub.log)
        self.assertIn("already there", self.pull())
        self.pull("--revision", COMMIT)
        self.assertEqual(len(self.hub.log), asked)
        got = json.loads(self.pull("--json"))
        self.assertEqual((got["already"], got["fetched"], len(got["files"])),
                         (True, 0, 5))
        # another revision is not quietly taken for this one
        self.pull("--revision", "v2", want=1)
        self.assertIn("revision main", self.said)
        with open(os.path.join(self.to, WEIGHTS), "ab") as f:
            f.write(b"x")
        self.pull(want=3)
        self.assertIn("damaged", self.said)
        self.assertIn(WEIGHTS, self.said)

    def test_json(self):
        got = json.loads(self.pull("--json", name="owner/model@v1"))
        total = sum(f["size"] for f in got["files"])
        self.assertEqual((got["revision"], got["already"], got["bytes"],
                          got["fetched"]), ("v1", False, total, total))
        self.assertTrue(self.hub.asked("/revision/v1"))

    def test_desk(self):
        """The place and the hub by a desk, its settings, the environment."""
        desk = os.path.join(self.top, "desk")
        subprocess.run([PROGRAM, "init", desk, "--no-model"], check=True,
                       capture_output=True, timeout=60)
        env = {**os.environ, "no_proxy": "127.0.0.1"}
        env.pop("HF_TOKEN", None)
        closed = "http://127.0.0.1:1"

        def run(*words, **more):
            return subprocess.run(
                [PROGRAM, "model", "pull", "owner/model", "--desk", desk,
                 *words], env={**env, **more}, capture_output=True, text=True,
                timeout=60)

        p = run(OTKLIK_MODELS_HUB=closed)
        self.assertEqual(p.returncode, 5, p.stderr)
        p = run("models.hub=" + self.hub.url, OTKLIK_MODELS_HUB=closed)
        self.assertEqual(p.returncode, 0, p.stderr)
        self.assertTrue(os.path.exists(
            os.path.join(desk, "models/owner-model/pulled.json")))
        shutil.rmtree(os.path.join(desk, "models/owner-model"))
        self.hub.cut[WEIGHTS] = 100000
        p = run(OTKLIK_MODELS_HUB=self.hub.url + "/")
        self.assertEqual(p.returncode, 5, p.stderr)
        self.assertEqual(self.backed_up(desk, "half"), [])
        p = run(OTKLIK_MODELS_HUB=self.hub.url + "/")
        self.assertEqual(p.returncode, 0, p.stderr)
        self.assertEqual(self.backed_up(desk, "whole"), ["owner-model"])
        p = subprocess.run([PROGRAM, "model", "pull", "owner/model"], env=env,
                           cwd=self.top, capture_output=True, text=True)
        self.assertEqual(p.returncode, 4, p.stderr)

    def backed_up(self, desk, name):
        """The models in a backup: none that is not whole."""
        copy = os.path.join(self.top, name)
        subprocess.run([PROGRAM, "backup", copy, "--desk", desk], check=True,
                       capture_output=True, timeout=60)
        models = os.path.join(copy, "models")
        return os.listdir(models) if os.path.exists(models) else []

    def test_short_name(self):
        self.hub.name = "cointegrated/rubert-tiny2"
        self.pull(name="rubert-tiny2")
        self.assertEqual(json.loads(self.read("pulled.json"))["name"],
                         self.hub.name)

    def test_shards(self):
        del self.hub.files[WEIGHTS]
        shards = {f"model-0000{i}-of-00002.safetensors": b"%d" % i * 1000
                  for i in (1, 2)}
        self.hub.files.update(shards)
        self.hub.files["model.safetensors.index.json"] = b"{}"
        self.pull()
        for name, data in shards.items():
            self.assertEqual(self.read(name), data)

    # ---- going on

    def test_resume(self):
        data = self.hub.files[WEIGHTS]
        self.hub.cut[WEIGHTS] = 100000
        self.refused(5, "again")
        self.pull()
        first, second = self.hub.asked(WEIGHTS)
        self.assertEqual(first[1], None)
        self.assertEqual(second[1], "bytes=100000-")
        self.assertEqual(second[3], len(data) - 100000)
        self.assertEqual(self.read(WEIGHTS), data)
        # what was whole is not fetched again
        self.assertEqual(len(self.hub.asked("/config.json")), 2)

    def test_killed(self):
        """A pull that is killed leaves what it has; the next goes on."""
        self.hub.cut[WEIGHTS] = 100000
        self.hub.stall.add(WEIGHTS)
        part = os.path.join(self.to + ".pull", WEIGHTS + ".part")
        p = subprocess.Popen(
            [PROGRAM, "model", "pull", "owner/model", "--to", self.to,
             "--mirror", self.hub.url],
            env={**os.environ, "no_proxy": "127.0.0.1"})
        self.addCleanup(p.wait)
        self.addCleanup(p.kill)
        wait_for("the part", lambda: os.path.exists(part) and
                 os.path.getsize(part) == 100000)
        # meanwhile another one is sent away
        self.refused(5, "another")
        p.kill()
        p.wait()
        self.hub.stall.clear()
        self.pull()
        self.assertEqual(self.hub.asked(WEIGHTS)[-1][1], "bytes=100000-")
        self.assertEqual(self.files(), TAKEN)

    def test_no_ranges(self):
        self.hub.cut[WEIGHTS] = 100000
        self.refused(5, "again")
        self.hub.ranges = False
        self.pull()
        self.assertEqual(self.hub.asked(WEIGHTS)[-1][3],
                         len(self.hub.files[WEIGHTS]))
        self.assertEqual(self.files(), TAKEN)

    def test_changed_etag(self):
        """Another file under the same name is fetched from its beginning."""
        self.hub.cut["vocab.txt"] = 5
        self.refused(5, "again")
        self.hub.files["vocab.txt"] = b"[UNK]\n[PAD]\n"
        self.pull()
        self.assertEqual(self.hub.asked("vocab.txt")[-1][1], "bytes=5-")
        self.assertEqual(self.hub.asked("vocab.txt")[-1][3], 12)
        self.assertEqual(self.read("vocab.txt"), b"[UNK]\n[PAD]\n")

    def test_changed_model(self):
        """Nothing of an older commit ends up in a newer one."""
        self.hub.files["vocab.json"] = b"{}"
        self.hub.cut["vocab.txt"] = 5
        self.refused(5, "again")
        self.hub.commit = COMMIT[::-1]
        del self.hub.files["vocab.json"]
        self.pull()
        self.assertEqual(self.files(), TAKEN)
        self.assertEqual(self.hub.asked("vocab.txt")[-1][1], None)

    # ---- what is wrong

    def test_wrong_checksum(self):
        self.hub.sha256[WEIGHTS] = sha256(b"what the owner made")
        self.refused(3, ("SHA-256", WEIGHTS, "mirror"))
        self.hub.sha256.clear()
        self.pull()

    def test_wrong_size(self):
        self.hub.size["vocab.txt"] = 11
        self.refused(3, ("vocab.txt", "promised"))

    def test_no_such_model(self):
        self.refused(4, ("404", "owner/other", "check the name"),
                     name="owner/other")
        self.refused(4, "did you mean", name="minilmm")
        self.refused(2, "OWNER/MODEL", name="owner/../model")
        self.refused(2, "revision", "--revision", "../x")

    def test_token(self):
        self.hub.token = "right"
        self.refused(1, ("401", "HF_TOKEN"))
        self.refused(1, "HF_TOKEN", HF_TOKEN="wrong")
        self.refused(2, "token", HF_TOKEN="right\r\nX-Other: 1")
        self.pull(HF_TOKEN="right")
        self.assertNotIn(b"right", self.read("pulled.json"))

    def test_redirect_to_another_host(self):
        """The token stays with the hub."""
        store = self.serve()
        self.hub.redirect = (f"{store.url}/owner/model/resolve/{COMMIT}/" +
                             WEIGHTS)
        self.hub.token = "secret"
        self.pull(HF_TOKEN="secret")
        self.assertTrue(all(x[2] == "Bearer secret" for x in self.hub.log))
        self.assertEqual([x[2] for x in store.log], [None])

    def test_redirect_to_a_file(self):
        for where in ("file:///etc/hostname", "ftp://127.0.0.1/x"):
            self.hub.redirect = where
            self.refused(1, ("only http and https", where))

    def test_outside(self):
        for path in ("../../evil", "/etc/evil", "a/../../evil"):
            self.hub.more = [{"rfilename": path, "size": 1}]
            self.refused(3, ("outside", path))
        self.assertEqual(os.listdir(self.top), [])

    def test_pickles_only(self):
        del self.hub.files[WEIGHTS]
        self.refused(4, "pickles")
        self.assertEqual(self.hub.asked(".bin"), [])

    def test_no_listing(self):
        self.hub.listing = lambda: "not a listing"
        self.refused(3, self.hub.url)

    def test_offline(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))  # bound and not listening: closed
            url = f"http://127.0.0.1:{s.getsockname()[1]}"
            self.refused(5, (url + ":", "cannot be reached", "--mirror",
                             "https_proxy", "Without a network"),
                         "--mirror", url, hub=False)
        self.refused(2, "address", "--mirror", "file:///etc", hub=False)
        self.refused(2, "password", "--mirror", "http://a:b@127.0.0.1",
                     hub=False)

    @unittest.skipUnless(shutil.which("openssl"), "needs openssl")
    def test_certificate(self):
        """Who cannot show a certificate that is trusted gets no token."""
        pem = os.path.join(self.top, "tls.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048",
                        "-nodes", "-keyout", pem, "-out", pem + ".crt",
                        "-subj", "/CN=127.0.0.1", "-addext",
                        "subjectAltName=IP:127.0.0.1"], check=True,
                       capture_output=True, timeout=60)
        with open(pem, "a", encoding="ascii") as f, \
                open(pem + ".crt", encoding="ascii") as crt:
            f.write(crt.read())
        hub = self.serve(tls=pem)
        self.refused(1, (hub.url, "no trusted connection", "ca-certificates"),
                     "--mirror", hub.url, hub=False, HF_TOKEN="secret")
        self.assertEqual(hub.log, [])

    def test_stalled(self):
        self.hub.cut[WEIGHTS] = 1000
        self.hub.stall.add(WEIGHTS)
        self.refused(5, ("too slow", WEIGHTS), OTKLIK_MODELS_STALL_SECONDS="1")

    def test_too_large(self):
        self.hub.size[WEIGHTS] = 2000000
        self.refused(3, ("--max-mb", "2.0 MB"), "--max-mb", "1")
        self.assertEqual(self.hub.asked(WEIGHTS), [])

    def test_no_room(self):
        self.hub.size[WEIGHTS] = 10**13
        self.refused(5, ("the disk has", "--to"), "--max-mb", "20000000")
        self.assertEqual(self.hub.asked(WEIGHTS), [])

    def test_folder(self):
        """An empty folder is filled, however it is written."""
        os.mkdir(self.to)
        place, self.to = self.to, self.to + "//"
        self.pull()
        self.assertEqual(os.listdir(self.top), ["model"])
        self.to = place
        self.assertEqual(self.files(), TAKEN)

    def test_progress(self):
        """On a terminal there is a bar, and complaints are not in its line."""
        try:
            master, slave = pty.openpty()
        except OSError as why:  # as in a chroot without /dev/pts
            self.skipTest(f"left out, there is no terminal: {why}")
        self.addCleanup(os.close, master)
        self.hub.cut[WEIGHTS] = 300000

        def run():
            p = subprocess.run(
                [PROGRAM, "model", "pull", "owner/model", "--to", self.to,
                 "--mirror", self.hub.url], timeout=60, stderr=slave,
                stdout=subprocess.DEVNULL,
                env={**os.environ, "no_proxy": "127.0.0.1"})
            return p.returncode, os.read(master, 1 << 16).decode()

        code, said = run()
        self.assertEqual(code, 5)
        self.assertRegex(said, r"pulling +\[#+ +\] +\d+ %\x1b\[K\r\notklik: ")
        code, said = run()
        os.close(slave)
        self.assertEqual(code, 0)
        self.assertTrue(said.endswith("100 %\x1b[K\r\n"), said)

    def test_in_the_way(self):
        os.mkdir(self.to)
        mine = os.path.join(self.to, "mine")
        with open(mine, "w", encoding="utf-8") as f:
            f.write("x")
        self.pull(want=1)
        self.assertIn("not pulled", self.said)
        self.assertTrue(os.path.exists(mine))
        self.assertEqual(self.hub.log, [])

    def test_proxy(self):
        """What goes out goes by the proxy that the environment names."""
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.refused(5, "cannot be reached", "--mirror",
                         "http://hub.example", hub=False,
                         http_proxy=f"http://127.0.0.1:{s.getsockname()[1]}")
            self.assertIn(str(s.getsockname()[1]), self.said)


@unittest.skipUnless(os.geteuid() == 0 and shutil.which("mount"),
                     "a small disk can be mounted by root only")
class FullDiskTest(PullCase):
    def test_full_disk(self):
        """It fills up on the way: what is there is gone on from later."""
        disk = os.path.join(self.top, "disk")
        os.mkdir(disk)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs",
                           disk], capture_output=True).returncode:
            self.skipTest("mount is not allowed here")
        self.addCleanup(subprocess.run, ["umount", disk], check=True)
        self.to = os.path.join(disk, "model")
        other = os.path.join(disk, "other")

        def fill():
            with open(other, "wb") as f:
                f.write(bytes(1200 << 10))

        self.hub.files = model_files(b"x" * (1 << 20))
        self.hub.before[WEIGHTS] = fill
        self.refused(5, ("the disk is full", WEIGHTS))
        os.remove(other)
        self.pull()
        self.assertRegex(self.hub.asked(WEIGHTS)[-1][1], "^bytes=[1-9]")
        self.assertEqual(self.files(), TAKEN)


if __name__ == "__main__":
    unittest.main()
