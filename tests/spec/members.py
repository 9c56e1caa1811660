"""Nothing of the specification's schemas is unknown to our tables: a document with every
member and every word that a schema has is read without a complaint, and nothing of it is
lost when it is written again. And what config.json can ask for is looked at by the runtime:
each member's name occurs in the code that acts. TAP."""

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
results = []


def show(ok, sentence, details=""):
    results.append(ok)
    for line in details.splitlines():
        print("# " + line)
    print(f"{'ok' if ok else 'not ok'} {len(results)} - {sentence}", flush=True)


# ---- documents made of a schema --------------------------------------------------------

# Where a pattern or the text of the specification wants more than any string.
TEXTS = {"ociVersion": "1.3.0", "ociVersionMin": "1.0.0", "ociVersionMax": "1.3.0",
         "access": "rwm", "pageSize": "2MB", "memBwSchema": "MB:0=1", "cpus": "0",
         "mems": "0", "nodes": "0", "initial": "0", "final": "0", "path": "/x",
         "cwd": "/", "destination": "/x", "type": "c",
         "flags": "ADDR_NO_RANDOMIZE"}  # of personality: the schema has no enum
PATTERNS = {"^RLIMIT_[A-Z]+$": "RLIMIT_CORE", "^[cbup]$": "c", "^[cbup]?$": "c",
            "^CAP_[A-Z_]+$": "CAP_CHOWN"}
# Chapters of other platforms are kept as they stand, whatever is in them.
FOREIGN = {"windows", "solaris", "vm", "zos", "freebsd", "commandLine"}


def words(node):
    """Every word that an enum of the schema allows, also one within anyOf and oneOf."""
    return node.get("enum") or [word for part in node.get("anyOf", []) + node.get("oneOf", [])
                                for word in words(part)]


def samples(node, name):
    """One value for each word of an enum, else one."""
    if words(node):
        return words(node)
    return [sample(node, name)]


def sample(node, name):
    for key in ("allOf", "anyOf", "oneOf"):
        if key in node:
            merged = {k: v for k, v in node.items() if k != key}
            merged = {**(node[key][0] if key != "allOf" else {}), **merged}
            for part in node[key] if key == "allOf" else []:
                merged = {**part, **merged, "properties": {
                    **part.get("properties", {}), **merged.get("properties", {})}}
            return sample(merged, name)
    if words(node):
        return words(node)[0]
    kind = node.get("type")
    if kind == "object" or "properties" in node:
        return sample_object(node)
    if kind == "array":
        return [one for one in samples(node.get("items", {}), name)]
    if kind == "boolean":
        return True
    if kind in ("integer", "number"):
        return max(1, node.get("minimum", 1))
    return PATTERNS.get(node.get("pattern")) or TEXTS.get(name, "text")


def sample_object(node):
    made = {key: sample(value, key) for key, value in node.get("properties", {}).items()
            if key not in FOREIGN}
    if made:
        return made
    inner = node.get("additionalProperties") or next(
        iter(node.get("patternProperties", {}).values()), None)
    return {"boottime": sample(inner, "")} if isinstance(inner, dict) else {}


def enums(node, path=()):
    """(path, word) of every enum outside arrays, which samples() has in full."""
    if node.get("type") == "array":
        node = node.get("items", {})
        path += (0,)
        if words(node):
            return
    for word in words(node)[1:]:
        yield path, word
    parts = [node] + [part for key in ("allOf", "anyOf", "oneOf") for part in node.get(key, [])]
    for part in parts:
        for key, value in part.get("properties", {}).items():
            if key not in FOREIGN:
                yield from enums(value, path + (key,))


def with_word(document, path, word):
    changed = json.loads(json.dumps(document))
    parent = changed
    for name in path[:-1]:
        parent = parent[name]
    parent[path[-1]] = word
    return changed


# ---- reading and writing ---------------------------------------------------------------

def lost(a, b, path=""):
    """What a has and b has not."""
    if isinstance(a, dict) and isinstance(b, dict):
        return "".join(lost(a[key], b[key], f"{path}/{key}") if key in b
                       else f"{path}/{key} is lost\n" for key in a)
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        return "".join(lost(x, y, f"{path}/{i}") for i, (x, y) in enumerate(zip(a, b)))
    return "" if a == b else f"{path}: {a!r} became {b!r}\n"


def complaints(kind, document):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(document, file)
        file.flush()
        done = subprocess.run([reprint, kind, file.name], capture_output=True, text=True,
                              check=False, timeout=60)
    return done.stderr + (lost(document, json.loads(done.stdout))
                          if done.returncode == 0 else "")


def count(value):
    if isinstance(value, dict):
        return sum(1 + count(item) for item in value.values())
    return sum(map(count, value)) if isinstance(value, list) else 0


for kind, least in (("config", 200), ("state", 6), ("features", 30)):
    document = sample(SCHEMAS[kind], "")
    found = complaints(kind, document)
    if count(document) < least:
        found += f"only {count(document)} members were made of the schema\n"
    show(not found, f"every member of the schema of {kind} is read and written", found)
    found = schema_errors(kind, document)
    show(not found, f"what was made of the schema of {kind} is valid by it", found)
    alternatives = [] if found else list(enums(SCHEMAS[kind]))
    found = "".join(complaints(kind, with_word(document, path, word))
                    for path, word in alternatives)
    show(not found, f"{len(alternatives)} more words of the schema of {kind} are known", found)


# ---- what is read is looked at ---------------------------------------------------------

ROW = re.compile(r"JSON_\w+\(\s*struct (oci_\w+),\s*(\w+),\s*\"(\w+)\"")
CHAPTERS = ("config", "process", "mounts", "linux", "resources", "seccomp", "hooks")
# Members that nothing in runtime/ has to look at, and why.
UNSEEN = {
    "windows": "of another platform", "solaris": "of another platform",
    "zos": "of another platform", "freebsd": "of another platform",
    "commandLine": "of another platform", "username": "of another platform",
    "vm": "for runtimes that boot a machine",
    "prestart": "hooks_of_kind() finds it", "create_runtime": "hooks_of_kind() finds it",
    "create_container": "hooks_of_kind() finds it",
    "start_container": "hooks_of_kind() finds it", "poststop": "hooks_of_kind() finds it",
    "poststart": "hooks_of_kind() finds it",
}
acting = ""
for path in glob.glob(f"{top_src}/runtime/**/*.c", recursive=True):
    with open(path, encoding="utf-8") as file:
        acting += file.read()
unseen = ""
rows = 0
for chapter in CHAPTERS:
    with open(f"{top_src}/spec/{chapter}.c", encoding="utf-8") as file:
        for struct, member, name in ROW.findall(file.read()):
            rows += 1
            if member not in UNSEEN and name not in UNSEEN and not re.search(rf"(->|\.|\b\w+, ){member}\b", acting):
                unseen += f"struct {struct}: {name} is read, and nobody looks at it\n"
if rows < 150:
    unseen += f"only {rows} rows were found in the tables\n"
show(not unseen, "each member of config.json is looked at by the runtime", unseen)

print(f"1..{len(results)}")
sys.exit(0 if all(results) else 1)
