#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# cppcheck over our C; it does not know sys/queue.h and bpf/libbpf.h. unmatchedSuppression and missingInclude are about its own run, normalCheckLevel about its patience.
set -euo pipefail
cd "$1"
git ls-files -z 'dataplane/*.c' 'control/*.c' | xargs -0 -r cppcheck --quiet --error-exitcode=1 --inline-suppr -j 2 --std=c11 \
    --enable=warning,performance,portability --suppress=missingInclude --suppress=unmatchedSuppression \
    --suppress=normalCheckLevelMaxBranches --suppress=checkersReport \
    '-DLIST_HEAD(name,type)=int' '-DLIST_FOREACH(row,list,field)=while((row=next_of(list)))' \
    '-DTAILQ_FOREACH(row,list,field)=while((row=next_of(list)))' '-DLIBBPF_OPTS(type,name,...)=struct type name' \
    -Iinclude -Iebpf -Idataplane -Idataplane/sip -Idataplane/state -Idataplane/path -Icontrol
