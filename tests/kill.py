#!/usr/bin/env python3
"""kill -9 at random moments of a load: nothing acknowledged is missing, none
stands twice.

    tests/kill.py OTKLIK [ROUNDS]

A client sends requests with Idempotency-Key, repeats those that got no reply
after the restart, and compares with what the store holds in the end.
"""
import concurrent.futures
import http.client
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

OTKLIK = os.path.abspath(sys.argv[1])
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 200
CLIENTS = 8
TEXTS = ["Printer jammed in room %d", "Не работает сеть в кабинете %d",
         "Cannot log in on PC %d", "Сломался монитор, стол %d"]


class Desk:
    def __init__(self, folder):
        self.folder = folder
        self.process = None

    def start(self):
        self.process = subprocess.Popen(
            [OTKLIK, "serve", "--desk", self.folder, "http.port=0", "log.level=error"],
            stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        self.port = int(re.search(r":(\d+)$", line.strip()).group(1))

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()


def send(port, key, headers, number):
    """The id of the ticket, or None when no reply came."""
    body = json.dumps({"text": TEXTS[number % len(TEXTS)] % number, "ticket": True})
    try:
        c = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        c.request("POST", "/api/v1/requests", body, {**headers, "Idempotency-Key": key})
        r = c.getresponse()
        reply = json.loads(r.read())
        c.close()
    except (OSError, http.client.HTTPException, ValueError):
        return None
    if r.status not in (200, 201):
        return None
    return reply["ticket"]["id"]


def main():
    random.seed(7)
    with tempfile.TemporaryDirectory() as top:
        desk = Desk(os.path.join(top, "desk"))
        if template := os.environ.get("OTKLIK_TEMPLATE"):  # which CTest makes once
            shutil.copytree(template, desk.folder)
        else:
            subprocess.run([OTKLIK, "init", desk.folder], check=True, stdout=subprocess.DEVNULL)
        key = subprocess.run(
            [OTKLIK, "key", "add", "test", "--desk", desk.folder, "--scopes", "requests"],
            check=True, capture_output=True, text=True).stdout.strip()
        headers = {"Authorization": "Bearer " + key, "Content-Type": "application/json"}
        known = {}       # key -> ticket that was acknowledged
        unsure = []      # (key, number): no reply came
        number = 0
        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
            for _ in range(ROUNDS):
                desk.start()
                todo, unsure = unsure, []
                for _ in range(40):
                    number += 1
                    todo.append((f"k{number}", number))
                work = {pool.submit(send, desk.port, k, headers, n): (k, n) for k, n in todo}
                time.sleep(random.uniform(0.005, 0.06))
                desk.kill()
                for f in concurrent.futures.as_completed(work):
                    k, n = work[f]
                    ticket = f.result()
                    if ticket is None:
                        unsure.append((k, n))
                    elif known.setdefault(k, ticket) != ticket:
                        sys.exit(f"{k}: two tickets, {known[k]} and {ticket}")
        desk.start()
        for k, n in unsure:
            known[k] = send(desk.port, k, headers, n)
            if known[k] is None:
                sys.exit(f"{k}: no reply from a desk that runs")
        for k, ticket in random.sample(sorted(known.items()), min(200, len(known))):
            if send(desk.port, k, headers, int(k[1:])) != ticket:
                sys.exit(f"{k}: a repeat got another ticket")
        desk.kill()
        check = subprocess.run([OTKLIK, "doctor", "--desk", desk.folder],
                               capture_output=True, text=True)
        if check.returncode:
            sys.exit("doctor:\n" + check.stdout)
        db = sqlite3.connect(os.path.join(desk.folder, "otklik.db"))
        # the key of a stranger is kept behind his address
        rows = {k.rsplit("\n", 1)[-1]: t for k, t in
                db.execute("SELECT dedup, ticket_id FROM inbox").fetchall()}
        tickets = db.execute("SELECT COUNT(*) FROM tickets").fetchone()[0]
        messages = db.execute("SELECT COUNT(*) FROM messages WHERE kind = 'request'").fetchone()[0]
        missing = [k for k, t in known.items() if rows.get(k) != int(t)]
        if missing or len(rows) != len(known) or tickets != len(rows) or messages != tickets:
            sys.exit(f"missing {missing[:5]}; {len(known)} known, {len(rows)} inbox rows, "
                     f"{tickets} tickets, {messages} messages")
        print(f"{ROUNDS} kills: {len(known)} requests, none missing, none twice")


main()
