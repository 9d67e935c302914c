# SPDX-License-Identifier: GPL-2.0
"""Cases of cases.py about the record as a file: copies of it, and a disk that is really full."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from kshramd import PATIENCE, PLAIN, Client, Server, module, upload_text, wait_for

GUIDE = 'docs/running-a-class.md'
SKIPPED = 77


def ctl(state, *arguments):
    return subprocess.run(['build/bin/kshramctl', '--state', state, *arguments], check=True,
                          capture_output=True).stdout


def backup():
    """the steps of the backup, as they stand in the guide, while the server works"""
    with open(GUIDE) as guide:
        steps = re.search(r'## Backup\n.*?```sh\n(.*?)```', guide.read(), re.DOTALL).group(1)
    copy, restore = steps.splitlines()
    assert copy.startswith('sqlite3 ') and 'OTHER' in restore, steps
    with Server('--jobs', '1', mode='wait') as server:
        def step(line):
            line = line.replace('STATE', server.state).replace('OTHER', server.tmp + '/other')
            subprocess.run(['sh', '-euc', line], check=True, cwd=server.tmp)
        server.mode('full', 'done')
        assert Client(server).submit(module('done'), 'done').rest().endswith(b'100/100\r\n')
        runs = Client(server).submit(module('runs'), 'runs')
        runs.until(b'waiting')
        waits = Client(server).submit(module('waits'), 'waits')
        # Others hand in meanwhile; they may be in the copy or not.
        with ThreadPoolExecutor() as others:
            busy = others.submit(
                lambda: [Client(server).submit(module('b%d' % i)) for i in range(20)])
            step(copy)
            assert len(busy.result()) == 20
        step(restore)
        other = server.tmp + '/other'
        assert ctl(other, 'module', '3') == module('waits')
        listed = ctl(other, 'list').decode().splitlines()
        assert [line.split()[3] for line in listed[1:4]] == ['done', 'running', 'queued'], listed
        # That server is none of the copy's.
        assert 'not running' in ctl(other, 'status').decode()
        server.go()
        for client in (runs, waits):
            assert client.rest().endswith(b'100/100\r\n')
        count = len(listed) - 1
        with Server(state=other) as second:
            wait_for('all of the copy is graded', lambda: second.sql(
                'SELECT count(*) FROM submissions WHERE state = 2') == [str(count)])
            assert second.sql('SELECT count(*), min(score) FROM runs') == ['%d|100' % count]


@contextmanager
def small_disk(size):
    """A file system of that size; where that is forbidden, in a namespace, or not at all."""
    where = tempfile.mkdtemp(prefix='kshram-disk-')
    command = ['mount', '-t', 'tmpfs', '-o', 'size=' + size, 'kshram-test', where]
    try:
        if subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode != 0:
            namespace = ['unshare', '--map-root-user', '--mount']
            if 'IN_NAMESPACE' in os.environ or \
                    subprocess.run(namespace + ['true'], stderr=subprocess.DEVNULL,
                                   check=False).returncode != 0:
                print('no file system may be mounted here')
                sys.exit(SKIPPED)
            again = subprocess.run(namespace + [sys.executable, '-B'] + sys.argv, check=False,
                                   env=dict(os.environ, IN_NAMESPACE='yes'))
            sys.exit(again.returncode)
        try:
            yield where
        finally:
            subprocess.run(['umount', '--lazy', where], check=True)
    finally:
        os.rmdir(where)


def fill(path):
    """To the last byte."""
    with open(path, 'wb', buffering=0) as file:
        for size in 65536, 4096, 1:
            try:
                while True:
                    file.write(bytes(size))
            except OSError as error:
                assert 'No space left' in str(error), error


def small_disk_full():
    """a file system without room: refused, nothing half stored, and it goes on when there is some"""
    with small_disk('4M') as disk, Server(state=disk + '/state', mode='wait') as server:
        runs = Client(server).submit(module('runs'), 'runs')
        runs.until(b'waiting')
        upload = Client(server).solve()
        fill(disk + '/ballast')
        upload.send(upload_text(module('late')))
        upload.refused('could not be stored (cannot ', 'no space left on the disk',
                       'nothing of it is kept')
        assert b'md5' not in upload.got
        assert server.sql('SELECT (SELECT count(*) FROM submissions), count(*) FROM modules') == ['1|1']
        # The record can be read, and what would change it says why it cannot.
        assert b'token:runs' in ctl(server.state, 'list')
        drain = subprocess.run(['build/bin/kshramctl', '--state', server.state, 'drain'],
                               capture_output=True, text=True, check=False)
        assert drain.returncode == 2 and 'no space left' in drain.stderr, drain
        server.go()
        server.log_has('event=verdict_not_stored')
        # Nor does another one start there.
        begins = subprocess.run([PLAIN, '--kernel', os.environ['KERNEL'], '--state', disk + '/new'],
                                capture_output=True, text=True, check=False, timeout=PATIENCE)
        assert begins.returncode == 1 and 'no space left' in begins.stderr.lower(), begins
        os.unlink(disk + '/ballast')
        assert runs.rest().endswith(b'100/100\r\n')
        assert Client(server).submit(module('next')).rest().endswith(b'100/100\r\n')
        assert server.sql('PRAGMA integrity_check') == ['ok']
        assert server.sql('SELECT submission, score FROM runs') == ['1|100', '2|100']
        shutil.rmtree(disk + '/new')
