// SPDX-License-Identifier: BSD-3-Clause
#include "goodput_calls.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_malloc.h>
#include <rte_ring.h>
#include <rte_udp.h>

#define CALLS     (1u << 22) // that are remembered; a number comes again after so many
#define TEXT_MAX  1800u
#define TRAVEL_US 500u
#define TALK_US   200000u
#define REPEAT_US 500000u // T1
#define REPEATS   6u      // until 64 * T1 are over
#define HEADERS   42u

enum call_state { CALL_NONE, CALL_INVITED, CALL_PROCEEDING, CALL_TALKING, CALL_ENDING, CALL_DONE };
enum event_kind { EVENT_ARRIVE, EVENT_HANG_UP, EVENT_REPEAT };
enum repeat { REPEAT_INVITE, REPEAT_ANSWER, REPEAT_BYE };

struct call {
    uint32_t number;
    uint8_t state;
    bool acked;
    char *answer; // the callee's lines of its 200
    char *routes; // the caller's Route lines
};

struct event {
    uint64_t due_us;
    struct rte_mbuf *mbuf;
    uint32_t number;
    uint8_t what; // network of an arrival, enum repeat
};

// Events of one delay are due in the order in which they were made.
struct line {
    struct event *events;
    uint32_t first, count, size;
    uint64_t delay_us;
};

#define LINES (2 + REPEATS)

struct goodput_calls {
    struct rte_mempool *pool;
    struct rte_ring *to_worker[2];
    struct goodput_count count;
    struct call *calls;
    struct line lines[LINES]; // arrivals, hang-ups, repeats
    uint64_t now_us;
    double next_call_us;
    uint32_t next_number;
};

struct goodput_calls *goodput_calls_create(struct rte_mempool *pool, struct rte_ring *const to_worker[2])
{
    struct goodput_calls *calls = calloc(1, sizeof(*calls));
    calls->pool = pool;
    calls->to_worker[0] = to_worker[0];
    calls->to_worker[1] = to_worker[1];
    calls->calls = calloc(CALLS, sizeof(*calls->calls));
    calls->lines[EVENT_ARRIVE].delay_us = TRAVEL_US;
    calls->lines[EVENT_HANG_UP].delay_us = TALK_US;
    for (unsigned i = 0; i < REPEATS; i++)
        calls->lines[EVENT_REPEAT + i].delay_us = (uint64_t)REPEAT_US << i;
    return calls;
}

static void forget(struct call *call)
{
    free(call->answer);
    free(call->routes);
    call->answer = call->routes = NULL;
}

void goodput_calls_destroy(struct goodput_calls *calls)
{
    for (uint32_t i = 0; i < CALLS; i++)
        forget(&calls->calls[i]);
    for (unsigned i = 0; i < LINES; i++) {
        struct line *line = &calls->lines[i];
        for (uint32_t at = 0; at < line->count; at++)
            rte_pktmbuf_free(line->events[(line->first + at) % line->size].mbuf);
        free(line->events);
    }
    free(calls->calls);
    free(calls);
}

const struct goodput_count *goodput_calls_count(const struct goodput_calls *calls)
{
    return &calls->count;
}

static void later(struct goodput_calls *calls, unsigned which, struct event event)
{
    struct line *line = &calls->lines[which];
    if (line->count == line->size) {
        uint32_t size = line->size == 0 ? 1024 : line->size * 2;
        struct event *events = malloc(size * sizeof(*events));
        for (uint32_t i = 0; i < line->count; i++)
            events[i] = line->events[(line->first + i) % line->size];
        free(line->events);
        line->events = events;
        line->first = 0;
        line->size = size;
    }
    event.due_us = calls->now_us + line->delay_us;
    line->events[(line->first + line->count++) % line->size] = event;
}

// Frames as a host makes them. Callers are 10.10.1.1, callees 10.20.0.11.
static void send_text(struct goodput_calls *calls, unsigned network, const char *text, int length)
{
    static const uint32_t from[2] = {0x0a0a0101, 0x0a14000b}, to[2] = {0x0a0a000a, 0x0a14000a};
    struct rte_mbuf *mbuf = rte_pktmbuf_alloc(calls->pool);
    if (mbuf == NULL || length <= 0 || (unsigned)length > TEXT_MAX)
        rte_exit(1, "a message of %d octets cannot be sent\n", length);
    uint8_t *frame = (uint8_t *)rte_pktmbuf_append(mbuf, (uint16_t)(HEADERS + (unsigned)length));
    struct rte_ether_hdr *ethernet = (struct rte_ether_hdr *)frame;
    struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(void *)(frame + sizeof(*ethernet));
    struct rte_udp_hdr *udp = (struct rte_udp_hdr *)(ip + 1);
    memset(frame, 0, HEADERS);
    ethernet->ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
    *ip = (struct rte_ipv4_hdr){.version_ihl = RTE_IPV4_VHL_DEF,
                                .total_length = rte_cpu_to_be_16((uint16_t)(length + 28)),
                                .time_to_live = 64,
                                .next_proto_id = 17,
                                .src_addr = rte_cpu_to_be_32(from[network]),
                                .dst_addr = rte_cpu_to_be_32(to[network])};
    ip->hdr_checksum = rte_ipv4_cksum(ip);
    *udp = (struct rte_udp_hdr){.src_port = rte_cpu_to_be_16(5060),
                                .dst_port = rte_cpu_to_be_16(5060),
                                .dgram_len = rte_cpu_to_be_16((uint16_t)(length + 8))};
    memcpy(udp + 1, text, (size_t)length);
    udp->dgram_cksum = rte_ipv4_udptcp_cksum(ip, udp);
    later(calls, EVENT_ARRIVE, (struct event){.mbuf = mbuf, .what = (uint8_t)network});
}

static void repeat_later(struct goodput_calls *calls, uint32_t number, enum repeat what, unsigned times)
{
    if (times < REPEATS)
        later(calls, EVENT_REPEAT + times, (struct event){.number = number, .what = (uint8_t)what});
}

static void send_request(struct goodput_calls *calls, const struct call *call, const char *method)
{
    static const char body[] =
        "v=0\r\no=- 1700412 1700412 IN IP4 198.51.100.7\r\ns=-\r\nc=IN IP4 198.51.100.7\r\nt=0 0\r\n"
        "m=audio 40118 RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\n"
        "a=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\n";
    char text[TEXT_MAX];
    bool first = call->routes == NULL, invite = strcmp(method, "INVITE") == 0;
    // The ACK to a refusal has the INVITE's branch; that to a 2xx, and the BYE, their own.
    const char *own = first ? "INVITE" : method;
    int length = snprintf(
        text, sizeof(text),
        "%s %s SIP/2.0\r\n"
        "Via: SIP/2.0/UDP 10.10.1.1:5060;branch=z9hG4bK1d32-%s-%u\r\n"
        "Via: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK7c41e90b-%u;rport=5060;received=198.51.100.7\r\n"
        "%sMax-Forwards: 69\r\nFrom: \"A. Caller\" <sip:+441632960961@carrier-a.example>;tag=gK0c8f21\r\n"
        "To: <sip:+442079460123@10.10.0.10>%s\r\nCall-ID: %u@198.51.100.7\r\nCSeq: %u %s\r\n"
        "Contact: <sip:+441632960961@10.10.1.1:5060>\r\nAllow: INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE\r\n"
        "Supported: timer, 100rel, replaces\r\nUser-Agent: Desk/4.10 (build 22.0916.r4)\r\n%s"
        "Content-Length: %zu\r\n\r\n%s",
        method, first ? "sip:+442079460123@10.10.0.10" : "sip:as58@10.20.0.11:5060", own, call->number,
        call->number, first ? "" : call->routes, first && invite ? "" : ";tag=as58f4c1e2", call->number,
        strcmp(method, "BYE") == 0 ? 2u : 1u, method, invite ? "Content-Type: application/sdp\r\n" : "",
        invite ? sizeof(body) - 1 : 0, invite ? body : "");
    send_text(calls, 0, text, length);
}

// The ACK to a refusal repeats its To.
static void send_ack_refusal(struct goodput_calls *calls, const struct call *call, const char *refusal)
{
    char text[TEXT_MAX];
    const char *to = strstr(refusal, "\r\nTo: ");
    int length =
        snprintf(text, sizeof(text),
                 "ACK sip:+442079460123@10.10.0.10 SIP/2.0\r\n"
                 "Via: SIP/2.0/UDP 10.10.1.1:5060;branch=z9hG4bK1d32-INVITE-%u\r\nMax-Forwards: 69\r\n"
                 "From: \"A. Caller\" <sip:+441632960961@carrier-a.example>;tag=gK0c8f21%.*s\r\n"
                 "Call-ID: %u@198.51.100.7\r\nCSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n",
                 call->number, to != NULL ? (int)(2 + strcspn(to + 2, "\r")) : 0, to, call->number);
    send_text(calls, 0, text, length);
}

static bool repeats(const char *line, const char *end)
{
    static const char *const names[] = {"Via:", "Record-Route:", "From:", "To:", "Call-ID:", "CSeq:"};
    for (unsigned i = 0; line < end && i < RTE_DIM(names); i++)
        if (strncmp(line, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

// The lines of a request that a response repeats.
static char *lines_of(const char *request)
{
    static const char *const tag = ";tag=as58f4c1e2";
    char out[TEXT_MAX];
    size_t used = 0;
    const char *end = strstr(request, "\r\n\r\n");
    for (const char *line = strstr(request, "\r\n") + 2; end != NULL && line < end;
         line = strstr(line, "\r\n") + 2) {
        int length = (int)strcspn(line, "\r");
        if (!repeats(line, end))
            continue;
        bool tagged = line[0] != 'T' || memmem(line, (size_t)length, ";tag=", 5) != NULL;
        used +=
            (size_t)snprintf(out + used, sizeof(out) - used, "%.*s%s\r\n", length, line, tagged ? "" : tag);
    }
    return strdup(used < sizeof(out) ? out : "");
}

static void respond(struct goodput_calls *calls, const char *lines, const char *status)
{
    char text[TEXT_MAX];
    int length = snprintf(text, sizeof(text),
                          "SIP/2.0 %s\r\n%sContact: <sip:as58@10.20.0.11:5060>\r\nContent-Length: 0\r\n\r\n",
                          status, lines);
    send_text(calls, 1, text, length);
}

static void callee_takes(struct goodput_calls *calls, struct call *call, const char *text)
{
    if (strncmp(text, "ACK ", 4) == 0) {
        call->acked = true;
    } else if (strncmp(text, "INVITE ", 7) == 0) {
        if (call->answer == NULL) {
            call->answer = lines_of(text);
            respond(calls, call->answer, "180 Ringing");
            repeat_later(calls, call->number, REPEAT_ANSWER, 0);
        }
        respond(calls, call->answer, "200 OK");
    } else {
        char *lines = lines_of(text);
        respond(calls, lines, "200 OK");
        free(lines);
    }
}

// Record-Routes in the other order (RFC 3261 12.1.2).
static char *routes_of(const char *answer)
{
    const char *lines[4];
    unsigned n = 0;
    for (const char *line = strstr(answer, "\r\nRecord-Route: "); line != NULL && n < RTE_DIM(lines);
         line = strstr(line + 2, "\r\nRecord-Route: "))
        lines[n++] = line + 16;
    char out[TEXT_MAX] = "";
    for (size_t used = 0; n > 0 && used < sizeof(out);) {
        n--;
        used += (size_t)snprintf(out + used, sizeof(out) - used, "Route: %.*s\r\n",
                                 (int)strcspn(lines[n], "\r"), lines[n]);
    }
    return strdup(out);
}

static void end_call(struct call *call, uint64_t *counted)
{
    call->state = CALL_DONE;
    ++*counted;
}

static void caller_takes(struct goodput_calls *calls, struct call *call, const char *text)
{
    unsigned status = (unsigned)atoi(text + 8);
    const char *cseq = strstr(text, "\r\nCSeq: ");
    bool invite = cseq != NULL && strncmp(cseq + 8, "1 ", 2) == 0;
    if (status < 200) {
        if (call->state == CALL_INVITED)
            call->state = CALL_PROCEEDING;
    } else if (!invite) {
        if (call->state == CALL_ENDING)
            end_call(call, &calls->count.completed);
    } else if (status < 300) {
        if (call->state < CALL_TALKING) {
            call->state = CALL_TALKING;
            call->routes = routes_of(text);
            later(calls, EVENT_HANG_UP, (struct event){.number = call->number});
        }
        if (call->routes != NULL)
            send_request(calls, call, "ACK");
    } else {
        send_ack_refusal(calls, call, text);
        if (call->state < CALL_TALKING)
            end_call(call, &calls->count.refused);
    }
}

void goodput_calls_take(struct goodput_calls *calls, unsigned network, struct rte_mbuf *mbuf)
{
    char text[TEXT_MAX + 1];
    uint32_t length = RTE_MIN(rte_pktmbuf_data_len(mbuf) - HEADERS, TEXT_MAX);
    memcpy(text, rte_pktmbuf_mtod_offset(mbuf, const char *, HEADERS), length);
    text[length] = '\0';
    rte_pktmbuf_free(mbuf);
    const char *id = strstr(text, "\r\nCall-ID: ");
    if (id == NULL)
        return;
    uint32_t number = (uint32_t)strtoul(id + 11, NULL, 10);
    struct call *call = &calls->calls[number % CALLS];
    if (call->number != number || call->state == CALL_NONE)
        return;
    if (network == 0)
        caller_takes(calls, call, text);
    else
        callee_takes(calls, call, text);
}

static void begin_call(struct goodput_calls *calls)
{
    uint32_t number = calls->next_number++;
    struct call *call = &calls->calls[number % CALLS];
    forget(call);
    *call = (struct call){.number = number, .state = CALL_INVITED};
    calls->count.offered++;
    send_request(calls, call, "INVITE");
    repeat_later(calls, number, REPEAT_INVITE, 0);
}

static void repeat(struct goodput_calls *calls, const struct event *event, unsigned times)
{
    struct call *call = &calls->calls[event->number % CALLS];
    if (call->number != event->number)
        return;
    switch (event->what) {
    case REPEAT_INVITE:
        if (call->state != CALL_INVITED)
            return;
        send_request(calls, call, "INVITE");
        break;
    case REPEAT_ANSWER:
        if (call->acked || call->answer == NULL)
            return;
        respond(calls, call->answer, "200 OK");
        break;
    default:
        if (call->state != CALL_ENDING)
            return;
        send_request(calls, call, "BYE");
    }
    if (times + 1 == REPEATS && event->what != REPEAT_ANSWER)
        end_call(call, &calls->count.lost);
    else
        repeat_later(calls, event->number, event->what, times + 1);
}

static void happen(struct goodput_calls *calls, unsigned line, const struct event *event)
{
    if (line == EVENT_ARRIVE) {
        if (rte_ring_enqueue(calls->to_worker[event->what], event->mbuf) != 0)
            rte_pktmbuf_free(event->mbuf); // the NIC's queue is full
    } else if (line == EVENT_HANG_UP) {
        struct call *call = &calls->calls[event->number % CALLS];
        call->state = CALL_ENDING;
        send_request(calls, call, "BYE");
        repeat_later(calls, call->number, REPEAT_BYE, 0);
    } else {
        repeat(calls, event, line - EVENT_REPEAT);
    }
}

void goodput_calls_run(struct goodput_calls *calls, uint64_t now_us, double calls_a_second)
{
    if (calls->next_call_us == 0)
        calls->next_call_us = (double)now_us;
    while (calls->next_call_us <= (double)now_us) {
        calls->now_us = (uint64_t)calls->next_call_us;
        begin_call(calls);
        calls->next_call_us += 1e6 / calls_a_second;
    }
    calls->now_us = now_us;
    for (unsigned i = 0; i < LINES; i++) {
        struct line *line = &calls->lines[i];
        while (line->count > 0 && line->events[line->first].due_us <= now_us) {
            struct event event = line->events[line->first];
            line->first = (line->first + 1) % line->size;
            line->count--;
            happen(calls, i, &event);
        }
    }
}
