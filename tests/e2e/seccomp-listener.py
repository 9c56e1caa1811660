#!/usr/bin/env python3
"""seccomp-listener.py SOCKET [all]: an agent as config-linux.md's listenerPath has it. For each
connection it prints the number of descriptors that came with the first message, the state
that was sent until the connection's end, and the system call that it then decides: the
first that is reported fails with E2BIG, and is printed with the pid that made it. With
"all" each that is reported goes on, and all their numbers are printed at the end."""
import array
import errno
import fcntl
import select
import socket
import struct
import sys

RECV = 0xC0502100  # SECCOMP_IOCTL_NOTIF_RECV, struct seccomp_notif: 80 bytes
SEND = 0xC0182101  # SECCOMP_IOCTL_NOTIF_SEND, struct seccomp_notif_resp: 24 bytes
CONTINUE = 1  # SECCOMP_USER_NOTIF_FLAG_CONTINUE


def receive(connection):
    text, ancillary, _, _ = connection.recvmsg(65536, socket.CMSG_SPACE(16))
    fds = array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(data[:len(data) - len(data) % fds.itemsize])
    while chunk := connection.recv(65536):  # until the other side closes it
        text += chunk
    return text.decode(), fds


def decide(listener, error, flags=0):
    request = bytearray(80)
    fcntl.ioctl(listener, RECV, request)
    cookie, pid, _, number = struct.unpack_from("=QIIi", request)
    fcntl.ioctl(listener, SEND, struct.pack("=QqiI", cookie, 0, -error, flags))
    return number, pid


def let_all(listener):
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    while poll.poll()[0][1] & select.POLLIN:  # else nobody has the filter any more
        try:
            yield decide(listener, 0, CONTINUE)[0]
        except FileNotFoundError:  # who asked was killed
            pass


server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
server.bind(sys.argv[1])
server.listen()
while True:
    connection, _ = server.accept()
    with connection:
        state, fds = receive(connection)
    print(len(fds), state.replace("\n", ""), flush=True)
    if fds:
        told = let_all(fds[0]) if sys.argv[2:] else decide(fds[0], errno.E2BIG)
        print(*told, flush=True)
