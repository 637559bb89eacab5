// SPDX-License-Identifier: BSD-3-Clause
// Registrations that we keep (RFC 3261 section 10.2): REGISTER, again before it expires, all with one Call-ID
// and a CSeq that grows (10.2.4). What the registrar asked once is answered from then on in each of them,
// until it asks anew (401 with another nonce, stale or not) or refuses the answer.
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../dataplane/sip/contact.h"
#include "../../dataplane/sip/uri.h"
#include "../control.h"
#include "credentials.h"
#include "ua.h"

#define AGAIN_S     30u  // after a failure
#define AGAIN_MAX_S 300u // doubled up to this
#define SOON_S      10u  // no refresh is nearer
#define CONNECT_S   1u   // the data plane is away: looked for it again
// CSeqs that may have gone out without having been kept: of the one under way, and its answers to challenges.
#define CSEQ_AHEAD        8u
#define EXPIRES_MAX       86400u
#define REGISTRATIONS_MAX 10000u

struct ua_registration {
    LIST_ENTRY(ua_registration) link;
    uint64_t id;
    struct ua *ua;
    struct ua_app *app;
    struct ua_sent *sent; // under way, NULL: none
    char *registrar, *aor, *contact, *call_id, *from_tag;
    struct ua_credentials credentials;
    char label[UA_LABEL_MAX + 1];
    uint16_t peer;
    uint32_t expires_s, cseq, failures;
    uint64_t due_ms; // of clock_ms(): the next REGISTER
    bool leaving;
    struct event *timer;
};

static void keep_registration(const struct ua_registration *registration)
{
    struct ua *ua = registration->ua;
    struct keep_writer *writer = registration->call_id ? keep_begin(ua->keep) : NULL;
    if (!writer)
        return;
    const char *const texts[] = {registration->registrar,
                                 registration->aor,
                                 registration->contact,
                                 registration->credentials.user,
                                 registration->credentials.password,
                                 registration->credentials.realm,
                                 registration->call_id,
                                 registration->from_tag,
                                 registration->label};
    keep_number(writer, registration->app->number);
    keep_text(writer, registration->app->name);
    for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        keep_text(writer, texts[i]);
    keep_number(writer, registration->peer);
    keep_number(writer, registration->expires_s);
    keep_number(writer, registration->cseq);
    keep_number(writer, registration->failures);
    keep_number(writer, registration->sent ? 0 : registration->due_ms);
    keep_number(writer, registration->leaving);
    keep_put(ua->keep, KEEP_REGISTRATION, registration->id);
}

static void registration_free(struct ua_registration *registration)
{
    if (registration->timer)
        event_free(registration->timer);
    LIST_REMOVE(registration, link);
    free(registration->registrar);
    free(registration->aor);
    free(registration->contact);
    ua_credentials_free(&registration->credentials);
    free(registration->call_id);
    free(registration->from_tag);
    free(registration);
}

void ua_registrations_stop(struct ua *ua)
{
    struct ua_registration *next;
    for (struct ua_registration *one = LIST_FIRST(&ua->registrations); one; one = next) {
        next = LIST_NEXT(one, link);
        registration_free(one);
    }
}

// Without a Contact a REGISTER only asks (10.2.3): ours is the user of the address of record at our listener
// for the peer, so that routes find the application by who is called.
static void own_contact(const struct ua_registration *registration, char *contact, size_t size)
{
    uint32_t at = 0, count, listeners;
    const uint8_t *octets = (const uint8_t *)registration->aor;
    const struct configuration *active = &registration->ua->control->active;
    const struct snapshot_peer *peers = configuration_section(active, SECTION_PEERS, &count);
    const struct snapshot_listener *rows = configuration_section(active, SECTION_LISTENERS, &listeners);
    uint16_t peer = registration->peer == NUMBER_NONE ? registration->app->number : registration->peer;
    uint16_t listener = peer < count ? peers[peer].listeners[0] : NUMBER_NONE;
    struct address address;
    struct uri uri;
    contact[0] = '\0';
    if (listener >= listeners ||
        address_next(octets, (struct span){0, (uint16_t)strlen(registration->aor)}, &at, &address) != 1 ||
        uri_parse(octets, address.uri, &uri) < 0)
        return;
    const uint8_t *ip = rows[listener].advertised.octets + 12;
    snprintf(contact, size, "<sip:%.*s%s%u.%u.%u.%u:%u>", (int)uri.user.length, octets + uri.user.offset,
             uri.user.length ? "@" : "", ip[0], ip[1], ip[2], ip[3], rows[listener].advertised_port);
}

static int send_register(struct ua_registration *registration, const struct ua_reply *reply,
                         struct ua_fault *fault)
{
    char lines[4096], contact[2200];
    struct ua *ua = registration->ua;
    own_contact(registration, contact, sizeof(contact));
    struct writer writer;
    writer_init(&writer, lines, sizeof(lines) - 1);
    writer.used = (uint32_t)snprintf(lines, sizeof(lines), "Expires: %u\r\n",
                                     registration->leaving ? 0 : (unsigned)registration->expires_s);
    size_t answered =
        ua_credentials_write(&registration->credentials, "REGISTER", registration->registrar, &writer, NULL);
    lines[writer.used] = '\0';
    const struct ua_wish wish = {.op = CHANNEL_UA_REQUEST,
                                 .app = registration->app,
                                 .method = "REGISTER",
                                 .uri = registration->registrar,
                                 .to = registration->aor,
                                 .from = registration->aor,
                                 .contact = registration->contact ? registration->contact
                                            : contact[0]          ? contact
                                                                  : NULL,
                                 .extra = lines,
                                 .answered = answered,
                                 .user = registration->credentials.user,
                                 .password = registration->credentials.password,
                                 .realm = registration->credentials.realm,
                                 .label = registration->label,
                                 .peer = registration->peer,
                                 .member = NUMBER_NONE,
                                 .call_id = registration->call_id,
                                 .from_tag = registration->from_tag,
                                 .cseq = registration->cseq + 1};
    int result = ua_do(ua, &wish, reply, fault);
    if (result == 0) {
        registration->sent = ua_sent_find(ua, ua->last_tag);
        registration->sent->registration = registration;
        struct ua_credentials *own = ua_try_credentials(registration->sent->again);
        if (own) // what it is asked then belongs to what was asked before
            ua_credentials_take(own, &registration->credentials);
    }
    return result;
}

static void wait_s(struct ua_registration *registration, uint32_t seconds)
{
    struct timeval delay = {(time_t)seconds, 0};
    evtimer_add(registration->timer, &delay);
    registration->due_ms = clock_ms() + seconds * 1000ull;
    keep_registration(registration);
}

static void failed(struct ua_registration *registration)
{
    uint32_t delay_s = AGAIN_S << (registration->failures < 4 ? registration->failures : 4);
    registration->failures++;
    wait_s(registration, delay_s < AGAIN_MAX_S ? delay_s : AGAIN_MAX_S);
}

static void on_time(evutil_socket_t fd, short what, void *context)
{
    struct ua_registration *registration = context;
    struct ua_fault fault;
    if (!channel_ready(registration->ua->control->channel))
        wait_s(registration, CONNECT_S);
    else if (!registration->sent && send_register(registration, NULL, &fault) < 0)
        failed(registration);
}

void ua_registration_lost(struct ua_registration *registration)
{
    registration->sent = NULL;
    if (registration->call_id)
        failed(registration);
    else // who wanted it was told
        registration_free(registration);
}

void ua_registration_sent(struct ua_sent *sent, const struct message *message)
{
    struct ua_registration *registration = sent->registration;
    registration->cseq = message->cseq_number;
    if (!registration->call_id && message->call_id.length > 0 && message->from_tag.length > 0) {
        registration->call_id =
            strndup((const char *)message_at(message, message->call_id), message->call_id.length);
        registration->from_tag =
            strndup((const char *)message_at(message, message->from_tag), message->from_tag.length);
    }
    keep_registration(registration);
}

static bool read_number(const struct message *message, unsigned kind, uint32_t *number)
{
    uint8_t at = message_first_header(message, kind);
    char text[11];
    if (at == MESSAGE_NO_HEADER || message->headers[at].value.length >= sizeof(text))
        return false;
    struct span value = message->headers[at].value;
    memcpy(text, message_at(message, value), value.length);
    text[value.length] = '\0';
    if (value.length == 0 || strspn(text, "0123456789") != value.length)
        return false;
    unsigned long read = strtoul(text, NULL, 10);
    *number = read < EXPIRES_MAX ? (uint32_t)read : EXPIRES_MAX;
    return true;
}

// 10.2.4: what the registrar gave; bindings of others may stand beside ours, the shortest is safe.
static uint32_t granted(const struct ua_registration *registration, const struct message *message)
{
    uint32_t least = registration->expires_s, given;
    bool found = false;
    for (uint8_t i = message_first_header(message, HEADER_CONTACT); i != MESSAGE_NO_HEADER;
         i = message_next_header(message, i)) {
        struct contact contact;
        uint32_t at = 0;
        while (contact_next(message->octets, message->headers[i].value, &at, &contact) == 1)
            if (contact.has_expires && contact.expires_s > 0 && (!found || contact.expires_s < least)) {
                least = contact.expires_s;
                found = true;
            }
    }
    if (!found && read_number(message, HEADER_EXPIRES, &given))
        least = given;
    return least;
}

void ua_registered(struct ua *ua, struct ua_sent *sent, const struct ua_response *response)
{
    struct ua_registration *registration = sent->registration;
    uint32_t longer = 0, expires_s = 0;
    bool good = response->status >= 200 && response->status < 300;
    bool wrong = response->status == 401 || response->status == 407;
    struct ua_credentials *answered = ua_try_credentials(sent->again);
    if (answered && !wrong)
        ua_credentials_take(&registration->credentials, answered);
    registration->sent = NULL;
    sent->registration = NULL;
    // 10.2.8: with the interval that the registrar wants.
    if (response->status == 423 && response->message &&
        read_number(response->message, HEADER_MIN_EXPIRES, &longer) && longer > registration->expires_s) {
        registration->expires_s = longer;
        wait_s(registration, 0);
        return;
    }
    if (good && !registration->leaving) // without a message it was longer than the channel takes
        expires_s = response->message ? granted(registration, response->message) : registration->expires_s;
    json_t *fields = json_pack("{s:i, s:I, s:s, s:o}", "status", (int)response->status, "expires",
                               (json_int_t)expires_s, "aor", registration->aor, "message",
                               response->message ? ua_message_json(response->message) : json_null());
    if (registration->label[0])
        json_object_set_new(fields, "tag", json_string(registration->label));
    ua_tell(ua, registration->app, NULL, "registered", fields);
    if (registration->leaving) {
        keep_drop(ua->keep, KEEP_REGISTRATION, registration->id);
        registration_free(registration);
    } else if (good) {
        registration->failures = 0;
        uint32_t delay_s = expires_s > 600 ? expires_s - 60 : expires_s * 9 / 10;
        wait_s(registration, delay_s > SOON_S ? delay_s : SOON_S);
    } else {
        failed(registration);
    }
}

static struct ua_registration *find(struct ua *ua, const struct ua_registration_wish *wish, unsigned *count)
{
    struct ua_registration *registration, *found = NULL;
    *count = 0;
    LIST_FOREACH(registration, &ua->registrations, link)
    {
        (*count)++;
        if (registration->app == wish->app && strcmp(registration->aor, wish->aor) == 0 &&
            strcmp(registration->registrar, wish->registrar) == 0)
            found = registration;
    }
    return found;
}

static char *copy(const char *text)
{
    return text ? strdup(text) : NULL;
}

static struct ua_registration *make(struct ua *ua, const struct ua_registration_wish *wish)
{
    struct ua_registration *registration = calloc(1, sizeof(*registration));
    if (!registration)
        return NULL;
    registration->id = ++ua->last_registration;
    registration->ua = ua;
    registration->app = wish->app;
    registration->peer = wish->peer;
    registration->registrar = copy(wish->registrar);
    registration->aor = copy(wish->aor);
    registration->timer = evtimer_new(ua->control->base, on_time, registration);
    LIST_INSERT_HEAD(&ua->registrations, registration, link);
    if (registration->registrar && registration->aor && registration->timer)
        return registration;
    registration_free(registration);
    return NULL;
}

static void replace(char **text, const char *with)
{
    if (!with)
        return;
    free(*text);
    *text = copy(with);
}

static bool differs(const char *text, const char *with)
{
    return with && (!text || strcmp(text, with) != 0);
}

int ua_register(struct ua *ua, const struct ua_registration_wish *wish, const struct ua_reply *reply,
                struct ua_fault *fault)
{
    unsigned count;
    struct ua_registration *registration = find(ua, wish, &count);
    bool made = !registration && wish->expires_s > 0;
    *fault = (struct ua_fault){DG_NOT_FOUND, "there is no such registration"};
    if (made && count < REGISTRATIONS_MAX)
        registration = make(ua, wish);
    if (!registration)
        return -1;
    if (registration->sent) {
        *fault = (struct ua_fault){DG_INVALID_STATE, "a REGISTER of it is under way"};
        return -1;
    }
    replace(&registration->contact, wish->contact);
    if (differs(registration->credentials.user, wish->user) ||
        differs(registration->credentials.password, wish->password) ||
        (wish->user && (differs(registration->credentials.realm, wish->realm) ||
                        differs(wish->realm, registration->credentials.realm))))
        ua_credentials_forget(&registration->credentials);
    replace(&registration->credentials.user, wish->user);
    replace(&registration->credentials.password, wish->password);
    if (wish->user) {
        free(registration->credentials.realm);
        registration->credentials.realm = copy(wish->realm);
    }
    snprintf(registration->label, sizeof(registration->label), "%s", wish->label ? wish->label : "");
    registration->leaving = wish->expires_s == 0;
    if (wish->expires_s > 0)
        registration->expires_s = wish->expires_s < EXPIRES_MAX ? wish->expires_s : EXPIRES_MAX;
    int result = send_register(registration, reply, fault);
    if (result < 0 && made)
        registration_free(registration);
    return result;
}

// --- those that an earlier control began ---

static void take(void *context, uint64_t id, struct keep_reader *reader)
{
    struct ua *ua = context;
    struct ua_registration_wish wish = {.app = ua_app_kept(ua, reader)};
    char *texts[9] = {NULL};
    for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        texts[i] = keep_read_text(reader);
    wish.registrar = texts[0];
    wish.aor = texts[1];
    wish.peer = (uint16_t)keep_read_number(reader);
    uint64_t numbers[5]; // expires, CSeq, failures, when, leaving
    for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        numbers[i] = keep_read_number(reader);
    bool good = wish.app && wish.app->served && texts[0] && texts[1] && texts[6] && texts[7] && !reader->bad;
    struct ua_registration *registration = good ? make(ua, &wish) : NULL;
    if (registration) {
        registration->id = id;
        char **const fields[] = {&registration->contact,
                                 &registration->credentials.user,
                                 &registration->credentials.password,
                                 &registration->credentials.realm,
                                 &registration->call_id,
                                 &registration->from_tag};
        for (unsigned i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
            *fields[i] = texts[2 + i];
            texts[2 + i] = NULL;
        }
        snprintf(registration->label, sizeof(registration->label), "%s", texts[8] ? texts[8] : "");
        registration->expires_s = (uint32_t)numbers[0];
        registration->cseq = (uint32_t)numbers[1] + CSEQ_AHEAD;
        registration->failures = (uint32_t)numbers[2];
        registration->leaving = numbers[4] != 0;
        uint64_t now = clock_ms(), due_ms = ua->same_machine ? numbers[3] : 0;
        uint64_t wait_ms = due_ms > now ? due_ms - now : 0;
        wait_s(registration, wait_ms < EXPIRES_MAX * 1000ull ? (uint32_t)(wait_ms / 1000) : EXPIRES_MAX);
    }
    if (!registration)
        keep_drop(ua->keep, KEEP_REGISTRATION, id);
    for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        free(texts[i]);
}

void ua_registrations_take(struct ua *ua)
{
    keep_each(ua->keep, KEEP_REGISTRATION, take, ua);
}
