#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""A client of the kind that students write: student.py PORT MODULE.ko

It knows the protocol from the assignment and nothing of our sources.
"""
import base64
import hashlib
import itertools
import sys

from pwn import context, remote

context.log_level = 'error'
connection = remote('localhost', int(sys.argv[1]))
greeting = connection.recvuntil(b'string S: ').decode()
prefix = greeting.split("'")[1]
zeros = next(word.strip('.') for word in greeting.split() if set(word.strip('.')) == {'0'})
for number in itertools.count():
    if hashlib.sha1((prefix + str(number)).encode()).hexdigest().startswith(zeros):
        break
connection.sendline(base64.b64encode(str(number).encode()))
connection.recvuntil(b'finish the transmission.\n\n')
with open(sys.argv[2], 'rb') as file:
    data = file.read()
text = base64.b64encode(data)
for start in range(0, len(text), 1023):
    connection.sendline(text[start:start + 1023])
connection.sendline(b'EOF')
receipt = connection.recvline_contains(b'md5').decode()
assert hashlib.md5(data).hexdigest() in receipt, receipt
print(receipt)
while True:
    try:
        print(connection.recvuntil(b'\r\n', drop=True).decode())
    except EOFError:
        break
