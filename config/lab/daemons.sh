# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Dialgate's programs in the lab's core namespace, and what they say of themselves. Needs lab.sh; LAB_BUILD is the build folder.

lab_program() # NAME: its path in the build folder
{
    local path
    for path in "$LAB_BUILD/dataplane/$1" "$LAB_BUILD/control/$1" "$LAB_BUILD/control/ctl/$1"; do
        if [ -x "$path" ]; then
            echo "$path"
            return 0
        fi
    done
    lab_say "$LAB_BUILD has no $1; build it first"
    return 1
}

lab_control() # starts dialgate-control with LAB_DIR/dialgate.yaml
{
    lab_start control core "$(lab_program dialgate-control)" -c "$LAB_DIR/dialgate.yaml" \
        --run-directory "$LAB_RUN" --state-directory "$LAB_STATE"
}

lab_dataplane()
{
    lab_start dataplane core "$(lab_program dialgate-dataplane)" --run-directory "$LAB_RUN" --state-directory "$LAB_STATE" \
        --prefilter "$LAB_BUILD/ebpf/prefilter.bpf.o"
}

lab_http() # PATH
{
    lab_in core curl -fsS --max-time 15 "http://127.0.0.1:9464$1"
}

lab_metrics()
{
    lab_http /metrics
}

lab_ctl()
{
    "$(lab_program dialgatectl)" --run-directory "$LAB_RUN" "$@"
}

# Ready means that packets are taken. Fails at once, with its last line, when a program ends meanwhile.
lab_ready() # SECONDS
{
    local deadline=$((SECONDS + $1)) name
    until lab_http /readyz >/dev/null 2>&1; do
        for name in control dataplane; do
            if lab_ended $name; then
                lab_say "dialgate-$name ended: $(tail -n 1 "$LAB_DIR/$name.log")"
                return 1
            fi
        done
        if [ "$SECONDS" -ge "$deadline" ]; then
            lab_say "not ready after $1 s: $(lab_http /readyz 2>&1 | tail -n 1)"
            return 1
        fi
        sleep 0.1
    done
}

# The sum of all samples of a metric that have these labels.
lab_metric() # NAME [LABEL="VALUE"...]
{
    local name=$1
    shift
    lab_metrics | lab_metric_sum "$name" "$@"
}

lab_metric_sum() # NAME [LABEL="VALUE"...] <METRICS
{
    awk -v name="$1" -v labels="${*:2}" '
        BEGIN { count = split(labels, wanted, " ") }
        $1 == name || index($1, name "{") == 1 {
            for (i = 1; i <= count; i++)
                if (!index($1, wanted[i]))
                    next
            sum += $NF
        }
        END { printf "%.0f\n", sum }'
}

lab_dialogs() # now, in every state
{
    lab_metric dialgate_dialogs
}

lab_no_dialogs()
{
    [ "$(lab_dialogs)" = 0 ]
}
