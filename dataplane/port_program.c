// SPDX-License-Identifier: BSD-3-Clause
#include "port_program.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "log.h"
#include "prefilter.h"
#include "prefilter_try.h"

static bool wants(const struct rules *rules, unsigned network)
{
    return rules->networks[network].attach == ATTACH_AF_XDP;
}

// The first network of the same interface: a port is asked once.
static unsigned first_of(const struct rules *rules, unsigned network)
{
    unsigned first = 0;

    while (strcmp(rules->networks[first].interface, rules->networks[network].interface) != 0)
        first++;
    return first;
}

static int check_one(const struct port_program_plan *plan, const char *interface, struct fault *fault)
{
    const struct prefilter_trial trial = {.run_directory = plan->run_directory,
                                          .interface = interface,
                                          .file = plan->file,
                                          .attach = plan->rules->settings->prefilter.unavailable ==
                                                    PREFILTER_SOFTWARE};
    int result;

    if (access(plan->file, R_OK) < 0)
        return fault_set(fault, errno, "prefilter %s: %s; name the file with --prefilter", plan->file,
                         strerror(errno));
    result = prefilter_clear_stale(plan->run_directory, interface, fault->text, sizeof(fault->text));
    return result < 0 ? result : prefilter_try(&trial, fault->text, sizeof(fault->text));
}

int port_programs_check(struct port_programs *programs, const struct port_program_plan *plan,
                        struct fault *fault)
{
    const struct rules *rules = plan->rules;

    memset(programs, 0, sizeof(*programs));
    for (unsigned i = 0; i < rules->network_count; i++) {
        const char *interface = rules->networks[i].interface;
        const unsigned first = first_of(rules, i);

        if (!wants(rules, i))
            continue;
        if (first != i) {
            memcpy(programs->missing[i], programs->missing[first], sizeof(programs->missing[i]));
            continue;
        }
        int result = check_one(plan, interface, fault);
        if (result < 0 && rules->settings->prefilter.unavailable == PREFILTER_REFUSE)
            return result;
        if (result == 0)
            continue;
        memcpy(programs->missing[i], fault->text, sizeof(programs->missing[i]));
        log_event(LOG_WARNING, "prefilter_missing",
                  "network=%s interface=%s serves=\"af_packet and the software filter\" reason=\"%s\"",
                  rules->networks[i].name, interface, fault->text);
    }
    return 0;
}

enum attach port_programs_attach(const struct port_programs *programs, const struct rules *rules,
                                 unsigned network)
{
    return programs->missing[network][0] != '\0' ? ATTACH_AF_PACKET
                                                 : (enum attach)rules->networks[network].attach;
}
