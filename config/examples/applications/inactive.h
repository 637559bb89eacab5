// SPDX-License-Identifier: BSD-3-Clause
// The session of a party without media: the first audio stream of an offer is taken and inactive, every other
// one is refused (RFC 3264 section 6). And what such a party says to requests in a call.
#ifndef INACTIVE_H
#define INACTIVE_H

#include <dialgate/ua.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct inactive { // of one call, zero at first
    unsigned version;
    char media[1024];
};

// Adds what is said to one m= line. True: it is the stream that is taken.
static inline bool inactive_add(char *media, size_t size, const char *line, bool wanted)
{
    char kind[32], port[16], protocol[32], format[32], rtpmap[64];
    size_t used = strlen(media);
    if (sscanf(line, "m=%31s %15s %31s %31s", kind, port, protocol, format) != 4)
        return false;
    bool takes = wanted && strcmp(kind, "audio") == 0 && atoi(port) > 0;
    const char *next = strstr(line, "\nm=");
    snprintf(rtpmap, sizeof(rtpmap), "a=rtpmap:%s ", format);
    const char *map = strstr(line, rtpmap);
    int length = map && (!next || map < next) ? (int)strcspn(map, "\r\n") : 0;
    snprintf(media + used, size - used, "m=%s %s %s %s\r\n%.*s%s%s", kind, takes ? "9" : "0", protocol,
             format, takes ? length : 0, map ? map : "", takes && length ? "\r\n" : "",
             takes ? "a=inactive\r\n" : "");
    return takes;
}

// The answer to an offer; "": an offer of our own. Its version grows when it says something new (section 8).
static inline const char *inactive_description(struct inactive *said, const char *offer, char *body,
                                               size_t size)
{
    char media[sizeof(said->media)] = "";
    bool taken = false;
    for (const char *line = offer; *line; line += strcspn(line, "\n"), line += *line == '\n')
        if (strncmp(line, "m=", 2) == 0)
            taken = inactive_add(media, sizeof(media), line, !taken) || taken;
    if (!media[0])
        snprintf(media, sizeof(media), "m=audio 9 RTP/AVP 0\r\na=inactive\r\n");
    if (strcmp(said->media, media) != 0) {
        memcpy(said->media, media, sizeof(media));
        said->version++;
    }
    snprintf(body, size, "v=0\r\no=- 1 %u IN IP4 0.0.0.0\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n%s",
             said->version, media);
    return body;
}

// Answers DG_EVENT_REQUEST. said NULL: of a call that is not known (any more).
static inline void inactive_respond(const struct dg_event *event, struct inactive *said)
{
    static const struct {
        const char *method;
        unsigned status;
    } others[] = {{"OPTIONS", 200}, {"INFO", 469}, {"MESSAGE", 415}, {"NOTIFY", 489}, {"SUBSCRIBE", 489}};
    struct dg_options options = DG_INIT(dg_options);
    char body[2048];
    unsigned status = 501;
    if (!event->request) // it is answered already
        return;
    const char *offer = dg_message_body(event->message, NULL);
    bool invite = strcmp(event->method, "INVITE") == 0;
    if (invite || strcmp(event->method, "UPDATE") == 0 || strcmp(event->method, "PRACK") == 0) {
        bool describes = invite || *offer; // the others may come without
        status = said || !describes ? 200 : 488;
        if (said && describes)
            options.body = inactive_description(said, offer, body, sizeof(body));
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (strcmp(event->method, others[i].method) == 0)
            status = others[i].status;
    dg_request_respond(event->request, status, &options, NULL);
}

#endif
