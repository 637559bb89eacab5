#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Each header compiles alone. Flags come from a source file of its folder, so that a header sees what its layer may see.
set -euo pipefail
ROOT=$1 BUILD=$2
python3 - "$ROOT" "$BUILD" <<'PYTHON'
import json, os, shlex, subprocess, sys
from concurrent.futures import ThreadPoolExecutor

root, build = sys.argv[1:]
commands = {}
for entry in json.load(open(os.path.join(build, "compile_commands.json"))):
    path = os.path.relpath(os.path.join(entry["directory"], entry["file"]), root)
    if path.endswith(".c"):
        commands.setdefault(os.path.dirname(path), []).append((entry["directory"], shlex.split(entry["command"])))

def flags(folder):
    # include/ and ebpf/ are plain data: they get their own directories and nothing else.
    if folder.startswith(("include", "ebpf")):
        return [(build, ["cc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-I" + os.path.join(root, "include"), "-I" + os.path.join(root, "ebpf")])]
    # Where no C file is compiled (a library of another language, a peer that is not installed) the whole tree's roots serve.
    while folder and folder not in commands:
        folder = os.path.dirname(folder)
    if not folder:
        return [(build, ["cc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-I" + os.path.join(root, "include"), "-I" + os.path.join(root, "dataplane/sip")])]
    # Each way in which the folder's files are compiled, that which may include most first: programs of a folder may see different parts.
    ways = {tuple(kept(command)): directory for directory, command in commands[folder]}
    return [(directory, list(way)) for way, directory in sorted(ways.items(), key=lambda item: -len(item[0]))]

def kept(command):
    keep, skip = [], False
    for word in command:
        if skip:
            skip = False
        elif word in ("-o", "-MF", "-MQ"):
            skip = True
        elif word in ("-c", "-MD") or word.endswith(".c"):
            pass
        else:
            keep.append(word)
    return keep

def check(header):
    fault = None
    for directory, command in flags(os.path.dirname(header)):
        # The guard's own file is the main file here: #pragma once and unused static inlines are no faults.
        result = subprocess.run(command + ["-fsyntax-only", "-Wno-unused-function", "-Wno-unused-macros", "-x", "c", "-include", os.path.join(root, header), "/dev/null"],
                                cwd=directory, capture_output=True, text=True)
        if result.returncode == 0:
            return None
        fault = fault or f"{header}:\n{result.stderr}"
    return fault

headers = subprocess.run(["git", "ls-files", "*.h"], cwd=root, capture_output=True, text=True).stdout.split()
headers = [h for h in headers if not h.endswith(".bpf.h") and os.path.exists(os.path.join(root, h))]
with ThreadPoolExecutor(2) as pool:
    faults = [fault for fault in pool.map(check, headers) if fault]
print("\n".join(faults) if faults else f"{len(headers)} headers")
sys.exit(bool(faults))
PYTHON
