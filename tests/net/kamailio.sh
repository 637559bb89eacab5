# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Kamailio with kamailio.cfg on port 5060 of a namespace of the lab. Sourced after lab.sh.

kamailio_start() # NAMESPACE [DEFINITIONS...]
{
    local space=$1 definition options=()
    shift
    for definition; do
        options+=(-A "$definition")
    done
    mkdir -p "$LAB_DIR/kamailio-$space"
    lab_start "kamailio-$space" "$space" kamailio -f "$NET/kamailio.cfg" -DD -E -Y "$LAB_DIR/kamailio-$space" -w "$LAB_DIR" -m 32 -M 4 \
        -A "LISTEN=udp:$(sipp_address "$space"):5060" "${options[@]}"
    lab_wait 30 "kamailio in $space listens" sipp_listening "$space" 5060 || fail "$(tail -n 5 "$LAB_DIR/kamailio-$space.log")"
}
