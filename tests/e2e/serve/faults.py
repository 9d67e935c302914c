# SPDX-License-Identifier: GPL-2.0
"""Cases of cases.py about a host that does not give the server what it needs."""
import base64
import os
import subprocess

from kshramd import PLAIN, Client, Server, module, upload_text


class Failing(Server):
    """A server whose host fails it on request; see tests/serve/faults.c."""

    def __init__(self, *options, **more):
        # The sanitizers want to be the first that are loaded.
        super().__init__(*options, program=PLAIN, **more)
        self.env = {'LD_PRELOAD': os.path.abspath('build/tests/faults.so'),
                    'FAULTS': self.tmp + '/fault'}

    def fail(self, what):
        open(self.tmp + '/fault.' + what, 'w').close()

    def mend(self, what):
        os.unlink(self.tmp + '/fault.' + what)

    def works(self):
        """What was refused has left nothing, and the next one is graded."""
        assert self.sql('SELECT (SELECT count(*) FROM submissions), (SELECT count(*) FROM modules)') \
            == ['0|0']
        assert Client(self).submit(module('next')).rest().endswith(b'100/100\r\n')

    def refusals(self, reason):
        return self.metrics()['kshramd_refusals_total{reason="%s"}' % reason]


def locked_record():
    """a record that is locked: a clear message, nothing half stored"""
    with Server() as server:
        client = Client(server).solve()
        lock = subprocess.Popen(['sqlite3', server.state + '/kshramd.db'], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, text=True)
        lock.stdin.write('BEGIN IMMEDIATE;\nSELECT 1;\n')
        lock.stdin.flush()
        lock.stdout.readline()
        client.send(upload_text(module('locked')))
        client.refused('could not be stored', 'nothing of it is kept')
        lock.communicate('ROLLBACK;\n')
        assert server.sql('SELECT count(*) FROM submissions') == ['0']
        assert Client(server).submit(module('free')).rest().endswith(b'100/100\r\n')


def locked_verdict():
    """a verdict that the record cannot take is kept until it can, and told then"""
    with Server(mode='wait') as server:
        client = Client(server).submit(module('held'))
        client.until(b'waiting')
        lock = subprocess.Popen(['sqlite3', server.state + '/kshramd.db'], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, text=True)
        lock.stdin.write('BEGIN IMMEDIATE;\nSELECT 1;\n')
        lock.stdin.flush()
        lock.stdout.readline()
        server.go()
        server.log_has('event=verdict_not_stored')
        lock.communicate('ROLLBACK;\n')
        assert client.rest().endswith(b'100/100\r\n')
        assert server.sql('SELECT count(*) FROM runs') == ['1']


def not_stored(what, *words):
    """An upload is refused while that fails, and nothing of it is kept."""
    with Failing() as server:
        client = Client(server).solve()
        server.fail(what)
        client.send(upload_text(module(what)))
        client.refused(*words)
        assert b'md5' not in client.got
        server.mend(what)
        server.works()


def broken_disk():
    """a disk that cannot be written: a clear message, nothing half stored"""
    not_stored('broken', 'could not be stored (cannot ', 'disk I/O error', 'nothing of it is kept')


def full_disk():
    """a disk without room: a clear message, nothing half stored"""
    not_stored('full', 'could not be stored (cannot ', 'no space left on the disk',
               'nothing of it is kept')


def no_checksums():
    """no checksum can be computed: no receipt without one"""
    not_stored('digest', 'the server cannot compute checksums')


def no_random_numbers():
    """no random numbers: no puzzle that somebody could guess"""
    with Failing() as server:
        server.fail('random')
        client = Client(server, False)
        client.refused('the server has no random numbers; try again later')
        assert b"'" not in client.got
        server.mend('random')
        server.works()


def no_memory():
    """no memory: for a connection, an upload, its inspection"""
    with Failing('--set', 'standby=0') as server:
        asked, sends = Client(server), Client(server).solve()
        *lines, end = upload_text(module('sends')).splitlines(True)
        sends.send(b''.join(lines))
        asked_answer = asked.answer()
        # Whoever connects now is seen when all lines have been taken.
        Client(server)
        server.fail('memory')
        sends.send(end)
        sends.refused('the server has no memory left to look at it')
        asked.send(base64.b64encode(asked_answer) + b'\n')
        asked.refused('the server has no memory left; try again later')
        Client(server, False).refused('the server has no memory left; try again later')
        server.mend('memory')
        server.fail('libevent')
        Client(server, False).refused('the server has no memory left; try again later')
        server.mend('libevent')
        assert server.refusals('no_memory') == 4
        server.works()
