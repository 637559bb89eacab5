// SPDX-License-Identifier: BSD-3-Clause
// All texts of a dialog together: how small they are, and what of them is interned.
#include "text_world.h"

#define DIALOG  9u   // texts of one
#define TYPICAL 128u // octets that a cold block may take
#define HEAD    36u  // of a cold block

// What perf/corpus and real user agents send. The texts of a dialog in the order of dialog_record.h.
static const struct {
    const char *name;
    uint32_t most; // octets, when what is interned was known before
    const char *texts[DIALOG];
} shapes[] = {
    {"the typical call",
     TYPICAL - HEAD,
     {"f47ac10b-58cc-4372-a567-0e02b2c3d479", "3a7f9c20b1d4e865", "b5d1208c7e6f4a93",
      "<sip:+14155550100@carrier-a.example.net>", "<sip:+442079460123@carrier-b.example.net>",
      "sip:+14155550100@198.51.100.7:5060", "sip:+442079460123@192.0.2.20:5060", "<sip:10.0.1.1;lr>",
      "<sip:10.0.1.2;lr>"}},
    {"with display names",
     TYPICAL - HEAD,
     {"f47ac10b-58cc-4372-a567-0e02b2c3d479", "3a7f9c20b1d4e865", "b5d1208c7e6f4a93",
      "\"A. Caller\" <sip:+14155550100@carrier-a.example.net>",
      "\"B. Callee\" <sip:+442079460123@carrier-b.example.net>", "sip:+14155550100@198.51.100.7:5060",
      "sip:+442079460123@192.0.2.20:5060", "<sip:10.0.1.1;lr>", "<sip:10.0.1.2;lr>"}},
    {"perf/corpus",
     TYPICAL - HEAD,
     {"84b4c76e66710a1f93bd05@198.51.100.7", "gK0c8f21", "as58f4c1e2",
      "\"A. Caller\" <sip:+441632960961@carrier-a.example>", "<sip:+442079460123@carrier-b.example>",
      "sip:+441632960961@198.51.100.7:5060", "sip:192.0.2.20:5060", "<sip:198.51.100.1;lr;ftag=gK0c8f21>",
      ""}},
    {"SIPp",
     TYPICAL - HEAD,
     {"1-12345@127.0.0.1", "12345SIPpTag001", "12346SIPpTag011", "sipp <sip:sipp@127.0.0.1:5060>",
      "service <sip:service@127.0.0.1:5062>", "sip:sipp@127.0.0.1:5060", "sip:127.0.0.1:5062;transport=UDP",
      "", ""}},
    {"Asterisk, chan_sip",
     TYPICAL - HEAD,
     {"5a1f3b7c2d9e4f60718293a4b5c6d7e8@198.51.100.7:5060", "as58f4c1e2", "as0a7b33d9",
      "\"Front Desk\" <sip:100@198.51.100.7>", "<sip:02079460123@carrier.example>",
      "sip:100@198.51.100.7:5060", "sip:02079460123@192.0.2.20:5060", "<sip:10.0.1.1;lr>",
      "<sip:10.0.1.2;lr>"}},
    {"Asterisk, PJSIP",
     TYPICAL - HEAD,
     {"6f3f0e4a-2b71-4c55-9df0-11c1aa8fd2b7", "d2b0a1c3-41b4-4c5c-8a3e-7a8b4f8f5a01", "b5d1208c7e6f4a93",
      "<sip:+14155550100@carrier-a.example.net>", "<sip:+442079460123@carrier-b.example.net>",
      "sip:asterisk@198.51.100.7:5060", "sip:+442079460123@192.0.2.20:5060", "<sip:10.0.1.1;lr>",
      "<sip:10.0.1.2;lr>"}},
    {"FreeSWITCH",
     TYPICAL - HEAD,
     {"8a1d6c02-91d4-123c-5f9a-0242ac110002", "Ht8rQ5rQaUUrH", "4rjSUg5y8rZ3p",
      "\"Alice Smith\" <sip:1001@pbx.example.net>", "<sip:1002@pbx.example.net>",
      "sip:mod_sofia@198.51.100.7:5060", "sip:1002@192.0.2.20:5060;transport=udp", "<sip:10.0.1.1;lr>",
      "<sip:10.0.1.2;lr>"}},
    {"Kamailio twice",
     TYPICAL - HEAD,
     {"4f1c2b3a-9d8e7f60@192.0.2.77", "4f1c2b3a", "b5d1208c7e6f4a93",
      "<sip:+14155550100@carrier-a.example.net;user=phone>",
      "<sip:+442079460123@carrier-a.example.net;user=phone>", "sip:+14155550100@198.51.100.7:5060;ob",
      "sip:+442079460123@192.0.2.20:5060",
      "<sip:10.0.1.1;lr=on;ftag=4f1c2b3a>,<sip:10.0.1.9;lr=on;ftag=4f1c2b3a>",
      "<sip:10.0.1.2;r2=on;lr>,<sip:10.0.1.3;r2=on;lr>"}},
};

static void shape_texts(size_t which, struct dialog_string texts[DIALOG])
{
    for (unsigned i = 0; i < DIALOG; i++)
        texts[i] = string(shapes[which].texts[i]);
}

static void dialogs_of_real_user_agents(void **state)
{
    for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
        struct dialog_string texts[DIALOG];
        struct world world;
        uint32_t plain = 0;
        world_begin(&world);
        shape_texts(s, texts);
        for (unsigned i = 0; i < DIALOG; i++)
            plain += texts[i].length;
        pack(&world, texts, DIALOG);
        print_message("%s: %u octets packed in %u, %u interned\n", shapes[s].name, plain, world.length,
                      world.intern.table.count);
        if (world.length > shapes[s].most)
            fail_msg("not %u", shapes[s].most);
        release(&world);
        world_end(&world);
    }
}

// A tag in a Record-Route, a Contact's instance, a Call-ID's random end: calls that differ in them alone
// intern the same texts.
static void what_is_made_for_a_call_is_not_interned(void **state)
{
    // "%": a hex digit.
    static const char *const forms[] = {"%%%%%%%%%%%%@%%%%%%%%%%%%",
                                        "<sip:10.0.1.1;lr;ftag=%%%%%%%%>",
                                        "<sip:10.0.1.1;lr;did=%%%.%%%%>,<sip:10.0.1.2;lr>",
                                        "sip:%%%%%%%%@192.0.2.1:5060;rinstance=%%%%%%%%;ob",
                                        "<sip:%%%%%%%%%%%%%%%%@192.0.2.1>",
                                        "sip:192.0.2.1;%%%%%%%%%%%%%%%%%%",
                                        "\"%%%% %%%%\" <sip:192.0.2.1>"};
    struct world world;
    struct world first;
    uint32_t x = 1;
    world_begin(&world);
    for (size_t f = 0; f < sizeof(forms) / sizeof(forms[0]); f++) {
        for (unsigned i = 0; i < 2; i++) {
            char text[100];
            snprintf(text, sizeof(text), "%s", forms[f]);
            for (char *at = text; (at = strchr(at, '%')) != NULL;) {
                x = x * 69069 + 1;
                *at = "0123456789abcdef"[x >> 28];
            }
            const struct dialog_string one = string(text);
            pack(&world, &one, 1);
            if (i == 0)
                memcpy(&first, &world, sizeof(first));
        }
        assert_int_equal(world.intern.table.count, first.intern.table.count);
        release(&world);
        text_release(&world.intern, first.packed, first.length);
        assert_int_equal(world.intern.table.count, 0);
    }
    world_end(&world);
}

// When nothing more can be interned, or the k-th block is refused, texts are larger and whole.
static void no_room_to_intern(void **state)
{
    for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
        struct dialog_string texts[DIALOG];
        struct world world;
        unsigned k = 0;
        bool failed = true;
        world_begin(&world);
        shape_texts(s, texts);
        for (; failed; k++) {
            world.arena.fail_at = (int64_t)k;
            pack(&world, texts, DIALOG);
            failed = world.arena.fail_at < 0;
            world.arena.fail_at = -1;
            release(&world);
            assert_int_equal(world.arena.used, 0);
        }
        assert_true(k > 1);
        world.intern.table.capacity = 0;
        pack(&world, texts, DIALOG);
        release(&world);
        world_end(&world);
    }
}

static void interned_texts_have_their_users(void **state)
{
    struct dialog_string texts[DIALOG];
    struct world world;
    struct world first;
    world_begin(&world);
    shape_texts(0, texts);
    pack(&world, texts, DIALOG);
    size_t used = world.arena.used;
    uint32_t count = world.intern.table.count;
    memcpy(&first, &world, sizeof(first));
    pack(&world, texts, DIALOG);
    assert_int_equal(world.length, first.length);
    assert_memory_equal(world.packed, first.packed, first.length);
    assert_int_equal(world.arena.used, used);
    release(&world);
    assert_int_equal(world.intern.table.count, count);
    assert_restored(&world, texts, DIALOG);
    release(&world);
    world_end(&world);
}

// References of four octets: above the first 256 MiB.
static void a_region_of_any_size(void **state)
{
    const size_t size = (size_t)288 << 20;
    struct dialog_string texts[DIALOG];
    struct world world;
    world_begin(&world);
    arena_fini(&world.arena);
    free(world.region);
    world.region = aligned_alloc((size_t)2 << 20, size);
    assert_non_null(world.region);
    assert_int_equal(arena_init(&world.arena, world.region, size), 0);
    arena_ref most = arena_get(&world.arena, (size_t)256 << 20);
    assert_int_not_equal(most, ARENA_NONE);
    intern_init(&world.intern, world.memory, CAP, &world.arena);
    shape_texts(0, texts);
    world.length = text_pack(&world.intern, texts, DIALOG, world.packed);
    assert_true(world.length <= TYPICAL - HEAD + 6);
    const struct text_source source = {{world.region, size}, world.packed, world.length};
    assert_true(text_check(&source, DIALOG));
    for (unsigned i = 0; i < DIALOG; i++)
        assert_true(text_equal(&source, i, texts[i]));
    release(&world);
    arena_put(&world.arena, most);
    world_end(&world);
}

// Many routes in one text: no more than a bound of them is interned, and no piece is longer than one can be.
static void many_hosts(void **state)
{
    static const struct {
        const char *user;
        uint32_t least, most; // interned
        uint32_t octets;      // of text
    } rows[] = {{"user@", 16, 16, 16000}, {"", 1, 1, INTERN_LENGTH_MAX}, {"", 4, 5, 4 * INTERN_LENGTH_MAX}};
    static char text[TEXT_LENGTH_MAX];
    struct world world;
    world_begin(&world);
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        uint32_t used = 0;
        for (unsigned i = 0; used + 40 < rows[r].octets; i++)
            used += (uint32_t)snprintf(text + used, sizeof(text) - used, "%s<sip:%shost-%u.example;lr>",
                                       used != 0 ? "," : "", rows[r].user, i);
        const struct dialog_string one = {text, used};
        pack(&world, &one, 1);
        assert_in_range(world.intern.table.count, rows[r].least, rows[r].most);
        release(&world);
    }
    world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dialogs_of_real_user_agents),
        cmocka_unit_test(what_is_made_for_a_call_is_not_interned),
        cmocka_unit_test(no_room_to_intern),
        cmocka_unit_test(interned_texts_have_their_users),
        cmocka_unit_test(a_region_of_any_size),
        cmocka_unit_test(many_hosts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
