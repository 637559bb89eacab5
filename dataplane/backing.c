// SPDX-License-Identifier: BSD-3-Clause
#include "backing.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>
#include "confine.h"

// A piece takes about a millisecond, and the pause leaves the CPU to whoever shares it.
#define PIECE    ((size_t)2 << 20)
#define PAUSE_US 1000

void backing_add(struct backing *backing, uint8_t *octets, size_t size)
{
    backing->ranges[backing->count++] = (struct backing_range){octets, size};
}

static int populate(uint8_t *octets, size_t size)
{
    int result;

    do
        result = madvise(octets, size, MADV_POPULATE_WRITE);
    while (result < 0 && errno == EINTR);
    return result;
}

static void *run(void *argument)
{
    struct backing *backing = argument;

    for (unsigned i = 0; i < backing->count; i++) {
        const struct backing_range *range = &backing->ranges[i];

        for (size_t at = 0; at < range->size; at += PIECE) {
            size_t left = range->size - at;

            if (atomic_load(&backing->stop) || populate(range->octets + at, left < PIECE ? left : PIECE) < 0)
                return NULL;
            usleep(PAUSE_US);
        }
    }
    return NULL;
}

void backing_start(struct backing *backing)
{
    sigset_t all, before;

    atomic_store(&backing->stop, false);
    sigfillset(&all); // signals are the agent's, but for the one that asks a thread to give up its rights
    sigdelset(&all, CONFINE_SIGNAL);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    backing->runs = pthread_create(&backing->thread, NULL, run, backing) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void backing_stop(struct backing *backing)
{
    if (!backing->runs)
        return;
    atomic_store(&backing->stop, true);
    pthread_join(backing->thread, NULL);
    backing->runs = false;
}
