#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Connections that do nothing: idle.py PORT COUNT FILE

Holds them with the puzzle unanswered, writes FILE when all are there, and ends
with status 0 when its input ends and all of them were still alive then.
"""
import resource
import select
import socket
import sys

port, count, ready = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
resource.setrlimit(resource.RLIMIT_NOFILE, (count + 64, resource.getrlimit(
    resource.RLIMIT_NOFILE)[1]))
held = []
for _ in range(count):
    connection = socket.create_connection(('127.0.0.1', port), timeout=60)
    greeting = b''
    while not greeting.endswith(b'string S: '):
        data = connection.recv(4096)
        assert data, greeting
        greeting += data
    held.append(connection)
with open(ready, 'w') as file:
    file.write('%d\n' % len(held))
sys.stdin.read()
poll = select.poll()
for connection in held:
    poll.register(connection, select.POLLIN)
# What is readable now has ended, or has been refused.
gone = poll.poll(0)
if gone:
    sys.exit('%d of %d connections were ended' % (len(gone), count))
