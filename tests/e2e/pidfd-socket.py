#!/usr/bin/env python3
"""pidfd-socket.py SOCKET: listens on the Unix socket, receives one message with a pidfd,
prints the message's text and the pid that the pidfd is for, and "ended" once that is."""
import array
import os
import select
import socket
import sys

listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
listener.bind(sys.argv[1])
listener.listen(1)
connection, _ = listener.accept()
text, ancillary, _, _ = connection.recvmsg(4096, socket.CMSG_SPACE(4))
pidfd = array.array("i", ancillary[0][2][:4])[0]
with open(f"/proc/self/fdinfo/{pidfd}", encoding="ascii") as info:
    pid = [line.split()[1] for line in info if line.startswith("Pid:")][0]
print(text.decode(), pid, flush=True)
select.select([pidfd], [], [])
print("ended", flush=True)
os.close(pidfd)
