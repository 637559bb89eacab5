// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>
#include "sink.h"

static FILE *caught;
static int error_stream;

static void catch_stderr(void)
{
    caught = tmpfile();
    assert_non_null(caught);
    fflush(stderr);
    error_stream = dup(STDERR_FILENO);
    dup2(fileno(caught), STDERR_FILENO);
}

// What came since catch_stderr().
static size_t caught_text(char *text, size_t size)
{
    size_t length;

    dup2(error_stream, STDERR_FILENO);
    close(error_stream);
    rewind(caught);
    length = fread(text, 1, size - 1, caught);
    text[length] = '\0';
    fclose(caught);
    return length;
}

static void name_journal(bool ours)
{
    struct stat status;
    char stream[64];

    assert_int_equal(fstat(STDERR_FILENO, &status), 0);
    snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)status.st_dev,
             (unsigned long long)status.st_ino + (ours ? 0 : 1));
    setenv("JOURNAL_STREAM", stream, 1);
}

static const struct row {
    const char *name;
    const char *sink;
    bool variable, ours; // $JOURNAL_STREAM is there, and is standard error
    bool wants_time;
    const char *text;
} rows[] = {
    {"a terminal or file", "auto", false, false, true, "event=a\n"},
    {"the journal", "auto", true, true, false, "<4>event=a\n"},
    {"redirected from the journal", "auto", true, false, true, "event=a\n"},
    {"asked for", "journal", false, false, false, "<4>event=a\n"},
    {"not wanted", "stderr", true, true, true, "event=a\n"},
};

static void test_sinks(void **state)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[100];

        catch_stderr();
        unsetenv("JOURNAL_STREAM");
        if (rows[i].variable)
            name_journal(rows[i].ours);
        assert_true(sink_open(rows[i].sink, "test"));
        sink_write(LOG_WARNING, "event=a and more", 7);
        caught_text(text, sizeof(text));
        if (strcmp(text, rows[i].text) != 0 || sink_wants_time() != rows[i].wants_time)
            fail_msg("%s: \"%s\"", rows[i].name, text);
    }
    assert_false(sink_open("nowhere", "test"));
}

// Until another second than now has begun.
static void wait_for_second(void)
{
    struct timespec before, now;

    clock_gettime(CLOCK_MONOTONIC, &before);
    do {
        usleep(10000);
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (now.tv_sec == before.tv_sec);
}

// However many come, at most SINK_BURST of a second are written, errors apart, and the rest is told.
static void test_burst(void **state)
{
    static char text[1 << 20];
    unsigned lines = 0;
    char *told;

    wait_for_second(); // other tests wrote in this one
    catch_stderr();
    assert_true(sink_open("stderr", "test"));
    for (unsigned i = 0; i < SINK_BURST * 4; i++)
        sink_write(LOG_INFO, "x", 1);
    sink_write(LOG_ERR, "fault", 5);
    wait_for_second();
    sink_write(LOG_INFO, "later", 5);
    caught_text(text, sizeof(text));
    for (const char *c = text; (c = strstr(c, "x\n")) != NULL; c++)
        lines++;
    // Seconds may begin in the middle.
    assert_true(lines >= SINK_BURST && lines < SINK_BURST * 4);
    assert_non_null(strstr(text, "fault\n"));
    told = strstr(text, "event=log_held_back lines=");
    assert_non_null(told);
    assert_non_null(strstr(told, "later\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sinks), cmocka_unit_test(test_burst)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
