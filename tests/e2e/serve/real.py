# SPDX-License-Identifier: GPL-2.0
"""Cases of cases.py with a real machine in place of the stub."""
import os
import re

from kshramd import Client, Server, module, wait_for


def never_stalls():
    """a client that reads nothing does not hold up a real machine that prints much"""
    grader = os.path.abspath('build/bin/kshram-grade')
    # What it prints is all meant for the client, and at once.
    with Server('--grader', grader, '--set', 'console_rate=100M', '--set', 'console_size=100M',
                '--set', 'console_kept=256K', stub=False) as server:
        client = Client(server, room=4096).submit(module(path=os.environ['PRINTS_MODULE']), 'stalls')
        # Within the usual limit, or it would have been stopped.
        wait_for('its verdict', lambda: server.sql('SELECT score FROM runs') == ['100'], 200)
        # Booting one in its place would only be a note.
        how = server.sql("SELECT json_extract(json, '$.machine'), json_extract(json, '$.notes') FROM runs")
        assert how[0].startswith('restored'), how
        # All that it printed came to the server, twice, as it is loaded twice.
        kept = bytes.fromhex(server.sql('SELECT hex(console) FROM runs')[0])
        head, gap, tail = re.split(rb'\n\[(\d+) bytes left out here\]\n', kept)
        assert len(head + tail) + int(gap) > 2 * 500 * 900, gap
        # The client could not have had all of it.
        got = client.rest()
        assert got.endswith(b'score: 100/100\r\n')
        assert b' bytes left out: ' in got and len(got) < 700000, len(got)
