# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Reloads under calls, every other one invalid: members come and go with calls alive on them, limits and routes change. No call
# fails, and what is refused changes nothing and says why. Needs lab.sh.

# A copy of the configuration in which SED_EXPRESSION changed something.
reload_variant() # FILE SED_EXPRESSION
{
    sed -E "$2" "$LAB_DIR/dialgate.yaml" >"$LAB_DIR/$1"
    ! cmp -s "$LAB_DIR/$1" "$LAB_DIR/dialgate.yaml" || fail "$2 changes nothing"
}

reload_variants()
{
    cp "$LAB_DIR/dialgate.yaml" "$LAB_DIR/valid0.yaml"
    reload_variant valid1.yaml 's/, \{address: 10.20.0.12\}//'
    reload_variant valid2.yaml 's/\{address: 10.20.0.11\}, //'
    reload_variant valid3.yaml 's/\{address: 10.20.0.12\}/{address: 10.20.0.12, weight: 7, priority: 2}/'
    reload_variant valid4.yaml 's/balance: call-id/balance: least-calls\n    limits: {out_concurrent_calls: 5000}/'
    reload_variant valid5.yaml 's/^routes:/timers: {c: 200s}\n&\n  - {from: carrier-a, uri_user: "0190", answer: 403}/'
    reload_variant nonsense.yaml 's/^workers/nonsense: 1\n&/'
    reload_variant nobody.yaml 's/to: sbcs/to: nobody/'
    reload_variant 10.20.0.999.yaml 's/10.20.0.12/10.20.0.999/'
    reload_variant workers.yaml 's/count: 2/count: 1/'
    reload_variant balance.yaml 's/balance: call-id/balance: fair/'
    head -c 700 "$LAB_DIR/dialgate.yaml" >"$LAB_DIR/cut.yaml"
}

# One connection for all: what is refused is one line that names the fault, and the dataplane's sequence stays.
reload_again_and_again() # RELOADS
{
    timeout $((60 + $1)) python3 - "$LAB_RUN/control.sock" "$LAB_DIR" "$1" <<'PYTHON'
import json, socket, sys, time

path, directory, reloads = sys.argv[1], sys.argv[2], int(sys.argv[3])
stream = socket.socket(socket.AF_UNIX)
stream.connect(path)
lines = stream.makefile("rw")

def call(method, **params):
    lines.write(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}) + "\n")
    lines.flush()
    return json.loads(lines.readline())

def sequence():
    return call("system.status")["result"]["dataplane"]["sequence"]

faults = ("nonsense", "nobody", "10.20.0.999", "workers", "balance", "cut")
before = sequence()
for i in range(reloads // 2):
    good = f"{directory}/valid{i % 6}.yaml"
    answer = call("config.reload", file=good)
    after = sequence()
    if "result" not in answer or after <= before:
        sys.exit(f"valid reload {i}: {answer}, sequence {before} then {after}")
    before = after
    fault = faults[i % len(faults)]
    answer = call("config.reload", file=f"{directory}/{fault}.yaml")
    text = answer.get("error", {}).get("message", "")
    if fault not in text or "\n" in text or sequence() != before:
        sys.exit(f"invalid reload {i}, {fault}: {answer}, sequence {before} then {sequence()}")
    if call("config.show")["result"]["file"] != good:
        sys.exit(f"invalid reload {i} changed the file in force")
    time.sleep(0.2)  # ten calls begin and ten end between two of them
PYTHON
}

reload_storm() # RELOADS: half of them invalid
{
    local reloads=$1
    test_begin
    # Members that are taken out stay sources of their peer, so that their calls end well.
    test_replace 's/^( *)members: \[\{address: 10.20.0.11/\1sources: [10.20.0.0\/24]\n&/'
    reload_variants
    test_up
    test_callees uas
    sipp_caller caller uac -r 50 -d 1000 -l 15000
    lab_wait 30 'calls are up' counted dialgate_dialogs 30 'state="confirmed"' || fail "no calls"
    reload_again_and_again "$reloads" || fail "see above"
    test_calls_stop
    expect_above "calls that succeeded" $((reloads * 2)) "$CALLS"
    test_callees_saw "$CALLS"
    test_no_dialogs
    test_outcomes
    test_done
    echo "$reloads reloads, $CALLS calls"
}
