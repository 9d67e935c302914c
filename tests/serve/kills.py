#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# kill -9 of the server, of a machine, of both, in every state of a submission;
# a locked database and a full disk while the server runs. TAP; kills.sh starts it.
#
# After each group: whatever a client has a receipt of has exactly one verdict, the
# right one; what else is in the record is whole, and has one as well.
import base64
import hashlib
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import time

ROUNDS = int(os.environ.get("ROUNDS", "1"))  # times 5 kills a state, 8 of which 5 hit it
REAL = int(os.environ.get("REAL_ROUNDS", "1"))
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


# --- the states -------------------------------------------------------------------

def receiving(i):
    server = Server()
    upload = Upload()
    upload.connect()
    half = len(upload.lines) // 2
    if i > 0:
        upload.solve()
        upload.send(0, [0, 1, half, -1, -1][i])
    if i == 4:
        upload.socket.sendall(b"EO")
    # All that was sent has been read, but for the last case, which may be.
    time.sleep(0.2)
    server.kill()
    must(not upload.receipt(), "a receipt for what was not sent")
    check_sound()
    must(query("SELECT count(*) FROM submissions WHERE md5 = ?", upload.md5) == [(0,)],
         "half an upload was stored")


def storing(i):
    gate(True)
    upload = Upload()
    mark = "<kill %s " % upload.name
    # Five of the eight come when it is stored and not acknowledged.
    place = ["half", "unsynced", "synced", "send", "sent", "synced", "send", "synced"][i]
    point = place + ":" + (upload.md5 if place.startswith("sen") else mark)
    server = Server(point)
    got = upload.bring()
    server.died()
    must(not got or place == "sent", "a receipt before the kill at " + point)
    check_sound()
    there = query("SELECT count(*) FROM submissions WHERE md5 = ?", upload.md5)[0][0]
    if place == "half":
        must(there == 0, "half a write became a submission")
    elif place != "unsynced":
        must(there == 1, "what was synced is not there")


def queued(i):
    gate(True)
    server = Server(jobs=1)
    running = Upload()
    must(running.bring(), "not accepted: %r" % running.heard)
    wait_for("the first to run", running.starts)
    for _ in range(1 + i % 3):
        upload = Upload()
        must(upload.bring(), "not accepted: %r" % upload.heard)
        if i % 2:
            upload.socket.close()
    server.kill()
    check_sound()
    must(query("SELECT count(*) FROM submissions WHERE state = 0")[0][0] >= 1 + i % 3,
         "they are not queued")
    drain()


def start_two(server):
    uploads = [Upload(), Upload()]
    for upload in uploads:
        must(upload.bring(), "not accepted: %r" % upload.heard)
    for upload in uploads:
        wait_for("both to run", upload.starts)
    return uploads


def running(i):
    gate(True)
    server = Server()
    start_two(server)
    time.sleep(random.random() * 0.3)
    server.kill()
    check_sound()
    must(query("SELECT count(*) FROM submissions WHERE state = 1")[0][0] >= 2,
         "two were running")


def standby(i):
    """A machine that waits for what is half sent is nobody's yet."""
    gate(False)
    server = Server()
    upload = Upload()
    half = len(upload.lines) // 2
    upload.connect()
    upload.solve()
    upload.send(0, half)
    tree = wait_for("a machine that waits",
                    lambda: [pid for pid, _ in children(server.process.pid)])
    kill_9(tree)
    if i % 2:
        server.kill()
        for pid in tree:
            wait_for("what waited to die with the server", lambda: not alive(pid), 10)
        must(not upload.receipt(), "a receipt for what was not sent")
        check_sound()
        return
    upload.send(half, None)
    must(upload.receipt(), "not accepted: %r" % upload.heard)
    upload.hears_score()
    must(query("SELECT attempts FROM submissions WHERE md5 = ?", upload.md5) == [(0,)],
         "it lost an attempt with a machine that was not its own")
    check_final()
    server.stop()


def kill_9(pids):
    """Kill all; those that had died with others before their turn are dead as well."""
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def machine(i):
    gate(True)
    server = Server()
    victim, other = start_two(server)
    for attempt in range(1 + i % 2):
        os.kill(victim.starts()[-1], signal.SIGKILL)
        wait_for("another attempt", lambda: len(victim.starts()) > attempt + 1)
    gate(False)
    victim.hears_score()
    other.hears_score()
    must(len(other.starts()) == 1, "the other one was run again as well")
    check_final()
    server.stop()


def both(i):
    gate(True)
    server = Server()
    victim, other = start_two(server)
    if i % 2:
        server.process.kill()
        kill_9([victim.starts()[-1]])
    else:
        os.kill(victim.starts()[-1], signal.SIGKILL)
        time.sleep([0, 0, 0.05, 0, 0.5][i])
        server.process.kill()
    server.died()
    check_sound()


def verdict(i):
    gate(True)
    upload = Upload()
    mark = "verdict-%s-" % upload.name
    score = "score: %d/100" % upload.score
    # Six of the eight come while it is written.
    place = ["half", "unsynced", "synced", "send", "sent", "half", "unsynced", "synced"][i]
    server = Server(place + ":" + (score if place.startswith("sen") else mark))
    must(upload.bring(), "not accepted: %r" % upload.heard)
    wait_for("it to run", upload.starts)
    gate(False)
    server.died()
    check_sound()
    there = query("SELECT count(*) FROM runs r JOIN submissions s ON s.id = r.submission"
                  " WHERE s.md5 = ?", upload.md5)[0][0]
    if place == "half":
        must(there == 0, "half a write became a verdict")
    elif place != "unsynced":
        must(there == 1, "what was synced is not there")


# --- trouble of the disk while it runs --------------------------------------------

# Refused with that word, and nothing of it is there.
def refused(word):
    before = query("SELECT (SELECT count(*) FROM submissions), (SELECT count(*) FROM modules)")
    upload = Upload()
    must(not upload.bring(), "accepted though it cannot be stored")
    must(word in upload.heard and b"nothing of it is kept" in upload.heard,
         "not told why: %r" % upload.heard[-300:])
    must(upload.md5.encode() not in upload.heard, "told a checksum")
    check_sound()
    must(query("SELECT (SELECT count(*) FROM submissions), (SELECT count(*) FROM modules)")
         == before, "half of it was stored")


# A verdict that cannot be kept is told to nobody, and kept as soon as it can be.
def verdict_in_trouble(begin, end):
    gate(True)
    upload = Upload()
    must(upload.bring(), "not accepted: %r" % upload.heard)
    wait_for("it to run", upload.starts)
    begin()
    gate(False)
    time.sleep(4)
    must(query("SELECT count(*) FROM runs r JOIN submissions s ON s.id = r.submission"
               " WHERE s.md5 = ?", upload.md5) == [(0,)], "a verdict was stored all the same")
    upload.hear_all()
    must(b"score: " not in upload.heard, "a score was told that is not on record")
    end()
    upload.hears_score()
    check_final()
    must(len(upload.starts()) == 1, "it was run again")


def locked(_):
    server = Server()
    db = database()
    db.isolation_level = None
    db.execute("BEGIN EXCLUSIVE")
    refused(b"locked")
    db.execute("ROLLBACK")
    verdict_in_trouble(lambda: db.execute("BEGIN EXCLUSIVE"), lambda: db.execute("ROLLBACK"))
    db.close()
    server.stop()


def full(_):
    flag = TMP + "/full"
    server = Server()
    open(flag, "w").close()
    refused(b"no space left")
    os.unlink(flag)
    verdict_in_trouble(lambda: open(flag, "w").close(), lambda: os.unlink(flag))
    server.stop()


# --- real machines ----------------------------------------------------------------

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


def real(i):
    server = Server(real=True, jobs=1)
    upload = Upload(real=True)
    must(upload.bring(), "not accepted: %r" % upload.heard)
    wait_for("a machine", lambda: machine_of(server))
    if i % 2:
        must(upload.hear(b"Linux version"), "no console")
    qemu = machine_of(server)
    tree = [pid for pid, _ in children(server.process.pid)]
    if i % 3 != 0:
        kill_9(qemu)
    if i % 3 == 1:
        must(upload.hear(b"score: "), "no score after a machine was killed")
    else:
        server.kill()
        for pid in tree:
            wait_for("all that it ran to die with the server", lambda: not alive(pid), 20)
        check_sound()
        server = Server(real=True, jobs=1)
    check_final()
    server.stop()


# --- and all of them --------------------------------------------------------------

number = 0
failed = 0


def end_server():
    if Server.last:
        Server.last.kill()
        Server.last.wait()



# Each @ways kills try all that function() does.
def test(title, function, times, wanted, ways=5):
    global number, failed
    if times > 1:
        title = "%d kills %s" % (times, title)
    if wanted and function.__name__ not in wanted:
        return
    number += 1
    begin = time.monotonic()
    try:
        for i in range(times):
            function(i % ways)
            if i % ways == ways - 1 or i + 1 == times:
                drain()
        print("ok %d - %s (%.0f s)" % (number, title, time.monotonic() - begin))
    except (Failure, OSError, sqlite3.Error, subprocess.TimeoutExpired) as error:
        failed += 1
        end_server()
        print("not ok %d - %s" % (number, title))
        print("# kill %d: %s" % (i, str(error).replace("\n", "\n# ")))
        with open(TMP + "/log", errors="replace") as f:
            for line in f.readlines()[-15:]:
                print("# " + line.rstrip())
    sys.stdout.flush()


def main(wanted):
    os.makedirs(STATE, mode=0o700, exist_ok=True)
    kills = 5 * ROUNDS
    test("of the server while it receives", receiving, kills, wanted)
    test("between the first byte on the disk and the receipt", storing, 8 * ROUNDS, wanted, 8)
    test("while submissions wait", queued, kills, wanted)
    test("of the server while two run", running, kills, wanted)
    test("of a machine that waits, and of the server with it", standby, kills, wanted)
    test("of a machine", machine, kills, wanted)
    test("of a machine and the server", both, kills, wanted)
    test("while a verdict is written and told", verdict, 8 * ROUNDS, wanted, 8)
    test("a locked database: a clear word, nothing half-stored", locked, 1, wanted)
    test("a full disk: a clear word, nothing half-stored", full, 1, wanted)
    test("with real machines: server, machine, both", real, 3 * REAL, wanted, 6)
    print("1..%d" % number)
    return failed != 0


signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
try:
    sys.exit(main(sys.argv[1:]))
finally:
    end_server()
