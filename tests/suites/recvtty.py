#!/usr/bin/env python3
"""A reader of terminals that come over a socket, with the options of runc's recvtty:
recvtty [--pid-file FILE] [--mode null|single] SOCKET"""
import argparse
import os
import socket
import threading

parser = argparse.ArgumentParser()
parser.add_argument("--pid-file")
parser.add_argument("--mode", default="single")
parser.add_argument("--no-stdin", action="store_true")
parser.add_argument("socket")
options = parser.parse_args()

listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
listener.bind(options.socket)
listener.listen(64)
if options.pid_file:
    with open(options.pid_file, "w") as file:
        file.write(f"{os.getpid()}\n")


def read_out(connection):
    _, descriptors, _, _ = socket.recv_fds(connection, 4096, 1)
    try:
        while data := os.read(descriptors[0], 65536):
            if options.mode == "single":
                os.write(1, data)
    except OSError:  # the other end is closed: EIO
        pass
    connection.close()


while True:
    accepted, _ = listener.accept()
    reader = threading.Thread(target=read_out, args=(accepted,), daemon=True)
    reader.start()
    if options.mode == "single":
        reader.join()
        break
