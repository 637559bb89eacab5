// SPDX-License-Identifier: BSD-3-Clause
#include "look.h"
#include <stdlib.h>
#include <string.h>

static bool begins(const char *line, const char *end, const char *name)
{
    size_t length = strlen(name);
    return (size_t)(end - line) >= length && memcmp(line, name, length) == 0;
}

// The octet behind the line feed that ends a line; NULL: none does.
static const char *behind(const char *line, const char *end)
{
    const char *feed = memchr(line, '\n', (size_t)(end - line));
    return feed == NULL || feed == line || feed[-1] != '\r' ? NULL : feed + 1;
}

static uint32_t number_at(const char **at, const char *end)
{
    uint32_t number = 0;
    for (; *at < end && **at >= '0' && **at <= '9'; ++*at)
        number = number * 10 + (uint32_t)(**at - '0');
    return number;
}

static enum kind kind_of(const char *method, const char *end, enum inside_method *inside)
{
    *inside = INSIDE_NOT;
    for (unsigned i = 0; i < KIND_INSIDE; i++)
        if (begins(method, end, script_methods[i]))
            return (enum kind)i;
    for (unsigned i = 1; i < INSIDES; i++)
        if (begins(method, end, script_insides[i])) {
            *inside = (enum inside_method)i;
            return KIND_INSIDE;
        }
    return KINDS;
}

static enum kind answer_of(enum kind asked, uint16_t status)
{
    if (status == 100)
        return KIND_TRYING; // also late, to others than INVITE (RFC 4320 4.1)
    if (asked == KIND_INVITE) {
        if (status < 200)
            return KIND_RINGING;
        return status < 300 ? KIND_ANSWER : KIND_REFUSAL;
    }
    if (status != 200)
        return KINDS;
    return asked == KIND_BYE      ? KIND_BYE_ANSWER
           : asked == KIND_CANCEL ? KIND_CANCEL_ANSWER
           : asked == KIND_INSIDE ? KIND_INSIDE_ANSWER
                                  : KINDS;
}

static void read_branch(struct look *look, const char *line, const char *next)
{
    const char *at = memmem(line, (size_t)(next - line), ";branch=", 8);
    if (at == NULL)
        return;
    look->branch = at + 8;
    while (at + 8 + look->branch_length < next - 2 && at[8 + look->branch_length] != ';')
        look->branch_length++;
}

static bool read_line(struct look *look, const char *line, const char *next)
{
    switch (line[0]) {
    case 'V':
        if (begins(line, next, "Via: ") && look->vias++ == 0)
            read_branch(look, line, next);
        return true;
    case 'C':
        if (begins(line, next, "Call-ID: ")) {
            look->call_id = line + 9;
            look->call_id_length = (uint32_t)(next - 2 - look->call_id);
        } else if (begins(line, next, "CSeq: ")) {
            const char *at = line + 6;
            look->cseq = number_at(&at, next);
            enum kind asked = kind_of(at + 1, next, &look->inside);
            if (look->status == 0)
                return asked == look->kind;
            look->kind = answer_of(asked, look->status);
            return look->kind != KINDS;
        }
        return true;
    default:
        return true;
    }
}

bool look_at(const char *text, uint32_t length, struct look *look)
{
    const char *end = text + length;
    *look = (struct look){.text = text, .end = end, .lines = behind(text, end)};
    if (look->lines == NULL)
        return false;
    if (begins(text, end, "SIP/2.0 ")) {
        const char *at = text + 8;
        look->status = (uint16_t)number_at(&at, end);
    } else {
        look->kind = kind_of(text, end, &look->inside);
        if (look->kind == KINDS)
            return false;
    }
    for (const char *line = look->lines, *next; line < end; line = next) {
        next = behind(line, end);
        if (next == NULL)
            return false;
        if (next == line + 2) {
            look->body = next;
            return look->call_id != NULL && look->cseq != 0 && look->branch != NULL &&
                   look->call_id_length >= 8;
        }
        if (!read_line(look, line, next))
            return false;
    }
    return false;
}

uint32_t look_echo(const struct look *look, char *out, uint32_t size)
{
    uint32_t used = 0;
    for (const char *line = look->lines, *next; line < look->body - 2; line = next) {
        next = behind(line, look->end);
        if (!begins(line, next, "Via: ") && !begins(line, next, "Record-Route: "))
            continue;
        if (used + (size_t)(next - line) > size)
            return 0;
        memcpy(out + used, line, (size_t)(next - line));
        used += (uint32_t)(next - line);
    }
    return used;
}

char *look_routes(const struct look *look)
{
    static const char name[] = "Record-Route: ";
    char out[1024];
    uint32_t used = 0;
    for (const char *line = look->lines, *next; line < look->body - 2; line = next) {
        next = behind(line, look->end);
        size_t length = (size_t)(next - line);
        if (!begins(line, next, name) || used + length > sizeof(out))
            continue;
        length -= sizeof(name) - 1 + 2;
        memcpy(out + used, line + sizeof(name) - 1, length);
        used += (uint32_t)length;
        out[used++] = '\n';
    }
    return used == 0 ? NULL : strndup(out, used);
}

// A proxy's own: the topmost Via is of the copy that has one more of them.
static bool is_proxys(const struct look *look, const char *line, const char *next, unsigned *vias, bool above)
{
    if (begins(line, next, "Via: "))
        return (*vias)++ == 0 && above;
    if (look->status != 0)
        return false;
    return begins(line, next, "Max-Forwards: ") || begins(line, next, "Route: ") ||
           begins(line, next, "Record-Route: ");
}

// The next line that has to be the same on both sides, from *at on; *at goes behind it. NULL: the lines are
// over.
static const char *same_line(const struct look *look, const char **at, const char *end, unsigned *vias,
                             bool above)
{
    while (*at < end) {
        const char *line = *at, *next = behind(line, end);
        if (next == NULL || next == line + 2)
            return NULL;
        *at = next;
        if (!is_proxys(look, line, next, vias, above))
            return line;
    }
    return NULL;
}

bool look_same(const struct look *look, const char *sent, uint32_t length)
{
    const char *end = sent + length, *theirs = behind(sent, end), *ours = look->lines;
    unsigned vias[2] = {0, 0};
    if (theirs - sent != ours - look->text || memcmp(sent, look->text, (size_t)(theirs - sent)) != 0)
        return false;
    for (;;) {
        const char *one = same_line(look, &theirs, end, &vias[0], look->status != 0);
        const char *other = same_line(look, &ours, look->end, &vias[1], look->status == 0);
        if (one == NULL || other == NULL) {
            size_t left = (size_t)(end - theirs);
            return one == other && left == (size_t)(look->end - ours) && memcmp(theirs, ours, left) == 0;
        }
        if (theirs - one != ours - other || memcmp(one, other, (size_t)(theirs - one)) != 0)
            return false;
    }
}
