#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What kshramd does, case by case: cases.py lists them, cases.py NAME tries one.

The environment: KERNEL, SMALL_MODULE (a module that passes inspection) and,
for some, paths of files that must not pass.
"""
import base64
import fcntl
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from threading import Timer

from faults import (broken_disk, full_disk, locked_record, locked_verdict, no_checksums, no_memory,
                    no_random_numbers)
from interrupted import (another_kernel, drained, hanging_grader, kill, last_try, lost_machines, machines,
                         term, term_lost, term_twice)
from real import never_stalls
from record import backup, small_disk_full
from kshramd import HUP, PATIENCE, PLAIN, TERM, Client, Server, module, upload_text, wait_for


def words_on_the_wire():
    """the protocol, word for word"""
    with Server('--difficulty', '2', '--set', 'banner=Lab of 2026') as server:
        client, other = Client(server), Client(server)
        first = client.got.split(b'\n')[0]
        assert re.fullmatch(rb"[^']*sha1[^']*'[!-~]{16,}'[^']*begins with 00\.", first), first
        assert b'Lab' not in client.got
        assert client.prefix != other.prefix
        data = module('wire')
        client.submit(data, 'alice')
        got = client.rest()
        before, console = got.split(b'console of its machine:\n')
        assert b'\r' not in before
        assert before.index(b'Lab of 2026\n') < before.index(b'finish the transmission.\n\n')
        receipt = [line for line in before.split(b'\n') if b'md5' in line]
        assert len(receipt) == 1 and hashlib.md5(data).hexdigest().encode() in receipt[0], receipt
        assert b'%d bytes' % len(data) in receipt[0] and b'submission 1' in receipt[0], receipt
        assert console.startswith(b'console of wire\r\n'), console
        assert console.count(b'\n') == console.count(b'\r\n'), console
        assert console.endswith(b'\r\n\r\nscore: 100/100\r\n'), console
        assert server.sql('SELECT identity, state FROM submissions ORDER BY id') == ['token:alice|2']


def odd_lines():
    """short lines, broken groups and CR LF are as good as any"""
    with Server() as server:
        data = module('odd')[:]
        for width, end in ((5, b'\n'), (1023, b'\r\n'), (1021, b'\n')):
            client = Client(server).solve()
            client.send(upload_text(data, None, width).replace(b'\n', end))
            assert hashlib.md5(data).hexdigest().encode() in client.rest()


def all_at_once():
    """an upload may be sent together with the answer, and half closed after it"""
    with Server() as server:
        client = Client(server)
        client.send(base64.b64encode(client.answer()) + b'\n' + upload_text(module('hurry')))
        client.socket.shutdown(1)
        assert client.rest().endswith(b'score: 100/100\r\n')


def wrong_answers():
    """wrong answers to the puzzle, each with its words, and no second try"""
    with Server('--difficulty', '4') as server:
        for answer, *words in (
                (b'AAAA\n', 'does not begin with 4 zeros'),
                (b'\n', 'does not begin with 4 zeros'),
                (b'GET / HTTP/1.1\r\n', 'not base64(S)', "character 4", 'byte 0x20'),
                (b'AAA\n', 'not base64(S)', 'cut short'),
                (b'EOF\n', 'not base64(S)'),
                (b'TOKEN alice\n', 'not base64(S)', 'TOKEN belongs to the upload'),
                (b'A' * 1024 + b'\n', 'the answer is longer than 1023 characters'),
                (b'A' * 5000, 'the answer is longer than 1023 characters')):
            client = Client(server)
            client.send(answer)
            client.refused(*words)
        client = Client(server)
        client.socket.shutdown(1)
        client.refused('ended before the puzzle')
        # The right answer to another one's puzzle.
        first, second = Client(server), Client(server)
        second.send(base64.b64encode(first.answer()) + b'\n')
        second.refused('does not begin with 4 zeros')
        assert server.metrics()['kshramd_puzzles_solved_total'] == 0


def wrong_uploads():
    """wrong uploads: which line, which character, which limit"""
    with Server('--set', 'max_upload=2K', '--set', 'max_received=4K') as server:
        for text, *words in (
                (b'QUJD\nQU*D\n', "line 2, character 3: '*'"),
                (b'QQ==\nQUJD\n', "line 2, character 1: 'Q' after the '=' in line 1"),
                (b'QUJD\nA\nEOF\n', 'line 3: EOF in the middle of a group', '3 of them'),
                (b'EOF\n', 'line 1: EOF, but no module'),
                (b'QUJD\nTOKEN a\n', 'line 2: TOKEN may only stand in the first line'),
                (b'TOKEN a b\n', 'line 1: the name after TOKEN'),
                (b'QUJD\n' + b'A' * 1024 + b'\n', 'line 2 is longer than 1023 characters'),
                (b'A' * 30000, 'line 1 is longer than 1023 characters'),
                ((b'A' * 1020 + b'\n') * 3, 'line 3, character 692', 'larger than 2048 bytes'),
                (b'\n' * 5000, 'more than 4096 bytes were sent')):
            client = Client(server).solve()
            client.send(text)
            client.refused(*words)
        client = Client(server).solve()
        client.send(b'QUJD\nQUJD')
        client.socket.shutdown(1)
        client.refused('ended in line 2', '3 bytes')
        assert server.sql('SELECT count(*) FROM submissions') == ['0']
        assert server.metrics()['kshramd_refusals_total{reason="too_much"}'] == 1


def no_modules():
    """what is no module for this kernel is not queued, and is told why"""
    with Server() as server:
        with open(os.environ['SMALL_MODULE'], 'rb') as file:
            good = file.read()
        vermagic = re.search(rb'vermagic=([^\0]*)', good).group(1)
        for data, *words in (
                (b'hello, world\n' * 10, 'does not begin as an ELF'),
                (good[:2000], 'cut short'),
                (good[:4] + b'\1' + good[5:], 'the machine here is x86-64'),
                (good[:16] + b'\2' + good[17:], 'not a kernel module'),
                (good.replace(b'.modinfo', b'.madinfo'), 'no .modinfo section'),
                # Not another release only: with the same checksums the kernel would load that.
                (good.replace(vermagic, vermagic.replace(b'mod_unload', b'mod_upload', 1)),
                 'it was built for "', 'mod_upload', 'this server runs "' + vermagic.decode().strip(),
                 'build it in the kit'),
                (good.replace(b'hallomod', b'hellomod'), 'it is hellomod.ko, the sample: hand in your kshram.ko'),
                (good.replace(b'\0_printk\0', b'\0_qrintk\0'),
                 'does not export', 'cannot be loaded: _qrintk')):
            client = Client(server).solve()
            client.send(upload_text(data))
            client.refused(*words)
        assert server.sql('SELECT count(*) FROM submissions') == ['0']
        assert server.metrics()['kshramd_refusals_total{reason="wrong_kernel"}'] == 1
        # Who began with the sample and kept its name may have made something of it.
        own = good.replace(b'hallomod', b'hellomod').replace(b'hellomod\0\0', b'kshram\0\0\0\0', 1)
        assert own != good.replace(b'hallomod', b'hellomod')
        assert Client(server).submit(own + b'own'.rjust(16)).rest().endswith(b'100/100\r\n')


def time_outs():
    """each state has its deadline"""
    with Server('--set', 'puzzle_timeout=1') as server:
        Client(server).refused('no answer within 1 s')
    with Server('--set', 'idle_timeout=1') as server:
        client = Client(server).solve()
        client.send(b'QUJD\nQU')
        client.refused('nothing was received for 1 s', 'line 2')
    with Server('--set', 'upload_timeout=2', '--set', 'idle_timeout=1', '--set',
                'linger_timeout=5') as server:
        client = Client(server).solve()
        begin = time.monotonic()
        try:
            while time.monotonic() - begin < PATIENCE:
                client.send(b'QUJD\n')
                time.sleep(0.3)
        except (BrokenPipeError, ConnectionResetError):
            pass
        seconds = time.monotonic() - begin
        client.refused('no line EOF within 2 s')
        assert seconds < PATIENCE / 2, seconds


def names():
    """TOKEN: a list of names, and a server that wants one"""
    with Server() as server:
        tokens = server.tmp + '/tokens'
        with open(tokens, 'w') as file:
            file.write('alice\nbob\n')
        server.options = ['--tokens', tokens, '--set', 'token_required=yes']
        server.signal(TERM)
        server.ends()
        server.start()
        assert Client(server).submit(module('a'), 'alice').rest().endswith(b'100/100\r\n')
        client = Client(server).solve()
        client.send(upload_text(module('m'), 'mallory'))
        client.refused('TOKEN mallory is not on this server')
        client = Client(server).solve()
        client.send(upload_text(module('n')))
        client.refused('wants a first line TOKEN')
        # A name that is new in the list needs no restart.
        with open(tokens, 'a') as file:
            file.write('mallory\n')
        server.signal(HUP)
        server.log_has('event=config_read')
        assert Client(server).submit(module('m'), 'mallory').rest().endswith(b'100/100\r\n')


def connection_limits():
    """connections beyond a limit are told which"""
    with Server('--set', 'connections=3') as server:
        kept = [Client(server) for _ in range(3)]
        Client(server, False).refused('3 connections already, its limit')
        kept[0].socket.close()
        wait_for('room again', lambda: server.metrics()
                 ['kshramd_connections{state="puzzle"}'] == 2)
        kept[0] = Client(server)
        # Those that stay without reading are not remembered for long, and are told the same.
        crowd = [Client(server, False) for _ in range(300)]
        for client in crowd:
            client.until(b'connections already, its limit; try again later\n')
    with Server('--set', 'connections_per_address=2') as server:
        kept = [Client(server) for _ in range(2)]
        Client(server, False).refused('2 connections from 127.0.0.1', 'one address')
        del kept


def upload_memory():
    """uploads that together need too much memory: the last is refused, the others go on"""
    with Server('--set', 'upload_memory=1M', '--set', 'max_received=16M') as server:
        first, second = Client(server).solve(), Client(server).solve()
        text = upload_text(module() + bytes(400 << 10) + module('first'), 'first')
        half = text.index(b'\n', len(text) * 3 // 4) + 1
        first.send(text[:half])
        wait_for('the first holds memory',
                 lambda: server.metrics()['kshramd_upload_bytes'] > 300 << 10)
        second.send(upload_text(module() + bytes(2 << 20), 'second'))
        second.refused("too many uploads at once for the server's memory", 'again in a minute')
        first.send(text[half:])
        assert first.rest().endswith(b'100/100\r\n')
        figure = server.metrics()
        assert figure['kshramd_upload_bytes'] == 0
        assert figure['kshramd_refusals_total{reason="upload_memory"}'] == 1


def slow_uploads():
    """where memory for uploads is short, whoever holds it for long makes room"""
    with Server('--set', 'upload_memory=1M', '--set', 'max_received=16M') as server:
        holds, comes = Client(server).solve(), Client(server).solve()
        text = upload_text(module() + bytes(600 << 10) + module('holds'), 'holds')
        holds.send(text[:text.index(b'\n', len(text) * 3 // 4) + 1])
        wait_for('it holds memory',
                 lambda: server.metrics()['kshramd_upload_bytes'] > 500 << 10)
        # The server takes it for honest so long.
        time.sleep(21)
        comes.send(upload_text(module() + bytes(600 << 10) + module('comes'), 'comes'))
        assert comes.rest().endswith(b'100/100\r\n')
        holds.refused("too many uploads at once for the server's memory")
        assert server.stub_lines('started') == ['comes']


def both_families():
    """IPv4 and IPv6 at once; a network of IPv6 is one party"""
    with Server('--listen', '[::1]:0') as server:
        Client(server).submit(module('four')).rest()
        client = Client(server, address='::1').submit(module('six'))
        assert client.rest().endswith(b'100/100\r\n')
        assert server.sql('SELECT identity FROM submissions ORDER BY id') == \
            ['address:127.0.0.1', 'address:::/64']


def waiting_limits():
    """submissions that wait are limited: of one student, from one address, in all"""
    for key, words in (('waiting_per_identity=1', '1 submissions of token:w wait already'),
                       ('waiting_per_address=1', '1 submissions from 127.0.0.1 wait'),
                       ('waiting=1', '1 submissions wait already, the limit of this server')):
        with Server('--jobs', '1', '--set', key, mode='wait') as server:
            runs = Client(server).submit(module('r'), 'w')
            runs.until(b'waiting')
            waits = Client(server).submit(module('w'), 'w')
            waits.until(b'place in the queue: 1, expected wait: about ')
            client = Client(server).solve()
            client.send(upload_text(module('x'), 'w'))
            client.refused(words)
            server.go()
            assert runs.rest().endswith(b'100/100\r\n')
            assert waits.rest().endswith(b'100/100\r\n')
            assert server.stub_lines('started') == ['r', 'w']
    # Without names the address is the student, and may be a class.
    with Server('--jobs', '1', '--set', 'waiting_per_identity=1', mode='wait') as server:
        clients = [Client(server).submit(module('c%d' % i)) for i in range(4)]
        clients[3].until(b'place in the queue: 3')
        server.go()
        for client in clients:
            assert client.rest().endswith(b'100/100\r\n')


def places():
    """whoever waits is told the place, again when it changes"""
    with Server('--jobs', '1', mode='wait') as server:
        first = Client(server).submit(module('p0'), 'p0')
        first.until(b'waiting')
        second = Client(server).submit(module('p1'), 'p1')
        third = Client(server).submit(module('p2'), 'p2')
        third.until(b'place in the queue: 2, expected wait: about ')
        server.go('p0')
        third.until(b'place in the queue: 1, expected wait: about ')
        server.mode('full')
        server.go()
        got = third.rest()
        second.rest()
        assert got.endswith(b'100/100\r\n')


def fairness():
    """one with many takes turns with one with one, and never runs twice at once"""
    with Server('--jobs', '2', mode='wait') as server:
        many = [Client(server).submit(module('m%d' % i), 'many') for i in range(4)]
        many[0].until(b'waiting')
        # A machine is free, but one at a time: it waits for the first.
        assert b'about 0 s' not in many[1].until(b'expected wait: about ')
        one = Client(server).submit(module('one'), 'one')
        # The second machine is free for it, whatever waits before it.
        one.until(b'waiting')
        assert server.stub_lines('started') == ['m0', 'one']
        assert server.metrics()['kshramd_queue_length'] == 3
        later = Client(server).submit(module('later'), 'later')
        later.until(b'place in the queue: ')
        server.go()
        for client in many + [one, later]:
            assert client.rest().endswith(b'100/100\r\n')
        order = server.stub_lines('started')
        assert order.index('later') < order.index('m2'), order
        overlap = server.sql(
            'SELECT count(*) FROM runs a JOIN runs b ON a.id < b.id JOIN submissions s ON '
            's.id = a.submission JOIN submissions t ON t.id = b.submission WHERE s.identity = '
            't.identity AND a.started < b.finished AND b.started < a.finished')
        assert overlap == ['0'], overlap


def less_than_full():
    """a verdict of less than full marks, with its reason"""
    with Server(mode='less') as server:
        got = Client(server).submit(module('less')).rest()
        assert got.endswith(b'\r\nscore: 60/100\r\n')
        assert b' 2  the second half' in got and b'    it is wrong' in got
        assert server.metrics()['kshramd_runs_total{result="less"}'] == 1


def nothing_inherited():
    """a grader has its module and its pipes, and nothing else of the server"""
    with Server(mode='inherited') as server:
        others = [Client(server) for _ in range(3)]
        Client(server).submit(module('nosy')).rest()
        with open(server.tmp + '/inherited') as file:
            links = dict(re.findall(r' (\d+) -> (\S+)', file.read()))
        # 10 and above is the shell's own script.
        low = {int(number): target for number, target in links.items() if int(number) < 10}
        assert sorted(low) == [0, 1, 2, 3, 4], links
        assert 'pipe:' in low[0] and 'module.ko' in low[3] and 'pipe:' in low[4], links
        assert not [link for link in links.values() if 'socket:' in link or '.db' in link], links
        del others


def hostile_console():
    """control sequences do not reach the client, and a forged score is not the last"""
    with Server(mode='escape') as server:
        got = Client(server).submit(module('evil')).rest()
        console = got.split(b'console of its machine:\n')[1]
        assert console.startswith(b'AB\x1b[31mCDE\r\nscore: 100/100\r\n\x1b[1mF\x1b[0m\r\n'), console
        assert console.endswith(b'\r\nscore: 60/100\r\n')
        raw = server.sql('SELECT hex(console) FROM runs')[0]
        assert bytes.fromhex(raw).startswith(b'A\x1b[2JB')


def slow_reader():
    """a client that does not read holds up neither its machine nor others"""
    with Server(mode='full') as server:
        server.mode('flood', 'slow')
        slow = Client(server).submit(module('slow'), 'slow')
        wait_for('the machine ends unread', lambda: 'slow' in server.stub_lines('ended'))
        assert Client(server).submit(module('other'), 'other').rest().endswith(b'100/100\r\n')
        got = slow.rest()
        assert got.endswith(b'score: 100/100\r\n')
        assert b' bytes left out: ' in got
        assert len(got) < 2 << 20, len(got)
        # Its beginning, its end, and a line.
        kept = bytes.fromhex(server.sql('SELECT hex(console) FROM runs WHERE submission = 1')[0])
        head, gap, tail = re.split(rb'\n\[(\d+) bytes left out here\]\n', kept)
        assert len(head) == len(tail) == 1 << 19 and int(gap) == 20000000 - (1 << 20), gap


def slow_sender():
    """a client that sends a byte now and then holds up nobody, and gets through"""
    with Server() as server:
        slow = Client(server).solve()
        text = upload_text(module('slow'), 'slow')
        for i in range(20):
            slow.send(text[i:i + 1])
            time.sleep(0.05)
        assert Client(server).submit(module('quick'), 'quick').rest().endswith(b'100/100\r\n')
        slow.send(text[20:])
        assert slow.rest().endswith(b'100/100\r\n')


def never_reads():
    """a client that never reads the end is closed"""
    # More than the kernel's buffers hold.
    with Server('--set', 'linger_timeout=1', '--set', 'console_rate=100M', '--set',
                'console_size=100M', mode='flood') as server:
        client = Client(server).submit(module('never'))
        server.log_has('state=close how="not read"')
        client.socket.close()


def goes_away():
    """a client that goes away in any state harms nobody; what was accepted is graded"""
    with Server('--jobs', '1', mode='wait') as server:
        Client(server, False).socket.close()
        Client(server).socket.close()
        Client(server).solve().socket.close()
        client = Client(server).solve()
        client.send(upload_text(module('half'))[:2000])
        client.socket.close()
        runs = Client(server).submit(module('runs'), 'runs')
        runs.until(b'waiting')
        waits = Client(server).submit(module('waits'), 'waits')
        runs.socket.close()
        waits.socket.close()
        last = Client(server).submit(module('last'), 'last')
        server.go()
        assert last.rest().endswith(b'100/100\r\n')
        assert server.sql('SELECT count(*) FROM runs WHERE score = 100') == ['3']
        wait_for('all are gone', lambda: sum(
            value for key, value in server.metrics().items()
            if key.startswith('kshramd_connections{')) == 0)


def hup():
    """HUP reads the configuration again; a bad one is not taken"""
    with Server() as server:
        path = server.tmp + '/conf'
        server.options = ['--config', path, '--set', 'time_limit=7']
        with open(path, 'w') as file:
            file.write('banner = before\n')
        server.signal(TERM)
        server.ends()
        server.start()
        assert b'before\n' in Client(server).solve().got
        with open(path, 'w') as file:
            file.write('banner = after\nlisten = 127.0.0.1:9\n')
        server.signal(HUP)
        server.log_has('event=config_read')
        assert b'after\n' in Client(server).solve().got
        with open(path, 'w') as file:
            file.write('\nbanner = bad\ndifficulty = 99\n')
        server.signal(HUP)
        server.log_has('event=config_kept error="%s:3: difficulty = 99: give a number' % path)
        assert b'after\n' in Client(server).solve().got


def hup_grader():
    """HUP looks for another grader, and keeps the old one where there is none"""
    with Server() as server:
        conf, other = server.tmp + '/conf', server.tmp + '/other.sh'
        stub = os.path.abspath('tests/e2e/serve/grader.sh')

        def configure(grader, event):
            with open(conf, 'w') as file:
                file.write('grader = %s\n' % grader)
            server.signal(HUP)
            server.log_has(event)

        with open(other, 'w') as file:
            file.write('#!/bin/sh\n: >"$STUB/other"\nexec %s "$@"\n' % stub)
        os.chmod(other, 0o755)
        with open(conf, 'w') as file:
            file.write('grader = %s\n' % stub)
        server.options, server.stub = ['--config', conf], False
        server.signal(TERM)
        server.ends()
        server.start()
        configure('/nothing/there', 'event=config_kept error="the grader /nothing/there cannot be')
        assert Client(server).submit(module('g0')).rest().endswith(b'100/100\r\n')
        assert not os.path.exists(server.tmp + '/other')
        configure(other, 'event=config_read')
        assert Client(server).submit(module('g1')).rest().endswith(b'100/100\r\n')
        assert os.path.exists(server.tmp + '/other')


def one_server():
    """a second server on the same state says who has it"""
    with Server() as server:
        second = subprocess.run(server.process.args, capture_output=True, text=True, check=False)
        assert second.returncode == 1, second
        assert 'another kshramd (process %d) is at work' % server.process.pid in second.stderr
        assert oct(os.stat(server.state).st_mode & 0o777) == '0o700'
        # That somebody looks whether there is one keeps none from starting.
        server.signal(TERM)
        server.ends()
        with open(server.state + '/lock') as lock:
            fcntl.flock(lock, fcntl.LOCK_SH)
            look = Timer(0.1, fcntl.flock, (lock.fileno(), fcntl.LOCK_UN))
            look.start()
            server.start()
            look.join()


def directed():
    """kshramctl on the running server: regrade, drain, status"""
    with Server() as server:
        def ctl(*arguments):
            return subprocess.run(['build/bin/kshramctl', '--state', server.state, *arguments],
                                  check=True, capture_output=True, text=True).stdout
        Client(server).submit(module('again')).rest()
        ctl('regrade', '1')
        wait_for('it is graded again', lambda: server.sql('SELECT count(*) FROM runs') == ['2'])
        # When it returns, the server has noticed.
        assert 'no new submissions are taken' in ctl('drain')
        Client(server, False).refused('accepts no submissions at the moment')
        status = json.loads(ctl('status', '--json'))
        assert status['drain'] and status['server']['draining'], status
        assert 'new submissions are taken\n' == ctl('drain', '--off')
        Client(server)
        status = json.loads(ctl('status', '--json'))
        assert status['server']['pid'] == server.process.pid, status
        assert not status['server']['draining'] and not status['server']['ending'], status
        # It is killed, and its number is that of another process: nobody waits for that.
        server.kill()
        pid = os.getpid()
        server.sql("UPDATE settings SET value = json_set(value, '$.pid', %d) WHERE key = 'server'" % pid)
        with open(server.state + '/lock', 'w') as lock:
            lock.write('%d\n' % pid)
        assert 'no server runs now' in ctl('drain')
        assert 'not running; process %d was killed' % pid in ctl('status')
        ctl('drain', '--off')
        server.start()
        assert 'running since' in ctl('status')


def figures():
    """metrics, and a log that a machine can read"""
    with Server() as server:
        Client(server).submit(module('m')).rest()
        figure = server.metrics()
        for key, value in (('submissions_total', 1), ('connections_total', 1),
                           ('puzzles_solved_total', 1), ('runs_total{result="full"}', 1),
                           ('queue_length', 0), ('running', 0), ('run_seconds_count', 1),
                           ('wait_seconds_count', 1), ('upload_bytes', 0)):
            assert figure['kshramd_' + key] == value, (key, figure)
        assert figure['kshramd_resident_memory_bytes'] > 1 << 20
        for line in server.words().splitlines():
            assert re.match(r'time=\S+Z level=(info|warn|error) event=\S+', line), line
        server.signal(TERM)
        server.ends()
        again = subprocess.Popen(server.process.args + ['--log-json'], stderr=subprocess.PIPE,
                                 text=True)
        for line in again.stderr:
            event = json.loads(line)
            assert event['level'] == 'info', line
            if event['event'] == 'ready':
                again.terminate()
        assert again.wait(PATIENCE) == 0


def command_line():
    """wrong usage, and what is missing, before anybody can connect"""
    def run(*arguments, **environment):
        done = subprocess.run([PLAIN, *arguments], capture_output=True, text=True, check=False,
                              env=dict(os.environ, **environment))
        return done.returncode, done.stdout, done.stderr
    assert run('--help')[0] == 0 and run('--help')[1].startswith('usage: kshramd')
    assert run('--version')[1].startswith('kshramd ')
    for arguments in (['--nonsense'], ['word'], ['--difficulty', '11'], ['--listen', 'x'],
                      ['--set', 'difficulty'], ['--set', 'no=1'], ['--jobs']):
        status, out, err = run(*arguments)
        assert status == 2 and not out and "Try 'kshramd --help'" in err, (arguments, err)
    status, _, err = run('--config', '/nonexistent/conf')
    assert (status, err) == (1, 'kshramd: /nonexistent/conf: No such file or directory\n')
    status, _, err = run('--kernel', 'no-such')
    assert status == 1 and 'no-such' in err
    status, _, err = run('--kernel', os.environ['KERNEL'], '--state', '/proc/x')
    assert status == 1 and 'state directory /proc/x cannot be made' in err, err
    for grader in '/nonexistent/grader', '/':
        status, _, err = run('--kernel', os.environ['KERNEL'], '--grader', grader)
        assert status == 1 and 'the grader %s cannot be run' % grader in err
    with tempfile.TemporaryDirectory() as cache:
        status, _, err = run('--kernel', 'lab', XDG_CACHE_HOME=cache)
    assert status == 1 and 'type: kernel/get lab && make module KERNEL=lab' in err, err


CASES = [words_on_the_wire, odd_lines, all_at_once, wrong_answers, wrong_uploads, no_modules,
         time_outs, names, connection_limits, upload_memory, slow_uploads, drained,
         both_families, waiting_limits, places,
         machines, fairness, less_than_full, nothing_inherited, hostile_console, slow_reader, slow_sender,
         never_reads, never_stalls, goes_away, lost_machines, hanging_grader, term, term_twice, term_lost, kill, last_try,
         another_kernel, hup, hup_grader, one_server, locked_record, locked_verdict, broken_disk,
         full_disk, no_checksums, no_memory, no_random_numbers, backup, small_disk_full, directed, figures, command_line]

if len(sys.argv) == 1:
    for case in CASES:
        print(case.__name__, case.__doc__)
else:
    {case.__name__: case for case in CASES}[sys.argv[1]]()
