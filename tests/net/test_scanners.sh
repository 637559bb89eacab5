#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# sipvicious and nmap's SIP scripts learn nothing; rules ban them, but not an allowed neighbour and no peer; unban
# lifts it; dry-run only tells; the data plane may die.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

for program in svmap svwar svcrack nmap; do
    command -v $program >/dev/null || skip "$program is not installed"
done
target=10.10.0.10
# Some of them go on for long where nobody answers.
scan() # NAME PROGRAM ARGUMENTS...: in the background, for 5 s at most
{
    lab_start "$1" stranger env HOME="$LAB_DIR" timeout 5 "${@:2}"
}
learnt_nothing() # NAME: it is over
{
    lab_wait 60 "$1 ends" lab_ended "$1" || fail "$1 goes on"
    ! grep -Eiq 'reqauth|noauth|is open|SIP/2\.0 [1-6]|password for|5060/udp open +sip|\| *[0-9]+ ' "$LAB_DIR/$1.log" ||
        fail "$1 learnt: $(cat "$LAB_DIR/$1.log")"
}
rules() # ACTION
{
    test_set "bans: {malformed: $1, scanner: $1, in_dialog: $1, allow: [10.10.2.7/32]}"
}
bans()
{
    lab_ctl --json prefilter bans | python3 -c 'import json, sys
print(" ".join(sorted("%(address)s/%(reason)s/%(times)s/%(dry_run)s" % ban for ban in json.load(sys.stdin)["bans"])))'
}
are_banned() { [ "$(bans)" = "$1" ]; }
expect_bans() # BANS: now or soon
{
    lab_wait 60 "bans: $1" are_banned "$1" || fail "bans: $(bans), wanted $1"
}

test_begin
rules dry-run
test_up
interface=$(lab_in stranger ip -brief address | awk '/10.10.2.1\// { sub("@.*", "", $1); print $1 }')
lab_in stranger ip address add 10.10.2.7/32 dev "$interface"
scan dry svmap -p5060 $target
expect_bans '10.10.2.1/scanner/1/True'
expect_equal "bans in force" 0 "$(lab_metric dialgate_bans)"
expect_counted dialgate_bans_total 1 'rule="scanner"' 'action="dry-run"'
learnt_nothing dry
expect_equal "dropped as banned" 0 "$(lab_metric dialgate_prefilter_packets_total 'reason="banned"')"

rules on
expect "reload" lab_ctl config reload
expect "the dry run is forgotten" lab_ctl prefilter unban 10.10.2.1
# An allowed neighbour, and a peer that says the same of itself.
scan neighbour svmap -b 10.10.2.7 -p5060 $target
expect_counted dialgate_ban_signs_total 2 'rule="scanner"'
LAB_ID=$LAB_ID python3 - <<'PYTHON' || fail "a peer's OPTIONS is not answered"
from sip_peer import *

carrier = Peer("carrier", 5080)
request = carrier.request("OPTIONS", f"sip:{EDGE}", extra=["User-Agent: friendly-scanner"])
carrier.send(request)
assert carrier.receive(PATIENCE) is not None
passed()
PYTHON
expect_equal "bans of a neighbour and a peer" "" "$(bans)"

# What comes late of one that is not banned any more bans it again, as the next one does.
scan war svwar -e100-104 $target
expect_bans '10.10.2.1/scanner/1/False'
expect "unban" lab_ctl prefilter unban 10.10.2.1
scan crack svcrack -u100 -r1-9 $target
expect_bans '10.10.2.1/scanner/1/False'
expect "unban" lab_ctl prefilter unban 10.10.2.1
scan nmap nmap -sU -Pn -n -p 5060 --script sip-methods,sip-enum-users --max-retries 0 $target
expect_bans '10.10.2.1/scanner/1/False'
scan silence svmap -p5060 $target
expect_counted dialgate_bans_total 3 'rule="scanner"' 'action="ban"'
expect_counted dialgate_prefilter_packets_total 1 'reason="banned"'
expect_equal "bans in force" 1 "$(lab_metric dialgate_bans)"
for name in neighbour war crack nmap silence; do
    learnt_nothing $name
done
# The ban outlives the data plane.
lab_kill dataplane KILL
lab_wait 30 'the data plane is dead' lab_ended dataplane || fail "it lives"
lab_dataplane
lab_ready 60 || fail "not ready again"
expect_bans '10.10.2.1/scanner/1/False'
test_done
