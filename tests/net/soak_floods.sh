#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# test_floods.sh with 20,000 calls under each kind of flood by itself, a million random sources and more among them, and under all
# of them together: 10,000 packets a second of each kind. Some 25 minutes; ATTACH=af_packet for the workers' filter.
export CALLS=${CALLS:-20000} CALL_RATE=${CALL_RATE:-100} WARM_CALLS=${WARM_CALLS:-6000} FLOOD_RATE=${FLOOD_RATE:-10000}
export KINDS=${KINDS:-sources single peer malformed fragments sources,single,peer,malformed,fragments}
exec bash "$(dirname "$0")/test_floods.sh"
