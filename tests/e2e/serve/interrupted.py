# SPDX-License-Identifier: GPL-2.0
"""Cases of cases.py about machines: those that wait, and runs that do not come to their end."""
import base64
import re
import sqlite3
import subprocess

from kshramd import HUP, TERM, Client, Server, module, upload_text, wait_for


def machines():
    """a machine waits for whoever is about to hand in, and takes one module"""
    with Server('--jobs', '1', '--set', 'standby=1', '--set', 'standby_timeout=2',
                mode='wait') as server:
        def taken(state):
            return server.metrics()['kshramd_machines_taken_total{state="%s"}' % state]
        assert server.machines('offline') == 2
        first, second = Client(server).solve(), Client(server)
        wait_for('a machine waits', lambda: server.machines('waiting') == 1)
        assert not server.stub_lines('started')
        first.send(upload_text(module('first'), 'first'))
        first.until(b'waiting')
        assert taken('waiting') == 1 and server.machines('running') == 1
        second.submit(module('second'), 'second')
        wait_for('the next waits', lambda: server.machines('waiting') == 1)
        assert server.machines('offline') == 0
        server.go()
        assert first.rest().endswith(b'100/100\r\n')
        assert second.rest().endswith(b'100/100\r\n')
        assert taken('waiting') == 2 and taken('booting') + taken('offline') == 0
        figure = server.metrics()
        assert figure['kshramd_machine_boot_seconds_count'] >= 2
        # Those that are left over do not stay.
        wait_for('none is left', lambda: server.machines('offline') == 2)
        # One that dies while it waits is nobody's.
        client = Client(server).solve()
        wait_for('a machine waits', lambda: server.machines('waiting') == 1)
        subprocess.run(['pkill', '-9', '-P', str(server.process.pid)], check=True)
        server.log_has('event=machine_lost')
        client.send(upload_text(module('third'), 'third'))
        assert client.rest().endswith(b'100/100\r\n')
        assert server.metrics()['kshramd_machines_lost_total'] == 1
        assert server.sql('SELECT max(attempts) FROM submissions') == ['0']
        assert sorted(server.stub_lines('started')) == ['first', 'second', 'third']
        # What was started with another configuration takes no module.
        last = Client(server).solve()
        wait_for('a machine waits', lambda: server.machines('waiting') == 1)
        pid = subprocess.run(['pgrep', '-P', str(server.process.pid)], check=True,
                             capture_output=True, text=True).stdout
        server.signal(HUP)
        wait_for('another one waits', lambda: server.machines('waiting') == 1 and subprocess.run(
            ['pgrep', '-P', str(server.process.pid)], check=False,
            capture_output=True, text=True).stdout != pid)
        last.send(upload_text(module('last')))
        assert last.rest().endswith(b'100/100\r\n')
    with Server('--set', 'standby=0') as server:
        assert Client(server).submit(module('cold')).rest().endswith(b'100/100\r\n')
        assert server.metrics()['kshramd_machines_taken_total{state="offline"}'] == 1


def log_of(server, *arguments):
    return subprocess.run(['build/bin/kshramctl', '--state', server.state, 'log', *arguments],
                          check=True, capture_output=True, text=True).stdout


def lost_machines():
    """a lost machine says nothing of the module: again, and at last no verdict"""
    with Server('--set', 'attempts=2', mode='once') as server:
        got = Client(server).submit(module('once')).rest()
        assert b'the machine was lost (the grader was killed by signal 9)' in got
        assert got.endswith(b'score: 100/100\r\n')
        # What it had said is kept, also when a verdict has come since.
        assert log_of(server, '1', '--lost') == 'last words of once\n'
        assert log_of(server, '1') == ''
        server.mode('lost')
        got = Client(server).submit(module('lost'), 'lost').rest()
        assert got.count(b'the machine was lost (the grader could not work: the host has no '
                         b'memory)') == 1
        assert b'no verdict: the machine was lost again and again' in got
        assert log_of(server, '2') == 'last words of lost\n'
        for mode in ('garbage', 'huge'):
            # A verdict in between, or the server would wait longer and longer.
            server.mode('full')
            Client(server).submit(module('well'), 'well').rest()
            server.mode(mode, mode)
            got = Client(server).submit(module(mode), mode).rest()
            assert b'no verdict: ' in got, got
        assert server.sql('SELECT state, attempts FROM submissions ORDER BY id') == \
            ['2|1', '3|2', '2|0', '3|2', '2|0', '3|2']
        assert server.metrics()['kshramd_submissions_failed_total'] == 3


def hanging_grader():
    """a grader that does not keep its time limit is ended"""
    with Server('--time-limit', '1', '--set', 'attempts=1', mode='hang') as server:
        got = Client(server).submit(module('hang')).rest()
        assert b'no verdict' in got
        assert 'the grader did not keep its time limit' in server.words()


def drained():
    """an instructor who takes no submissions any more: nor those that are on their way"""
    with Server() as server:
        uploads, puzzle = Client(server).solve(), Client(server)
        server.sql("INSERT INTO settings VALUES ('drain', '1')")
        server.log_has('event=draining')
        uploads.send(upload_text(module('late')))
        uploads.refused('accepts no submissions at the moment')
        puzzle.send(base64.b64encode(puzzle.answer()) + b'\n')
        puzzle.refused('accepts no submissions at the moment')
        Client(server, False).refused('accepts no submissions at the moment')
        assert server.sql('SELECT count(*) FROM submissions') == ['0']


def term():
    """TERM: what runs is finished, the rest is refused, and kept"""
    with Server('--jobs', '1', mode='wait') as server:
        runs = Client(server).submit(module('runs'), 'runs')
        runs.until(b'waiting')
        waits = Client(server).submit(module('waits'), 'waits')
        puzzle = Client(server)
        upload = Client(server).solve()
        server.signal(TERM)
        waits.refused('about to stop; submission 2 is kept')
        puzzle.refused('about to stop')
        upload.refused('about to stop')
        Client(server, False).refused('about to stop')
        status = subprocess.run(['build/bin/kshramctl', '--state', server.state, 'status'], check=True,
                                capture_output=True, text=True).stdout
        assert 'ending: process %d was told to stop' % server.process.pid in status, status
        assert 'refused, as the server is ending' in status, status
        server.go()
        assert runs.rest().endswith(b'100/100\r\n')
        server.ends()
        states = server.sql('SELECT state FROM submissions ORDER BY id')
        assert states == ['2', '0'], states
        server.start()
        wait_for('the rest is graded', lambda: server.sql('SELECT state FROM submissions ORDER BY id') ==
                 ['2', '2'])


def term_twice():
    """a second TERM: what runs is given back, and run again at the next start"""
    with Server(mode='hang') as server:
        runs = Client(server).submit(module('runs'))
        server.log_has('event=started')
        server.signal(TERM)
        server.log_has('event=ending ')
        server.signal(TERM)
        runs.refused('about to stop; submission 1 is kept')
        server.ends()
        assert server.sql('SELECT state, attempts FROM submissions ORDER BY id') == ['0|0']
        server.mode('full')
        server.start()
        wait_for('it is graded', lambda: server.sql('SELECT state FROM submissions ORDER BY id') == ['2'])


def term_lost():
    """TERM, and then the machine is lost: nobody is told to wait, and it is kept"""
    with Server(mode='dies') as server:
        runs = Client(server).submit(module('runs'))
        runs.until(b'waiting')
        server.signal(TERM)
        server.log_has('event=ending ')
        server.go()
        runs.refused('about to stop; submission 1 is kept')
        assert b'waits for another one' not in runs.got, runs.got
        server.ends()
        assert states(server) == ['0|1']


def kill():
    """kill -9: what ran and what waited is graded, once, after the next start"""
    with Server('--jobs', '1', mode='hang') as server:
        Client(server).submit(module('runs'), 'runs')
        Client(server).submit(module('waits'), 'waits')
        server.log_has('event=started')
        server.kill()
        server.mode('full')
        server.start()
        wait_for('both are graded', lambda: server.sql('SELECT state FROM submissions ORDER BY id') ==
                 ['2', '2'])
        assert server.sql('SELECT submission, score FROM runs ORDER BY 1') == ['1|100', '2|100']


def states(server):
    return server.sql('SELECT state, attempts FROM submissions ORDER BY id')


def last_try():
    """what the server ends in each time is given up; its neighbour is not, and is told so"""
    with Server('--set', 'attempts=3', mode='hang') as server:
        for who in 'poison', 'neighbour':
            Client(server).submit(module(who), who)
        wait_for('both run', lambda: len(server.stub_lines('started')) == 2)
        server.kill()
        server.start()
        wait_for('both run again', lambda: len(server.stub_lines('started')) == 4)
        server.kill()
        assert states(server) == ['1|1', '1|1'], states(server)
        server.start()
        # For the last time, and alone, whatever else there is.
        wait_for('the first runs', lambda: len(server.stub_lines('started')) == 5)
        other = Client(server).submit(module('other'), 'other')
        other.until(b'place in the queue: 2')
        assert server.stub_lines('started')[4:] == ['poison']
        server.kill()
        assert states(server) == ['1|2', '0|2', '0|0'], states(server)
        server.mode('full')
        server.start()
        wait_for('the others are graded', lambda: states(server) == ['3|3', '2|2', '2|0'])
        assert ' '.join(server.sql('SELECT note FROM submissions WHERE id = 1')).startswith(
            'not graded: each of its runs was interrupted, the last one because the server ended')
        assert server.stub_lines('ended') == ['neighbour', 'other']


def another_kernel():
    """what waits for a kernel that is not served any more gets no points, but a word"""
    with Server('--jobs', '1', mode='wait') as server:
        runs = Client(server).submit(module('runs'), 'runs')
        runs.until(b'waiting')
        waits = Client(server).submit(module('waits'), 'waits')
        # As if the server that took it had had another one.
        data = module('waits')
        vermagic = re.search(rb'vermagic=([^\0]*)', data).group(1)
        with sqlite3.connect(server.state + '/kshramd.db', timeout=60) as record:
            record.execute('UPDATE modules SET data = ? WHERE submission = 2',
                           (data.replace(vermagic, vermagic.replace(b'mod_unload', b'mod_upload', 1)),))
        server.go()
        assert runs.rest().endswith(b'100/100\r\n')
        got = waits.rest()
        assert b'no verdict: it was built for "' in got and b'mod_upload' in got, got
        assert b'score' not in got, got
        assert states(server) == ['2|0', '3|1']
        assert server.metrics()['kshramd_submissions_failed_total'] == 1
