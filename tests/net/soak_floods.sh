#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# test_floods.sh with 20,000 calls under each kind of flood by itself, a million random sources and more among them, and under all
# of them together: 10,000 packets a second of each kind. Some 25 minutes; ATTACH=af_packet for the workers' filter, which has no
# budget for fragments.
kinds='sources single peer malformed'
[ "${ATTACH:-af_xdp}" != af_xdp ] || kinds+=' fragments'
export CALLS=${CALLS:-20000} CALL_RATE=${CALL_RATE:-100} WARM_CALLS=${WARM_CALLS:-6000} FLOOD_RATE=${FLOOD_RATE:-10000}
export KINDS=${KINDS:-$kinds ${kinds// /,}}
exec bash "$(dirname "$0")/test_floods.sh"
