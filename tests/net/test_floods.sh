#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Floods at many times the limits (random sources, one source, another peer's forged address, malformed SIP, fragments that never
# become whole) cost the calls of a peer nothing and the process no memory. CALLS is for soak_floods.sh.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

calls=${CALLS:-200}
rate=${CALL_RATE:-50}
memory() { awk '/VmRSS/ { print $2 }' "/proc/${LAB_PIDS[dataplane]}/status"; }
busy() { lab_metric dialgate_turns_total 'work="yes"'; }

test_begin
test_replace 's/^routes:/  - {name: carrier-b, listener: edge, sources: [10.77.0.0\/24], members: [{address: 10.77.0.1}]}\nroutes:/'
test_set 'prefilter: {peer: {rate: 1000, burst: 2000}, peer_invite: {rate: 200, burst: 400}}'
test_up
test_callees uas
test_caller uac 20 50 -d 300 # pools and caches are filled
before=$(memory)
lab_start floods stranger python3 "$NET/floods.py" --source 10.10.2.1 --peer 10.77.0.9 --target 10.10.0.10 --rate 2000 \
    --seconds $((calls / rate + 2)) sources single peer malformed fragments
test_caller uac "$calls" "$rate" -d 300
test_callees_saw $((calls + 20))
lab_wait $((calls / rate + 120)) 'the floods end' lab_ended floods || fail "floods.py does not end"
echo "floods: $(cat "$LAB_DIR/floods.log"); resident kB before $before, after $(memory); turns with work: $(busy)"
dropped() { lab_metric dialgate_prefilter_packets_total 'network="outside"' "reason=\"$1\""; }
for reason in strangers_rate stranger_invite_rate peer_invite_rate not_sip; do
    expect_above "drops by $reason" 500 "$(dropped $reason)"
done
expect_above "fragments dropped by their rates" 500 $(($(dropped peer_fragment_rate) + $(dropped strangers_fragment_rate)))
expect_equal "what of carrier-a was dropped" 0 "$(lab_metric dialgate_prefilter_class_packets_total 'peer="carrier-a"' 'result="rate"')"
expect_above "INVITEs of carrier-b's forged address that were dropped" 500 \
    "$(lab_metric dialgate_prefilter_class_packets_total 'peer="carrier-b"' 'result="invite_rate"')"
# Buffers and tables have their size from the start: what is touched for the first time is little.
expect_above "room for growth, kB" "$(memory)" $((before + 16384))
test_no_dialogs
test_done
