// SPDX-License-Identifier: BSD-3-Clause
// Through the sink, with a daemon's socket that reads, does not read, is away and comes back.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <regex.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>
#include "sink.h"
#include "syslogger.h"

#define LINES 400u // more than a socket's queue takes

static struct sockaddr_un address = {.sun_family = AF_UNIX};

static int listen_there(void)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    unlink(address.sun_path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static int open_there(void **state)
{
    char text[sizeof(address.sun_path) + 8];

    snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/dialgate-syslog.%d", (int)getpid());
    snprintf(text, sizeof(text), "syslog:%s", address.sun_path);
    return sink_open(text, "test") ? 0 : -1;
}

static int close_there(void **state)
{
    syslogger_close();
    unlink(address.sun_path);
    return 0;
}

static bool heard(int fd, char *text, size_t size)
{
    ssize_t length = recv(fd, text, size - 1, 0);

    text[length < 0 ? 0 : length] = '\0';
    return length >= 0;
}

static const struct row {
    const char *name;
    int priority;
    const char *line;
    const char *first; // 8 * facility 3, daemon, and the priority
} rows[] = {
    {"an error", LOG_ERR, "level=error event=a", "<27>"},
    {"a warning", LOG_WARNING, "level=warning event=b text=\"100%s\"", "<28>"},
    {"information", LOG_INFO, "level=info event=c", "<30>"},
};

// RFC 3164 section 4.1: <PRI>, time of the day where it is written, TAG[PID]: and the text.
static void test_format(void **state)
{
    int fd = listen_there();

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[300], wanted[300], day[8];
        time_t now = time(NULL);
        regex_t format;

        sink_write(rows[i].priority, rows[i].line, strlen(rows[i].line));
        assert_true(heard(fd, text, sizeof(text)));
        strftime(day, sizeof(day), "%b %e", localtime(&now));
        snprintf(wanted, sizeof(wanted), "^%s%s [0-2][0-9]:[0-5][0-9]:[0-6][0-9] test\\[%d\\]: [a-z]",
                 rows[i].first, day, (int)getpid());
        assert_int_equal(regcomp(&format, wanted, REG_NOSUB), 0);
        if (regexec(&format, text, 0, NULL, 0) != 0 || strcmp(strstr(text, ": ") + 2, rows[i].line) != 0)
            fail_msg("%s: \"%s\" is not %s", rows[i].name, text, wanted);
        regfree(&format);
    }
    close(fd);
}

// Takes what is there. Returns the lines, and adds to *lost what they tell of.
static unsigned drain(int fd, unsigned *lost)
{
    unsigned lines = 0;
    char text[300];

    while (heard(fd, text, sizeof(text))) {
        const char *told = strstr(text, "event=log_lost lines=");
        unsigned more;

        if (told != NULL && sscanf(told, "event=log_lost lines=%u", &more) == 1)
            *lost += more;
        else
            lines++;
    }
    return lines;
}

// Nobody waits for a daemon that does not read. A write that does would be ended by the alarm.
static void test_full(void **state)
{
    unsigned lines, lost = 0;
    int fd = listen_there();

    alarm(60);
    for (unsigned i = 0; i < LINES; i++)
        sink_write(LOG_ERR, "line", 4);
    lines = drain(fd, &lost);
    assert_true(lines > 0 && lines < LINES);
    assert_int_equal(lost, 0);
    sink_write(LOG_ERR, "line", 4);
    lines += drain(fd, &lost);
    alarm(0);
    assert_true(lost > 0);
    assert_int_equal(lines + lost, LINES + 1);
    close(fd);
}

// It ends and starts anew: the next line after that finds it.
static void test_away(void **state)
{
    unsigned lost = 0;
    int fd = listen_there();

    sink_write(LOG_ERR, "first", 5);
    assert_int_equal(drain(fd, &lost), 1);
    close(fd);
    unlink(address.sun_path);
    sink_write(LOG_ERR, "lost", 4);
    sink_write(LOG_ERR, "lost", 4);
    fd = listen_there();
    sink_write(LOG_ERR, "second", 6);
    assert_int_equal(drain(fd, &lost), 1);
    assert_int_equal(lost, 2);
    // A daemon that is replaced while nothing is written costs nothing.
    close(fd);
    fd = listen_there();
    sink_write(LOG_ERR, "third", 5);
    assert_int_equal(drain(fd, &lost), 1);
    assert_int_equal(lost, 2);
    close(fd);
}

static void test_names(void **state)
{
    char path[200] = "syslog:/";

    assert_false(sink_open("syslog:", "test"));
    assert_false(sink_open("syslog:log", "test"));
    memset(path + 8, 'x', sizeof(path) - 9);
    assert_false(sink_open(path, "test"));
    assert_true(sink_open("syslog", "test"));
    assert_false(sink_wants_time());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_format, open_there, close_there),
        cmocka_unit_test_setup_teardown(test_full, open_there, close_there),
        cmocka_unit_test_setup_teardown(test_away, open_there, close_there),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
