#!/usr/bin/env python3
"""Drives terminals for runtime-terminal.sh.

receive SOCKET:   listens on the Unix socket, receives one message with a descriptor, and
                  prints its text and what the terminal shows until its end.
type TEXT CMD...: runs the command on a terminal of its own of 33 x 101, which becomes one
                  of 44 x 202 once "ready" was shown; types the text once "type now" was,
                  and prints all that is shown.
"""
import array
import fcntl
import os
import pty
import socket
import struct
import sys
import termios


def show(master, typed=b""):
    shown = b""
    grows = bool(typed)
    while True:
        try:
            chunk = os.read(master, 4096)
        except OSError:
            break
        if not chunk:
            break
        shown += chunk
        if grows and b"ready" in shown:
            fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 44, 202, 0, 0))
            grows = False
        if typed and b"type now" in shown:
            os.write(master, typed)
            typed = b""
    sys.stdout.write(shown.decode(errors="replace"))


def receive(path):
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen(1)
    connection, _ = listener.accept()
    text, ancillary, _, _ = connection.recvmsg(4096, socket.CMSG_SPACE(4))
    descriptors = array.array("i")
    descriptors.frombytes(ancillary[0][2][:4])
    print("message:", text.decode())
    sys.stdout.flush()
    show(descriptors[0])


def type_into(text, command):
    pid, master = pty.fork()
    if pid == 0:
        os.execvp(command[0], command)
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 101, 0, 0))
    show(master, text.encode().decode("unicode_escape").encode())
    _, status = os.waitpid(pid, 0)
    sys.exit(os.waitstatus_to_exitcode(status))


if sys.argv[1] == "receive":
    receive(sys.argv[2])
else:
    type_into(sys.argv[2], sys.argv[3:])
