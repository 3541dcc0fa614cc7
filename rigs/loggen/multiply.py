#!/usr/bin/env python3
"""Makes a large log out of captured Postfix logs.

  multiply.py OUT --mib N [--gap S] SOURCE[.gz]...

Each copy gets later times, new queue ids (the same id always becomes the same new one, so a chain of hosts stays whole),
new process ids and new Message-IDs. Sources are merged in time order; RFC 3164 and RFC 3339 stamps are understood. The
same arguments give the same bytes.
"""

import argparse
import datetime
import gzip
import hashlib
import re
import sys

SHORT_ID = "0123456789ABCDEF"
LONG_ID = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz"
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
PIDS = 4_000_000
LATER_PID = 17

# A queue id where it stands as one: behind a blank or "as ", before punctuation. Long ids hold a "z" after ten characters.
QUEUE_ID = r"(?<![\w.@-])(?:[0-9A-F]{10,12}|[%(c)s]{10}z[%(c)s]{4,5})(?=[:,)\]>\s]|$)" % {"c": LONG_ID}
PIECES = re.compile(rf"(?P<id>{QUEUE_ID})|(?P<mark>(?i:\bgt\d\d-\d{{4}}\.[0-9a-f]+))|\[(?P<pid>\d{{3,7}})\](?=:)")
STAMP_3339 = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?)([+-]\d\d:\d\d|Z)")


def stamped(line, year):
    """(time, kind of stamp, rest of the line), or nothing for a line without a stamp."""
    try:
        return datetime.datetime.strptime(f"{year} {line[:15]}", "%Y %b %d %H:%M:%S"), "3164", line[15:]
    except ValueError:
        found = STAMP_3339.match(line)
        return found and (datetime.datetime.fromisoformat(found.group(1)), "3339", found.group(2) + line[found.end():])


def format_stamp(time, kind):
    if kind == "3164":
        return f"{MONTHS[time.month - 1]} {time.day:2d} {time:%H:%M:%S}"
    return time.isoformat(timespec="microseconds")


def load(paths, year):
    rows = []
    for path in paths:
        opened = gzip.open(path, "rt", errors="replace") if path.endswith(".gz") else open(path, errors="replace")
        with opened as lines:
            rows.extend(filter(None, (stamped(line, year) for line in lines)))
    return sorted(rows, key=lambda row: row[0])


def split(text):
    """The text as (kind, piece) pairs, so that a copy only replaces pieces."""
    pieces, end = [], 0
    for found in PIECES.finditer(text):
        kind = found.lastgroup
        if kind == "id" and not any(letter.isdigit() for letter in found.group("id")):
            continue
        pieces += [("text", text[end:found.start(kind)]), (kind, found.group(kind))]
        end = found.end(kind)
    return [*pieces, ("text", text[end:])]


def new_queue_id(queue_id, copy):
    number = int.from_bytes(hashlib.blake2b(f"{queue_id}|{copy}".encode(), digest_size=16).digest(), "big")
    alphabet = SHORT_ID if set(queue_id) <= set(SHORT_ID) else LONG_ID
    letters = []
    for letter in queue_id:
        number, index = divmod(number, len(alphabet))
        letters.append("z" if letter == "z" else alphabet[index])
    return "".join(letters)


class Copy:
    def __init__(self, number, later):
        self.number, self.later, self.ids = number, later, {}

    def line(self, time, kind, pieces):
        return format_stamp(time + self.later, kind) + "".join(self.piece(kind, piece) for kind, piece in pieces)

    def piece(self, kind, piece):
        match kind:
            case "id":
                if piece not in self.ids:
                    self.ids[piece] = new_queue_id(piece, self.number)
                return self.ids[piece]
            case "mark":
                return f"{piece}{self.number:06x}"
            case "pid":
                return str((int(piece) + self.number * LATER_PID) % PIDS + 1)
            case _:
                return piece


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out")
    parser.add_argument("sources", nargs="+")
    parser.add_argument("--mib", type=float, default=500)
    parser.add_argument("--gap", type=float, default=20, help="seconds between two copies")
    parser.add_argument("--year", type=int, default=2026, help="of stamps that name none")
    options = parser.parse_args()
    rows = load(options.sources, options.year)
    if not rows:
        sys.exit("multiply: no line with a time stamp in the sources")
    period = rows[-1][0] - rows[0][0] + datetime.timedelta(seconds=options.gap)
    rows = [(time, kind, split(text)) for time, kind, text in rows]
    written = copies = 0
    with open(options.out, "w", encoding="utf-8") as out:
        while written < options.mib * 1048576:
            copy = Copy(copies, copies * period)
            block = "".join(copy.line(*row) for row in rows)
            out.write(block)
            written, copies = written + len(block.encode()), copies + 1
    print(f"{copies * len(rows)} lines, {written / 1048576:.1f} MiB, {copies} copies, {copies * period} long", file=sys.stderr)


if __name__ == "__main__":
    main()
