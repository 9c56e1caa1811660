#!/usr/bin/python3
"""A registry that serves one small image, and does something wrong with it.

registry.py PORT MODE [ARGUMENT]: serves t:latest on 127.0.0.1:PORT; what it was asked goes
to standard output, one line each. Modes:

good            nothing wrong
broken          a blob's connection ends after 1000 bytes, again and again; ranges work
no-range        the same, and the server knows no ranges: it begins anew, once
short           a blob ends too early, always
long            a blob has a byte more than its descriptor says
flipped         a blob has another byte
bad-manifest    the manifest has another digest than its header says
both            a manifest that is also an index
claims-index    a manifest that is called an index
schema1         a manifest of Docker's first schema
huge-manifest   a manifest of 5 MiB
bad-size        an index whose entry has another size than the manifest
no-platform     an index without this machine's platform
deep            an index of an index of an index
endless         a blob's descriptor says 1000 bytes, and the server never ends
silent          a blob's header comes, and nothing after it
stalls          half of what is asked of a blob comes, then nothing; ranges work
together        blobs come once two of them are asked for; the log has "overlap" then
substitutes     whatever version is asked for, this manifest is it
redirect        blobs are at another port (ARGUMENT), and Basic authentication is wanted
downgrade       with TLS (ARGUMENT: certificate and key), blobs are at http://
loop            blobs redirect to themselves
token-http      the token server is at http:// while the registry has TLS (ARGUMENT)
token           a token server of its own: user:secret becomes the token "good"
slow-auth       as token, and the token holds for one request only
errors          the registry's message has control characters
"""
import base64
import gzip
import hashlib
import http.server
import io
import json
import random
import ssl
import sys
import tarfile
import threading
import time

port, mode = int(sys.argv[1]), sys.argv[2]
argument = sys.argv[3] if len(sys.argv) > 3 else ""
tls = mode in ("downgrade", "token-http")
here = f"{'https' if tls else 'http'}://127.0.0.1:{port}"

OCI = "application/vnd.oci.image."
MANIFEST, INDEX = OCI + "manifest.v1+json", OCI + "index.v1+json"


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def layer():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, data in (("hello", b"hello\n"), (
                "noise", random.Random(1).randbytes(100000))):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


plain = layer()
packed = gzip.compress(plain, mtime=0)
config = json.dumps({
    "architecture": "amd64", "os": "linux", "config": {"Cmd": ["/hello"]},
    "rootfs": {"type": "layers", "diff_ids": [digest(plain)]},
}).encode()


def describe(data, kind, **more):
    return {"mediaType": kind, "digest": digest(data), "size": len(data), **more}


manifest = {
    "schemaVersion": 2, "mediaType": MANIFEST,
    "config": describe(config, OCI + "config.v1+json"),
    "layers": [describe(packed, OCI + "layer.v1.tar+gzip")],
}
here_platform = {"platform": {"architecture": "amd64", "os": "linux"}}
kind = MANIFEST
documents = {}


def index_of(data, media=MANIFEST, **more):
    return json.dumps({"schemaVersion": 2, "mediaType": INDEX,
                       "manifests": [{**describe(data, media), **more}]}).encode()


if mode == "endless":
    manifest["layers"][0]["size"] = 1000
if mode == "both":
    manifest["manifests"] = []
text = json.dumps(manifest).encode()
documents[digest(text)] = (MANIFEST, text)
if mode == "claims-index":
    kind = INDEX
elif mode == "schema1":
    kind = "application/vnd.docker.distribution.manifest.v1+prettyjws"
    text = json.dumps({"schemaVersion": 1, "fsLayers": []}).encode()
elif mode == "huge-manifest":
    text = json.dumps({**manifest, "annotations": {"a": "x" * (5 << 20)}}).encode()
elif mode == "bad-size":
    kind, text = INDEX, index_of(text, size=len(text) + 1, **here_platform)
elif mode == "no-platform":
    kind, text = INDEX, index_of(
        text, platform={"architecture": "s390x", "os": "linux"})
elif mode == "deep":
    for _ in range(3):
        kind, text = INDEX, index_of(text, kind, **here_platform)
        documents[digest(text)] = (INDEX, text)
blobs = {digest(config): config, digest(packed): packed}
served = {"breaks": 0, "token": 0}
waiting = threading.Barrier(2, timeout=30)
tokens = set()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def authorized(self):
        given = self.headers.get("Authorization", "")
        if mode == "redirect":
            if given == "Basic " + base64.b64encode(b"user:secret").decode():
                return True
            self.answer(401, WWW_Authenticate='Basic realm="here"')
            return False
        if mode not in ("token", "slow-auth", "token-http"):
            return True
        if given[len("Bearer "):] in tokens:
            if mode == "slow-auth":
                tokens.discard(given[len("Bearer "):])
            return True
        realm = "http" + here[5 if tls else 4:] + "/token"
        self.answer(401, WWW_Authenticate=f'Bearer realm="{realm}",service="s",'
                                          'scope="repository:t:pull"')
        return False

    def token(self):
        if self.headers.get("Authorization") != \
                "Basic " + base64.b64encode(b"user:secret").decode():
            return self.answer(401)
        served["token"] += 1
        tokens.add(f"good{served['token']}")
        return self.answer(
            200, json.dumps({"token": f"good{served['token']}"}).encode())

    def do_GET(self):
        print(self.command, self.path, self.headers.get("Authorization", "-"),
              self.headers.get("Range", "-"), flush=True)
        if self.path.startswith("/token"):
            return self.token()
        if not self.authorized():
            return None
        if self.path == "/v2/":
            return self.answer(200)
        if "/manifests/" in self.path:
            return self.manifest(self.path.rsplit("/", 1)[1])
        return self.blob(self.path.rsplit("/", 1)[1])

    do_HEAD = do_GET

    def manifest(self, version):
        if mode == "errors":
            return self.answer(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN",'
                                    b'"message":"\\u001b[31mno\\r\\nsuch"}]}')
        media, data = documents.get(version, (kind, text))
        if mode == "substitutes" and version != "latest":
            return self.answer(200, text, Content_Type=kind, Docker_Content_Digest=version)
        if version not in documents and version != "latest" and version != digest(text):
            return self.answer(404)
        said = digest(b"other") if mode == "bad-manifest" else digest(data)
        return self.answer(200, data, Content_Type=media, Docker_Content_Digest=said)

    def blob(self, name):
        data = blobs.get(name)
        if data is None:
            return self.answer(404)
        if mode == "redirect":
            return self.answer(307, Location=f"http://127.0.0.1:{argument}{self.path}")
        if mode == "downgrade":
            return self.answer(307, Location=f"http://127.0.0.1:1{self.path}")
        if mode == "together":
            waiting.wait()
            print("overlap", flush=True)
        if mode == "loop":
            return self.answer(307, Location=self.path)
        if len(data) < 1000:  # the config stays as it is
            return self.answer(200, data)
        return self.layer(data)

    def layer(self, data):
        start = 0
        if mode in ("broken", "short", "stalls") and self.headers.get("Range"):
            start = int(self.headers["Range"].split("=")[1].split("-")[0])
        if mode == "long":
            data += b"x"
        if mode == "flipped":
            data = data[:50] + bytes([data[50] ^ 1]) + data[51:]
        if mode == "endless":
            self.send_response(200)
            self.end_headers()
            while True:
                self.wfile.write(b"x" * 65536)
        if mode == "silent":
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.flush()
            time.sleep(600)
        if mode == "short" and start:
            return self.answer(206, Content_Range=f"bytes {start}-{start}/{len(data)}")
        self.send_response(206 if start else 200)
        if start:
            self.send_header(
                "Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        if mode == "stalls":
            self.wfile.write(data[start:start + (len(data) - start) // 2])
            self.wfile.flush()
            time.sleep(600)
        breaks = mode in ("broken", "short") or (
            mode == "no-range" and served["breaks"] == 0)
        if breaks and len(data) - start > 20000:
            served["breaks"] += 1
            self.wfile.write(data[start:start + 20000])
            self.close_connection = True
            return None
        return self.wfile.write(data[start:])


server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
if tls:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(argument + ".crt", argument + ".key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
