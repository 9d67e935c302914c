# SPDX-License-Identifier: GPL-2.0
"""What kills.py besieges: a server with its record, uploads to it, and what must be true of both."""
import base64
import hashlib
import os
import random
import signal
import socket
import sqlite3
import subprocess
import time

KERNEL = os.environ["KERNEL"]
TMP = os.environ["KILLS"]
STATE = TMP + "/state"
PORT = 20000 + os.getpid() % 20000
MODULE = open(os.environ["MODULE"], "rb").read()
DEADLINE = 180  # s, for anything; with five other suites on two processors

random.seed(os.environ.get("SEED") or int(time.time()))
accepted = {}  # md5 -> Upload with a receipt
sent = {}  # md5 -> Upload
everyone = []


class Failure(Exception):
    pass


def must(condition, text):
    if not condition:
        raise Failure(text)


def wait_for(what, condition, seconds=DEADLINE):
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        must(time.monotonic() < end, "waited in vain: " + what)
        time.sleep(0.02)


def alive(pid):
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class Server:
    last = None

    # Enough machines for what earlier kills have left besides, and enough attempts
    # for what all of them interrupt.
    def __init__(self, point=None, jobs=20, real=False):
        env = dict(os.environ, KILLS=TMP, LD_PRELOAD=os.environ["KILLPOINT_LIB"],
                   KILLPOINT_FULL=TMP + "/full")
        env.pop("KILLPOINT", None)
        if point:
            env["KILLPOINT"] = point
        command = ["build/bin/kshramd", "--state", STATE, "--listen", "127.0.0.1:%d" % PORT,
                   "--kernel", KERNEL, "--difficulty", "0", "--jobs", str(jobs),
                   "--metrics", "none", "--set", "attempts=100"]
        if not real:
            command += ["--grader", "tests/serve/grader.sh"]
        self.log = open(TMP + "/log", "ab")
        self.process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=self.log)
        Server.last = self.process
        wait_for("the server to listen", self.listens)

    def listens(self):
        must(self.process.poll() is None, "the server ended by itself: see " + TMP + "/log")
        try:
            socket.create_connection(("127.0.0.1", PORT), 1).close()
            return True
        except OSError:
            return False

    def kill(self):
        self.process.kill()
        self.died()

    # It was killed at its point, or by us; what it ran is gone soon.
    def died(self):
        status = self.process.wait(DEADLINE)
        must(status == -signal.SIGKILL, "the server ended with %d, not by kill -9" % status)
        for pid in graders():
            wait_for("a grader to die with its server", lambda: not alive(pid), 10)

    def stop(self):
        self.process.terminate()
        status = self.process.wait(DEADLINE)
        must(status == 0, "the server ended with status %d" % status)


def graders():
    pids = []
    for upload in everyone:
        try:
            with open(TMP + "/started." + upload.name) as f:
                pids += [int(line) for line in f if line.strip()]
        except FileNotFoundError:
            pass
    return [pid for pid in pids if alive(pid)]


class Upload:
    """A submission, and the client that brings it."""

    def __init__(self, real=False):
        self.name = "s%d" % len(everyone)
        everyone.append(self)
        self.score = 100 if real else random.choice([0, 10, 55, 99, 100])
        # What follows an ELF file changes nothing of it.
        self.bytes = MODULE + b"<kill %s %d>\n" % (self.name.encode(), self.score)
        self.md5 = hashlib.md5(self.bytes).hexdigest()
        sent[self.md5] = self
        encoded = base64.b64encode(self.bytes).decode()
        self.lines = ["TOKEN " + self.name] + \
            [encoded[i:i + 1000] for i in range(0, len(encoded), 1000)] + ["EOF"]
        self.heard = b""

    def hear(self, until):
        while until not in self.heard:
            try:
                data = self.socket.recv(65536)
            except ConnectionError:
                data = b""
            if not data:
                return False
            self.heard += data
        return True

    # What has come by now.
    def hear_all(self):
        self.socket.settimeout(0.2)
        try:
            self.hear(b"\0")
        except TimeoutError:
            pass
        self.socket.settimeout(DEADLINE)

    def connect(self):
        self.socket = socket.create_connection(("127.0.0.1", PORT), DEADLINE)
        must(self.hear(b"string S: "), "no puzzle")

    def solve(self):
        self.socket.sendall(b"YQ==\n")
        must(self.hear(b"finish the transmission.\n\n"), "no explanation: %r" % self.heard)

    def send(self, first, last):
        try:
            self.socket.sendall("".join(l + "\n" for l in self.lines[first:last]).encode())
        except ConnectionError:
            pass

    # With a receipt it is accepted; False without one, whatever was said instead.
    def bring(self):
        self.connect()
        self.solve()
        self.send(0, None)
        return self.receipt()

    def receipt(self):
        if not self.hear(self.md5.encode()):
            return False
        accepted[self.md5] = self
        return True

    def hears_score(self):
        must(self.hear(b"score: %d/100" % self.score), "%s: not told its score: %r" %
             (self.name, self.heard[-300:]))

    def starts(self):
        try:
            with open(TMP + "/started." + self.name) as f:
                return [int(line) for line in f if line.strip()]
        except FileNotFoundError:
            return []


def gate(shut):
    if shut:
        open(TMP + "/gate", "w").close()
    elif os.path.exists(TMP + "/gate"):
        os.unlink(TMP + "/gate")


def database():
    return sqlite3.connect(STATE + "/kshramd.db", timeout=DEADLINE)


def query(text, *values):
    db = database()
    try:
        return db.execute(text, values).fetchall()
    finally:
        db.close()


# What must be true at any time, also right after a kill.
def check_sound():
    must(query("PRAGMA integrity_check") == [("ok",)], "the database is damaged")
    must(query("PRAGMA foreign_key_check") == [], "rows without their submission")
    rows = query("SELECT s.id, s.md5, m.data FROM submissions s"
                 " LEFT JOIN modules m ON m.submission = s.id")
    for number, md5, data in rows:
        must(data is not None, "submission %d has no module" % number)
        must(hashlib.md5(data).hexdigest() == md5, "submission %d is not what was sent" % number)
        must(md5 in sent, "submission %d is of nobody" % number)
    there = [md5 for _, md5, _ in rows]
    must(len(set(there)) == len(there), "a submission is there twice")
    for md5, upload in accepted.items():
        must(md5 in there, "%s was accepted and is not there" % upload.name)
    must(query("SELECT submission FROM runs GROUP BY submission HAVING count(*) > 1") == [],
         "a submission has two verdicts")


def waiting():
    return query("SELECT count(*) FROM submissions WHERE state < 2")[0][0]


# All that is there comes to its end, each with the one right verdict.
def check_final():
    check_sound()
    wait_for("all verdicts", lambda: waiting() == 0)
    check_sound()
    for md5, state, note, count, score in query(
            "SELECT s.md5, s.state, s.note, count(r.id), max(r.score) FROM submissions s"
            " LEFT JOIN runs r ON r.submission = s.id GROUP BY s.id"):
        upload = sent[md5]
        must(state == 2, "%s ended in state %d: %s" % (upload.name, state, note))
        must(count == 1, "%s has %d verdicts" % (upload.name, count))
        must(score == upload.score, "%s got %d, not %d" % (upload.name, score, upload.score))


def drain():
    gate(False)
    server = Server()
    check_final()
    server.stop()


def kill_9(pids):
    """Kill all; those that had died with others before their turn are dead as well."""
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def children(pid):
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open("/proc/%s/stat" % entry) as f:
                    text = f.read()
            except OSError:
                continue
            if int(text.rsplit(")", 1)[1].split()[1]) == pid:
                child = int(entry)
                found.append((child, text[text.index("(") + 1:text.rindex(")")]))
                found += children(child)
    return found


def machine_of(server):
    return [pid for pid, name in children(server.process.pid) if name.startswith("qemu-system")]


def log_count(words):
    if not os.path.exists(TMP + "/log"):
        return 0
    with open(TMP + "/log", errors="replace") as f:
        return f.read().count(words)


def of_it(what, upload):
    return query("SELECT %s FROM submissions WHERE md5 = ?" % what, upload.md5)[0][0]


def end_server():
    if Server.last:
        Server.last.kill()
        Server.last.wait()
