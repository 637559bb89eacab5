#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# linphonec on both sides of Dialgate, and behind it with SIPp as caller: calls answered, ended from either end. No dialog stays.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

command -v linphonec >/dev/null || skip "needs linphonec"

# Reads its commands from a pipe that stays open.
phone() # NAMESPACE [ARGUMENTS OF linphonec...]
{
    local space=$1 home=$LAB_DIR/linphone-$1
    shift
    mkdir -p "$home/.local/share/linphone"
    sed "/^guess_hostname/a contact=sip:linphone@$(sipp_address "$space")" "$NET/linphonerc" >"$home/linphonerc"
    mkfifo "$home/commands"
    # shellcheck disable=SC2016 # that bash expands them
    lab_start "linphone-$space" "$space" env HOME="$home" bash -c 'exec linphonec "$@" <>"$0"' "$home/commands" -c "$home/linphonerc" "$@"
    lab_wait 30 "linphonec in $space listens" sipp_listening "$space" 5060 || fail "$(tail -n 5 "$LAB_DIR/linphone-$space.log")"
    tell "$space" 'soundcard use files'
}

tell() # NAMESPACE COMMAND
{
    echo "$2" >"$LAB_DIR/linphone-$1/commands"
}

has_said() # NAMESPACE PATTERN COUNT
{
    [ "$(grep -cE "$2" "$LAB_DIR/linphone-$1.log")" -ge "$3" ]
}

says() # NAMESPACE PATTERN COUNT: has said it so often
{
    lab_wait 30 "linphonec in $1 says /$2/ $3 times" has_said "$@" || fail "$(tail -n 10 "$LAB_DIR/linphone-$1.log")"
}

test_up
phone carrier
phone sbc1 -a
phone sbc2 -a
for call in 1 2 3; do
    tell carrier 'call sip:callee@10.10.0.10'
    says carrier 'connected\.$' $call
    tell carrier terminate
    says carrier 'ended \(' $call
done
test_no_dialogs
lab_stop linphone-carrier || true

test_caller uac 3 2 -d 300
test_no_dialogs
# Whoever answered hangs up.
sipp_caller caller uac_hears_bye -m 1 -timeout 30s -timeout_error
expect_counted dialgate_dialogs 1 'state="confirmed"'
tell sbc1 terminate
tell sbc2 terminate
test_calls_end 1 40
test_no_dialogs
expect_equal "dialogs that were confirmed" 7 "$(lab_metric dialgate_dialog_events_total 'event="confirmed"')"
test_outcomes
test_done
