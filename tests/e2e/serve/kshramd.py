# SPDX-License-Identifier: GPL-2.0
"""A kshramd of the test's own, and clients that speak to it byte by byte."""
import base64
import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

KERNEL = os.environ.get('KERNEL', 'stock')
SANITIZED = 'build/tests/kshramd'
PLAIN = 'build/bin/kshramd'
# The machine may have much else to do.
# Seconds. A busy host stretches the limits of a server up to four times.
PATIENCE = 240


def wait_for(what, true, seconds=PATIENCE):
    """Until true() is; what it is, for the message."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise AssertionError('not within %d s: %s' % (seconds, what))
        time.sleep(0.02)


def note_refusals(words):
    """serve.sh wants each reason to be seen by some case."""
    if 'REFUSALS_SEEN' in os.environ:
        with open(os.environ['REFUSALS_SEEN'], 'a') as file:
            for reason in set(re.findall(r' event=refused .*?\breason=(\w+)', words)):
                file.write(reason + '\n')


class Server:
    """One server with its state and stub; a context manager."""

    def __init__(self, *options, program=SANITIZED, state=None, mode='full', stub=True, env=None):
        self.tmp = tempfile.mkdtemp(prefix='kshram-serve-')
        self.state = state or self.tmp + '/state'
        self.options = list(options)
        self.program = program
        self.stub = stub
        self.env = env or {}
        self.mode(mode)
        self.starts = 0
        self.process = None

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, *exception):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        words = self.words()
        note_refusals(words)
        if exception[0]:
            print(words[-6000:])
        shutil.rmtree(self.tmp)
        assert 'Sanitizer' not in words and 'runtime error' not in words, words

    def words(self):
        with open(self.tmp + '/log', errors='replace') as log:
            return log.read()

    def mode(self, mode, who=None):
        """What the stub does, for all or for one."""
        path = self.tmp + '/mode' + ('.' + who if who else '')
        with open(path + '.new', 'w') as file:
            file.write(mode + '\n')
        os.rename(path + '.new', path)

    def go(self, who=None):
        """Let what waits in the stub go on, all of it or one."""
        open(self.tmp + '/go' + ('.' + who if who else ''), 'w').close()

    def stub_lines(self, name):
        try:
            with open(self.tmp + '/' + name) as file:
                return file.read().split()
        except FileNotFoundError:
            return []

    def start(self):
        command = [self.program, '--kernel', KERNEL, '--state', self.state, '--listen',
                   '127.0.0.1:0', '--metrics', '127.0.0.1:0', '--difficulty', '1', '--jobs', '2']
        if self.stub:
            command += ['--grader', os.path.abspath('tests/e2e/serve/grader.sh')]
        self.starts += 1
        with open(self.tmp + '/log', 'a') as log:
            self.process = subprocess.Popen(
                command + self.options, stderr=log, stdin=subprocess.DEVNULL,
                env=dict(os.environ, STUB=self.tmp, **self.env))
        wait_for('the server is ready', lambda: self.process.poll() is not None or
                 self.words().count('event=ready') == self.starts)
        assert self.process.poll() is None, self.words()
        self.ports = {address: int(port) for address, port in
                      re.findall(r'event=listening address=\[?([^\s\]]*)\]?:(\d+)', self.words())}
        self.port = self.ports['127.0.0.1']
        self.metrics_port = int(re.findall(r'event=metrics port=(\d+)', self.words())[-1])

    def signal(self, number):
        self.process.send_signal(number)

    def ends(self, status=0):
        assert self.process.wait(PATIENCE) == status, self.process.returncode

    def kill(self):
        self.process.kill()
        self.process.wait()

    def metrics(self):
        url = 'http://127.0.0.1:%d/metrics' % self.metrics_port
        with urllib.request.urlopen(url, timeout=PATIENCE) as reply:
            text = reply.read().decode()
        return {key: float(value) for key, value in
                (line.rsplit(' ', 1) for line in text.splitlines() if line[0] != '#')}

    def machines(self, state):
        return self.metrics()['kshramd_machine_states{state="%s"}' % state]

    def sql(self, question):
        """Rows of the record, as sqlite3(1) prints them."""
        return subprocess.run(['sqlite3', self.state + '/kshramd.db', question], check=True,
                              capture_output=True, text=True).stdout.split()

    def log_has(self, text):
        wait_for(text + ' in the log', lambda: text in self.words())


def module(who='', path=None):
    """A module that passes inspection; what is appended to it tells whose it is."""
    with open(path or os.environ['SMALL_MODULE'], 'rb') as file:
        return file.read() + who.rjust(16).encode()


def upload_text(data, token=None, width=1023):
    text = base64.b64encode(data)
    lines = [b'TOKEN ' + token.encode()] if token else []
    lines += [text[i:i + width] for i in range(0, len(text), width)]
    return b'\n'.join(lines + [b'EOF', b''])


class Client:
    """A connection; what was received is kept."""

    def __init__(self, server, greeted=True, address='127.0.0.1', room=None):
        self.socket = socket.socket(socket.AF_INET6 if ':' in address else socket.AF_INET)
        self.socket.settimeout(PATIENCE)
        if room:
            # Bytes that the kernel takes before they are read; what it keeps for the server
            # until it can send them goes by the size of a segment, 64 KiB as a rule here.
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
        self.socket.connect((address, server.ports[address]))
        self.got = b''
        if greeted:
            self.until(b'string S: ')
            self.prefix = re.search(rb"'([^']*)'", self.got).group(1)

    def until(self, words):
        """Receive until the words are there; all that was received."""
        while words not in self.got:
            data = self.socket.recv(65536)
            assert data, 'it ended before %r: %r' % (words, self.got)
            self.got += data
        return self.got

    def rest(self):
        """All, up to the end, which must be a proper one."""
        while True:
            data = self.socket.recv(65536)
            if not data:
                self.socket.close()
                return self.got
            self.got += data

    def send(self, data):
        self.socket.sendall(data)

    def answer(self):
        zeros = re.search(rb'begins with (0+)', self.got).group(1).decode()
        n = 0
        while not hashlib.sha1(self.prefix + b'%d' % n).hexdigest().startswith(zeros):
            n += 1
        return b'%d' % n

    def solve(self):
        self.send(base64.b64encode(self.answer()) + b'\n')
        self.until(b'finish the transmission.\n\n')
        return self

    def submit(self, data, token=None):
        self.solve()
        self.send(upload_text(data, token))
        self.until(b'md5')
        return self

    def refused(self, *words):
        """It ends in one line that says so, with these words."""
        lines = self.rest().decode().split('\n')
        last = lines[-2]
        assert last.startswith('refused: ') and not lines[-1], self.got
        assert sum(line.startswith('refused: ') for line in lines) == 1, self.got
        for word in words:
            assert word in last, (word, last)


TERM, HUP = signal.SIGTERM, signal.SIGHUP
