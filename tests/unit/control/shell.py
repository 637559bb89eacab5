#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""dialgatectl as a shell on a terminal, without a daemon: what operators type, and what must be on the screen then.

Usage: shell.py DIALGATECTL
"""
import os
import pty
import select
import stat
import sys
import tempfile
import time

PROMPT = b'dialgate> '
# Name, what is typed, what the terminal shows after it.
ROWS = [
    ('a prompt', b'', PROMPT),
    ('help on nouns', b'?', b'list, show, drain, enable, disable'),
    ('help on a verb', b'peer d?', b'as drain, and no probes'),
    ('help on what is no word of ours', b'\x15config diff ?', b'instead of the file in force'),
    ('help on options', b'\x15dialog list ?', b'at least this old'),
    ('help on an option\'s value', b'\x15dialog list --limit ?', b'VALUE'),
    ('completion of a verb', b'\x15prefilter u\t', b'nban '),
    ('Ctrl-C gives the line up', b'\x03', b'^C\r\n' + PROMPT),
    ('a command', b'per list\n', b'did you mean peer?'),
    ('a prompt after it', b'', PROMPT),
    ('history', b'\x10', b'per list'),
    ('Ctrl-C at a line of before', b'\x03', PROMPT),
    ('a command that waits', b'sip check -\n', b'sip check -\r\n'),
    ('Ctrl-C ends it and not the shell', b'\x03', PROMPT),
    ('no daemon', b'status\n', b'is it running?'),
    ('a prompt after that', b'', PROMPT),
]
# Of the next shell of the same user.
LATER = [('a prompt', b'', PROMPT), ('history of the one before', b'\x10\x10', b'status')]


def wait(terminal, typed, wanted, shown):
    deadline = time.monotonic() + 30
    while wanted not in shown and time.monotonic() < deadline:
        if select.select([terminal], [], [], 1)[0]:
            shown += os.read(terminal, 65536)
        elif typed == b'\x03':
            os.write(terminal, typed)  # as one does when it came while nobody was waiting for a key
    return shown if wanted in shown else None


def shell(rows, home):
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(TERM='xterm', NO_COLOR='1', PAGER='cat', HOME=home)
        os.execv(sys.argv[1], [sys.argv[1], '--socket', '/nonexistent/x'])
    shown = b''
    for name, typed, wanted in rows:
        print(name)
        if typed:
            shown = b''
            os.write(terminal, typed)
        found = wait(terminal, typed, wanted, shown)
        if found is None:
            os.kill(pid, 9)
            sys.exit(f'{name}: {wanted} does not come')
        shown = found[found.index(wanted) + len(wanted):]
    os.write(terminal, b'\x15exit\n')
    # Until the terminal is closed, or what is left to print would hold the shell up.
    try:
        while os.read(terminal, 65536):
            pass
    except OSError:
        pass
    os.close(terminal)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if status != 0:
        sys.exit(status)


def main():
    with tempfile.TemporaryDirectory() as home:
        shell(ROWS, home)
        mode = os.stat(home + '/.dialgatectl_history').st_mode
        if stat.S_IMODE(mode) != 0o600:
            sys.exit(f'others may read the history: {mode:o}')
        shell(LATER, home)
    shell(LATER[:1], '/nonexistent')


main()
