# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# SIPp in the lab. Needs lab.sh. An instance has a name; its scenario lies beside this file or in SIPP_SCENARIOS, its
# statistics in LAB_DIR/NAME.csv, its errors in LAB_DIR/NAME.errors.

SIPP_HOME=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
SIPP_SCENARIOS=${SIPP_SCENARIOS:-$SIPP_HOME}

sipp_file() # SCENARIO
{
    local path
    for path in "$SIPP_SCENARIOS/$1.xml" "$SIPP_HOME/$1.xml" "$LAB_DIR/$1.xml"; do
        if [ -e "$path" ]; then
            echo "$path"
            return 0
        fi
    done
    lab_say "no scenario $1.xml"
    return 1
}

SIPP_IPV6=${SIPP_IPV6:-} # namespaces where it speaks IPv6

sipp_address() # NAMESPACE
{
    local address
    case $1 in
    carrier) address=10.10.1.1 ;;
    stranger) address=10.10.2.1 ;;
    sbc1) address=10.20.0.11 ;;
    sbc2) address=10.20.0.12 ;;
    esac
    case " $SIPP_IPV6 " in
    *" $1 "*) lab_ipv6 "$address" ;;
    *) echo "$address" ;;
    esac
}

# -nd: what the scenario does not expect is an error, and nothing is answered that the scenario does not answer.
# -buff_size: what the kernel gives without privileges; SIPp's own 64 KiB overflow when it has not run for a tenth of a second.
sipp_start() # NAME NAMESPACE SCENARIO [SIPP ARGUMENTS...]
{
    local name=$1 space=$2 file
    file=$(sipp_file "$3") || return 1
    shift 3
    rm -f "$LAB_DIR/$name.csv" "$LAB_DIR/$name.errors"
    # env -C: SIPp leaves files where it stands.
    lab_start "$name" "$space" env -C "$LAB_DIR" TERM=dumb sipp -sf "$file" -i "$(sipp_address "$space")" -nostdin -nd -buff_size 212992 \
        -trace_stat -stf "$LAB_DIR/$name.csv" -fd 1 -trace_err -error_file "$LAB_DIR/$name.errors" "$@"
}

sipp_listening() # NAMESPACE PORT
{
    lab_in "$1" ss -Hlnu "sport = :$2" | grep -q .
}

# A callee on port 5060 of its namespace; returns when it listens.
sipp_callee() # NAME NAMESPACE SCENARIO [SIPP ARGUMENTS...]
{
    sipp_start "$@" -p 5060
    lab_wait 30 "SIPp $1 listens" sipp_listening "$2" 5060
}

# A caller in the carrier's namespace towards Dialgate.
sipp_caller() # NAME SCENARIO [SIPP ARGUMENTS...]
{
    local name=$1 scenario=$2 to=10.10.0.10:5060
    shift 2
    case " $SIPP_IPV6 " in
    *' carrier '*) to="[$(lab_ipv6 10.10.0.10)]:5060" ;;
    esac
    sipp_start "$name" carrier "$scenario" -p 5060 "$@" "$to"
}

# The last line of the statistics, by column name: a cumulative figure is named NAME(C).
sipp_stat() # NAME COLUMN
{
    awk -F ';' -v column="$2" '
        NR == 1 { for (i = 1; i <= NF; i++) if ($i == column) at = i }
        NR > 1 && at { value = $at }
        END { print value == "" ? 0 : value }' "$LAB_DIR/$1.csv" 2>/dev/null || echo 0
}

sipp_calls() # NAME: calls that ended, successful or not
{
    echo $(($(sipp_stat "$1" 'SuccessfulCall(C)') + $(sipp_stat "$1" 'FailedCall(C)')))
}
