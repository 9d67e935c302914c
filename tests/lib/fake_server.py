#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""A challenge server for tests of clients, which grades nothing and can misbehave.

usage: fake_server.py MODE DIRECTORY [ADDRESS [ZEROS]]

Serves one connection on ADDRESS (default 127.0.0.1), after writing its port to
DIRECTORY/port. What the client sent is left in DIRECTORY/module, what was wrong
with it in DIRECTORY/faults, its token in DIRECTORY/token. It ends after 60 s
whatever happens.
"""
import base64
import hashlib
import os
import signal
import socket
import struct
import sys
import time

MODE, DIRECTORY = sys.argv[1:3]
ADDRESS = sys.argv[3] if len(sys.argv) > 3 else "127.0.0.1"
ZEROS = int(sys.argv[4]) if len(sys.argv) > 4 else 3
PREFIX = os.urandom(16).hex()

TITLES = ("the virtual machine boots", "hellomod.ko loads and unloads",
          "kshram.ko loads, /dev/kshram0 to kshram7 exist", "it unloads",
          "loaded again, check_msg passes, twice", "check_resize passes",
          "check_fork passes", "it unloads")
POINTS = (10, 10, 10, 5, 20, 20, 20, 5)


class End(Exception):
    """The conversation is over, as the mode wants it."""


def put(name, data):
    """Leave something in the directory, whole."""
    path = os.path.join(DIRECTORY, name)
    with open(path + ".new", "wb") as f:
        f.write(data if isinstance(data, bytes) else data.encode())
    os.rename(path + ".new", path)


def fault(text):
    """Remember that the client did something wrong."""
    with open(os.path.join(DIRECTORY, "faults"), "a", encoding="ascii") as f:
        f.write(text + "\n")


def table(passed, reason="", score=None):
    """The eight items as the grader prints them, the first PASSED of them passed."""
    out = ["kshram.ko on kernel lab (6.1.0, tcg)", "",
           " #  %-48s points       time" % "item"]
    for i, (title, points) in enumerate(zip(TITLES, POINTS)):
        state = "passed" if i < passed else "failed" if i == passed else "not reached"
        out.append("%2d  %-48s %2u/%-2u %10s  %s" % (
            i + 1, title, points if i < passed else 0, points,
            "" if i > passed else "0.25 s", state))
        if i == passed and reason:
            out += ["    " + line for line in reason.split("\n")]
    total = sum(POINTS)
    got = sum(POINTS[:passed]) if score is None else score
    out += ["", "note, which costs no points:", "    nothing to see here", "",
            "score: %d/%d (3.7 s)" % (got, total), ""]
    return "\r\n".join(out)


class Conversation:
    """One connection."""

    def __init__(self, conn):
        self.conn = conn
        self.lines = conn.makefile("rb")

    def say(self, text):
        """Send a text, in one piece or in many."""
        data = text if isinstance(text, bytes) else text.encode()
        if MODE == "drip":
            for i in range(len(data)):
                self.conn.sendall(data[i:i + 1])
        else:
            self.conn.sendall(data)

    def reset(self):
        """End the connection without good order."""
        self.conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.lines.close()
        self.conn.close()
        raise End

    def at(self, state):
        """Close, refuse or reset in this state, where the mode says so."""
        if MODE == "close-" + state:
            raise End
        if MODE == "refuse-" + state:
            self.say("refused: not at this %s, says \033[2Jthe server\n" % state)
            raise End
        if MODE == "reset-" + state:
            self.reset()
        if MODE == "silent-" + state:
            time.sleep(30)
            raise End
        if MODE == "half-" + state:
            self.say("this line has no e")
            raise End

    def puzzle(self):
        """Ask, in one of several ways, and check the answer."""
        zeros = "0" * ZEROS
        first = {
            "backticks": "find S: sha1('%s' + S) in hex starts with `%s`, please\n" % (PREFIX, zeros),
            "words": "'%s' is the prefix; six leading zeros, said with %d zeros\n" % (PREFIX, ZEROS)
                     if ZEROS == 6 else
                     "'%s' is the prefix; the hash needs %d leading hexadecimal zeros\n" % (PREFIX, ZEROS),
            "bare": "sha1('%s' + S) must begin with %s.\nThat's all.\n" % (PREFIX, zeros),
            "reversed": "A hash that begins with \"%s\" of '%s' and S\n" % (zeros, PREFIX),
            "too-many": "sha1('%s' + S) begins with '%s'\n" % (PREFIX, "0" * 11),
            "unquoted": "sha1(%s + S) begins with %s\n" % (PREFIX, zeros),
            "garbage": os.urandom(300) + b"\n",
        }.get(MODE, "sha1('%s' + S) begins with '%s'\n" % (PREFIX, zeros))
        self.say(first)
        if MODE == "endless":
            while True:
                self.say("bla " * 1000)
        if MODE == "other-prompt":
            self.say("> ")
        elif MODE == "capitals":
            self.say("Base64 of the String s: ")
        else:
            self.say("give me the base64 of a string S: ")
        self.at("puzzle")
        answer = self.lines.readline()
        try:
            s = base64.b64decode(answer.rstrip(b"\n"), validate=True)
        except ValueError:
            fault("the answer is no base64")
            s = b""
        if not answer.endswith(b"\n"):
            fault("the answer has no newline")
        if not hashlib.sha1(PREFIX.encode() + s).hexdigest().startswith(zeros):
            fault("the answer is wrong")
        self.at("answer")

    def upload(self):
        """Invite, and receive the module."""
        self.say("\nWelcome. It's \"line 1'.\nfinish the transmission. Not yet.\n\n")
        self.say("Send base64, then EOF, to finish the transmission.\n")
        if MODE != "one-newline":
            self.say("\n")
        self.at("invitation")
        data = []
        first = True
        while True:
            line = self.lines.readline()
            if first and line.startswith(b"TOKEN "):
                put("token", line[6:])
                first = False
                continue
            if first:
                self.at("upload")
                if MODE == "linger-upload":
                    self.say("line 1: refused in the middle\n")
                    self.conn.shutdown(socket.SHUT_WR)
                    while self.lines.read(65536):
                        pass
                    raise End
            first = False
            if not line:
                fault("the upload has no EOF")
                raise End
            if line == b"EOF\n":
                break
            if len(line) > 1024:
                fault("a line of %d" % len(line))
            data.append(line.rstrip(b"\n"))
        module = base64.b64decode(b"".join(data), validate=True)
        put("module", module)
        self.at("eof")
        md5 = hashlib.md5(module).hexdigest()
        if MODE == "wrong-md5":
            md5 = hashlib.md5(b"other").hexdigest()
        if MODE == "no-number":
            self.say("MD5 = %s\n" % md5.upper())
        else:
            self.say("received: submission 42, md5 %s, %d bytes\n" % (md5, len(module)))
        self.at("receipt")

    def run(self):
        """Queue, console, table."""
        for i in range(3, 0, -1):
            self.say("queue: place %d, about %d s\n" % (i, 7 * i))
        self.at("queue")
        if MODE == "lf-only":
            self.say("[    0.000000] Linux\n" + table(8).replace("\r\n", "\n"))
            raise End
        self.say("[    0.000000] Linux version 6.1.0 \033[32mgreen\033[0m\r\n")
        if MODE == "hostile":
            self.say(table(8))
            self.say(b"\033[2J\033[H\033]0;title\007\033[31mred\r\n\033[8mhidden\r\n"
                     b"\033P1$r0m\033\\\x9b2J\xc2\x9b2J\0\x7f\x08\x08a\x07\rb\tc\r\n"
                     b"\033[?1049h\033[6n\033[" + b"1;" * 5000 + b"m\033]52;c;AAAA\r\n")
            self.say("x" * 100000)
            self.say("\r\nscore: 100/100 (0.1 s)\r\n\033]swallow me \033[")
        self.at("console")
        self.say("[    1.000000] reboot\r\n\r\n")
        if MODE == "fake-reset":
            self.say(table(8))
            time.sleep(0.5)
            self.reset()
        if MODE == "fake-then-words":
            self.say(table(8) + "the grader was lost; ask the instructor\r\n")
            raise End
        if MODE == "score-odd":
            self.say("score: 101/100\r\n")
            raise End
        if MODE == "score-glued":
            self.say("x score: 100/100\r\n")
            raise End
        if MODE == "score-only":
            self.say(table(8) + "score: 35/100\r\n")
            raise End
        if MODE == "split":
            text = table(8)
            self.say(text[:-20])
            time.sleep(0.3)
            self.say(text[-20:-2])
            raise End
        if MODE in ("less", "hostile"):
            self.say(table(5, "KSHRAM_SETSIZE of slot 3 failed: \"EINVAL\"\n"
                              "1  it is not 5/5  1.00 s  passed"))
        elif MODE == "zero":
            self.say(table(0, "it did not boot"))
        else:
            self.say(table(8))
        self.at("score")

    def all(self):
        """From the connection to the close."""
        self.at("connect")
        self.puzzle()
        self.upload()
        self.run()


def main():
    """Serve one."""
    signal.alarm(60)
    family = socket.AF_INET6 if ":" in ADDRESS else socket.AF_INET
    with socket.socket(family) as listener:
        listener.bind((ADDRESS, 0))
        listener.listen()
        put("port", "%d\n" % listener.getsockname()[1])
        conn, _ = listener.accept()
        try:
            Conversation(conn).all()
        except End:
            pass
        except OSError as error:
            fault("the connection: %s" % error)
        finally:
            # With what was not read, a close would reset the connection.
            if conn.fileno() >= 0:
                try:
                    conn.shutdown(socket.SHUT_WR)
                    conn.settimeout(2)
                    while MODE.startswith(("refuse-", "close-", "half-")) and conn.recv(65536):
                        pass
                except OSError:
                    pass
                conn.close()


main()
