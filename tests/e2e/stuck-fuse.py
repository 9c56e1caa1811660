#!/usr/bin/python3
"""A file system that swallows requests: stuck-fuse.py DIRECTORY mounts it there. What looks
for a name in it waits for ever, and once it is killed in state D, until this process ends.
Tells each request that it swallows."""
import ctypes, os, struct, sys

libc = ctypes.CDLL(None, use_errno=True)
fuse = os.open("/dev/fuse", os.O_RDWR)
options = f"fd={fuse},rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions"
if libc.mount(b"stuck", sys.argv[1].encode(), b"fuse.stuck", 0, options.encode()) < 0:
    sys.exit(f"mounting: {os.strerror(ctypes.get_errno())}")
INIT, GETATTR = 26, 3
while True:
    request = os.read(fuse, 1 << 20)
    _, opcode, unique = struct.unpack_from("<IIQ", request)
    if opcode == INIT:
        body = struct.pack("<IIIIHHIIHH28x", 7, 31, 65536, 0, 12, 9, 65536, 1, 32, 0)
    elif opcode == GETATTR:  # of the root
        body = struct.pack("<QII", 3600, 0, 0) + struct.pack(
            "<QQQQQQIIIIIIIIII", 1, 0, 0, 0, 0, 0, 0, 0, 0, 0o40755, 2, 0, 0, 0, 4096, 0)
    else:
        print("swallowed", opcode, flush=True)
        continue
    os.write(fuse, struct.pack("<IiQ", 16 + len(body), 0, unique) + body)
