// SPDX-License-Identifier: BSD-3-Clause
#include "outcome.h"

#include <osipparser2/osip_parser.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// What it refuses is expected here.
static void stay_quiet(const char *file, int line, osip_trace_level_t level, const char *format,
                       va_list arguments)
{
    (void)file;
    (void)line;
    (void)level;
    (void)format;
    (void)arguments;
}

static void set_parameter(struct outcome *outcome, enum field field, osip_list_t *list, const char *name)
{
    char word[16];
    osip_generic_param_t *parameter = NULL;
    snprintf(word, sizeof(word), "%s", name);
    osip_generic_param_get_byname(list, word, &parameter);
    outcome_set(outcome, field, parameter == NULL ? "" : parameter->gvalue);
}

static void read_fields(osip_message_t *message, struct outcome *outcome)
{
    osip_via_t *via = osip_list_get(&message->vias, 0);
    char *call_id = NULL;
    if (via == NULL || message->from == NULL || message->to == NULL || message->call_id == NULL ||
        message->cseq == NULL)
        return;
    outcome->accepted = true;
    osip_call_id_to_str(message->call_id, &call_id);
    outcome_set(outcome, FIELD_CALL_ID, call_id);
    osip_free(call_id);
    set_parameter(outcome, FIELD_FROM_TAG, &message->from->gen_params, "tag");
    set_parameter(outcome, FIELD_TO_TAG, &message->to->gen_params, "tag");
    set_parameter(outcome, FIELD_BRANCH, &via->via_params, "branch");
    snprintf(outcome->fields[FIELD_CSEQ], FIELD_MAX, "%s %s", message->cseq->number, message->cseq->method);
}

void outcome_osip(const uint8_t *octets, size_t length, struct outcome *outcome)
{
    static bool ready;
    osip_message_t *message;
    memset(outcome, 0, sizeof(*outcome));
    if (!ready) {
        parser_init();
        osip_trace_initialize_func(END_TRACE_LEVEL, stay_quiet);
    }
    ready = true;
    if (osip_message_init(&message) != 0)
        abort();
    if (osip_message_parse(message, (const char *)octets, length) == 0)
        read_fields(message, outcome);
    osip_message_free(message);
}
