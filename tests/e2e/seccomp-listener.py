#!/usr/bin/env python3
"""seccomp-listener.py SOCKET: an agent as config-linux.md's listenerPath has it. For each
connection it prints the number of descriptors that came with the first message, the state
that was sent until the connection's end, and the system call that it then decides: the
first that is reported fails with E2BIG, and is printed with the pid that made it."""
import array
import errno
import fcntl
import socket
import struct
import sys

RECV = 0xC0502100  # SECCOMP_IOCTL_NOTIF_RECV, struct seccomp_notif: 80 bytes
SEND = 0xC0182101  # SECCOMP_IOCTL_NOTIF_SEND, struct seccomp_notif_resp: 24 bytes


def receive(connection):
    text, ancillary, _, _ = connection.recvmsg(65536, socket.CMSG_SPACE(16))
    fds = array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(data[:len(data) - len(data) % fds.itemsize])
    while chunk := connection.recv(65536):  # until the other side closes it
        text += chunk
    return text.decode(), fds


def decide(listener):
    request = bytearray(80)
    fcntl.ioctl(listener, RECV, request)
    cookie, pid, _, number = struct.unpack_from("=QIIi", request)
    fcntl.ioctl(listener, SEND, struct.pack("=QqiI", cookie, 0, -errno.E2BIG, 0))
    return number, pid


server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
server.bind(sys.argv[1])
server.listen()
while True:
    connection, _ = server.accept()
    with connection:
        state, fds = receive(connection)
    print(len(fds), state.replace("\n", ""), flush=True)
    if fds:
        print(*decide(fds[0]), flush=True)
