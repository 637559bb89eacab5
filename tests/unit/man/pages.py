#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A man page names what its program says of itself, and nothing else: options, commands, keys of the configuration.

Usage: pages.py PAGE PROGRAM WORDS...   (PAGE before scdoc; the program with these words says what there is)
"""
import re
import subprocess
import sys

OPTION = re.compile(r'(?<![\w-])--?[a-z][a-z-]*')
COMMAND = re.compile(r'^  ([a-z]+(?: [a-z]+)?)(?: \[?[A-Z.]+\]?)*  +\S')
KEY = re.compile(r'^  ([a-z_]\S*)  ')


def differ(what, said, written):
    for name in sorted(said - written):
        print(f'{sys.argv[1]} lacks {what} {name}')
    for name in sorted(written - said):
        print(f'{sys.argv[1]} has {what} {name}, which there is not')
    return said != written


def main():
    page = open(sys.argv[1], encoding='utf-8').read().replace('\\', '')
    said = subprocess.run(sys.argv[2:], check=True, capture_output=True, text=True).stdout
    headings = set(re.findall(r'^\*([^*]+)\*(?!\()', page, re.MULTILINE))
    if sys.argv[-1] == 'reference':
        keys = {match[1] for match in map(KEY.match, said.splitlines()) if match}
        if len(keys) < 50:
            sys.exit(f'only {len(keys)} keys are said')
        sys.exit(differ('key', keys, headings))
    # -nv is two options in one word.
    options = set(OPTION.findall(said)) - {'-nv'}
    if len(options) < 5:
        sys.exit(f'only {options} are said')
    # Named in passing is not explained: each has a paragraph that begins with it.
    explained = {option for line in re.findall(r'^\t?\*(-.*)', page, re.MULTILINE) for option in OPTION.findall(line)}
    bad = differ('option', options, explained - {'-nv'})
    if page.find('# COMMANDS') >= 0:
        commands = {match[1] for match in map(COMMAND.match, said.splitlines()) if match}
        if len(commands) < 20:
            sys.exit(f'only {commands} are said')
        written = {re.match(r'[a-z]+(?: [a-z]+)?', name)[0] for name in headings if name[0] != '-' and name != 'dialgatectl'}
        bad = differ('command', commands, written) or bad
    sys.exit(bad)


main()
