#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The XDP program cannot be had: by default the start is refused in a line that says why; with prefilter.unavailable: software
# calls go through af_packet and the software filter, which the log, status, prefilter show and a metric tell.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_begin
lab_up
printf '__attribute__((section("xdp"))) int pass(void *context) { return 2; }\n' |
    clang -target bpf -O2 -g -x c -c - -o "$LAB_DIR/pass.o"
# With the map that the driver wants, and an access that the verifier does not let through.
clang -target bpf -O2 -g "-I/usr/include/$(gcc -print-multiarch)" -x c -c - -o "$LAB_DIR/refused.o" <<'C'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct {
    __uint(type, BPF_MAP_TYPE_XSKMAP);
    __uint(max_entries, 64);
    __type(key, __u32);
    __type(value, __u32);
} xsks_map SEC(".maps");
SEC("xdp") int reads_too_far(struct xdp_md *context)
{
    return *((unsigned char *)(long)context->data + 100);
}
C
head -c 2000 "$LAB_BUILD/ebpf/prefilter.bpf.o" >"$LAB_DIR/damaged.o"

no_program_on() # INTERFACE
{
    ! lab_in core ip link show "$1" | grep -q xdp
}

plane() # ELF, COMMAND before it...
{
    local elf=$1
    shift
    PLANE=("$@" "$(lab_program dialgate-dataplane)" --run-directory "$LAB_RUN" --state-directory "$LAB_STATE" --prefilter "$elf")
}

foreign()
{
    lab_in core ip link set dev outside0 xdp obj "$LAB_DIR/pass.o" sec xdp
}

foreign_id()
{
    lab_in core ip -j link show outside0 | grep -o '"id":[0-9]*' | head -n 1
}

ELF=$LAB_BUILD/ebpf/prefilter.bpf.o
NO_BPF=(setpriv '--bounding-set=-bpf,-sys_admin')

# Refused, whatever it is, and nothing stays.
lab_control
refused() # PATTERN ELF COMMAND...
{
    local pattern=$1
    shift
    plane "$@"
    expect_refusal 1 "$pattern" lab_in core "${PLANE[@]}"
    expect "no program is left" no_program_on inside0
    expect "nor a record" test ! -e "$LAB_RUN/xdp-outside0" -a ! -e "$LAB_RUN/xdp-inside0"
}
refused 'interface outside0: .*damaged.o: it is no BPF object' "$LAB_DIR/damaged.o"
refused 'interface outside0: .*pass.o: it has no XDP program of Dialgate' "$LAB_DIR/pass.o"
refused 'interface outside0: the kernel refuses the XDP program: Permission denied: .*outside of the packet' "$LAB_DIR/refused.o"
refused 'nowhere.o: No such file.*--prefilter' "$LAB_DIR/nowhere.o"
refused 'missing CAP_BPF' "$ELF" "${NO_BPF[@]}"
lab_stop control

# The same, and it serves.
echo 'prefilter: {unavailable: software, stranger: {rate: 5, burst: 5}}' >>"$LAB_DIR/dialgate.yaml"
lab_control
test_callees uas
serves_without() # PATTERN OUTSIDE INSIDE ELF COMMAND...: which networks are without (1)
{
    local pattern=$1 outside=$2 inside=$3
    shift 3
    plane "$@"
    lab_start dataplane core "${PLANE[@]}"
    lab_ready 60 || fail "the data plane does not start"
    expect "a warning at the start" grep -qE "level=warning event=prefilter_missing network=outside interface=outside0 .*$pattern" "$LAB_DIR/dataplane.log"
    lab_ctl status >"$LAB_DIR/status.out"
    expect "status says it" grep -qE "^  but +no prefilter at outside: .*$pattern" "$LAB_DIR/status.out"
    expect_equal "what status says of inside" "$inside" "$(grep -cE "^  but +no prefilter at inside: .*inside0.*$pattern" "$LAB_DIR/status.out")"
    lab_ctl prefilter show >"$LAB_DIR/show.out"
    expect "prefilter show says it" grep -q '^outside: software: the XDP program is MISSING' "$LAB_DIR/show.out"
    expect_equal "what inside runs" "$([ "$inside" = 1 ] && echo software || echo xdp)" "$(sed -n 's/^inside: \([a-z]*\).*/\1/p' "$LAB_DIR/show.out")"
    expect_counted dialgate_network_prefilter_missing "$outside" 'network="outside"'
    expect_equal "inside's metric" "$inside" "$(lab_metric dialgate_network_prefilter_missing 'network="inside"')"
    lab_start flood stranger python3 "$ROOT/config/lab/flood.py" --source 10.10.2.1 --target 10.10.0.10 --rate 500 --seconds 2
    test_caller uac 40 40 -d 300
    lab_wait 60 'the flood ends' lab_ended flood || fail "flood.py does not end"
    expect "no answer to the flood" grep -q 'answered=0' "$LAB_DIR/flood.log"
    expect_counted dialgate_prefilter_packets_total 500 'network="outside"' 'reason="stranger_invite_rate"'
    test_no_dialogs
    lab_kill dataplane TERM
    lab_wait 30 'the data plane is gone' lab_ended dataplane || fail "it lives after TERM"
    rm -f "$LAB_DIR/dataplane.log"
}
serves_without 'damaged.o: it is no BPF object' 1 1 "$LAB_DIR/damaged.o"
serves_without 'Operation not permitted.*CAP_BPF' 1 1 "$ELF" "${NO_BPF[@]}"
foreign
id=$(foreign_id)
[ -n "$id" ] || fail "the foreign program was not attached"
serves_without "already has an XDP program .*not Dialgate's" 1 0 "$ELF"
expect_equal "the foreign program" "$id" "$(foreign_id)"
expect "ours was taken away" no_program_on inside0

# With nothing in the way it is as configured, and says nothing.
lab_in core ip link set dev outside0 xdp off
lab_dataplane
lab_ready 60 || fail "the data plane does not start"
expect "no warning" bash -c "! grep -q prefilter_missing '$LAB_DIR/dataplane.log'"
lab_ctl status >"$LAB_DIR/status.out"
expect "nor in status" bash -c "! grep -q '^  but' '$LAB_DIR/status.out'"
expect_counted dialgate_network_prefilter_missing 0 'network="outside"'
expect_equal "what outside runs" 'outside: xdp' "$(lab_ctl prefilter show | grep '^outside:')"
test_caller uac 20 40 -d 300
test_no_dialogs
test_done
