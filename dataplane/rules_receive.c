// SPDX-License-Identifier: BSD-3-Clause
#include "rules_receive.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)

static struct rules *refuse(struct fault *fault, int error, const char *text)
{
    fault_set(fault, error, "%s", text);
    errno = error;
    return NULL;
}

struct rules *rules_receive(int fd, const struct channel_snapshot *snapshot, struct fault *fault)
{
    struct rules *rules;
    struct stat status;
    void *image;
    int seals = fcntl(fd, F_GET_SEALS);

    // Unsealed, it could change while we check it, or shrink under our mapping and kill us.
    if (seals < 0 || (seals & SEALS) != SEALS)
        return refuse(fault, EINVAL,
                      "the snapshot's descriptor is no memfd sealed against writing, shrinking and growing");
    if (fstat(fd, &status) < 0 || status.st_size != (off_t)snapshot->size)
        return refuse(fault, EINVAL,
                      "the snapshot's descriptor does not have the size that the message says");
    image = mmap(NULL, snapshot->size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (image == MAP_FAILED)
        return refuse(fault, errno, "the snapshot could not be mapped");
    rules = rules_create(image, snapshot->size, fault->text, sizeof(fault->text));
    munmap(image, snapshot->size);
    if (rules == NULL) {
        errno = EINVAL;
        return NULL;
    }
    if (rules->image->sequence != snapshot->sequence) {
        rules_destroy(rules);
        return refuse(fault, EINVAL, "the snapshot's sequence is not the one that the message says");
    }
    return rules;
}
