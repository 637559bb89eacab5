// SPDX-License-Identifier: BSD-3-Clause
// A look-up counts its open queries and ends with the last one. A target that has no address is left out; a
// target whose query failed makes the whole look-up fail, so that a half answer never looks like members that
// went away. What is kept of an answer is bounded, and chosen after sorting, so that servers that turn their
// records give the same addresses each time.
#include "dns.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <ares.h>
#include <event2/event.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define RESOLV_CONF     "/etc/resolv.conf"
#define QUERY_MS        1500 // the first try; c-ares doubles it
#define QUERY_TRIES     3
#define TARGETS_MAX     HOST_ADDRESSES_MAX
#define ADDRESSES_READ  64 // of one A answer
#define FOUND_MAX       ((uint32_t)(TARGETS_MAX * ADDRESSES_READ))
#define TTL_MAX         0x7fffffffu // RFC 2181 8: the top bit makes it zero
#define NAME_MAX_OCTETS 253u        // RFC 1035 2.3.4, as text

struct dns_socket {
    struct dns_socket *next;
    struct dns *dns;
    struct event *event;
    ares_socket_t fd;
};

struct dns {
    struct event_base *base;
    const char *servers;
    ares_channel channel; // NULL: could not be made, tried again with the next look-up
    struct event *timer;
    struct dns_socket *sockets;
    uint32_t look_ups; // under way
    struct timespec read;
};

struct target {
    char name[NS_MAXDNAME];
    uint16_t priority, weight, port;
};

struct found {
    struct host_address row; // rank and share are filled at the end
    uint16_t priority, weight;
};

struct look_up {
    struct dns *dns;
    dns_done *done;
    void *context;
    uint32_t open; // queries
    bool ipv6;     // AAAA too
    const char *fault;
    bool none; // with a fault
    uint32_t ttl_s;
    uint32_t target_count;
    uint32_t found_count;
    struct target targets[TARGETS_MAX]; // by priority, name, port
    struct found found[FOUND_MAX];
};

struct query {
    struct look_up *look_up;
    const struct target *target;
};

static void set_timer(struct dns *dns)
{
    struct timeval wait;
    if (dns->channel && ares_timeout(dns->channel, NULL, &wait))
        evtimer_add(dns->timer, &wait);
    else
        evtimer_del(dns->timer);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    struct dns *dns = context;
    ares_process_fd(dns->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    set_timer(dns);
}

static void on_socket(evutil_socket_t fd, short what, void *context)
{
    // The socket may be closed by what is processed: its struct is not looked at afterwards.
    struct dns *dns = ((struct dns_socket *)context)->dns;
    ares_process_fd(dns->channel, what & EV_READ ? fd : ARES_SOCKET_BAD,
                    what & EV_WRITE ? fd : ARES_SOCKET_BAD);
    set_timer(dns);
}

// c-ares says what it waits for. Without memory the query times out.
static void on_socket_state(void *context, ares_socket_t fd, int readable, int writable)
{
    struct dns *dns = context;
    struct dns_socket **link = &dns->sockets;
    while (*link && (*link)->fd != fd)
        link = &(*link)->next;
    struct dns_socket *socket = *link;
    if (socket && socket->event)
        event_free(socket->event);
    if (!readable && !writable) {
        if (socket)
            *link = socket->next;
        free(socket);
        return;
    }
    if (!socket) {
        socket = calloc(1, sizeof(*socket));
        if (!socket)
            return;
        *socket = (struct dns_socket){dns->sockets, dns, NULL, fd};
        dns->sockets = socket;
    }
    short what = (short)((readable ? EV_READ : 0) | (writable ? EV_WRITE : 0) | EV_PERSIST);
    socket->event = event_new(dns->base, fd, what, on_socket, socket);
    if (socket->event)
        event_add(socket->event, NULL);
}

static int open_channel(struct dns *dns)
{
    struct ares_options options = {.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES,
                                   .timeout = QUERY_MS,
                                   .tries = QUERY_TRIES,
                                   .sock_state_cb = on_socket_state,
                                   .sock_state_cb_data = dns};
    int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
    struct stat status;
    if (dns->channel)
        ares_destroy(dns->channel);
    dns->channel = NULL;
    if (stat(RESOLV_CONF, &status) == 0)
        dns->read = status.st_mtim;
    if (ares_init_options(&dns->channel, &options, mask) != ARES_SUCCESS) {
        dns->channel = NULL;
        return -1;
    }
    if (!dns->servers || ares_set_servers_ports_csv(dns->channel, dns->servers) == ARES_SUCCESS)
        return 0;
    ares_destroy(dns->channel);
    dns->channel = NULL;
    return -1;
}

// Only between look-ups: those under way keep their servers.
static void refresh_channel(struct dns *dns)
{
    struct stat status;
    bool changed = !dns->servers && stat(RESOLV_CONF, &status) == 0 &&
                   (status.st_mtim.tv_sec != dns->read.tv_sec || status.st_mtim.tv_nsec != dns->read.tv_nsec);
    if (!dns->channel || (changed && dns->look_ups == 0))
        open_channel(dns);
}

struct dns *dns_create(struct event_base *base, const char *servers)
{
    struct dns *dns = calloc(1, sizeof(*dns));
    if (!dns)
        return NULL;
    *dns = (struct dns){.base = base, .servers = servers};
    dns->timer = evtimer_new(base, on_timer, dns);
    if (dns->timer && ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS) {
        // Whoever has no hosts needs no /etc/resolv.conf; servers that cannot be read are an error of the
        // call.
        if (open_channel(dns) == 0 || !servers)
            return dns;
        ares_library_cleanup();
    }
    if (dns->timer)
        event_free(dns->timer);
    free(dns);
    return NULL;
}

void dns_destroy(struct dns *dns)
{
    if (!dns)
        return;
    if (dns->channel)
        ares_destroy(dns->channel);
    event_free(dns->timer);
    free(dns);
    ares_library_cleanup();
}

static void use_ttl(struct look_up *look_up, uint32_t ttl_s)
{
    uint32_t valid = ttl_s <= TTL_MAX ? ttl_s : 0;
    look_up->ttl_s = valid < look_up->ttl_s ? valid : look_up->ttl_s;
}

static int compare_places(const void *left, const void *right)
{
    const struct found *a = left, *b = right;
    int order = memcmp(&a->row.address, &b->row.address, sizeof(a->row.address));
    if (order == 0)
        order = (int)a->row.port - (int)b->row.port;
    return order ? order : (int)a->priority - (int)b->priority;
}

static int compare_found(const void *left, const void *right)
{
    const struct found *a = left, *b = right;
    int order = (int)a->priority - (int)b->priority;
    return order ? order : compare_places(left, right);
}

// Each place once, under its best priority; the best ones of all.
static void sort_found(struct look_up *look_up)
{
    struct found *found = look_up->found;
    uint32_t kept = 0;
    qsort(found, look_up->found_count, sizeof(*found), compare_places);
    for (uint32_t i = 0; i < look_up->found_count; i++)
        if (kept == 0 || found[kept - 1].row.port != found[i].row.port ||
            memcmp(&found[kept - 1].row.address, &found[i].row.address, sizeof(struct ip_address)) != 0)
            found[kept++] = found[i];
    qsort(found, kept, sizeof(*found), compare_found);
    look_up->found_count = kept < HOST_ADDRESSES_MAX ? kept : HOST_ADDRESSES_MAX;
}

// Priorities become ranks, weights shares of the largest weight of their rank (RFC 2782: a weight of zero has
// a small share beside others, an equal one among zeros).
static void fill_answer(struct look_up *look_up, struct dns_answer *answer)
{
    uint16_t rank = 0;
    sort_found(look_up);
    for (uint32_t first = 0, end; first < look_up->found_count; first = end, rank++) {
        uint32_t largest = 0;
        for (end = first;
             end < look_up->found_count && look_up->found[end].priority == look_up->found[first].priority;
             end++)
            largest = look_up->found[end].weight > largest ? look_up->found[end].weight : largest;
        for (uint32_t i = first; i < end; i++) {
            uint32_t share = largest ? look_up->found[i].weight * 100u / largest : 100;
            answer->addresses[i] = look_up->found[i].row;
            answer->addresses[i].rank = rank;
            answer->addresses[i].share = (uint16_t)(share ? share : 1);
        }
    }
    answer->count = look_up->found_count;
}

static void close_query(struct look_up *look_up)
{
    if (--look_up->open > 0)
        return;
    struct dns_answer answer = {.fault = look_up->fault, .none = look_up->none, .ttl_s = look_up->ttl_s};
    if (!answer.fault && look_up->found_count == 0) {
        answer.fault = "the name has no address";
        answer.none = true;
    }
    if (!answer.fault)
        fill_answer(look_up, &answer);
    look_up->dns->look_ups--;
    look_up->done(look_up->context, &answer);
    free(look_up);
}

// c-ares goes from a server that fails or refuses to the next, and ends as if none could be reached.
static const char *fault_of(int status)
{
    return status == ARES_ECONNREFUSED ? "no server answers, or each fails or refuses"
                                       : ares_strerror(status);
}

static bool has_none(int status)
{
    return status == ARES_ENOTFOUND || status == ARES_ENODATA;
}

static void add_found(const struct query *query, const struct ip_address *address, int ttl_s)
{
    struct look_up *look_up = query->look_up;
    if (look_up->found_count == FOUND_MAX)
        return;
    look_up->found[look_up->found_count++] =
        (struct found){{*address, query->target->port, 0, 0}, query->target->priority, query->target->weight};
    use_ttl(look_up, (uint32_t)ttl_s);
}

static void end_query(struct query *query, int status)
{
    struct look_up *look_up = query->look_up;
    if (status != ARES_SUCCESS && !has_none(status))
        look_up->fault = fault_of(status);
    free(query);
    close_query(look_up);
}

static void on_ipv4(void *context, int status, int timeouts, unsigned char *octets, int length)
{
    struct ares_addrttl rows[ADDRESSES_READ];
    int count = ADDRESSES_READ;
    if (status == ARES_SUCCESS)
        status = ares_parse_a_reply(octets, length, NULL, rows, &count);
    for (int i = 0; status == ARES_SUCCESS && i < count; i++) {
        const struct ip_address address = ip_from_ipv4(ntohl(rows[i].ipaddr.s_addr));
        add_found(context, &address, rows[i].ttl);
    }
    end_query(context, status);
}

static void on_ipv6(void *context, int status, int timeouts, unsigned char *octets, int length)
{
    struct ares_addr6ttl rows[ADDRESSES_READ];
    int count = ADDRESSES_READ;
    if (status == ARES_SUCCESS)
        status = ares_parse_aaaa_reply(octets, length, NULL, rows, &count);
    for (int i = 0; status == ARES_SUCCESS && i < count; i++) {
        struct ip_address address;
        memcpy(&address, &rows[i].ip6addr, sizeof(address));
        if (!ip_is_ipv4(&address)) // in IPv6's clothes
            add_found(context, &address, rows[i].ttl);
    }
    end_query(context, status);
}

static void ask_type(struct look_up *look_up, const struct target *target, ns_type type)
{
    struct query *query = malloc(sizeof(*query));
    if (!query) {
        look_up->fault = "no memory";
        return;
    }
    *query = (struct query){look_up, target};
    look_up->open++;
    ares_query(look_up->dns->channel, target->name, ns_c_in, type, type == ns_t_a ? on_ipv4 : on_ipv6, query);
}

static void ask_addresses(struct look_up *look_up, const struct target *target)
{
    ask_type(look_up, target, ns_t_a);
    if (look_up->ipv6)
        ask_type(look_up, target, ns_t_aaaa);
}

// c-ares does not give the TTL of an SRV record.
static void use_answer_ttl(struct look_up *look_up, const unsigned char *octets, int length)
{
    ns_msg message;
    ns_rr record;
    int count = ns_initparse(octets, length, &message) == 0 ? ns_msg_count(message, ns_s_an) : 0;
    for (int i = 0; i < count; i++)
        use_ttl(look_up, ns_parserr(&message, ns_s_an, i, &record) == 0 ? (uint32_t)ns_rr_ttl(record) : 0);
}

static int compare_targets(const struct target *one, const struct target *other)
{
    int order = (int)one->priority - (int)other->priority;
    if (order == 0)
        order = strcasecmp(one->name, other->name);
    return order ? order : (int)one->port - (int)other->port;
}

// The best ones in their order, whatever the order of the answer.
static void add_target(struct look_up *look_up, const struct ares_srv_reply *record)
{
    struct target target = {.priority = record->priority, .weight = record->weight, .port = record->port};
    size_t length = strlen(record->host);
    // A target of "." says that there is no such service; port 0 cannot be sent to.
    if (length == 0 || length >= sizeof(target.name) || record->port == 0)
        return;
    memcpy(target.name, record->host, length + 1);
    uint32_t place = look_up->target_count;
    while (place > 0 && compare_targets(&target, &look_up->targets[place - 1]) < 0)
        place--;
    if (place == TARGETS_MAX)
        return;
    if (look_up->target_count < TARGETS_MAX)
        look_up->target_count++;
    memmove(&look_up->targets[place + 1], &look_up->targets[place],
            (look_up->target_count - 1 - place) * sizeof(target));
    look_up->targets[place] = target;
}

static void on_services(void *context, int status, int timeouts, unsigned char *octets, int length)
{
    struct look_up *look_up = context;
    struct ares_srv_reply *records = NULL;
    if (status == ARES_SUCCESS)
        status = ares_parse_srv_reply(octets, length, &records);
    if (status == ARES_SUCCESS && records) {
        use_answer_ttl(look_up, octets, length);
        look_up->target_count = 0; // the host itself is none
        for (const struct ares_srv_reply *record = records; record; record = record->next)
            add_target(look_up, record);
        look_up->none = look_up->target_count == 0;
        if (look_up->none)
            look_up->fault = "its SRV record says that there is no SIP over UDP";
    } else if (status != ARES_SUCCESS && !has_none(status)) {
        look_up->fault = fault_of(status);
    }
    if (records)
        ares_free_data(records);
    for (uint32_t i = 0; !look_up->fault && i < look_up->target_count; i++)
        ask_addresses(look_up, &look_up->targets[i]);
    close_query(look_up);
}

// A name that is too long for DNS with this before it has no such record.
static bool has_service(const struct dns_question *question, char name[NS_MAXDNAME])
{
    static const char prefix[] = "_sip._udp.";
    if (!question->service || strlen(question->host) + sizeof(prefix) > NAME_MAX_OCTETS + 1)
        return false;
    snprintf(name, NS_MAXDNAME, "%s%s", prefix, question->host);
    return true;
}

void dns_look_up(struct dns *dns, const struct dns_question *question, dns_done *done, void *context)
{
    char name[NS_MAXDNAME];
    struct look_up *look_up = calloc(1, sizeof(*look_up));
    refresh_channel(dns);
    if (!look_up || !dns->channel) {
        struct dns_answer answer = {.fault = look_up ? RESOLV_CONF " cannot be used" : "no memory"};
        free(look_up);
        done(context, &answer);
        return;
    }
    *look_up = (struct look_up){.dns = dns,
                                .done = done,
                                .context = context,
                                .open = 1,
                                .ipv6 = question->ipv6,
                                .ttl_s = TTL_MAX,
                                .target_count = 1};
    // Without SRV records the host is its own only target, at the member's port.
    snprintf(look_up->targets[0].name, sizeof(look_up->targets[0].name), "%s", question->host);
    dns->look_ups++;
    if (has_service(question, name)) {
        ares_query(dns->channel, name, ns_c_in, ns_t_srv, on_services, look_up);
    } else {
        ask_addresses(look_up, &look_up->targets[0]);
        close_query(look_up);
    }
    set_timer(dns);
}
