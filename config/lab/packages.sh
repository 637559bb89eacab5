# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Installs what config/packages.txt lists and this machine lacks. Sourced by config/quickstart and tests/run.

PACKAGES_LIST=$(dirname "${BASH_SOURCE[0]}")/../packages.txt

# packages_of SECTION...: the names in these sections.
packages_of()
{
    awk -v wanted=" $* " '
        /^# section: / { inside = index(wanted, " " $3 " ") > 0; next }
        /^#/ || NF == 0 { next }
        inside { print $1 }' "$PACKAGES_LIST"
}

# packages_missing SECTION...: those of them that dpkg does not know as installed.
packages_missing()
{
    local -A installed=()
    local name status
    while read -r name status; do
        [ "$status" = installed ] && installed[$name]=1
    done < <(dpkg-query -W -f '${Package} ${db:Status-Status}\n')
    for name in $(packages_of "$@"); do
        [ -n "${installed[$name]:-}" ] || echo "$name"
    done
}

# Without policy-rc.d and with runlevel 1 a package's service is not started by its installation.
packages_apt()
{
    DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -qq -o DPkg::Lock::Timeout=300 "$@" </dev/null
}

# packages_install SECTION...: 0 when all are installed afterwards. Asks the network for nothing when nothing is missing.
packages_install()
{
    local missing
    if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
        echo "packages: this is no Debian system (apt-get is missing); install by hand what config/packages.txt lists" >&2
        return 1
    fi
    mapfile -t missing < <(packages_missing "$@")
    [ ${#missing[@]} -gt 0 ] || return 0
    echo "   installing ${#missing[@]} packages: ${missing[*]}"
    # The lists may be fresh already; only when they are not is an update needed.
    if ! packages_apt install -y --no-install-recommends "${missing[@]}" >/dev/null 2>&1; then
        packages_apt update || {
            echo "packages: apt-get update failed; is there a network, and a mirror in /etc/apt/sources.list?" >&2
            return 1
        }
        packages_apt install -y --no-install-recommends "${missing[@]}" >/dev/null || {
            echo "packages: apt-get could not install: ${missing[*]}; its messages stand above" >&2
            return 1
        }
    fi
}
