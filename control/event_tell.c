// SPDX-License-Identifier: BSD-3-Clause
#include "event_tell.h"

#include <string.h>
#include "control.h"
#include "drain.h"
#include "event.h"
#include "rpc/text.h"

static json_t *word(const char *text)
{
    return text_json(text, strlen(text));
}

static const char *name_of(const char *who)
{
    return who ? who : "-";
}

void event_tell_refused(struct control *control, const char *cause, const char *who, const char *text)
{
    event_emit(control, EVENT_CONFIG_REFUSED, NULL,
               json_pack("{s:s, s:o, s:o}", "cause", cause, "who", word(name_of(who)), "text", word(text)));
}

static void tell_taken(struct control *control, const char *text)
{
    const struct versions *versions = &control->versions;
    json_int_t sequence = (json_int_t)control->active.image->sequence;
    bool back = strncmp(versions->cause, "rollback", 8) == 0;
    event_emit(control, back ? EVENT_CONFIG_ROLLED_BACK : EVENT_CONFIG_RELOADED, NULL,
               json_pack("{s:o, s:I, s:I, s:o, s:o}", "who", word(name_of(control->reload.who)), "version",
                         (json_int_t)versions->active, "sequence", sequence, "file",
                         word(control->active.file), "text", word(text)));
}

void event_tell_handed(struct control *control, enum reload_cause cause, int result, const char *text)
{
    static const char *const causes[] = {
        [RELOAD_OF_FILE] = "reload", [RELOAD_OF_ADDRESSES] = "addresses", [RELOAD_OF_OVERLAY] = "drain"};
    bool back = cause == RELOAD_OF_FILE && strncmp(control->versions.cause, "rollback", 8) == 0;
    if (result != 0)
        event_tell_refused(control, back ? "rollback" : causes[cause], control->reload.who, text);
    else if (cause == RELOAD_OF_FILE)
        tell_taken(control, text);
    else if (cause == RELOAD_OF_ADDRESSES)
        event_emit(control, EVENT_CONFIG_ADDRESSES, NULL,
                   json_pack("{s:I, s:o}", "sequence", (json_int_t)control->active.image->sequence, "text",
                             word(text)));
}

static void tell_row(struct control *control, const struct overlay_row *row, enum overlay_state state)
{
    uint32_t number = NUMBER_NONE;
    if (row->peer[0] && !drain_peer(control, row->peer, &number))
        number = NUMBER_NONE;
    const struct event_about about = {.peers = {(uint16_t)number, NUMBER_NONE},
                                      .everybody = row->peer[0] == '\0'};
    event_emit(control, EVENT_DRAIN, &about,
               json_pack("{s:s?, s:s?, s:s, s:o}", "peer", row->peer[0] ? row->peer : NULL, "member",
                         row->member[0] ? row->member : NULL, "state", overlay_state_name(state), "who",
                         word(name_of(control->reload.who))));
}

void event_tell_drained(struct control *control)
{
    const struct overlay *old = &control->overlay, *new = &control->changed;
    for (size_t i = 0; i < new->count; i++) {
        const struct overlay_row *row = &new->rows[i];
        const struct overlay_row *before = overlay_find(old, row->peer, row->member);
        if (!before || before->state != row->state)
            tell_row(control, row, row->state);
    }
    for (size_t i = 0; i < old->count; i++)
        if (!overlay_find(new, old->rows[i].peer, old->rows[i].member))
            tell_row(control, &old->rows[i], OVERLAY_ENABLED);
}
