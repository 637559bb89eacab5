# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2034 # LAB_RUN, LAB_STATE and LAB_BUILD are for daemons.sh
# A lab in network namespaces, sourced by config/quickstart and tests/net/lab.sh:
#
#   carrier 10.10.1.1 ---.                                            .--- sbc1 10.20.0.11
#                        wan 10.10.0.1 --- outside0 core inside0 --- lan (bridge)
#   stranger 10.10.2.1 --'        10.10.0.10         10.20.0.10      '--- sbc2 10.20.0.12
#
# With LAB_IPV6=yes before lab_up each of these addresses has one of IPv6 beside it, on a /64: 10.10.1.1 is 2001:db8:1001::1,
# 10.20.0.11 is 2001:db8:2000::11. Neighbours are the kernel's to find (ND); what is not asked for is quiet: no router
# advertisements, and addresses are there at once (no DAD).
#
# Each run has a name (LAB_ID). Its namespaces are LAB_ID-carrier and so on, everything else it makes lies in LAB_DIR and
# LAB_STATE. lab_begin sets the trap that undoes all of it; what a run killed by SIGKILL left is swept by the next lab_begin.
# Runs of different names live side by side.

# In memory: a daemon that waits for a slow disk to take a line of its log answers nobody meanwhile.
LAB_HOME=/run/dialgate-lab
[ "$(stat -f -c %T /run)" = tmpfs ] || LAB_HOME=/dev/shm/dialgate-lab
LAB_SPACES='carrier stranger wan core lan sbc1 sbc2'
LAB_BUILD=${LAB_BUILD:-}
LAB_IPV6=${LAB_IPV6:-}
declare -A LAB_PIDS=()

lab_say()
{
    echo "lab: $*" >&2
}

# A process is told from a later one with the same number by its start time.
lab_start_time()
{
    local stat
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
    stat=${stat##*) }
    # shellcheck disable=SC2086
    set -- $stat
    [ "$1" != Z ] || return 1
    echo "${20}"
}

lab_lives() # PID START_TIME
{
    [ "$(lab_start_time "$1")" = "$2" ]
}

lab_wait() # SECONDS WHAT COMMAND...: until the command succeeds
{
    local deadline=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        if [ "$SECONDS" -ge "$deadline" ]; then
            lab_say "gave up waiting: $what"
            return 1
        fi
        sleep 0.1
    done
}

lab_in() # NAMESPACE COMMAND...
{
    local space=$1
    shift
    nsenter --net="/run/netns/$LAB_ID-$space" -- "$@"
}

# A process group of its own keeps Ctrl-C for the script, which then ends everything in order. nsenter execs, so that the number
# is the program's own. No session of its own: the kernel's automatic groups give each session a share of the processors, and
# with fifty SIPps beside it a daemon whose workers poll was then kept waiting for seconds.
lab_start() # NAME NAMESPACE COMMAND...: in the background, output in LAB_DIR/NAME.log
{
    local name=$1 space=$2
    shift 2
    set -m
    nsenter --net="/run/netns/$LAB_ID-$space" -- "$@" </dev/null >>"$LAB_DIR/$name.log" 2>&1 &
    set +m
    LAB_PIDS[$name]=$!
    echo "$! $(lab_start_time $! || echo 0)" >"$LAB_DIR/$name.pid"
}

lab_running() # NAME
{
    local pid start
    read -r pid start 2>/dev/null <"$LAB_DIR/$1.pid" && lab_lives "$pid" "$start"
}

lab_ended() # NAME
{
    ! lab_running "$1"
}

lab_signal() # PID_FILE SIGNAL: 1 when the process has ended
{
    local pid start
    read -r pid start 2>/dev/null <"$1" && lab_lives "$pid" "$start" && kill "-$2" "$pid" 2>/dev/null
}

lab_kill() # NAME SIGNAL
{
    lab_signal "$LAB_DIR/$1.pid" "$2"
}

# Into a variable: a subshell, as $(...) is one, has no children to wait for.
lab_exit_status() # NAME: into LAB_STATUS, of a program that this shell started; waits for it
{
    LAB_STATUS=0
    wait "${LAB_PIDS[$1]}" || LAB_STATUS=$?
}

lab_stop() # NAME...: TERM, and KILL after thirty seconds. 1 when one needed that
{
    local name hard=0
    for name; do
        lab_kill "$name" TERM || true # it may have ended
    done
    for name; do
        if ! lab_wait 30 "$name ends after SIGTERM" lab_ended "$name"; then
            lab_kill "$name" KILL
            hard=1
        fi
        rm -f "$LAB_DIR/$name.pid"
    done
    return $hard
}

# Hugepages are the machine's, not the run's: a run adds what it needs and takes exactly that away again.
lab_hugepages() # COUNT: as many 2 MiB pages more, when the machine has room for them
{
    local file=/proc/sys/vm/nr_hugepages before after free_kb
    free_kb=$(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo)
    [ -w $file ] && [ "$free_kb" -gt $(($1 * 2048 * 3)) ] || return 0
    {
        flock 9
        before=$(cat $file)
        echo $((before + $1)) >$file 2>/dev/null
        after=$(cat $file)
        echo $((after - before)) >"$LAB_DIR/hugepages"
    } 9<"$LAB_HOME"
}

lab_hugepages_back() # DIRECTORY
{
    local file=/proc/sys/vm/nr_hugepages added
    read -r added 2>/dev/null <"$1/hugepages" || return 0
    {
        flock 9
        echo $(($(cat $file) - added)) >$file 2>/dev/null
    } 9<"$LAB_HOME"
    rm -f "$1/hugepages"
}

# Ends every process of the run: those it started, then whatever else lives in its namespaces.
lab_end_processes() # ID
{
    local directory=$LAB_HOME/$1 file pid start space deadline left
    for file in "$directory"/*.pid; do
        lab_signal "$file" TERM || true
    done
    deadline=$((SECONDS + 5))
    while [ "$SECONDS" -lt "$deadline" ]; do
        left=0
        for file in "$directory"/*.pid; do
            read -r pid start 2>/dev/null <"$file" && lab_lives "$pid" "$start" && left=1
        done
        [ $left -eq 1 ] || break
        sleep 0.1
    done
    for file in "$directory"/*.pid; do
        lab_signal "$file" KILL || true
    done
    for space in $LAB_SPACES; do
        for pid in $(ip netns pids "$1-$space" 2>/dev/null); do
            kill -KILL "$pid" 2>/dev/null || true
        done
    done
}

lab_remove() # ID
{
    local space directory=$LAB_HOME/$1
    lab_end_processes "$1"
    for space in $LAB_SPACES; do
        [ ! -e "/run/netns/$1-$space" ] || ip netns del "$1-$space" 2>/dev/null || true
    done
    lab_hugepages_back "$directory"
    rm -rf "$directory" "/dev/shm/dialgate-lab-$1" "/dev/hugepages/dialgate-lab-$1"
    rmdir "$LAB_HOME" 2>/dev/null || true # others may be at work
    return 0
}

lab_owned() # ID: its owner lives, or it was told to stay
{
    local pid start
    [ ! -e "$LAB_HOME/$1/keep" ] || return 0
    read -r pid start 2>/dev/null <"$LAB_HOME/$1/owner" && lab_lives "$pid" "$start"
}

lab_sweep()
{
    local directory
    for directory in "$LAB_HOME"/*/; do
        [ -d "$directory" ] || continue
        directory=$(basename "$directory")
        lab_owned "$directory" || lab_remove "$directory"
    done
}

lab_end() # the EXIT trap
{
    local status=$?
    trap '' INT TERM HUP
    trap - EXIT
    set +e
    if [ -n "${LAB_AT_END:-}" ]; then
        "$LAB_AT_END" "$status"
    fi
    [ -e "$LAB_DIR/keep" ] || lab_remove "$LAB_ID"
    exit "$status"
}

lab_begin() # ID
{
    [ "$(id -u)" = 0 ] || {
        echo "$(basename "$0"): needs root for network namespaces and XDP; run it with sudo" >&2
        exit 1
    }
    LAB_ID=$1
    LAB_DIR=$LAB_HOME/$1
    LAB_STATE=/dev/shm/dialgate-lab-$1
    LAB_RUN=$LAB_DIR/run
    lab_sweep
    # It appears with its owner in it: a sweep beside us must not take it for one that was left.
    local new=$LAB_HOME/.$1.$$
    mkdir -p "$new"
    echo "$$ $(lab_start_time $$)" >"$new/owner"
    mv -T "$new" "$LAB_DIR" 2>/dev/null || {
        rm -rf "$new"
        echo "$(basename "$0"): lab $1 is running (process $(cut -d' ' -f1 "$LAB_DIR/owner" 2>/dev/null)); let it end first" >&2
        exit 1
    }
    trap lab_end EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    trap 'exit 129' HUP
}

lab_link() # NAMESPACE INTERFACE NAMESPACE INTERFACE: a veth pair
{
    ip link add "$2" netns "$LAB_ID-$1" type veth peer name "$4" netns "$LAB_ID-$3"
    # AF_XDP sees frames as the sender left them: checksums must be filled in there.
    lab_in "$1" ethtool -K "$2" tx off >/dev/null
    lab_in "$3" ethtool -K "$4" tx off >/dev/null
    lab_in "$1" ip link set "$2" up
    lab_in "$3" ip link set "$4" up
}

lab_ipv6() # 10.B.C.D: the IPv6 address beside it, 2001:db8:B0C::D
{
    local b c d
    IFS=. read -r _ b c d <<<"$1"
    echo "2001:db8:${b}0$c::$d"
}

lab_address() # NAMESPACE ADDRESS INTERFACE: of a /24, and its IPv6 twin of a /64
{
    lab_in "$1" ip address add "$2/24" dev "$3"
    [ -z "$LAB_IPV6" ] || lab_in "$1" ip address add "$(lab_ipv6 "$2")/64" dev "$3" nodad
}

lab_route() # NAMESPACE PREFIX IPV6_PREFIX GATEWAY
{
    lab_in "$1" ip route add "$2" via "$4"
    [ -z "$LAB_IPV6" ] || lab_in "$1" ip route add "$3" via "$(lab_ipv6 "$4")"
}

lab_up()
{
    local space sbc
    for space in $LAB_SPACES; do
        ip netns add "$LAB_ID-$space"
        lab_in "$space" sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
        if [ -n "$LAB_IPV6" ]; then
            lab_in "$space" sysctl -qw net.ipv6.conf.default.accept_ra=0 net.ipv6.conf.default.accept_dad=0 \
                net.ipv6.conf.default.router_solicitations=0
        else
            lab_in "$space" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
        fi
        lab_in "$space" ip link set lo up
    done
    lab_link core outside0 wan core0
    lab_link carrier eth0 wan carrier0
    lab_link stranger eth0 wan stranger0
    lab_address wan 10.10.0.1 core0
    lab_address wan 10.10.1.254 carrier0
    lab_address wan 10.10.2.254 stranger0
    lab_in wan sysctl -qw net.ipv4.ip_forward=1
    [ -z "$LAB_IPV6" ] || lab_in wan sysctl -qw net.ipv6.conf.all.forwarding=1
    lab_address carrier 10.10.1.1 eth0
    lab_route carrier default default 10.10.1.254
    lab_address stranger 10.10.2.1 eth0
    lab_route stranger default default 10.10.2.254
    lab_address core 10.10.0.10 outside0
    lab_route core 10.10.0.0/16 2001:db8:1000::/36 10.10.0.1
    lab_in lan ip link add bridge0 type bridge
    lab_in lan ip link set bridge0 up
    lab_link core inside0 lan core0
    lab_in lan ip link set core0 master bridge0
    lab_address core 10.20.0.10 inside0
    for sbc in 1 2; do
        lab_link "sbc$sbc" eth0 lan "sbc$sbc"
        lab_in lan ip link set "sbc$sbc" master bridge0
        lab_address "sbc$sbc" "10.20.0.1$sbc" eth0
    done
    # A bridge port learns before it forwards, a veth needs its peer up: a ping through all of it says that all is there.
    lab_wait 30 'the lab forwards' lab_reaches
}

lab_reaches()
{
    lab_in carrier ping -q -c 1 -W 1 10.10.0.10 && lab_in stranger ping -q -c 1 -W 1 10.10.0.10 &&
        lab_in sbc1 ping -q -c 1 -W 1 10.20.0.10 && lab_in sbc2 ping -q -c 1 -W 1 10.20.0.10
}
