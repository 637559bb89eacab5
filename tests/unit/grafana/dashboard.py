#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Every query of the dashboard and of the alert rules is PromQL, and asks for metrics and labels that there are.

Usage: dashboard.py DASHBOARD_JSON ALERTS_YML METRICS_MD WORK_DIRECTORY
"""
import json
import pathlib
import re
import subprocess
import sys


def queries(node):
    """All values of "expr" and the metric of label_values()."""
    if isinstance(node, list):
        for one in node:
            yield from queries(one)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == 'expr':
                yield value
            elif key == 'query' and isinstance(value, str) and value.startswith('label_values('):
                yield value[len('label_values('):].split(',')[0]
            else:
                yield from queries(value)


def reference(path):
    """Metric name -> its labels; histograms by the names of their series."""
    metrics = {}
    for name, kind, labels in re.findall(r'^\| `(dialgate_\w+)` \| (\w+) \| ([^|]*) \|', path.read_text(), re.M):
        known = {label.strip() for label in labels.split(',')} | {'instance', 'job'}
        for suffix in ('_bucket', '_sum', '_count') if kind == 'histogram' else ('',):
            metrics[name + suffix] = known
    return metrics


def faults_of(query, metrics):
    for name, selector in re.findall(r'\b(dialgate_\w+)(\{[^}]*\})?', query):
        if name not in metrics:
            yield f'{name} is no metric, in: {query}'
        for label in re.findall(r'(\w+)\s*(?:=~|!~|!=|=)\s*"', selector):
            if label not in metrics.get(name, {label}):
                yield f'{name} has no label {label}, in: {query}'
    used = set().union(*[metrics.get(name, set()) for name in re.findall(r'\bdialgate_\w+', query)])
    for labels in re.findall(r'\b(?:by|on)\s*\(([^)]*)\)', query):
        for label in labels.replace(' ', '').split(','):
            if label not in used:
                yield f'nothing has a label {label}, in: {query}'


def main():
    dashboard, alerts, table, directory = (pathlib.Path(argument) for argument in sys.argv[1:])
    directory.mkdir(exist_ok=True)
    metrics = reference(table)
    asked = [query.replace('$__rate_interval', '5m').replace('$peer', '.*') for query in queries(json.loads(dashboard.read_text()))]
    # A block that is folded goes on in deeper lines.
    rules = [re.sub(r'\s+', ' ', rule) for rule in re.findall(r'expr: (?:>-)?((?:.|\n)*?)\n        (?:for|labels)', alerts.read_text())]
    faults = [fault for query in asked + rules for fault in faults_of(query, metrics)]
    if len(metrics) < 50 or len(asked) < 30 or len(rules) < 10:
        faults.append(f'only {len(metrics)} metrics, {len(asked)} queries and {len(rules)} rules found: this test sees nothing')
    # JSON is YAML. promtool parses what is recorded.
    path = directory / 'queries.yml'
    path.write_text(json.dumps({'groups': [{'name': 'queries', 'rules': [
        {'record': f'query:q{i}', 'expr': query} for i, query in enumerate(asked)]}]}))
    result = subprocess.run(['promtool', 'check', 'rules', path], capture_output=True, text=True)
    if result.returncode != 0:
        faults.append(result.stdout + result.stderr)
    print(*faults, sep='\n')
    return 1 if faults else 0


if __name__ == '__main__':
    sys.exit(main())
