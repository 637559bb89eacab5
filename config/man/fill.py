#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Fills a template of a man page (scdoc) with what dialgatectl says of itself: a line @COMMANDS@ becomes its commands, a line @KEYS@
the keys of the configuration.

Usage: fill.py DIALGATECTL TEMPLATE >PAGE
"""
import itertools
import json
import re
import subprocess
import sys


def said(*words):
    return subprocess.run([sys.argv[1], *words], check=True, capture_output=True, text=True).stdout


def plain(text):
    """Text in which scdoc finds no mark-up."""
    return re.sub(r'([\\_*<>#])', r'\\\1', text)


def commands():
    """Of --help: a command is a line indented by two, its options by four."""
    body = said('--help').split('\n\n')[2].splitlines()
    for line in body:
        words, meaning = re.fullmatch(r' +(.*?)  +(.*)', line).groups()
        if line.startswith('    '):
            yield f'\t*{plain(words)}*\n\t\t{plain(meaning)}\n'
        else:
            yield f'*{plain(words)}*\n\t{plain(meaning)}\n'


def keys():
    rows = json.loads(said('--json', 'config', 'reference'))['keys']
    for section, of_section in itertools.groupby(rows, key=lambda row: (row['key'].rpartition('.')[0], row['section'])):
        path, meaning = section
        yield f'# {plain(path).upper() or "TOP"}\n\n{plain(meaning)}\n' if meaning else f'# {plain(path).upper() or "TOP"}\n'
        for row in of_section:
            default = 'must be given' if row['default'] is None else f'default {plain(str(row["default"]) or "empty")}'
            unit = f' in {row["unit"]}' if row['unit'] else ''
            yield (f'*{plain(row["key"])}*\n\t{plain(row["help"])}. {plain(row["type"])}{plain(unit)}, '
                   f'{plain(row["range"])}; {default}. Takes effect on {plain(row["takes_effect"])}.\n')


def main():
    for line in open(sys.argv[2], encoding='utf-8'):
        if line == '@COMMANDS@\n':
            print('\n'.join(commands()))
        elif line == '@KEYS@\n':
            print('\n'.join(keys()))
        elif not line.startswith('; SPDX'):
            print(line, end='')


main()
