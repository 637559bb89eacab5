// SPDX-License-Identifier: BSD-3-Clause
#include "bench_sip.h"
#include "harness.h"

#include <re/re_types.h>
#include <re/re_fmt.h>
#include <re/re_mem.h>
#include <re/re_mbuf.h>
#include <re/re_list.h>
#include <re/re_sa.h>
#include <re/re_uri.h>
#include <re/re_msg.h>
#include <re/re_sip.h>

static int read_address(const struct sip_msg *msg, enum sip_hdrid id, struct sip_addr *address)
{
    const struct sip_hdr *header = sip_msg_hdr(msg, id);
    return header == NULL ? 0 : sip_addr_decode(address, &header->val);
}

// libre reads Via, From, To and CSeq when it parses; Route and Contact on demand.
int re_parse_one(const struct corpus *text)
{
    struct mbuf *buffer = mbuf_alloc(text->length);
    struct sip_msg *msg = NULL;
    struct sip_addr route, contact;
    int result = -1;
    if (buffer == NULL)
        return -1;
    if (mbuf_write_mem(buffer, text->octets, text->length) == 0) {
        mbuf_set_pos(buffer, 0);
        if (sip_msg_decode(&msg, buffer) == 0 && pl_isset(&msg->via.branch) && pl_isset(&msg->from.tag) &&
            pl_isset(&msg->callid) && read_address(msg, SIP_HDR_ROUTE, &route) == 0 &&
            read_address(msg, SIP_HDR_CONTACT, &contact) == 0)
            result = 0;
    }
    bench_keep(msg);
    bench_keep(&route);
    bench_keep(&contact);
    mem_deref(msg);
    mem_deref(buffer);
    return result;
}
