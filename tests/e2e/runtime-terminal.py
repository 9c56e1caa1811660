#!/usr/bin/env python3
"""Drives terminals for runtime-terminal.sh.

receive SOCKET:   listens on the Unix socket, receives one message with a descriptor, and
                  prints its text and what the terminal shows until its end.
type TEXT CMD...: runs the command on a terminal of its own of 33 x 101, which becomes one
                  of 44 x 202 once "ready" was shown; types the text once "type now" was,
                  and prints all that is shown.
jobs COMMAND:     starts it in the background of a shell with job control; once it has shown
                  "begun 2", brings it to the foreground, types "hello", and prints all.
"""
import array
import fcntl
import os
import pty
import select
import socket
import struct
import sys
import termios
import time


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
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 101, 0, 0))
        os.execvp(command[0], command)
    show(master, text.encode().decode("unicode_escape").encode())
    _, status = os.waitpid(pid, 0)
    sys.exit(os.waitstatus_to_exitcode(status))


def await_text(master, shown, text, limit=20):
    end = time.monotonic() + limit
    while text not in shown:
        left = end - time.monotonic()
        if left <= 0 or not select.select([master], [], [], left)[0]:
            sys.exit(f"no {text} in {bytes(shown)}")
        shown += os.read(master, 4096)


def background_job(command):
    pid, master = pty.fork()
    if pid == 0:
        os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])
    shown = bytearray()
    os.write(master, f"PS1='$ '; {command} &\r".encode())
    await_text(master, shown, b"begun 2")
    del shown[:]
    os.write(master, b"fg\r")
    await_text(master, shown, command.split()[0].encode())
    time.sleep(0.5)  # the shell says what it brings forward before it does
    os.write(master, b"hello\r")
    await_text(master, shown, b"got hello")
    await_text(master, shown, b"$ ")
    os.write(master, b"exit\r")
    print(shown.decode(errors="replace"))
    _, status = os.waitpid(pid, 0)
    sys.exit(os.waitstatus_to_exitcode(status))


if sys.argv[1] == "receive":
    receive(sys.argv[2])
elif sys.argv[1] == "jobs":
    background_job(sys.argv[2])
else:
    type_into(sys.argv[2], sys.argv[3:])
