#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Python files compile and import nothing but the standard library.
set -euo pipefail
cd "$1"
git ls-files -z '*.py' | xargs -0 -r python3 -c '
import ast, os, sys
bad = 0
for path in sys.argv[1:]:
    here = {os.path.splitext(name)[0] for name in os.listdir(os.path.dirname(path) or ".")}
    for node in ast.walk(ast.parse(open(path).read(), path)):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module] if isinstance(node, ast.ImportFrom) else []
        for name in names:
            top = name.split(".")[0]
            if top not in sys.stdlib_module_names and top not in here:
                print(f"{path}:{node.lineno}: {top} is not in the standard library")
                bad = 1
sys.exit(bad)'
