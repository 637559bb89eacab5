// SPDX-License-Identifier: BSD-3-Clause
#include "names.h"

#include <stdlib.h>
#include <string.h>
#include "dns.h"
#include "log.h"

#define LOOK_UPS_MAX 256u // the dataplane has no more questions open
#define TTL_LEAST_S  5u
#define TTL_NONE_S   30u // c-ares does not tell how long a denial is good (RFC 2308 5)
#define TTL_FAILED_S 5u

static_assert(CHANNEL_NAME_ADDRESSES >= HOST_ADDRESSES_MAX, "an answer fits");

struct names {
    struct names_options options;
    struct dns *dns;
    uint32_t look_ups;
    bool ending;
    struct log_limit limit;
};

struct question {
    struct names *names;
    struct channel_name name;
};

static void fill(struct channel_name_answer *answer, const struct dns_answer *found)
{
    uint32_t ttl_s = found->ttl_s < TTL_LEAST_S ? TTL_LEAST_S : found->ttl_s;
    answer->result = CHANNEL_NAME_FOUND;
    answer->ttl_s = ttl_s < CHANNEL_NAME_TTL_MAX_S ? ttl_s : CHANNEL_NAME_TTL_MAX_S;
    answer->count = (uint16_t)found->count;
    for (uint32_t i = 0; i < found->count; i++)
        answer->rows[i] = (struct channel_name_address){found->addresses[i].address, found->addresses[i].port,
                                                        found->addresses[i].rank};
}

static void on_answer(void *context, const struct dns_answer *found)
{
    struct question *question = context;
    struct names *names = question->names;
    struct channel_name_answer answer = {
        .name = question->name, .ttl_s = TTL_FAILED_S, .result = CHANNEL_NAME_FAILED};
    names->look_ups--;
    if (!found->fault) {
        fill(&answer, found);
    } else if (found->none) {
        answer.result = CHANNEL_NAME_NONE;
        answer.ttl_s = TTL_NONE_S;
    } else if (!names->ending && log_allowed(&names->limit)) {
        log_event(LEVEL_WARNING, "name_not_resolved", "name=\"%s\" reason=\"%s\"", answer.name.octets,
                  found->fault);
    }
    if (!names->ending)
        names->options.answered(names->options.context, &answer);
    free(question);
}

struct names *names_create(const struct names_options *options)
{
    struct names *names = calloc(1, sizeof(*names));
    if (!names)
        return NULL;
    names->options = *options;
    names->dns = dns_create(options->base, options->servers);
    if (names->dns)
        return names;
    free(names);
    return NULL;
}

void names_destroy(struct names *names)
{
    if (!names)
        return;
    names->ending = true;
    dns_destroy(names->dns);
    free(names);
}

void names_ask(struct names *names, const struct channel_name *name, bool ipv6)
{
    struct question *question = names->look_ups < LOOK_UPS_MAX ? malloc(sizeof(*question)) : NULL;
    if (!question) {
        struct channel_name_answer busy = {
            .name = *name, .ttl_s = TTL_FAILED_S, .result = CHANNEL_NAME_FAILED};
        names->options.answered(names->options.context, &busy);
        return;
    }
    *question = (struct question){names, *name};
    names->look_ups++;
    dns_look_up(names->dns, &(struct dns_question){question->name.octets, name->service == 1, ipv6},
                on_answer, question);
}
