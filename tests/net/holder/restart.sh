# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2153,SC2154 # LAB_* are of config/lab/lab.sh
# Deaths of the data plane under held calls. Sourced after holder.sh.

restart_now() # milliseconds of the clock that call-holder's history has
{
    local up
    read -r up _ </proc/uptime
    echo $((10#${up/./} * 10))
}

# The next one starts as soon as the last one is dead, as a supervisor would do it.
restart_dataplane()
{
    restart_killed=$(restart_now)
    lab_kill dataplane KILL || fail "the data plane had ended: $(tail -n 3 "$LAB_DIR/dataplane.log")"
    lab_exit_status dataplane
    expect_equal "exit status of a killed data plane" 137 "$LAB_STATUS"
    lab_dataplane
}

# Every dialog that was confirmed outside is there. "exact": and no other one.
restart_history() # [exact]
{
    lab_ctl --json dialog list >"$LAB_DIR/list.json" || fail "dialog list"
    holder report
    expect "history against dialog list" python3 "$NET/holder/history.py" "$LAB_DIR/holder.history" "$LAB_DIR/list.json" \
        "$restart_killed" "$(restart_now)" "$@"
    tail -n 1 "$LAB_DIR/expect.out"
}

# Dialog count says so, by state and by peer. A record in state None is no dialog yet: an INVITE whose transaction died with
# the data plane leaves one until its early lifetime is over.
restart_counts() # CONFIRMED
{
    local wanted="\"early\":0,\"confirmed\":$1,\"terminating\":0},\"peers\":"
    wanted+="[{\"name\":\"carrier-a\",\"in\":$1,\"out\":0},{\"name\":\"sbcs\",\"in\":0,\"out\":$1}]}"
    lab_wait 60 "dialog count is $1" restart_count_is "$wanted" || fail "wanted $wanted, found $(lab_ctl --json dialog count)"
}

restart_count_is() # END OF THE JSON
{
    [[ $(lab_ctl --json dialog count) == *",$1" ]]
}

# A call may die that was being set up: its caller has a 100, its callee never saw the INVITE. Nothing else may go wrong.
restart_clean()
{
    local died
    died=$(holder_value forgotten_invite) || died=0
    expect_equal "findings beside $died forgotten INVITEs in ${HOLDER_ANSWER#*\"found\":}" "$died" "$(holder_value findings)"
}

restart_passing() # COUNT: so many calls come and go
{
    holder report
    [ "$(holder_value passing)" -ge "$1" ]
}

# CALLS are held and others come and go, 200 a second, when the data plane dies; all that there was is there afterwards.
restart_test() # CALLS RATE [SECONDS PATIENCE]
{
    local calls=$1 rate=$2 patience=${3:-60} gap
    test_begin
    holder_configure "$calls"
    test_up
    holder_start --capacity $((calls + 50000))
    holder hold "$calls" "$rate"
    holder_done $((2 * calls / rate + 60))
    expect_equal "calls held" "$calls" "$(holder_value held)"
    holder run 200 2
    lab_wait 30 'calls come and go' restart_passing 300 || fail "$(holder_value passing) calls come and go"
    holder mark
    restart_dataplane
    lab_ready "$patience" || fail "the data plane does not start again"
    lab_wait "$patience" 'calls come and go again' restart_passing 300 || fail "$(holder_value passing) calls come and go"
    gap=$(holder_value silence_ms)
    restart_history
    holder run 0
    holder wait 90
    restart_clean
    expect_equal "calls held" "$calls" "$(holder_value held)"
    restart_counts "$calls"
    restart_history exact
    holder end all "$rate"
    holder wait $((2 * calls / rate + 60))
    restart_clean
    expect_equal "calls held after all were ended" 0 "$(holder_value held)"
    restart_counts 0
    echo "gap: $gap ms between the last answer before and the first after, $calls dialogs held"
    holder_stop
    test_done
}

restart_sleep() # MILLISECONDS: up to so many
{
    # A random moment is what this is for.
    sleep "$(printf '0.%03d' $((RANDOM % $1)))"
}

restart_quiet() # nothing is under way, and both sides agree on what there is
{
    holder run 0
    holder wait 90
    restart_clean
    restart_counts "$(holder_value held)"
    restart_history exact
}

# KILLS deaths at random moments while calls are set up, ended, and come and go; a fourth of them hits the start after one.
restart_kills() # KILLS
{
    local kill seed=${RESTART_SEED:-$$}
    RANDOM=$seed
    echo "RESTART_SEED=$seed"
    test_begin
    holder_configure 20000
    test_up
    # An outage must be shorter than the 64 * T1, 32 s, for which requests are repeated.
    holder_start --capacity 100000
    holder hold 2000 1000
    holder_done 60
    for ((kill = 1; kill <= $1; kill++)); do
        holder run 200 2
        holder wait 10
        holder hold 300 $((100 + RANDOM % 400))
        holder end 300 $((100 + RANDOM % 400))
        restart_sleep 1000
        restart_dataplane
        if [ $((RANDOM % 4)) = 0 ]; then
            restart_sleep 1000
            restart_dataplane
        fi
        lab_ready 60 || fail "the data plane does not start again after kill $kill"
        restart_history
        if [ $((kill % 10)) = 0 ] || [ "$kill" = "$1" ]; then
            restart_quiet
        fi
    done
    holder end all 2000
    holder wait 60
    restart_clean
    restart_counts 0
    echo "$1 kills: $(holder_value confirmed) calls confirmed, $(holder_value abandoned) died while they were set up, $(holder_value ended) ended"
    holder_stop
    test_done
}
