#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Python files compile and import nothing but the standard library and each other.
set -euo pipefail
cd "$1"
git ls-files -z '*.py' | xargs -0 -r python3 -c '
import ast, os, sys
bad = 0
ours = {os.path.splitext(os.path.basename(path))[0] for path in sys.argv[1:]}
for path in sys.argv[1:]:
    for node in ast.walk(ast.parse(open(path).read(), path)):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module] if isinstance(node, ast.ImportFrom) else []
        for name in names:
            top = name.split(".")[0]
            if top not in sys.stdlib_module_names and top not in ours:
                print(f"{path}:{node.lineno}: {top} is not in the standard library")
                bad = 1
sys.exit(bad)'
