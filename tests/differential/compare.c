// SPDX-License-Identifier: BSD-3-Clause
// Our parser beside libosip2's and sofia-sip's, over the messages of tests/torture and seeded mutants of
// them. Each difference falls into a class:
//
//     PEER refuses PLACE            we accept, the peer does not, until PLACE (a header, the start line, the
//     body) is made simple PEER accepts FAULT            we refuse for FAULT, the peer does not PEER reads
//     FIELD another way  both accept
//
// README.md explains each class; one that is not there fails the test.
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "corpus.h"
#include "header.h"
#include "message.h"
#include "outcome.h"

#define MUTANTS      600u // of each message
#define CLASSES_MAX  256u
#define CLASS_LENGTH 80u
#define TEXT_MAX     (CORPUS_TEXT_MAX + 256u)

static const struct peer peers[] = {{"libosip2", outcome_osip}, {"sofia-sip", outcome_sofia}};

struct class
{
    char name[CLASS_LENGTH];
    unsigned count;
    bool explained;
    uint8_t example[TEXT_MAX];
    size_t length;
};

static struct class classes[CLASSES_MAX];
static unsigned class_count;

static struct class *class_of(const char *name)
{
    for (unsigned i = 0; i < class_count; i++)
        if (strcmp(classes[i].name, name) == 0)
            return &classes[i];
    if (class_count == CLASSES_MAX)
        abort();
    snprintf(classes[class_count].name, CLASS_LENGTH, "%s", name);
    return &classes[class_count++];
}

static void count_class(const char *name, const uint8_t *octets, size_t length)
{
    struct class *class = class_of(name);
    // The smallest example is the best one.
    if (class->count++ == 0 || length < class->length) {
        memcpy(class->example, octets, length);
        class->length = length;
    }
}

static const char *const faults[] = {"",
                                     "no SIP",
                                     "the version",
                                     "the Request-URI",
                                     "a header line",
                                     "too many headers",
                                     "no Via",
                                     "the Via",
                                     "no Call-ID",
                                     "the Call-ID",
                                     "no From",
                                     "the From",
                                     "no To",
                                     "the To",
                                     "no CSeq",
                                     "the CSeq",
                                     "the Max-Forwards",
                                     "the Content-Length",
                                     "a cut message",
                                     "a repeated header",
                                     "the size"};

// What takes a header's place while the culprit is looked for. The CSeq keeps the method, so it is left out:
// with the start line.
static const char *plain_line(unsigned kind)
{
    switch (kind) {
    case HEADER_VIA:
        return "Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\n";
    case HEADER_FROM:
        return "From: <sip:a@h>;tag=1\r\n";
    case HEADER_TO:
        return "To: <sip:b@h>\r\n";
    case HEADER_CALL_ID:
        return "Call-ID: 1@h\r\n";
    case HEADER_CONTENT_LENGTH:
        return "";
    default:
        return "";
    }
}

static bool accepts(const struct peer *peer, const uint8_t *octets, size_t length)
{
    struct outcome outcome;
    peer->read(octets, length, &outcome);
    return outcome.accepted;
}

// The message with octets [from, to) replaced.
static size_t replaced(uint8_t *out, const struct message *message, size_t from, size_t to, const char *text)
{
    size_t length = strlen(text);
    memcpy(out, message->octets, from);
    memcpy(out + from, text, length);
    memcpy(out + from + length, message->octets + to, message->length - to);
    return from + length + message->length - to;
}

static const char *plain_start(const struct message *message, size_t *end)
{
    static char line[CORPUS_TEXT_MAX];
    const uint8_t *octets = message->octets;
    *end = message->headers[0].line.offset;
    if (message->is_request)
        snprintf(line, sizeof(line), "%.*s sip:b@h SIP/2.0\r\n", (int)message->method_name.length,
                 (const char *)octets + message->method_name.offset);
    else
        snprintf(line, sizeof(line), "SIP/2.0 %u OK\r\n", message->status);
    return line;
}

static const char *name_of(const struct message *message, const struct header_field *field)
{
    static char name[40];
    (void)message;
    snprintf(name, sizeof(name), "%s",
             field->kind == HEADER_OTHER ? "an unknown header" : header_text(field->kind));
    return name;
}

// Where the peer's objection lies.
static const char *culprit(const struct peer *peer, const struct message *message)
{
    static uint8_t text[TEXT_MAX + CORPUS_TEXT_MAX];
    size_t length, end;
    for (unsigned i = 0; i < message->header_count; i++) {
        const struct header_field *field = &message->headers[i];
        if (field->kind == HEADER_CSEQ)
            continue;
        length = replaced(text, message, field->line.offset, (size_t)field->line.offset + field->line.length,
                          plain_line(field->kind));
        if (accepts(peer, text, length))
            return name_of(message, field);
    }
    const char *line = plain_start(message, &end);
    length = replaced(text, message, 0, end, line);
    if (accepts(peer, text, length))
        return "the start line";
    length = replaced(text, message, message->header_end, message->length, "");
    if (accepts(peer, text, length))
        return "the body";
    uint8_t field = message->first[HEADER_CSEQ];
    char cseq[300];
    snprintf(cseq, sizeof(cseq), "CSeq: 1 %.*s\r\n",
             (int)(message->is_request ? message->method_name.length : 3),
             message->is_request ? (const char *)message_at(message, message->method_name) : "BYE");
    struct span whole = message->headers[field].line;
    length = replaced(text, message, whole.offset, (size_t)whole.offset + whole.length, cseq);
    return accepts(peer, text, length) ? "CSeq" : "several things";
}

static void compare_one(const uint8_t *octets, size_t length)
{
    static const char *const names[FIELD_COUNT] = {"Call-ID", "From tag", "To tag", "CSeq", "branch"};
    static struct message message;
    struct outcome ours, theirs;
    char name[CLASS_LENGTH];
    outcome_ours(octets, length, &ours);
    for (size_t i = 0; i < sizeof(peers) / sizeof(peers[0]); i++) {
        peers[i].read(octets, length, &theirs);
        if (!ours.accepted && theirs.accepted) {
            snprintf(name, sizeof(name), "%s accepts %s", peers[i].name, faults[-ours.fault]);
            count_class(name, octets, length);
        }
        if (ours.accepted && !theirs.accepted) {
            (void)message_parse(octets, (uint32_t)length, &message);
            snprintf(name, sizeof(name), "%s refuses %s", peers[i].name, culprit(&peers[i], &message));
            count_class(name, octets, length);
        }
        for (unsigned field = 0; ours.accepted && theirs.accepted && field < FIELD_COUNT; field++)
            if (strcmp(ours.fields[field], theirs.fields[field]) != 0) {
                snprintf(name, sizeof(name), "%s reads %s another way", peers[i].name, names[field]);
                count_class(name, octets, length);
            }
    }
}

static uint64_t seed = 0x9e3779b97f4a7c15u;

static uint32_t pick(uint32_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 32) % below;
}

// One change: an octet replaced, inserted or removed, a piece of text doubled, or a word of SIP put in.
static size_t mutate(uint8_t *text, size_t length)
{
    static const char *const words[] = {"\r\n",       "\r\n ",
                                        ";tag=x",     ";branch=z9hG4bKy",
                                        "\"",         "<",
                                        ">",          ",",
                                        ";",          ":",
                                        "@",          "sip:",
                                        "tel:+1",     "%41",
                                        "[::1]",      "0",
                                        "4294967296", "Call-ID: z\r\n",
                                        " ",          "\t",
                                        "\\",         "(",
                                        ")"};
    size_t place = pick((uint32_t)length);
    size_t size = 1;
    const char *word = words[pick(sizeof(words) / sizeof(words[0]))];
    switch (pick(4)) {
    case 0:
        text[place] = (uint8_t)(32 + pick(95));
        return length;
    case 1:
        memmove(text + place, text + place + 1, length - place - 1);
        return length - 1;
    case 2:
        size = 1 + pick(20);
        if (place + size > length)
            return length;
        memmove(text + place + size, text + place, length - place);
        return length + size;
    default:
        size = strlen(word);
        memmove(text + place + size, text + place, length - place);
        memcpy(text + place, word, size);
        return length + size;
    }
}

static void compare_all(unsigned rows)
{
    static uint8_t text[TEXT_MAX];
    for (unsigned i = 0; i < rows; i++) {
        compare_one(corpus[i].octets, corpus[i].length);
        for (unsigned mutant = 0; mutant < MUTANTS; mutant++) {
            size_t length = corpus[i].length;
            memcpy(text, corpus[i].octets, length);
            for (unsigned changes = 1 + pick(2); changes > 0; changes--)
                length = mutate(text, length);
            compare_one(text, length);
        }
    }
}

// Rows of README.md: "| `class` | why |".
static void load_explanations(const char *path)
{
    char line[2048], name[CLASS_LENGTH];
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        perror(path);
        exit(1);
    }
    while (fgets(line, sizeof(line), file) != NULL)
        if (sscanf(line, "| `%79[^`]` | %*s", name) == 1)
            class_of(name)->explained = true;
    fclose(file);
}

static void print_example(const struct class *class)
{
    for (size_t i = 0; i < class->length; i++) {
        if (class->example[i] == '\n')
            fputs("\n    ", stdout);
        else if (isprint(class->example[i]))
            putchar(class->example[i]);
        else if (class->example[i] != '\r')
            printf("\\x%02x", class->example[i]);
    }
    putchar('\n');
}

int main(int argc, char **argv)
{
    int status = 0;
    if (argc < 3) {
        fprintf(stderr, "usage: %s TORTURE README [CLASS TO SHOW]\n", argv[0]);
        return 2;
    }
    load_explanations(argv[2]);
    unsigned rows = corpus_load(argv[1]);
    compare_all(rows);
    printf("%u messages\n", rows * (MUTANTS + 1));
    for (unsigned i = 0; i < class_count; i++) {
        const struct class *class = &classes[i];
        printf("%8u  %s%s\n", class->count, class->name, class->explained ? "" : "  NOT EXPLAINED");
        if (!class->explained || (argc > 3 && strcmp(argv[3], class->name) == 0))
            print_example(class);
        // An explanation of what no longer happens is wrong, too.
        if (!class->explained || class->count == 0)
            status = 1;
    }
    return status;
}
