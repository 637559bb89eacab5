#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Wrong YAML, an unknown key, a wrong value: one line that says where, and exit status 1.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_begin
control=$(lab_program dialgate-control)
original=$LAB_DIR/original.yaml
cp "$LAB_DIR/dialgate.yaml" "$original"

wrong() # PATTERN SED_EXPRESSION: the changed file is refused with a line that matches, by -n and at start
{
    sed -E "$2" "$original" >"$LAB_DIR/dialgate.yaml"
    ! cmp -s "$original" "$LAB_DIR/dialgate.yaml" || fail "$2 changes nothing"
    expect_refusal 1 "dialgate.yaml:[0-9]+:[0-9]+: .*$1" "$control" -n -c "$LAB_DIR/dialgate.yaml"
    expect_refusal 1 "dialgate.yaml:[0-9]+:[0-9]+: .*$1" "$control" -c "$LAB_DIR/dialgate.yaml" \
        --run-directory "$LAB_RUN" --state-directory "$LAB_STATE"
}

expect "lab.yaml is accepted" "$control" -n -c "$original"
wrong '' 's/^listeners:/listeners: [/'
# shellcheck disable=SC2016 # sed's last line
wrong 'unknown key' '$a nonsense: 1'
wrong 'count' 's/count: 2/count: two/'
wrong 'count' 's/count: 2/count: 0/'
wrong 'address' 's/address: 10.10.0.10/address: 10.10.0.300/'
wrong 'nowhere' 's/network: outside/network: nowhere/'
wrong 'nobody' 's/to: sbcs/to: nobody/'
wrong 'twice|already|another|duplicate' 's/address: 10.20.0.10, port: 5060/address: 10.10.0.10, port: 5060/'
wrong 'attach' 's/attach: af_xdp/attach: magic/'
expect_refusal 1 'none.yaml' "$control" -n -c "$LAB_DIR/none.yaml"
expect_refusal 2 '' "$control" --nonsense
expect_refusal 1 'dialgate.yaml:[0-9]+:[0-9]+' "$(lab_program dialgatectl)" config check "$LAB_DIR/dialgate.yaml"
