// SPDX-License-Identifier: BSD-3-Clause
#include "bench_sip.h"
#include "harness.h"

#include <osipparser2/osip_parser.h>

#include <stddef.h>

void osip_prepare(void)
{
    parser_init();
}

// libosip2 reads the headers it has a type for when it parses; tags and branch are looked up in lists.
int osip_parse_one(const struct corpus *text)
{
    // The library takes names as char *, and leaves them alone.
    static char tag[] = "tag", branch_name[] = "branch";
    osip_message_t *message;
    if (osip_message_init(&message) != 0)
        return -1;
    int result = -1;
    osip_generic_param_t *branch = NULL, *from_tag = NULL, *to_tag = NULL;
    osip_header_t *max_forwards = NULL;
    osip_contact_t *contact = NULL;
    osip_route_t *route = NULL;
    osip_via_t *via = NULL;
    if (osip_message_parse(message, (const char *)text->octets, text->length) == 0 &&
        osip_message_get_via(message, 0, &via) >= 0 && message->from != NULL && message->to != NULL &&
        message->call_id != NULL && message->cseq != NULL) {
        osip_via_param_get_byname(via, branch_name, &branch);
        osip_from_param_get_byname(message->from, tag, &from_tag);
        osip_to_param_get_byname(message->to, tag, &to_tag);
        osip_message_get_max_forwards(message, 0, &max_forwards);
        osip_message_get_route(message, 0, &route);
        osip_message_get_contact(message, 0, &contact);
        if (branch != NULL && from_tag != NULL)
            result = 0;
    }
    bench_keep(&to_tag);
    bench_keep(&max_forwards);
    bench_keep(&route);
    bench_keep(&contact);
    osip_message_free(message);
    return result;
}
