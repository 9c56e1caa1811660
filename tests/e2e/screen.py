#!/usr/bin/env python3
"""What a terminal shows of the bytes on standard input, with all that scrolled away.

Knows what a line-oriented program uses: line feed, carriage return, cursor up, erase to the
end, and the end of a line, behind which it wraps. Everything else that begins with ESC [
changes no character.

    screen.py COLUMNS
"""
import re
import sys

columns = int(sys.argv[1])
text = sys.stdin.buffer.read().decode("utf-8", "replace")
lines = [[]]
row = column = 0


def cell(at_row):
    while len(lines) <= at_row:
        lines.append([])
    return lines[at_row]


for token in re.findall(r"\x1b\[[0-9;?]*[@-~]|\x1b.|.|\n", text, re.S):
    if token == "\n":
        row += 1
        cell(row)
    elif token == "\r":
        column = 0
    elif re.fullmatch(r"\x1b\[\d*A", token):
        row = max(0, row - int(token[2:-1] or 1))
    elif token in ("\x1b[J", "\x1b[0J"):
        del lines[row + 1:]
        del cell(row)[column:]
    elif not token.startswith("\x1b"):
        if column == columns:
            row, column = row + 1, 0
        line = cell(row)
        line.extend(" " * (column - len(line)))
        line[column:column + 1] = [token]
        column += 1

print("\n".join("".join(line).rstrip() for line in lines))
