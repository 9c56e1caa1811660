#!/usr/bin/env python3
"""Lays two transcripts of one client's test beside each other (clients.sh, run_ended).

	compare.py DOCUMENT NAME OURS THEIRS

Every run must have the same status, output and messages, but for names, numbers and times
that differ from run to run, and but for the rows of DOCUMENT's table of differences, whose
first three columns are: the client (NAME, or "all"), what runc says, what mocker-runtime
says, with … for anything. Prints what differs and is not there.
"""
import json
import re
import sys

# What is another in each run, and what stands for it, in the order of the replacements.
VARIES = [
    (r"mocker-test\.\w{6}", "TMP"),
    (r"/\S*/(mocker-runtime|runc)\b(?!:)", "RUNTIME"),
    (r"\b(mocker-runtime|runc)(?=:)", "RUNTIME"),
    (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "UUID"),
    (r"\b[0-9a-f]{64}\b", "ID"),
    (r"\b[0-9a-f]{12}\b", "ID"),
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( ?[+-]\d{4} \w+|Z|[+-]\d\d:\d\d)?", "TIME"),
    (r"\b[A-Z][a-z]{2} [A-Z][a-z]{2} +\d+ \d\d:\d\d:\d\d \w+ \d{4}", "TIME"),
    (r"\b[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", "TIME"),
    (r'ETag: ".*"', "ETag"),
    (r"\b\d{19}\b", "TIME"),  # in nanoseconds
    (r"\[\d+\]", "[NUMBER]"),
    (r"\b(Up|Exited \(\d+\)) (\d+|Less than a|About a) \w+( ago)?", r"\1 TIME"),
    # A line of runc's log is its message, where a line of ours is one.
    (r'time="TIME" level=error msg="((?:[^"\\]|\\.)*)"',
     lambda match: match.group(1).replace('\\"', '"')),
    (r"\b10\.\d+\.\d+\.\d+\b", "ADDRESS"),
    (r"\d+(\.\d+)?(µs|ms|s)\b", "TIME"),
    (r"(working-container|buildah)-?\d+", r"\1-NUMBER"),
    (r"\^@|\r|\x1b\[\d*m", ""),  # a terminal's end of input and colours
    (r"ERRO\[.*resize pty.*", ""),  # ctr's, when the container has ended before it asks
    (r"error waiting for container: context canceled", ""),  # docker's, at times
    (r'\\"', '"'),  # text in JSON
    (r"[ \t]+", " "),
    (r" ?\n+", r"\n"),
]


def steady(text):
    for pattern, word in VARIES:
        text = re.sub(pattern, word, text)
    return text.strip()


def numberless(text):
    """For commands whose output is all figures: how many lines of which words."""
    return re.sub(r"\d[\d.:]*", "N", text)


FIGURES = re.compile(r"^(cri (Container|PodSandbox)Stats|ctr task (metrics|ps|ls)|"
                     r"\w+ (pod )?(top|stats)\b|\S+ state |.*; ps$)")
PROGRESS = re.compile(r"^(mocker-builder|ctr image pull|docker build) ")


def read(path):
    runs = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            run = {name: steady(value) for name, value in json.loads(line).items()}
            if PROGRESS.match(run["command"]):
                run["output"] = run["errors"] = ""
            if FIGURES.match(run["command"]):
                run["output"] = numberless(run["output"])
            if " rm " in run["command"]:  # which works on several at once
                run["output"] = "\n".join(sorted(run["output"].splitlines()))
            runs.append(run)
    return runs


def rows(document, name):
    """The table's rows for this client, as pairs of patterns."""
    found = []
    with open(document, encoding="utf-8") as file:
        for line in file:
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            if len(cells) == 4 and cells[0] in (name, "all"):
                found.append([pattern(cell) for cell in cells[1:3]])
    return found


def pattern(cell):
    text = cell.strip("`").replace("\\|", "|")
    return re.compile("[^\"\n]*".join(re.escape(part) for part in text.split("…")))


def known(theirs, ours, table):
    """Whether the two are the same where no row of the table says otherwise."""
    for runc, mocker in table:
        if runc.search(theirs) and mocker.search(ours):
            theirs, ours = runc.sub("ROW", theirs), mocker.sub("ROW", ours)
    return theirs == ours


def main(document, name, ours, theirs):
    table = rows(document, name)
    ours, theirs = read(ours), read(theirs)
    told = set()
    if [run["command"] for run in ours] != [run["command"] for run in theirs]:
        told.add("the two did not run the same commands")
    for mine, other in zip(ours, theirs):
        for part in ("status", "output", "errors"):
            if mine[part] == other[part] or known(other[part], mine[part], table):
                continue
            told.add(f"{mine['case']}: {mine['command']}: {part}:\n"
                     f"  runc:           {other[part]}\n  mocker-runtime: {mine[part]}")
    print("\n".join(sorted(told)))
    return 1 if told or not ours else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
