#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Damages files as broken memory would.

usage: damage.py flip|head|cut SEED COUNT FILE...

flip: COUNT bits in places that hold something, behind the first page. head: a bit of the first 64 octets of one file.
cut: the end of one file, COUNT per cent of it.
"""

import mmap
import os
import random
import sys

PAGE, BLOCK = 4096, 64
NOTHING = bytes(BLOCK)


def flip_bit(path, offset, chance):
    with open(path, "r+b") as file:
        file.seek(offset)
        octet = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([octet ^ 1 << chance.randrange(8)]))


def blocks_in_use(path):
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as octets:
        return [(path, at) for at in range(PAGE, len(octets), BLOCK) if octets[at : at + BLOCK] != NOTHING]


def main():
    how, chance, count, files = sys.argv[1], random.Random(int(sys.argv[2])), int(sys.argv[3]), sys.argv[4:]
    if how == "flip":
        places = [place for path in files for place in blocks_in_use(path)]
        for path, at in chance.choices(places, k=count):
            flip_bit(path, at + chance.randrange(BLOCK), chance)
    elif how == "head":
        flip_bit(chance.choice(files), chance.randrange(64), chance)
    else:
        path = chance.choice(files)
        os.truncate(path, os.path.getsize(path) * (100 - count) // 100)


if __name__ == "__main__":
    main()
