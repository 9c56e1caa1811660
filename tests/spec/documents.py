"""Every document of tests/data is read, written again and compared; what we write is
valid by the schemas of the specifications; bad documents fail with a position. TAP."""

import glob
import json
import os
import re
import subprocess
import sys
import tempfile

from schemas import SCHEMAS, schema_errors

top_src = os.environ["top_srcdir"]
reprint = os.path.join(os.environ["top_builddir"], "tests/spec/reprint")
data = os.path.join(top_src, "tests/data")
results = []


def show(ok, sentence, details=""):
    results.append(ok)
    for line in details.splitlines():
        print("# " + line)
    print(f"{'ok' if ok else 'not ok'} {len(results)} - {sentence}", flush=True)


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


# ---- comparing -------------------------------------------------------------------------

# Members whose zero means the same as their absence, and objects of which that is so.
ZERO = {"valueTwo", "uid", "gid", "nice", "priority", "runtime", "deadline", "period",
        "secs", "nanosecs", "rate"}


def normal(value):
    """Without null, false, zero of ZERO, and objects that are empty after that."""
    if isinstance(value, list):
        return [normal(item) for item in value]
    if not isinstance(value, dict):
        return value
    members = {key: normal(item) for key, item in value.items()}
    return {key: item for key, item in members.items()
            if item is not None and item is not False and item != {}
            and not (key in ZERO and item == 0)}


def run(kind, path, *options):
    return subprocess.run([reprint, *options, kind, path], capture_output=True, text=True,
                          check=False, timeout=60)


def differences(a, b, path=""):
    if isinstance(a, dict) and isinstance(b, dict):
        return "".join(differences(a.get(key), b.get(key), f"{path}/{key}")
                       for key in sorted(a.keys() | b.keys()))
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        return "".join(differences(x, y, f"{path}/{i}")
                       for i, (x, y) in enumerate(zip(a, b)))
    return "" if a == b else f"{path}: {a!r} became {b!r}\n"


def same_again(kind, path, name, ignored=()):
    done = run(kind, path)
    if done.returncode:
        show(False, f"{name} is read and written again", done.stderr)
        return
    before, after = normal(load(path)), normal(json.loads(done.stdout))
    for pointer in ignored:
        parent = before
        *names, last = pointer.split("/")
        for member in names:
            parent = parent[member]
        parent.pop(last)
    found = differences(before, after)
    if not ignored:
        found += done.stderr
    show(not found, f"{name} is read and written again", found)
    if kind in SCHEMAS and not schema_errors(kind, load(path)):
        found = schema_errors(kind, json.loads(done.stdout))
        show(not found, f"{name} as we write it is valid by its schema", found)


def text_same_again(kind, sentence, text):
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        same_again(kind, file.name, sentence)


# ---- the documents ---------------------------------------------------------------------

# The example of the specification keeps a member that the specification no longer has.
OLD = {("config", "spec-example.json"): ["linux/resources/oomScoreAdj"]}

for path in sorted(glob.glob(f"{data}/configs/*.json")):
    same_again("config", path, "configs/" + os.path.basename(path))
    valid = run("config", path, "--validate")
    show(valid.returncode == 0, f"configs/{os.path.basename(path)} breaks no rule",
         valid.stderr)

for kind in ("config", "state", "features"):
    for path in sorted(glob.glob(f"{data}/runtime-spec/test/{kind}/good/*.json")):
        file = os.path.basename(path)
        same_again(kind, path, f"{kind} {file}", OLD.get((kind, file), ()))
    for path in sorted(glob.glob(f"{data}/runtime-spec/test/{kind}/bad/*.json")):
        file = os.path.basename(path)
        if file.startswith("freebsd"):
            continue  # chapters of other platforms are kept as they stand
        done = run(kind, path, "--validate")
        placed = re.search(r"\.json:\d+:\d+: |^/linux/", done.stderr, re.M)
        show(done.returncode == 1 and bool(placed), f"{kind} {file} is refused with a place",
             "" if placed else done.stderr)

DIGEST = "sha256:" + "0123456789abcdef" * 4
DESCRIPTOR = {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": DIGEST,
              "size": 32654, "urls": ["https://example.com/x"], "data": "e30=",
              "annotations": {"a": "b"}, "artifactType": "application/x.y"}
PLATFORM = {"architecture": "arm64", "os": "linux", "os.version": "1",
            "os.features": ["x"], "variant": "v8"}

text_same_again("descriptor", "a descriptor with everything", json.dumps(DESCRIPTOR))
text_same_again("image-layout", "an image layout", '{"imageLayoutVersion": "1.0.0"}')
text_same_again("image-index", "an image index with everything", json.dumps({
    "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
    "artifactType": "application/x.y", "subject": DESCRIPTOR, "annotations": {"k": ""},
    "manifests": [DESCRIPTOR | {"platform": PLATFORM}]}))
text_same_again("image-manifest", "an image manifest with everything", json.dumps({
    "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
    "artifactType": "application/x.y", "config": DESCRIPTOR, "layers": [DESCRIPTOR] * 2,
    "subject": DESCRIPTOR, "annotations": {"k": "v"}}))
text_same_again("image-config", "an image configuration with everything", json.dumps({
    "created": "2026-01-02T03:04:05.678Z", "author": "A <a@example.com>",
    "architecture": "amd64", "variant": "v3", "os": "linux", "os.version": "5",
    "os.features": ["f"], "config": {
        "User": "1000:1000", "ExposedPorts": {"80/tcp": {}}, "Env": ["A=b"],
        "Entrypoint": [], "Cmd": ["sh", "-c", "x"], "Volumes": {"/data": {}},
        "WorkingDir": "/", "Labels": {"a.b": "c"}, "StopSignal": "SIGRTMIN+3",
        "ArgsEscaped": True, "OnBuild": ["RUN x"], "Shell": ["/bin/sh", "-ec"],
        "StopTimeout": 0, "Healthcheck": {
            "Test": ["CMD-SHELL", "true"], "Interval": 30000000000, "Timeout": 1,
            "StartPeriod": 2, "StartInterval": 3, "Retries": 4}},
    "rootfs": {"type": "layers", "diff_ids": [DIGEST]},
    "history": [{"created": "2026-01-02T03:04:05Z", "created_by": "x", "author": "y",
                 "comment": "z", "empty_layer": True}, {}]}))

print(f"1..{len(results)}")
sys.exit(0 if all(results) else 1)
