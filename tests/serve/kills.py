#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# kill -9 of the server, of a machine, of both, in every state of a submission;
# a locked database and a full disk while the server runs. TAP; kills.sh starts it.
#
# After each group: whatever a client has a receipt of has exactly one verdict, the
# right one; what else is in the record is whole, and has one as well.
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time

from besieged import (STATE, TMP, Failure, Server, Upload, alive, check_final, check_sound, children, database,
                      drain, end_server, gate, kill_9, log_count, machine_of, must, of_it, query, wait_for)

ROUNDS = int(os.environ.get("ROUNDS", "1"))  # times 5 kills a state, 8 of which 5 hit it
REAL = int(os.environ.get("REAL_ROUNDS", "5"))  # kills of each kind with real machines


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

# @strike ends the machine that runs a module, the server, or both, at any moment of the
# run, which lasts about a second; what came too late for that is tried again.
def strike_real(strike):
    for turn in range(10):
        before = log_count("event=machine_waits")
        server = Server(real=True, jobs=1)
        upload = Upload(real=True)
        upload.connect()
        upload.solve()
        wait_for("a machine that waits", lambda: log_count("event=machine_waits") > before)
        upload.send(0, None)
        must(upload.receipt(), "not accepted: %r" % upload.heard)
        must(upload.hear(b"this is the console of its machine"), "it does not start")
        time.sleep(random.random() * (0.4 if turn < 3 else 0))
        qemu = machine_of(server)
        tree = [pid for pid, _ in children(server.process.pid)]
        hit = len(qemu) == 1 and strike(server, upload, qemu)
        if server.process.poll() is not None:
            for pid in tree:
                wait_for("all that it ran to die with the server", lambda: not alive(pid), 20)
            check_sound()
            hit = hit and of_it("state", upload) == 1
            server = Server(real=True, jobs=1)
        # Or the server would give it time to read its last words.
        upload.socket.close()
        check_final()
        server.stop()
        if hit:
            must(of_it("attempts", upload) == 1, "it has lost %d attempts, not one" %
                 of_it("attempts", upload))
            return
    raise Failure("all ten kills came too late")


def strike_machine(_, upload, qemu):
    kill_9(qemu)
    must(upload.hear(b"score: "), "no score after a machine was killed")
    return b"the machine was lost" in upload.heard


def real_machine(_):
    strike_real(strike_machine)


def real_server(_):
    def strike(server, *_):
        server.kill()
        return True
    strike_real(strike)


def real_both(i):
    def strike(server, _, qemu):
        order = [lambda: kill_9(qemu), server.process.kill]
        for one in order if i % 2 else reversed(order):
            one()
        server.died()
        return True
    strike_real(strike)


# --- and all of them --------------------------------------------------------------

number = 0
failed = 0


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
    test("of a real machine with a module", real_machine, REAL, wanted)
    test("of the server while a real machine has a module", real_server,
         REAL if ROUNDS > 1 else 2, wanted)
    test("of such a machine and the server", real_both, REAL, wanted)
    print("1..%d" % number)
    return failed != 0


signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
try:
    sys.exit(main(sys.argv[1:]))
finally:
    end_server()
