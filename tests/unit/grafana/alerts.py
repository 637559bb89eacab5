#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What each alert rule must fire on, and must not: series for promtool test rules.

Usage: alerts.py ALERTS_YML WORK_DIRECTORY
"""
import json
import pathlib
import re
import subprocess
import sys

I = 'instance="a"'
# alert, minute at which it is looked at, series that make it fire, series that must not.
# A series is {name{labels}: values} in promtool's notation, a sample a minute.
RULES = [
    ('DialgateDataplaneDown', 5, {f'dialgate_dataplane_up{{{I}}}': '0x10'}, {f'dialgate_dataplane_up{{{I}}}': '1x10'}),
    ('DialgateNotReady', 5,
     {f'dialgate_ready{{{I}}}': '0x10', f'dialgate_dataplane_up{{{I}}}': '1x10', f'dialgate_draining{{{I}}}': '0x10'},
     {f'dialgate_ready{{{I}}}': '0x10', f'dialgate_dataplane_up{{{I}}}': '1x10', f'dialgate_draining{{{I}}}': '1x10'}),
    ('DialgateRestarted', 5, {f'dialgate_dataplane_start_time_seconds{{{I}}}': '100 100 900x8'},
     {f'dialgate_dataplane_start_time_seconds{{{I}}}': '100x10'}),
    ('DialgatePrefilterMissing', 5, {f'dialgate_network_prefilter_missing{{{I},network="outside"}}': '1x10'},
     {f'dialgate_network_prefilter_missing{{{I},network="outside"}}': '0x10'}),
    ('DialgateReloadRefused', 8, {f'dialgate_configuration_last_reload_successful{{{I}}}': '0x10'},
     {f'dialgate_configuration_last_reload_successful{{{I}}}': '1x10'}),
    ('DialgateMemberDown', 5,
     {f'dialgate_member_up{{{I},peer="p",member="m"}}': '0x10', f'dialgate_member_drained{{{I},peer="p",member="m"}}': '0x10'},
     {f'dialgate_member_up{{{I},peer="p",member="m"}}': '0x10', f'dialgate_member_drained{{{I},peer="p",member="m"}}': '1x10'}),
    ('DialgatePeerDown', 5,
     {f'dialgate_member_up{{{I},peer="p",member="m"}}': '0x10', f'dialgate_member_up{{{I},peer="p",member="n"}}': '0x10'},
     {f'dialgate_member_up{{{I},peer="p",member="m"}}': '0x10', f'dialgate_member_up{{{I},peer="p",member="n"}}': '1x10'}),
    ('DialgateOverload', 5, {f'dialgate_overload_refused_percent{{{I},worker="0"}}': '30x10'},
     {f'dialgate_overload_refused_percent{{{I},worker="0"}}': '0x10'}),
    ('DialgateCallsNearLimit', 10,
     {f'dialgate_peer_calls{{{I},peer="p",direction="in"}}': '95x20', f'dialgate_peer_calls_limit{{{I},peer="p",direction="in"}}': '100x20'},
     {f'dialgate_peer_calls{{{I},peer="p",direction="in"}}': '50x20', f'dialgate_peer_calls_limit{{{I},peer="p",direction="in"}}': '100x20'}),
    ('DialgateCallsRefused', 15, {f'dialgate_peer_calls_refused_total{{{I},peer="p",direction="in"}}': '0+60x20'},
     {f'dialgate_peer_calls_refused_total{{{I},peer="p",direction="in"}}': '5x20'}),
    ('DialgateFewAnswered', 25,
     {f'dialgate_peer_calls_total{{{I},peer="p",direction="out"}}': '0+100x40',
      f'dialgate_peer_calls_answered_total{{{I},peer="p",direction="out"}}': '0+10x40'},
     {f'dialgate_peer_calls_total{{{I},peer="p",direction="out"}}': '0+100x40',
      f'dialgate_peer_calls_answered_total{{{I},peer="p",direction="out"}}': '0+60x40'}),
    ('DialgateTransfersFail', 50,
     {f'dialgate_refer_transfers_total{{{I},origin="proxied",kind="blind",outcome="succeeded"}}': '0+1x60',
      f'dialgate_refer_transfers_total{{{I},origin="proxied",kind="blind",outcome="expired"}}': '0+3x60'},
     {f'dialgate_refer_transfers_total{{{I},origin="proxied",kind="blind",outcome="succeeded"}}': '0+3x60',
      f'dialgate_refer_transfers_total{{{I},origin="proxied",kind="attended",outcome="failed"}}': '0+2x60',
      f'dialgate_refer_transfers_total{{{I},origin="proxied",kind="blind",outcome="challenged"}}': '0+9x60'}),
    ('DialgateLatePostDial', 15,
     {f'dialgate_post_dial_delay_seconds_bucket{{{I},le="8.192"}}': '0x20', f'dialgate_post_dial_delay_seconds_bucket{{{I},le="12.288"}}': '0+60x20',
      f'dialgate_post_dial_delay_seconds_bucket{{{I},le="+Inf"}}': '0+60x20'},
     {f'dialgate_post_dial_delay_seconds_bucket{{{I},le="2.048"}}': '0+60x20', f'dialgate_post_dial_delay_seconds_bucket{{{I},le="+Inf"}}': '0+60x20'}),
    ('DialgateSlowForwarding', 15,
     {f'dialgate_forwarding_latency_seconds_bucket{{{I},le="0.016384"}}': '0x20',
      f'dialgate_forwarding_latency_seconds_bucket{{{I},le="0.024576"}}': '0+60x20',
      f'dialgate_forwarding_latency_seconds_bucket{{{I},le="+Inf"}}': '0+60x20'},
     {f'dialgate_forwarding_latency_seconds_bucket{{{I},le="6.4e-05"}}': '0+60x20',
      f'dialgate_forwarding_latency_seconds_bucket{{{I},le="+Inf"}}': '0+60x20'}),
    ('DialgateResourceFull', 10,
     {f'dialgate_resource_used{{{I},worker="1",resource="dialogs"}}': '90x20', f'dialgate_resource_capacity{{{I},worker="1",resource="dialogs"}}': '100x20'},
     {f'dialgate_resource_used{{{I},worker="1",resource="dialogs"}}': '80x20', f'dialgate_resource_capacity{{{I},worker="1",resource="dialogs"}}': '100x20'}),
    ('DialgateMbufsLow', 5, {f'dialgate_mbufs_used{{{I}}}': '95x10', f'dialgate_mbufs_capacity{{{I}}}': '100x10'},
     {f'dialgate_mbufs_used{{{I}}}': '50x10', f'dialgate_mbufs_capacity{{{I}}}': '100x10'}),
    ('DialgateDropsForWant', 10, {f'dialgate_packets_total{{{I},worker="0",outcome="dropped",reason="no_mbuf"}}': '0+5x20'},
     {f'dialgate_packets_total{{{I},worker="0",outcome="dropped",reason="not_ours"}}': '0+5x20'}),
    ('DialgatePeerPacketsDropped', 10,
     {f'dialgate_prefilter_class_packets_total{{{I},peer="p",result="invite_rate"}}': '0+5x20'},
     {f'dialgate_prefilter_class_packets_total{{{I},peer="p",result="passed"}}': '0+500x20',
      f'dialgate_prefilter_class_packets_total{{{I},peer="p",result="dry_run"}}': '0+5x20',
      f'dialgate_prefilter_class_packets_total{{{I},peer="-",result="rate"}}': '0+500x20'}),
    ('DialgatePacketsMissed', 15, {f'dialgate_network_packets_missed_total{{{I},network="o"}}': '0+600x20'},
     {f'dialgate_network_packets_missed_total{{{I},network="o"}}': '7x20'}),
]


def firing(alerts, series, minute, directory):
    """The alerts that fire, as promtool tells them when it is asked for one that cannot be."""
    test = {'rule_files': [str(alerts)], 'evaluation_interval': '1m', 'tests': [{
        'interval': '1m',
        'input_series': [{'series': name, 'values': values} for name, values in series.items()],
        'alert_rule_test': [{'eval_time': f'{minute}m', 'alertname': name, 'exp_alerts': []} for name, *_ in RULES]}]}
    path = directory / 'test.yml'
    path.write_text(json.dumps(test))  # JSON is YAML
    result = subprocess.run(['promtool', 'test', 'rules', path], capture_output=True, text=True)
    if result.returncode == 0:
        return set()
    return set(re.findall(r'alertname: (\w+)', result.stdout + result.stderr))


def main():
    alerts, directory = (pathlib.Path(argument).resolve() for argument in sys.argv[1:])
    directory.mkdir(exist_ok=True)
    result = subprocess.run(['promtool', 'check', 'rules', alerts], capture_output=True, text=True)
    faults = [] if result.returncode == 0 else [result.stdout + result.stderr]
    declared = re.findall(r'- alert: (\w+)', alerts.read_text())
    if sorted(declared) != sorted(name for name, *_ in RULES):
        faults.append(f'rules without a test, or tests without a rule: {set(declared) ^ {name for name, *_ in RULES}}')
    for name, minute, wrong, well in RULES:
        if name not in firing(alerts, wrong, minute, directory):
            faults.append(f'{name} does not fire on {wrong}')
        if name in firing(alerts, well, minute, directory):
            faults.append(f'{name} fires on {well}')
    print(*faults, sep='\n')
    return 1 if faults else 0


if __name__ == '__main__':
    sys.exit(main())
