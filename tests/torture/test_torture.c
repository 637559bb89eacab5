// SPDX-License-Identifier: BSD-3-Clause
// The messages of messages/ on the library: each gets a reaction that its row allows, whole, and none makes a
// reader leave its octets, cut at every length between unreadable pages.
#include "corpus.h"
#include "edit_header.h"
#include "guard.h"
#include "judge.h"
#include "sip_readers.h"

static unsigned rows;

static const char *reaction_of(const struct message_verdict *verdict, char text[16])
{
    if (verdict->action == JUDGE_FINE)
        return "pass";
    if (verdict->action == JUDGE_SILENCE)
        return "drop";
    snprintf(text, 16, "%u", verdict->status);
    return text;
}

static bool allows(const char *allowed, const char *reaction)
{
    size_t length = strlen(reaction);
    for (const char *at = allowed; (at = strstr(at, reaction)) != NULL; at += length)
        if ((at == allowed || at[-1] == ' ') && (at[length] == '\0' || at[length] == ' '))
            return true;
    return false;
}

static void test_reactions(void **state)
{
    unsigned of_4475 = 0, of_5118 = 0;
    for (unsigned i = 0; i < rows; i++) {
        const struct corpus_row *row = &corpus[i];
        struct message message;
        char text[16];
        int fault = message_parse(guard_copy(row->octets, row->length), row->length, &message);
        struct message_verdict verdict = message_judge(&message, fault, &judge_front_end);
        const char *reaction = reaction_of(&verdict, text);
        if (!allows(row->library, reaction))
            fail_msg("%s (%s): %s, allowed is %s", row->name, row->reference, reaction, row->library);
        of_4475 += strncmp(row->reference, "RFC 4475", 8) == 0;
        of_5118 += strncmp(row->reference, "RFC 5118", 8) == 0;
    }
    assert_int_equal(of_4475, 49);
    assert_int_equal(of_5118, 12);
}

static void read_all(const uint8_t *octets, uint32_t length)
{
    static uint8_t out[CORPUS_TEXT_MAX + 512];
    static struct edits edits;
    static struct message message;
    struct span call_id;
    int fault = message_parse(octets, length, &message);
    (void)message_judge(&message, fault, &judge_front_end);
    bool found = peek_call_id(octets, length, &call_id);
    assert_int_equal(found, message.call_id.length != 0);
    if (found)
        assert_memory_equal(&call_id, &message.call_id, sizeof(call_id));
    for (unsigned i = 0; i < message.header_count; i++)
        readers_run_kind(message.headers[i].kind, octets, message.headers[i].value);
    edits_init(&edits);
    edit_via_source(&edits, &message, &(struct ip_address)IP_MAPPED(0xc0000201), 5060);
    edit_header_replace(&edits, &message, HEADER_ROUTE, "<sip:r;lr>");
    edit_request_uri(&edits, &message, "sip:x");
    assert_true(edits_render(&edits, &message, out, sizeof(out)) != 0 || length == 0 ||
                message.start == length);
}

static void test_cut_everywhere(void **state)
{
    for (unsigned i = 0; i < rows; i++)
        for (uint32_t length = 0; length <= corpus[i].length; length++) {
            read_all(guard_copy(corpus[i].octets, length), length);
            read_all(guard_copy_front(corpus[i].octets, length), length);
        }
}

// Without edits a message comes out as it came in, up to the end of its body.
static void test_passes_through(void **state)
{
    static uint8_t out[CORPUS_TEXT_MAX];
    static struct edits edits;
    edits_init(&edits);
    for (unsigned i = 0; i < rows; i++) {
        struct message message;
        if (message_parse(corpus[i].octets, corpus[i].length, &message) != MESSAGE_FINE)
            continue;
        int length = edits_render(&edits, &message, out, sizeof(out));
        assert_int_equal(length, message.body.offset + message.body.length);
        assert_memory_equal(out, corpus[i].octets, (size_t)length);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_reactions),
                                       cmocka_unit_test(test_cut_everywhere),
                                       cmocka_unit_test(test_passes_through)};
    if (argc != 2)
        return 2;
    rows = corpus_load(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
