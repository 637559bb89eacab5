// SPDX-License-Identifier: BSD-3-Clause
// Floods a listener with datagrams, of several kinds at once, each at the same rate, until SIGTERM or for so
// many seconds; then says how many of each kind left. Raw sockets: sources are whatever a kind says. What a
// socket refuses is not counted, and not tried again.
//
// A source out of 2^24 is a number's image under a permutation: those of the first 2^24 packets are all
// different.
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define BATCH      64u
#define OCTETS_MAX 1400u
#define IPV4       20u
#define IPV6       40u
#define FRAGMENT   8u
#define UDP        8u
#define PROTOCOL   17u
#define NEXT_PIECE 44u

enum { SOURCES, SINGLE, PEER, MALFORMED, FRAGMENTS, KINDS };
static const char *const names[KINDS] = {"sources", "single", "peer", "malformed", "fragments"};

struct options {
    struct in_addr source, peer, target;
    struct in6_addr source6, peer6, target6;
    bool has_ipv6; // every second packet
    unsigned long rate, seconds;
};

struct flood {
    struct options options;
    int sockets[2]; // IPv4, IPv6
    bool wanted[KINDS];
    uint64_t numbers[KINDS]; // tried
    uint64_t sent[KINDS][2];
    uint64_t salt;
    // One batch, of one family.
    uint8_t packets[BATCH][OCTETS_MAX];
    struct iovec parts[BATCH];
    struct mmsghdr messages[BATCH];
};

static volatile sig_atomic_t ended;

static void end(int number)
{
    (void)number;
    ended = 1;
}

static void put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static uint64_t sum_of(uint64_t sum, const uint8_t *octets, uint32_t length)
{
    for (uint32_t i = 0; i < length; i++)
        sum += (uint32_t)octets[i] << (i & 1 ? 0 : 8);
    return sum;
}

// Each number below 2^24 once: multiplication by an odd number and shifts to the right can be undone.
static uint32_t scatter(uint64_t number)
{
    uint32_t value = (uint32_t)number & 0xffffff;
    value = value * 0x9e3779u & 0xffffff;
    value ^= value >> 11;
    value = value * 0x85ebcbu & 0xffffff;
    return value ^ value >> 13;
}

static void source_of(const struct flood *flood, unsigned kind, uint64_t number, bool ipv6, uint8_t *at)
{
    const struct options *options = &flood->options;
    bool is_peer = kind == PEER || (kind == FRAGMENTS && number % 4 < 2);
    if (kind == SOURCES || (kind == FRAGMENTS && !is_peer)) {
        // 11.0.0.0/8 and the /64s of 2001:db8:c000::/40
        uint32_t value = scatter(number);
        static const uint8_t prefix[8] = {0x20, 1, 0xd, 0xb8, 0xc0};
        memset(at, 0, ipv6 ? 16 : 4);
        memcpy(at, prefix, ipv6 ? sizeof(prefix) : 0);
        at[0] = ipv6 ? at[0] : 11;
        for (unsigned i = 0; i < 3; i++)
            at[(ipv6 ? 5 : 1) + i] = (uint8_t)(value >> (16 - 8 * i));
        at[ipv6 ? 15 : 3] |= ipv6; // the interface
        return;
    }
    if (ipv6)
        memcpy(at, is_peer ? &options->peer6 : &options->source6, 16);
    else
        memcpy(at, is_peer ? &options->peer : &options->source, 4);
}

static uint32_t payload_of(const struct flood *flood, unsigned kind, uint64_t number, char *text)
{
    static const char *const bad[] = {"INVITE sip:x SIP/2.0\r\nno colon\r\n\r\n", "OPTIONS x",
                                      "\x80\x81\x82 this is no SIP", "GET"};
    unsigned long long id = (unsigned long long)number, salt = (unsigned long long)flood->salt;
    if (kind == MALFORMED)
        return (uint32_t)sprintf(text, "%s", bad[number / 2 % 4]);
    if (kind == FRAGMENTS) {
        memset(text, 'x', 1192);
        memcpy(text, "INVITE sip:x SIP/2.0\r\n", 22);
        return 1192;
    }
    return (uint32_t)sprintf(
        text,
        "INVITE sip:%llu@example.net SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK%llx%llx\r\n"
        "From: <sip:f@example.net>;tag=%llu\r\nTo: <sip:%llu@example.net>\r\nCall-ID: %llx@%llx\r\n"
        "CSeq: 1 INVITE\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
        id, id, salt, id, id, id, salt);
}

// Writes the packet; returns its octets. A fragment says that more follows, which never comes.
static uint32_t packet_of(const struct flood *flood, unsigned kind, uint64_t number, bool ipv6, uint8_t *at)
{
    bool is_piece = kind == FRAGMENTS;
    uint32_t header = ipv6 ? IPV6 + (is_piece ? FRAGMENT : 0) : IPV4, ends = ipv6 ? 32 : 8;
    uint8_t *udp = at + header, *addresses = at + (ipv6 ? 8 : 12);
    uint32_t length = UDP + payload_of(flood, kind, number, (char *)udp + UDP);
    memset(at, 0, header + UDP);
    source_of(flood, kind, number, ipv6, addresses);
    memcpy(addresses + ends / 2,
           ipv6 ? (const void *)&flood->options.target6 : (const void *)&flood->options.target, ends / 2);
    if (ipv6) {
        at[0] = 0x60;
        put16(at + 4, header - IPV6 + length);
        at[6] = is_piece ? NEXT_PIECE : PROTOCOL;
        at[7] = 64;
        at[40] = PROTOCOL; // of a fragment's header, else of UDP's, which is written below
        at[43] = is_piece;
        memcpy(at + 44, &(uint32_t){(uint32_t)number}, 4);
    } else {
        at[0] = 0x45;
        put16(at + 2, header + length);
        put16(at + 4, (uint32_t)number | 1u); // 0: the kernel would choose one
        at[6] = is_piece ? 0x20 : 0;
        at[8] = 64;
        at[9] = PROTOCOL;
    }
    put16(udp, 5060);
    put16(udp + 2, 5060);
    put16(udp + 4, is_piece ? length + 1200 : length);
    put16(udp + 6, 0);
    if (!is_piece) {
        uint64_t sum = sum_of(sum_of(PROTOCOL + length, addresses, ends), udp, length);
        for (unsigned i = 0; i < 3; i++)
            sum = (sum & 0xffff) + (sum >> 16);
        put16(udp + 6, sum == 0xffff ? 0xffff : ~(uint32_t)sum);
    }
    return header + length;
}

static void send_batch(struct flood *flood, unsigned kind, unsigned count, bool ipv6)
{
    for (unsigned i = 0; i < count; i++) {
        uint64_t number = flood->numbers[kind]++;
        flood->parts[i] = (struct iovec){
            .iov_base = flood->packets[i],
            .iov_len = packet_of(flood, kind, number, ipv6, flood->packets[i]),
        };
        flood->messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &flood->parts[i], .msg_iovlen = 1}};
    }
    for (unsigned at = 0; at < count;) {
        int done = sendmmsg(flood->sockets[ipv6], flood->messages + at, count - at, 0);
        if (done <= 0 && errno == EINTR)
            continue;
        flood->sent[kind][ipv6] += done > 0 ? (unsigned)done : 0;
        at += done > 0 ? (unsigned)done : 1; // the first one was refused
    }
}

static uint64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

// Who comes late sends no more than a few batches at once: the flood is even.
static void run(struct flood *flood)
{
    uint64_t begin = now_us(), due_before = 0;
    bool ipv6 = false;
    while (!ended) {
        uint64_t us = now_us() - begin;
        if (flood->options.seconds > 0 && us >= flood->options.seconds * 1000000)
            break;
        uint64_t due = us * flood->options.rate / 1000000, left = due - due_before;
        due_before = due;
        for (left = left < 8 * BATCH ? left : 8 * BATCH; left > 0;) {
            unsigned count = left < BATCH ? (unsigned)left : BATCH;
            for (unsigned kind = 0; kind < KINDS; kind++)
                if (flood->wanted[kind])
                    send_batch(flood, kind, count, ipv6);
            ipv6 = !ipv6 && flood->options.has_ipv6;
            left -= count;
        }
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}

static int open_sockets(struct flood *flood)
{
    const struct options *options = &flood->options;
    const struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = options->target};
    const struct sockaddr_in6 to6 = {.sin6_family = AF_INET6, .sin6_addr = options->target6};
    flood->sockets[0] = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
    if (flood->sockets[0] < 0 || connect(flood->sockets[0], (const struct sockaddr *)&to, sizeof(to)) < 0)
        return -1;
    if (!options->has_ipv6)
        return 0;
    flood->sockets[1] = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
    return flood->sockets[1] < 0 ? -1
                                 : connect(flood->sockets[1], (const struct sockaddr *)&to6, sizeof(to6));
}

static int usage(void)
{
    fprintf(stderr, "usage: flooder --source A --peer A --target A [--source6 A --peer6 A --target6 A] "
                    "--rate PACKETS_A_SECOND_OF_EACH_KIND [--seconds N] KIND...\n");
    return 2;
}

static bool read_options(int count, char **words, struct options *options)
{
    static const struct option known[] = {
        {"source", required_argument, NULL, 's'},
        {"peer", required_argument, NULL, 'p'},
        {"target", required_argument, NULL, 't'},
        {"source6", required_argument, NULL, 'S'},
        {"peer6", required_argument, NULL, 'P'},
        {"target6", required_argument, NULL, 'T'},
        {"rate", required_argument, NULL, 'r'},
        {"seconds", required_argument, NULL, 'e'},
        {NULL, 0, NULL, 0},
    };
    for (int letter; (letter = getopt_long(count, words, "", known, NULL)) != -1;) {
        bool good = true;
        switch (letter) {
        case 's':
            good = inet_pton(AF_INET, optarg, &options->source) == 1;
            break;
        case 'p':
            good = inet_pton(AF_INET, optarg, &options->peer) == 1;
            break;
        case 't':
            good = inet_pton(AF_INET, optarg, &options->target) == 1;
            break;
        case 'S':
            good = inet_pton(AF_INET6, optarg, &options->source6) == 1;
            break;
        case 'P':
            good = inet_pton(AF_INET6, optarg, &options->peer6) == 1;
            break;
        case 'T':
            good = inet_pton(AF_INET6, optarg, &options->target6) == 1;
            options->has_ipv6 = true;
            break;
        case 'r':
            options->rate = strtoul(optarg, NULL, 10);
            break;
        case 'e':
            options->seconds = strtoul(optarg, NULL, 10);
            break;
        default:
            good = false;
        }
        if (!good)
            return false;
    }
    return options->rate > 0 && options->target.s_addr != 0;
}

int main(int count, char **words)
{
    static struct flood flood;
    unsigned kinds = 0;
    if (!read_options(count, words, &flood.options))
        return usage();
    for (int i = optind; i < count; i++)
        for (unsigned kind = 0; kind < KINDS; kind++)
            if (strcmp(words[i], names[kind]) == 0 && !flood.wanted[kind])
                flood.wanted[kind] = ++kinds > 0;
    if (kinds == 0 || (int)kinds != count - optind)
        return usage();
    signal(SIGTERM, end);
    signal(SIGINT, end);
    flood.salt = now_us();
    if (open_sockets(&flood) < 0) {
        perror("flooder");
        return 1;
    }
    run(&flood);
    for (unsigned kind = 0; kind < KINDS; kind++)
        if (flood.wanted[kind])
            printf("%s %llu %llu\n", names[kind], (unsigned long long)flood.sent[kind][0],
                   (unsigned long long)flood.sent[kind][1]);
    return 0;
}
