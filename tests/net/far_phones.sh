# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# User agents of others as far ends of applications. Sourced after lab.sh. alice is at the carrier, bob and carol are behind Dialgate,
# a peer each: the user part of a URI says which. 900 is the application desk, which carries out the transfers that it is asked for,
# 901 the switch; dial and strict make calls only, strict with 100rel required.

far_begin()
{
    local user from
    test_begin
    test_set 'applications:
  - {name: desk, listener: edge, refer: accept, refer_targets: ["alice@*", "bob@*", "carol@*"], replaces_from: any-peer}
  - {name: dial, listener: edge}
  - {name: strict, listener: edge, reliable: required}
  - {name: switch, listener: edge}'
    test_set 'peers:
  - {name: alice, listener: edge, sources: [10.10.1.0/24], members: [{address: 10.10.1.1}]}
  - {name: bob, listener: core, members: [{address: 10.20.0.11}]}
  - {name: carol, listener: core, members: [{address: 10.20.0.12}]}'
    test_set "routes:
  - {from: any-peer, method: OPTIONS, to_us: true, answer: 200}
  - {from: any-peer, uri_user: '900', to: desk}
  - {from: any-peer, uri_user: '901', to: switch}
$(for user in alice bob carol; do
        for from in any-peer desk dial strict; do
            echo "  - {from: $from, uri_user: $user, to: $user}"
        done
    done)"
}

far_baresip() # NAMESPACE USER
{
    local space=$1 home=$LAB_DIR/baresip-$1 address
    address=$(sipp_address "$space")
    mkdir -p "$home"
    sed "s/ADDRESS/$address/" "$NET/baresip.config" >"$home/config"
    echo "<sip:$2@$address>;regint=0;answermode=manual;dtmfmode=info;outbound=\"sip:$(far_edge "$space")\"" >"$home/accounts"
    touch "$home/contacts"
    lab_start "baresip-$space" "$space" env HOME="$home" baresip -f "$home"
    lab_wait 30 "baresip in $space listens" sipp_listening "$space" 5060 || fail "$(tail -n 5 "$LAB_DIR/baresip-$space.log")"
}

far_linphone() # NAMESPACE USER
{
    local space=$1 home=$LAB_DIR/linphone-$1
    mkdir -p "$home/.local/share/linphone"
    sed "/^guess_hostname/a contact=sip:$2@$(sipp_address "$space")" "$NET/linphonerc" >"$home/linphonerc"
    mkfifo "$home/commands"
    # shellcheck disable=SC2016 # that bash expands them
    lab_start "linphone-$space" "$space" env HOME="$home" bash -c 'exec linphone-daemon "$@" <>"$0"' "$home/commands" \
        --config "$home/linphonerc" --disable-stats-events
    lab_wait 30 "linphone in $space listens" sipp_listening "$space" 5060 || fail "$(tail -n 5 "$LAB_DIR/linphone-$space.log")"
}

far_edge() # NAMESPACE: our address there
{
    case $1 in
    carrier) echo 10.10.0.10 ;;
    *) echo 10.20.0.10 ;;
    esac
}
