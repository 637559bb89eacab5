// SPDX-License-Identifier: BSD-3-Clause
// A process that is killed: what its file then says. A child makes, moves, changes and releases dialogs in a
// shared mapping, and tells in a second one what it is about to do and what it has done. The reader of images
// then has to find each dialog as it was before or after that one operation, all others as they were told,
// and nothing damaged. Once the child goes one instruction at a time and the file is read after each that
// changed it; and again it runs freely and is killed, some hundred times.
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "world.h"

#define CAPACITY   24u
#define NUMBERS    16u // dialogs that live at most
#define ARENA      ((size_t)6 << 20)
#define STEPPED    12u // operations one instruction at a time
#define KILLS      200u
#define FREELY_MAX 4000u // operations before the kill, at most
#define TEXT_MAX   80u

// The sanitizer's build has five times the instructions.
#if defined(__SANITIZE_ADDRESS__)
#undef STEPPED
#define STEPPED 3u
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#undef STEPPED
#define STEPPED 3u
#endif
#endif

// What is known of one dialog; everything else follows from its number.
struct fact {
    bool lives;
    uint8_t row;
    uint8_t flags;
    uint32_t cseq;
    uint32_t version; // of its texts
};

// In the second mapping.
struct told {
    struct fact facts[NUMBERS];
    struct fact before, after; // of the one that is being changed
    uint32_t busy;             // its number + 1, 0: none
    uint32_t operations;
};

struct child {
    struct image_identity identity;
    struct image_layout layout;
    uint8_t *file;
    struct told *told;
    struct arena arena;
    struct wheel wheel;
    struct dialogs dialogs;
    uint64_t seed;
    uint32_t index[NUMBERS];
};

static uint32_t random_of(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (uint32_t)(*seed >> 33);
}

// Texts of the kinds that packing knows, plain ones too; that of the callee's side has versions.
static struct dialog_string text_of(unsigned number, uint32_t version, unsigned which, char text[TEXT_MAX])
{
    int length = 0;
    switch (which) {
    case DIALOG_TEXT_CALL_ID:
        length = snprintf(text, TEXT_MAX, "%08x-0a1b-2c3d-4e5f-00112233%04x", number * 2654435761u, number);
        break;
    case DIALOG_TEXT_CALLER_TAG:
        length = snprintf(text, TEXT_MAX, "a%uz", number);
        break;
    case DIALOG_TEXT_CALLEE_TAG:
        length = version == 0 ? 0 : snprintf(text, TEXT_MAX, "%08x%08x", number, number);
        break;
    case DIALOG_TEXT_CALLEE_TARGET:
        length = version == 0 ? 0 : snprintf(text, TEXT_MAX, "sip:bob@10.%u.0.1:5060", version % 7);
        break;
    case DIALOG_TEXT_CALLEE_ROUTES:
        length = snprintf(text, TEXT_MAX, "<sip:10.0.%u.1;lr>", version % 5);
        break;
    default:
        length = snprintf(text, TEXT_MAX, "<sip:+1415%u@carrier-%u.example>", number, which);
    }
    return (struct dialog_string){text, (uint32_t)length};
}

static void texts_of(unsigned number, uint32_t version, char octets[DIALOG_TEXT_COUNT][TEXT_MAX],
                     struct dialog_string *texts)
{
    for (unsigned i = 0; i < DIALOG_TEXT_COUNT; i++)
        texts[i] = text_of(number, version, i, octets[i]);
}

static uint64_t hash_of(const struct child *child, unsigned number)
{
    char text[TEXT_MAX];
    struct dialog_string id = text_of(number, 0, DIALOG_TEXT_CALL_ID, text);
    return siphash13(&child->identity.key, id.octets, id.length);
}

static void child_begin(struct child *child)
{
    void *private = calloc(1, dialogs_private_memory(CAPACITY) + 64);
    wheel_init(&child->wheel, 100);
    image_begin(child->file, &child->layout, &child->identity, CAPACITY);
    if (private == NULL || arena_init(&child->arena, child->file + child->layout.arena_offset, ARENA) != 0)
        _exit(3);
    const struct dialogs_place place = {.file = child->file + child->layout.dialogs_offset,
                                        .private = (uint8_t *)private + 64 - (uintptr_t) private % 64,
                                        .capacity = CAPACITY,
                                        .key = child->identity.key};
    dialogs_init(&child->dialogs, &place, &child->arena, &child->wheel);
}

// What the dialog is to be next; its row and flags are what the machine says.
static struct fact plan(struct child *child, const struct fact *now, unsigned *event)
{
    struct fact next = *now;
    unsigned dice = random_of(&child->seed) % 16;
    *event = DIALOG_EVENTS;
    if (!now->lives)
        return (struct fact){.lives = true, .row = DIALOG_ROW_NONE, .cseq = 1};
    if (dice == 0) {
        next.lives = false;
    } else if (dice < 4) {
        next.version++;
    } else if (dice < 8) {
        next.cseq++;
    } else {
        *event = random_of(&child->seed) % DIALOG_EVENTS;
        struct dialog_cell cell = dialog_fsm[now->row][*event];
        next.row = cell.next != DIALOG_ROW_FREE ? cell.next : now->row;
        next.lives = next.row != DIALOG_ROW_TERMINATED;
        next.flags |= *event == DIALOG_ON_ACK && now->row >= DIALOG_ROW_CONFIRMED ? DIALOG_FLAG_ACKED : 0;
        next.flags |=
            *event == DIALOG_ON_CANCEL && now->row < DIALOG_ROW_CONFIRMED ? DIALOG_FLAG_CANCELLED : 0;
        next.flags |=
            *event == DIALOG_ON_BYE_CHALLENGED && cell.next != DIALOG_ROW_FREE ? DIALOG_FLAG_RESUMED : 0;
    }
    return next;
}

static bool perform(struct child *child, unsigned number, const struct fact *next, unsigned event)
{
    char octets[DIALOG_TEXT_COUNT][TEXT_MAX];
    struct dialog_string texts[DIALOG_TEXT_COUNT];
    const struct fact *before = &child->told->before;
    struct dialogs *set = &child->dialogs;
    uint32_t *index = &child->index[number];
    texts_of(number, next->version, octets, texts);
    if (!before->lives) {
        const struct dialog_birth birth = {.call_hash = hash_of(child, number),
                                           .texts = texts,
                                           .cseq = 1,
                                           .learnt = {{IP_MAPPED(number), 5060, 0}}};
        *index = dialog_create(set, &birth, 100);
        return *index != INDEX_NONE;
    }
    if (event != DIALOG_EVENTS)
        dialog_step(set, *index, (enum dialog_event)event, 100);
    else if (next->cseq != before->cseq)
        dialog_see(set, *index,
                   &(struct dialog_seen){DIALOG_CALLER, next->cseq, {IP_MAPPED(number), 5060, 0}});
    else if (next->lives && dialog_change(set, *index, &(struct dialog_change){.texts = texts}) != 0)
        return false;
    if (!next->lives)
        dialog_release(set, *index);
    return true;
}

static void operate(struct child *child)
{
    struct told *told = child->told;
    unsigned event;
    unsigned number = random_of(&child->seed) % NUMBERS;
    told->before = told->facts[number];
    told->after = plan(child, &told->before, &event);
    atomic_signal_fence(memory_order_seq_cst);
    told->busy = number + 1;
    atomic_signal_fence(memory_order_seq_cst);
    if (!perform(child, number, &told->after, event))
        _exit(4);
    atomic_signal_fence(memory_order_seq_cst);
    told->facts[number] = told->after;
    atomic_signal_fence(memory_order_seq_cst);
    told->busy = 0;
    __atomic_store_n(&told->operations, told->operations + 1, __ATOMIC_RELAXED);
}

static bool is_fact(const struct image *image, uint32_t index, unsigned number, const struct fact *fact)
{
    const struct dialog *record = &image->records[index];
    struct text_source source = image_texts(image, index);
    bool same = fact->lives && record->row == fact->row && record->flags == fact->flags &&
                record->cseq[DIALOG_CALLER] == fact->cseq &&
                image_cold(image, index)->learnt[DIALOG_CALLER].address == number;
    for (unsigned i = 0; i < DIALOG_TEXT_COUNT && same; i++) {
        char octets[TEXT_MAX];
        same = text_equal(&source, i, text_of(number, fact->version, i, octets));
    }
    return same;
}

static unsigned number_of(const struct image *image, uint32_t index)
{
    struct text_source source = image_texts(image, index);
    char octets[TEXT_MAX];
    unsigned number = 0;
    while (number < NUMBERS &&
           !text_equal(&source, DIALOG_TEXT_CALL_ID, text_of(number, 0, DIALOG_TEXT_CALL_ID, octets)))
        number++;
    return number;
}

// The file is what was told. Works on copies of the small part, since settling writes.
static void check_file(const struct child *child)
{
    static _Alignas(64) uint8_t copy[sizeof(struct dialog_journal) + CAPACITY * sizeof(struct dialog)];
    struct told told = *child->told;
    struct image image;
    struct image *images[] = {&image};
    unsigned found[NUMBERS] = {0};
    assert_int_equal(image_open(&image, child->file, child->layout.size, &child->identity), IMAGE_FINE);
    memcpy(copy, child->file + child->layout.dialogs_offset, sizeof(copy));
    image.journal = (struct dialog_journal *)(void *)copy;
    image.records = (struct dialog *)(void *)(copy + sizeof(struct dialog_journal));
    image_settle(images, 1);
    for (uint32_t i = 0; i < CAPACITY; i++) {
        enum image_record kind = image_record(&image, i);
        if (kind == IMAGE_RECORD_NONE)
            continue;
        if (kind != IMAGE_RECORD_FINE)
            fail_msg("record %u is damaged in operation %u", i, told.operations);
        unsigned number = number_of(&image, i);
        assert_true(number < NUMBERS);
        found[number]++;
        bool busy = told.busy == number + 1;
        if (busy ? !is_fact(&image, i, number, &told.before) && !is_fact(&image, i, number, &told.after)
                 : !is_fact(&image, i, number, &told.facts[number]))
            fail_msg("record %u, dialog %u, is not as told in operation %u", i, number, told.operations);
    }
    for (unsigned number = 0; number < NUMBERS; number++) {
        bool busy = told.busy == number + 1;
        bool must = busy ? told.before.lives && told.after.lives : told.facts[number].lives;
        bool may = busy ? told.before.lives || told.after.lives : must;
        if (found[number] > (may ? 1u : 0u) || (must && found[number] == 0))
            fail_msg("dialog %u is there %u times in operation %u", number, found[number], told.operations);
    }
}

static void child_make(struct child *child, uint64_t seed)
{
    *child = (struct child){.identity = {.epoch = 1, .workers = 1, .key = {{31, 32}}},
                            .layout = image_layout(CAPACITY, ARENA),
                            .seed = seed};
    const int flags = MAP_SHARED | MAP_ANONYMOUS;
    child->file = mmap(NULL, child->layout.size, PROT_READ | PROT_WRITE, flags, -1, 0);
    child->told = mmap(NULL, sizeof(*child->told), PROT_READ | PROT_WRITE, flags, -1, 0);
    assert_ptr_not_equal(child->file, MAP_FAILED);
    assert_ptr_not_equal(child->told, MAP_FAILED);
}

static void child_end(struct child *child)
{
    munmap(child->file, child->layout.size);
    munmap(child->told, sizeof(*child->told));
}

static void run_stepped(struct child *child)
{
    child_begin(child);
    for (unsigned i = 0; i < STEPPED / 2; i++) // some records first
        operate(child);
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
        _exit(errno == EPERM ? 77 : 5);
    raise(SIGSTOP);
    for (unsigned i = 0; i < STEPPED; i++)
        operate(child);
    _exit(0);
}

static void test_every_instruction(void **state)
{
    static struct child child;
    uint8_t last[sizeof(struct dialog_journal) + CAPACITY * sizeof(struct dialog)] = {0};
    int status;
    unsigned versions = 0;
    child_make(&child, 7);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        run_stepped(&child);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    while (WIFSTOPPED(status)) {
        const uint8_t *now = child.file + child.layout.dialogs_offset;
        if (memcmp(last, now, sizeof(last)) != 0) {
            memcpy(last, now, sizeof(last));
            versions++;
            check_file(&child);
        }
        assert_int_equal(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
    }
    assert_true(WIFEXITED(status));
    child_end(&child);
    if (WEXITSTATUS(status) == 77)
        skip();
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_true(versions > 5 * STEPPED); // it saw inside
}

static void run_freely(struct child *child)
{
    child_begin(child);
    for (;;)
        operate(child);
}

static void test_killed(void **state)
{
    static struct child child;
    uint64_t seed = 1;
    unsigned busy = 0;
    for (unsigned kill_number = 0; kill_number < KILLS; kill_number++) {
        int status;
        child_make(&child, random_of(&seed));
        uint32_t enough = random_of(&seed) % FREELY_MAX;
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
            run_freely(&child);
        while (__atomic_load_n(&child.told->operations, __ATOMIC_RELAXED) < enough &&
               waitpid(pid, &status, WNOHANG) == 0)
            sched_yield();
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        busy += child.told->busy != 0;
        check_file(&child);
        child_end(&child);
    }
    assert_true(busy > KILLS / 10); // most kills come in the middle of something
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_instruction),
        cmocka_unit_test(test_killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
