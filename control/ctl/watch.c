// SPDX-License-Identifier: BSD-3-Clause
#include "watch.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define SCREEN_OURS   "\033[?1049h\033[?25l" // the alternate screen, no cursor: xterm's, understood everywhere
#define SCREEN_THEIRS "\033[?25h\033[?1049l"
#define KEY_INTERRUPT 3 // Ctrl-C, while the terminal makes no signal of it

static volatile sig_atomic_t ended;

static void on_end(int number)
{
    ended = 1;
}

static void on_resize(int number)
{
    // poll() returns, and the next picture asks for the size.
}

// Octets of an escape sequence that ends with a letter ("\033[31m"), 0 where none begins.
static size_t escape_length(const char *text)
{
    if (text[0] != '\033' || text[1] != '[')
        return 0;
    size_t parameters = strspn(text + 2, "0123456789;?");
    return text[2 + parameters] ? 3 + parameters : 2 + parameters;
}

static int lines_of(const char *text)
{
    int lines = 0;
    for (; *text; lines++)
        text += strcspn(text, "\n") + (text[strcspn(text, "\n")] == '\n');
    return lines;
}

void watch_paint(const char *text, int rows, int columns, FILE *out)
{
    int lines = lines_of(text), shown = lines > rows ? rows - 1 : lines;
    fputs("\033[H", out);
    for (int row = 0; row < shown; row++) {
        int column = 0;
        while (*text && *text != '\n') {
            size_t escape = escape_length(text);
            size_t octets = escape ? escape : 1;
            column += !escape && ((unsigned char)*text & 0xc0) != 0x80;
            if (escape || column <= columns)
                fwrite(text, 1, octets, out);
            text += octets;
        }
        text += *text == '\n';
        // Behind the last row a line end would scroll.
        fputs(row + 1 < rows && *text ? "\033[K\r\n" : "\033[K", out);
    }
    if (shown < lines)
        fprintf(out, "-- %d more lines --\033[K", lines - shown);
    fputs("\033[J", out);
    fflush(out);
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// Returns true when the next picture is due, false when the operator has had enough.
static bool wait_until(int64_t due_ms, bool terminal)
{
    while (!ended) {
        struct pollfd keys = {terminal ? STDIN_FILENO : -1, POLLIN, 0};
        int64_t left_ms = due_ms - now_ms();
        if (left_ms <= 0)
            return true;
        int found = poll(&keys, 1, (int)left_ms);
        if (found < 0 && terminal)
            return !ended; // another size of the screen
        char key;
        if (found > 0 && (read(STDIN_FILENO, &key, 1) != 1 || key == 'q' || key == KEY_INTERRUPT))
            return false;
        if (found > 0 && key == ' ')
            return true;
    }
    return false;
}

// One picture in memory first, or the screen would flicker; what went wrong is part of it.
static int draw_screen(struct ctl *ctl, watch_draw *draw, void *context)
{
    struct winsize size = {.ws_row = 24, .ws_col = 80};
    char *text = NULL;
    size_t length = 0;
    struct ctl inner = *ctl;
    int status = CTL_REFUSED;
    inner.out = inner.errors = open_memstream(&text, &length);
    if (inner.out) {
        status = draw(&inner, context);
        fclose(inner.out);
        ctl->client = inner.client;
    }
    ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
    if (text)
        watch_paint(text, size.ws_row ? size.ws_row : 24, size.ws_col ? size.ws_col : 80, stdout);
    free(text);
    return status;
}

static int watch_terminal(struct ctl *ctl, int seconds, watch_draw *draw, void *context)
{
    struct termios before, keys;
    int status;
    if (tcgetattr(STDIN_FILENO, &before) != 0)
        return CTL_REFUSED;
    keys = before;
    keys.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
    tcsetattr(STDIN_FILENO, TCSANOW, &keys);
    fputs(SCREEN_OURS, stdout);
    do
        status = draw_screen(ctl, draw, context);
    while (wait_until(now_ms() + (int64_t)seconds * 1000, true));
    fputs(SCREEN_THEIRS, stdout);
    fflush(stdout);
    tcsetattr(STDIN_FILENO, TCSANOW, &before);
    return status;
}

static int watch_stream(struct ctl *ctl, int seconds, watch_draw *draw, void *context)
{
    int status;
    bool first = true;
    do {
        if (!first && !ctl->json)
            fputc('\n', ctl->out);
        first = false;
        status = draw(ctl, context);
        if (fflush(ctl->out) != 0)
            status = CTL_REFUSED;
    } while (status == CTL_DONE && wait_until(now_ms() + (int64_t)seconds * 1000, false));
    return status;
}

int watch_run(struct ctl *ctl, int seconds, watch_draw *draw, void *context)
{
    struct sigaction end = {.sa_handler = on_end}, resize = {.sa_handler = on_resize};
    struct sigaction before[3];
    bool terminal = !ctl->json && ctl->out == stdout && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    ended = 0;
    sigaction(SIGTERM, &end, &before[0]);
    sigaction(SIGINT, &end, &before[1]);
    sigaction(SIGWINCH, &resize, &before[2]);
    int status =
        terminal ? watch_terminal(ctl, seconds, draw, context) : watch_stream(ctl, seconds, draw, context);
    sigaction(SIGTERM, &before[0], NULL);
    sigaction(SIGINT, &before[1], NULL);
    sigaction(SIGWINCH, &before[2], NULL);
    return status;
}
