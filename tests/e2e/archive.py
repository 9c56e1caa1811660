#!/usr/bin/python3
"""Images that nobody should write.

archive.py CASE OUTSIDE [OUT]: an OCI layout in the directory OUT (otherwise "bad"), a
docker-archive or an archive of a layout in the file OUT, as the case wants. OUTSIDE is a
directory that must stay empty.
"""
import gzip
import hashlib
import io
import json
import os
import sys
import tarfile
import zlib

case, outside = sys.argv[1], sys.argv[2]
out = sys.argv[3] if len(sys.argv) > 3 else "bad"
OCI = "application/vnd.oci.image."
MANIFEST, INDEX = OCI + "manifest.v1+json", OCI + "index.v1+json"
up = "../" * 20 + outside.lstrip("/")


def sha(data):
    return hashlib.sha256(data).hexdigest()


# ---- tars ----

def entry(name, data=b"", **more):
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for member, value in more.items():
        setattr(info, member, value)
    return info, data


def directory(name, **more):
    return entry(name, type=tarfile.DIRTYPE, **{"mode": 0o755, **more})


def link(name, to):
    return entry(name, type=tarfile.SYMTYPE, linkname=to)


def hard(name, to):
    return entry(name, type=tarfile.LNKTYPE, linkname=to)


def device(name, kind, major, minor):
    return entry(name, type=kind, devmajor=major, devminor=minor)


def tar(*entries):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for info, data in entries:
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def header(name, size, kind, magic=b"ustar\0" + b"00"):
    block = bytearray(512)
    block[0:len(name)] = name
    block[100:108] = b"0000644\0"
    block[108:116] = block[116:124] = b"0000000\0"
    block[124:136] = (b"%011o\0" % size) if size < 1 << 33 else \
        b"\x80" + size.to_bytes(11, "big")
    block[136:148] = b"00000000000\0"
    block[148:156] = b" " * 8
    block[156:157] = kind
    block[257:265] = magic
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def padded(data):
    return data + b"\0" * (-len(data) % 512)


def pax(text, kind=b"x"):
    return header(b"pax", len(text), kind) + padded(text)


def record(name, value):
    rest = b" " + name + b"=" + value + b"\n"
    length = len(rest) + 1
    while len(str(length)) + len(rest) != length:
        length += 1
    return str(length).encode() + rest


def plain(name, data=b"data"):
    return header(name, len(data), b"0") + padded(data)


END = b"\0" * 1024

layers = {
    # names
    "up": [tar(entry(up + "/x"))],
    "up-inside": [tar(directory("d"), entry("d/../../x"))],
    "absolute": [tar(entry(outside + "/x", b"in"))],
    "root-link": [tar(link(".", outside))],
    "root-file": [tar(entry("./", b"x"))],
    "through-link": [tar(directory("real"), link("l", outside), entry("l/x", b"in"))],
    "through-relative": [tar(link("l", up), entry("l/x", b"in"))],
    "through-lower": [tar(link("l", outside)), tar(entry("l/x", b"in"))],
    "loop": [tar(link("l", "l"), entry("l/x"))],
    "newline": [tar(entry("a\n\x1b[31mb/../../x"))],
    # links
    "hard-up": [tar(hard("x", up + "/y"))],
    "hard-absolute": [tar(hard("x", "/etc/passwd"))],
    "hard-through": [tar(link("l", "/etc"), hard("x", "l/passwd"))],
    "hard-link": [tar(link("l", "/etc/passwd"), hard("x", "l"))],
    "hard-directory": [tar(directory("d"), hard("x", "d"))],
    "hard-chmod": [tar(link("l", "/etc/passwd"), hard("x", "l"),
                       entry("x", b"", mode=0o4777))],
    # whiteouts
    "wh-up": [tar(entry(".wh..."))],
    "wh-dot": [tar(entry(".wh.."))],
    "wh-nothing": [tar(directory("d"), entry("d/.wh."))],
    "wh-absolute": [tar(entry(outside + "/.wh.x"))],
    "wh-through": [tar(directory("real"), entry("real/x", b"x"), link("l", "real")),
                   tar(entry("l/.wh.x"))],
    "wh-through-out": [tar(link("l", outside), entry("l/.wh.x"))],
    "opaque-link": [tar(link("l", outside), entry("l/.wh..wh..opq"))],
    "posing": [tar(device("x", tarfile.CHRTYPE, 0, 0))],
    # sizes
    "exbi": [header(b"x", 1 << 62, b"0") + END],
    "negative": [header(b"x", (1 << 88) - 512, b"0") + END],
    "pax-size": [pax(record(b"size", b"9223372036854775807")) + plain(b"x") + END],
    "sparse": [pax(record(b"GNU.sparse.major", b"1") + record(b"GNU.sparse.minor", b"0")
                   + record(b"GNU.sparse.name", b"x")
                   + record(b"GNU.sparse.realsize", b"9223372036854775807"))
               + plain(b"x", padded(b"1\n9223372036854775806\n1\n") + b"x") + END],
    # pax
    "pax-nul": [pax(record(b"path", b"a\0b")) + plain(b"x") + END],
    "pax-long": [pax(record(b"path", b"a" * 5000)) + plain(b"x") + END],
    "pax-huge": [pax(record(b"path", b"a" * (8 << 20))) + plain(b"x") + END],
    "pax-short": [pax(b"99999 path=x\n") + plain(b"x") + END],
    "pax-up": [pax(record(b"path", b"../x")) + plain(b"x") + END],
    "pax-link": [pax(record(b"linkpath", up.encode() + b"/y")) + header(b"x", 0, b"1")
                 + END],
    "pax-owner": [pax(record(b"uid", b"4294967295")) + plain(b"x") + END],
    "selinux": [pax(record(b"SCHILY.xattr.trusted.overlay.redirect", b"/etc")
                    + record(b"SCHILY.xattr.security.selinux", b"u:r:t")
                    + record(b"SCHILY.xattr.trusted.overlay.opaque", b"y"))
                + header(b"d/", 0, b"5") + END],
    # what is kept
    "kept": [pax(record(b"path", "gr\u00fc\u00df".encode())) + plain(b"x") + pax(
        record(b"path", b"\xff\xfe")) + plain(b"x") + tar(entry("set", b"x", mode=0o6755, uid=7, gid=8),
                 directory("sticky", mode=0o1777),
                 device("null", tarfile.CHRTYPE, 1, 3),
                 device("disk", tarfile.BLKTYPE, 7, 0))],
    # order and modes
    "no-write": [tar(directory("d", mode=0o555), entry("d/f", b"x"),
                     directory("d/e", mode=0), entry("d/e/g", b"y"))],
    "no-write-upper": [tar(directory("d", mode=0), entry("d/f", b"x")),
                       tar(entry("d/g", b"y"))],
    "file-for-directory": [tar(directory("d"), entry("d/f", b"x"), entry("e", b"e")),
                           tar(entry("d", b"now")), tar(entry("e.txt", b"x"))],
    "directory-for-file": [tar(entry("d", b"x"), link("l", "d")),
                           tar(directory("d"), entry("d/f", b"y"), directory("l"),
                               entry("l/g", b"z"))],
    "back-and-forth": [tar(directory("d"), entry("d/old", b"x")), tar(entry("d", b"f")),
                       tar(directory("d"), entry("d/new", b"y"))],
    "file-for-directory-here": [tar(directory("d"), entry("d/f", b"x"),
                                    entry("d", b"now"))],
    "wh-before": [tar(directory("d"), entry("d/a", b"low"), directory("d/s"),
                      entry("d/s/t", b"low"), entry("d/gone", b"low")),
                  tar(entry("d/.wh.a"), entry("d/a", b"high"), entry("d/.wh.s"),
                      directory("d/s"), entry("d/s/u", b"high"),
                      entry("d/.wh.gone"))],
    "wh-after": [tar(directory("d"), entry("d/a", b"low"), directory("d/s"),
                     entry("d/s/t", b"low")),
                 tar(entry("d/a", b"high"), entry("d/.wh.a"), directory("d/s"),
                     entry("d/s/u", b"high"), entry("d/.wh.s"))],
    "opaque-before": [tar(directory("d"), entry("d/a", b"low"), entry("d/b", b"low")),
                      tar(directory("d"), entry("d/.wh..wh..opq"), entry("d/b", b"high"))],
    "opaque-after": [tar(directory("d"), entry("d/a", b"low"), entry("d/b", b"low")),
                     tar(directory("d"), entry("d/b", b"high"),
                         entry("d/.wh..wh..opq"))],
    "opaque-deep": [tar(directory("d"), directory("d/s"), entry("d/s/a", b"low")),
                    tar(directory("d"), directory("d/s"), entry("d/s/b", b"high"),
                        entry("d/.wh..wh..opq"))],
    "opaque-whiteout": [tar(directory("d"), entry("d/a", b"low")),
                        tar(entry(".wh.d")), tar(directory("d"), entry("d/b", b"new"))],
    "wh-missing": [tar(entry("a", b"x")), tar(entry(".wh.never"), entry("n/.wh.x"))],
    "wh-opaque": [tar(directory("d"), entry("d/a", b"low"), entry("d/b", b"low")),
                  tar(directory("d"), entry("d/.wh.a"), directory("d/e"), entry("d/e/.wh.f"),
                      entry("d/.wh..wh..opq"), entry("d/.wh.b"), entry("d/c", b"high"))],
    "same-twice": [tar(entry("a", b"first"), hard("b", "a"), entry("a", b"second"))],
}


def repeated(block, count):
    """A gzip of one block again and again, made without holding all of it."""
    squeeze = zlib.compressobj(1, zlib.DEFLATED, 31)
    state = hashlib.sha256()
    parts = []
    many = block * 256
    for _ in range(count // 256):
        state.update(many)
        parts.append(squeeze.compress(many))
    state.update(END)
    parts += [squeeze.compress(END), squeeze.flush()]
    return b"".join(parts), state.hexdigest()


# ---- layouts ----

blobs = {}


def put(data):
    blobs[sha(data)] = data
    return {"digest": "sha256:" + sha(data), "size": len(data)}


def packed(data, diff_id, kind):
    return {"mediaType": OCI + "layer.v1.tar" + kind, **put(data)}, "sha256:" + diff_id


def made_layers():
    if case in layers:
        return [packed(data, sha(data), "") for data in layers[case]]
    one = tar(entry("a", os.urandom(70000)))
    if case == "cut-gzip":
        return [packed(gzip.compress(one)[:-30000], sha(one), "+gzip")]
    if case == "no-gzip":
        return [packed(b"\x1f\x8b" + b"x" * 5000, sha(one), "+gzip")]
    if case == "cut-zstd":
        import subprocess
        data = subprocess.run(["zstd", "-qc"], input=one, stdout=subprocess.PIPE,
                              check=True).stdout
        return [packed(data[:-30000], sha(one), "+zstd")]
    if case == "cut-tar":
        return [packed(one[:40000], sha(one[:40000]), "")]
    if case == "no-tar":
        return [packed(b"no tar at all\n" * 100, sha(b"no tar at all\n" * 100), "")]
    if case == "pax-endless":
        data, diff_id = repeated(pax(record(b"comment", b"x")), 1 << 18)
        return [packed(data, diff_id, "+gzip")]
    if case == "long-endless":
        data, diff_id = repeated(header(b"././@LongLink", 2, b"L", b"ustar  \0")
                                 + padded(b"x\0"), 1 << 18)
        return [packed(data, diff_id, "+gzip")]
    if case == "many-layers":
        small = tar(directory("d"))
        return [packed(small, sha(small), "")] * 2000
    return [packed(tar(entry("a", b"a")), sha(tar(entry("a", b"a"))), "")]


def documents():
    made = made_layers()
    config = {"architecture": "amd64", "os": "linux", "config": {"Cmd": ["/x"]},
              "rootfs": {"type": "layers", "diff_ids": [diff for _, diff in made]}}
    text = json.dumps(config)
    if case == "config-nested":
        text = text[:-1] + ',"x":' + "[" * (5 << 20) + "]" * (5 << 20) + "}"
    if case == "config-huge":
        text = text[:-1] + ',"x":"' + "x" * (20 << 20) + '"}'
    if case == "config-nul":
        text = text.replace('"/x"', '"/x\\u0000y"')
    described = {"mediaType": OCI + "config.v1+json", **put(text.encode())}
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": described,
                "layers": [layer for layer, _ in made]}
    if case == "config-is-layer":
        manifest["config"] = {**described, **{key: manifest["layers"][0][key]
                                              for key in ("digest", "size")}}
    if case == "size-negative":
        manifest["layers"][0]["size"] = -1
    if case == "size-huge":
        manifest["layers"][0]["size"] = (1 << 64) - 1
    if case == "sha512":
        manifest["layers"][0]["digest"] = "sha512:" + "0" * 128
    if case == "digest-control":
        manifest["layers"][0]["digest"] = "sha256:\n\x1b[31m"
    top = {"mediaType": MANIFEST, **put(json.dumps(manifest).encode())}
    for _ in range({"index-deep": 3, "index-twice": 2}.get(case, 0)):
        top["platform"] = {"os": "linux", "architecture": "amd64"}
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [top]}
        top = {"mediaType": INDEX, **put(json.dumps(index).encode())}
    index = {"schemaVersion": 2, "manifests": [top]}
    if case == "statement-other":
        add_statement(index)
    if case == "index-itself":
        name = "0" * 64
        inner = {"mediaType": INDEX, "digest": "sha256:" + name, "size": 0,
                 "platform": {"os": "linux", "architecture": "amd64"}}
        index["manifests"] = [inner]
        size = len(json.dumps(index))
        inner["size"] = size + len(str(size)) - 1
        blobs[name] = json.dumps(index).encode()
    return index


def add_statement(index):
    """Attested of the image, by bytes that are not those of their digest."""
    [top] = index["manifests"]
    other = sha(b"what another image has")
    blobs[other] = b"something else"
    layer = {"mediaType": "application/vnd.in-toto+json", "digest": "sha256:" + other,
             "size": len(blobs[other])}
    config = {"mediaType": OCI + "config.v1+json", **put(b"{}")}
    statement = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config,
                 "layers": [layer]}
    attached = {"mediaType": MANIFEST, **put(json.dumps(statement).encode()),
                "platform": {"os": "unknown", "architecture": "unknown"},
                "annotations": {"vnd.docker.reference.type": "attestation-manifest",
                                "vnd.docker.reference.digest": top["digest"]}}
    inner = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [
        {**top, "platform": {"os": "linux", "architecture": "amd64"}}, attached]}
    index["manifests"] = [{"mediaType": INDEX, **put(json.dumps(inner).encode())}]


def write_layout(place):
    index = documents()
    os.makedirs(place + "/blobs/sha256")
    version = "2.0.0" if case == "version" else "1.0.0"
    if case != "no-version":
        with open(place + "/oci-layout", "w", encoding="ascii") as file:
            file.write("[]" if case == "version-list" else
                       json.dumps({"imageLayoutVersion": version}))
    with open(place + "/index.json", "w", encoding="ascii") as file:
        file.write("[]" if case == "index-list" else json.dumps(index))
    for name, data in blobs.items():
        with open(place + "/blobs/sha256/" + name, "wb") as file:
            file.write(data)
    spoil(place, place + "/blobs/sha256/"
          + index["manifests"][0]["digest"].split(":")[1])


def spoil(place, manifest):
    """What is no regular file."""
    if case == "index-fifo":
        os.remove(place + "/index.json")
        os.mkfifo(place + "/index.json")
    if case == "index-link":
        os.rename(place + "/index.json", outside + ".json")
        os.symlink(outside + ".json", place + "/index.json")
    if case == "manifest-fifo":
        os.remove(manifest)
        os.mkfifo(manifest)
    if case == "manifest-directory":
        os.remove(manifest)
        os.mkdir(manifest)
    if case == "blobs-link":
        os.rename(place + "/blobs", outside + ".blobs")
        os.symlink(outside + ".blobs", place + "/blobs")
    if case == "blobs-link-inside":
        os.rename(place + "/blobs", place + "/elsewhere")
        os.symlink("/elsewhere", place + "/blobs")


# ---- docker-archives, and archives of what is no image ----

def docker(config_name="c.json", layer_name="l/layer.tar", more=(), layer=None):
    layer = layer or tar(entry("a", b"a"))
    config = json.dumps({
        "architecture": "amd64", "os": "linux", "config": {"Cmd": ["/x"]},
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + sha(layer)]}}).encode()
    manifest = json.dumps([{"Config": config_name, "RepoTags": ["x:1"],
                            "Layers": [layer_name]}]).encode()
    return tar(entry("manifest.json", manifest), entry("c.json", config), directory("l"),
               *(more or [entry("l/layer.tar", layer)]))


archives = {
    "docker-up": lambda: docker(layer_name="../../../../etc/passwd"),
    "docker-config-up": lambda: docker(config_name="/etc/passwd"),
    "docker-link": lambda: docker(more=[link("l/layer.tar", "/etc/passwd")]),
    "docker-link-inside": lambda: docker(more=[
        entry("other.tar", tar(entry("a", b"a"))), link("l/layer.tar", "../other.tar")]),
    "docker-fifo": lambda: docker(more=[entry("l/layer.tar", type=tarfile.FIFOTYPE)]),
    "docker-device": lambda: docker(more=[device("l/layer.tar", tarfile.CHRTYPE, 1, 5)]),
    "docker-layer-up": lambda: docker(layer=tar(entry(up + "/x"))),
    "docker-two": lambda: tar(entry("manifest.json", json.dumps(
        [{"Config": "c", "RepoTags": ["a:1"], "Layers": []},
         {"Config": "c", "RepoTags": ["b:1"], "Layers": []}]).encode())),
    "docker-object": lambda: tar(entry("manifest.json", b"{}")),
    "docker-none": lambda: tar(entry("x")),
    "archive-up": lambda: tar(entry(up + "/x")),
    "archive-link": lambda: tar(link("blobs", outside), entry("blobs/sha256/x")),
    "archive-many": lambda: repeated(header(b"x", 0, b"0"), 1 << 20)[0],
}

if case in archives:
    with open(out, "wb") as written:
        written.write(archives[case]())
else:
    write_layout(out)
