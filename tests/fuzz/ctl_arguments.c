// SPDX-License-Identifier: BSD-3-Clause
// Command lines of dialgatectl, and what a daemon could answer: a word a line up to an empty line, then the
// result of each call as JSON.
// 1. The exit status is one of three, and a wrong use never reached the daemon.
// 2. A call has a method and an object of parameters.
// 3. Whatever comes back is shown, or is printed with --json as JSON, a value a line.
// 4. What completion offers begins with what was begun.
#include <stdlib.h>
#include <string.h>
#include "complete.h"
#include "sip_check.h"
#include "collector.h"
#include "watch.h"

#define WORDS_MAX 32
#define CALLS_MAX 4u // answered; the next one fails, so that no list is endless

static json_t *answer;
static unsigned int calls;

// In the place of call.c: the daemon is the octets.
json_t *ctl_call_parts(struct ctl *ctl, const char *method, const json_t *params, dg_take_part *take,
                       void *context)
{
    CHECK(method && method[0] && json_is_object(params));
    if (calls++ >= CALLS_MAX)
        return NULL;
    char *part = json_dumps(answer, JSON_COMPACT | JSON_ENCODE_ANY);
    if (take && part)
        take(context, part);
    free(part);
    return json_incref(answer);
}

json_t *ctl_call(struct ctl *ctl, const char *method, const json_t *params)
{
    return ctl_call_parts(ctl, method, params, NULL, NULL);
}

void ctl_print_json(struct ctl *ctl, const json_t *value)
{
    json_dumpf(value, ctl->out, JSON_COMPACT | JSON_ENCODE_ANY);
    fputc('\n', ctl->out);
}

// In the place of collector.c: names are not looked up here.
bool collector_look_up(struct ctl *ctl, const char *given, char *out, size_t size)
{
    return (size_t)snprintf(out, size, "%s", given) < size;
}

// In the place of watch.c: once is enough.
int watch_run(struct ctl *ctl, int seconds, watch_draw *draw, void *context)
{
    CHECK(seconds > 0 && seconds <= WATCH_SECONDS_MAX);
    return draw(ctl, context);
}

// Files, a screen that takes seconds, and events that never end are left out.
static bool left_out(const char *word)
{
    return strchr(word, '/') || strcmp(word, "-") == 0 || strcmp(word, "top") == 0 ||
           strcmp(word, "follow") == 0;
}

static void take_word(void *context, const char *word, const char *help)
{
    const char *begun = context;
    CHECK(strncmp(word, begun, strlen(begun)) == 0 && help);
}

static void check_json(const char *text)
{
    while (*text) {
        size_t length = strcspn(text, "\n");
        json_t *line = json_loadb(text, length, JSON_DECODE_ANY, NULL);
        CHECK(line && text[length] == '\n');
        json_decref(line);
        text += length + 1;
    }
}

static void run(int count, char **words, bool json)
{
    char *text = NULL;
    size_t length = 0;
    struct ctl ctl = {.json = json, .out = open_memstream(&text, &length), .errors = fopen("/dev/null", "w")};
    CHECK(ctl.out && ctl.errors);
    calls = 0;
    int status = ctl_execute(&ctl, count, (const char *const *)words);
    CHECK(status == CTL_DONE || status == CTL_REFUSED || status == CTL_USAGE);
    CHECK(status != CTL_USAGE || calls == 0);
    fclose(ctl.out);
    // Help is a text; so are the words that a shell completes with, which are asked for by a command, too.
    if (json && calls > 0 && strcmp(words[0], "completion") != 0)
        check_json(text);
    if (count > 0) {
        struct complete_line line = {(const char *const *)words, count - 1, words[count - 1], json};
        calls = 0;
        ctl.out = stdout;
        complete_words(&ctl, &line, take_word, words[count - 1]);
    }
    fclose(ctl.errors);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + 1), *words[WORDS_MAX], *at = copy;
    int count = 0;
    CHECK(copy);
    memcpy(copy, data, size);
    copy[size] = '\0';
    bool skip = strlen(copy) != size;
    while (*at && *at != '\n' && count < WORDS_MAX) {
        char *end = at + strcspn(at, "\n");
        words[count++] = at;
        at = *end ? end + 1 : end;
        *end = '\0';
        skip = skip || left_out(words[count - 1]);
    }
    if (!skip) {
        answer = json_loads(at, JSON_DECODE_ANY, NULL);
        if (!answer)
            answer = json_object();
        run(count, words, false);
        run(count, words, true);
        json_decref(answer);
    }
    free(copy);
    return 0;
}
