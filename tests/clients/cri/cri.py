#!/usr/bin/env python3
"""A client of the Container Runtime Interface, as the kubelet is one, for the tests.

	cri.py METHOD [JSON]			a call of cri.proto, its reply as JSON
	cri.py exec-sync CONTAINER COMMAND...	its output and exit status are ours
	cri.py exec [-t] CONTAINER COMMAND...	the same over the streaming server
	cri.py attach CONTAINER			standard input to it, its output to us
	cri.py forward POD PORT			one connection over standard input and output
	cri.py yaml FILE			the file as JSON, which jq takes apart

CRI_SOCKET names the socket, CRI_GENERATED the directory where protoc wrote cri_pb2.py.
"""
import base64
import json
import os
import select
import socket
import struct
import sys
import urllib.parse

sys.path.insert(0, os.environ["CRI_GENERATED"])
import cri_pb2  # noqa: E402
import grpc  # noqa: E402
import yaml  # noqa: E402
from google.protobuf import json_format, message_factory  # noqa: E402

TIMEOUT = 120  # seconds; longer than any call of a test on a busy machine


# ---- calls --------------------------------------------------------------------------

def find_method(name):
    for service in cri_pb2.DESCRIPTOR.services_by_name.values():
        if name in service.methods_by_name:
            return service, service.methods_by_name[name]
    sys.exit(f"cri.py: no such method: {name}")


def message_class(descriptor):
    return message_factory.MessageFactory().GetPrototype(descriptor)


def call(name, **fields):
    """Calls the method; the fields are those of its request, as JSON would have them."""
    service, method = find_method(name)
    request = json_format.ParseDict(fields, message_class(method.input_type)())
    reply = message_class(method.output_type)
    with grpc.insecure_channel("unix://" + os.environ["CRI_SOCKET"]) as channel:
        return channel.unary_unary(
            f"/{service.full_name}/{name}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=reply.FromString,
        )(request, timeout=TIMEOUT, wait_for_ready=True)


# ---- the streaming server, by RFC 6455 ----------------------------------------------

class WebSocket:
    """Binary messages whose first byte is a channel, as Kubernetes defines them."""

    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        self.socket = socket.create_connection((parts.hostname, parts.port), TIMEOUT)
        self.left = b""
        key = base64.b64encode(os.urandom(16)).decode()
        path = parts.path + ("?" + parts.query if parts.query else "")
        self.socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {key}\r\n"
            "Sec-WebSocket-Protocol: v4.channel.k8s.io\r\n\r\n".encode())
        head = self.read_until(b"\r\n\r\n")
        if b" 101 " not in head.split(b"\r\n")[0]:
            sys.exit("cri.py: the streaming server refuses: " + head.decode())

    def fill(self):
        data = self.socket.recv(65536)
        if not data:
            raise EOFError
        self.left += data

    def read_until(self, mark):
        while mark not in self.left:
            self.fill()
        head, self.left = self.left.split(mark, 1)
        return head

    def read(self, size):
        while len(self.left) < size:
            self.fill()
        data, self.left = self.left[:size], self.left[size:]
        return data

    def receive(self):
        """Returns (channel, bytes), or None at the end."""
        while True:
            try:
                first, second = self.read(2)
                size = second & 0x7F
                if size == 126:
                    size = struct.unpack("!H", self.read(2))[0]
                elif size == 127:
                    size = struct.unpack("!Q", self.read(8))[0]
                data = self.read(size)
            except EOFError:
                return None
            opcode = first & 0x0F
            if opcode == 8:
                return None
            if opcode in (0, 1, 2) and data:
                return data[0], data[1:]

    def send(self, channel, data):
        payload = bytes([channel]) + data
        size = len(payload)
        head = struct.pack("!BB", 0x82, 0x80 | size) if size < 126 else \
            struct.pack("!BBH", 0x82, 0x80 | 126, size)
        # A client must mask; the mask of zeros leaves the bytes as they are.
        self.socket.sendall(head + bytes(4) + payload)


def write(fd, data):
    while data:
        data = data[os.write(fd, data):]


def exit_status(data):
    """The last word of exec and attach on the error channel: a Status of Kubernetes."""
    status = json.loads(data)
    if status.get("status") == "Success":
        return 0
    for cause in status.get("details", {}).get("causes", []):
        if cause.get("reason") == "ExitCode":
            return int(cause["message"])
    sys.exit("cri.py: " + status.get("message", data.decode()))


def stream(url, outputs, error_channel, on_error, take_input=True):
    """Copies until the server ends; outputs maps a channel to our file descriptor."""
    web = WebSocket(url)
    watched = [web.socket] + ([0] if take_input else [])
    status = 0
    while True:
        ready = [web.socket] if web.left else select.select(watched, [], [], TIMEOUT)[0]
        if not ready:
            sys.exit("cri.py: the streaming server says nothing")
        if 0 in ready:
            data = os.read(0, 32768)
            if data:
                web.send(0, data)
            else:
                watched.remove(0)
        if web.socket in ready:
            message = web.receive()
            if message is None:
                return status
            channel, data = message
            if channel == error_channel:
                status = on_error(data)
            elif channel in outputs:
                write(outputs[channel], data)


def stream_process(url, take_input):
    return stream(url, {1: 1, 2: 2}, 3, exit_status, take_input)


# ---- commands -----------------------------------------------------------------------

def exec_sync(container, *command):
    reply = call("ExecSync", container_id=container, cmd=list(command), timeout=60)
    write(1, reply.stdout)
    write(2, reply.stderr)
    return reply.exit_code


def exec_stream(*words):
    tty = words[0] == "-t"
    container, *command = words[1:] if tty else words
    reply = call("Exec", container_id=container, cmd=command, tty=tty, stdin=True,
                 stdout=True, stderr=not tty)
    return stream_process(reply.url, True)


def attach(container):
    reply = call("Attach", container_id=container, stdin=True, stdout=True, stderr=True)
    return stream_process(reply.url, True)


def forward(pod, port):
    reply = call("PortForward", pod_sandbox_id=pod, port=[int(port)])
    seen = set()  # each channel begins with the port's number, in two bytes
    web = WebSocket(reply.url + "?port=" + port)
    request = sys.stdin.buffer.read()
    web.send(0, request)
    while True:
        message = web.receive()
        if message is None:
            return 0
        channel, data = message
        if channel not in seen:
            seen.add(channel)
            data = data[2:]
        if channel == 1 and data:
            sys.exit("cri.py: " + data.decode())
        write(1, data)


def yaml_as_json(path):
    with open(path, encoding="utf-8") as file:
        json.dump(yaml.safe_load(file), sys.stdout)
    return 0


COMMANDS = {"exec-sync": exec_sync, "exec": exec_stream, "attach": attach,
            "forward": forward, "yaml": yaml_as_json}


def main(name, *words):
    try:
        if name in COMMANDS:
            return COMMANDS[name](*words)
        reply = call(name, **json.loads(words[0] if words else "{}"))
    except grpc.RpcError as error:
        sys.exit(f"cri.py: {name}: {error.details()}")
    print(json_format.MessageToJson(reply, preserving_proto_field_name=True,
                                    including_default_value_fields=True, indent=None))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
