// SPDX-License-Identifier: BSD-3-Clause
#include "keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include "log.h"
#include "store.h"

#define KEYS_MAGIC 0x31737965616c6764u

// check tells a damaged file from a whole one; it is no protection against whoever can write the file.
struct keys_file {
    uint64_t magic;
    struct siphash_key table, mac, tag;
    uint64_t number;
    uint64_t check;
};
static_assert(sizeof(struct keys_file) == 72, "layout");

static uint64_t keys_check(const struct keys_file *file)
{
    return siphash24(&file->table, file, offsetof(struct keys_file, check));
}

static const char *keys_wrong(const char *state_directory, struct keys_file *file)
{
    void *octets = NULL;
    long size = store_read(state_directory, STORE_KEYS, sizeof(*file), &octets);

    if (size == -EPERM || size == -ELOOP)
        return "another user owns it or may read it";
    if (size < 0)
        return size == -ENOENT ? "none" : strerror((int)-size);
    if (size == sizeof(*file))
        memcpy(file, octets, sizeof(*file));
    explicit_bzero(octets, (size_t)size);
    free(octets);
    if (size != sizeof(*file) || file->magic != KEYS_MAGIC || file->number > UINT8_MAX ||
        file->check != keys_check(file))
        return "damaged";
    return NULL;
}

static int keys_make(struct keys_file *file)
{
    struct siphash_key *const keys[] = {&file->table, &file->mac, &file->tag};
    uint8_t number;

    for (unsigned i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (getrandom(keys[i], sizeof(*keys[i]), 0) != sizeof(*keys[i]))
            return -EIO;
    }
    if (getrandom(&number, sizeof(number), 0) != sizeof(number))
        return -EIO;
    file->magic = KEYS_MAGIC;
    file->number = number;
    file->check = keys_check(file);
    return 0;
}

int keys_open(const char *state_directory, struct cookie_keys *keys, struct fault *fault)
{
    struct keys_file file = {0};
    const char *wrong = keys_wrong(state_directory, &file);

    if (wrong != NULL) {
        int result = keys_make(&file);

        if (strcmp(wrong, "none") != 0)
            log_event(LOG_WARNING, "keys_replaced", "file=%s/" STORE_KEYS " reason=\"%s\"", state_directory,
                      wrong);
        if (result == 0)
            result = store_write(state_directory, STORE_KEYS, &file, sizeof(file));
        if (result < 0) {
            explicit_bzero(&file, sizeof(file));
            return fault_set(fault, -result,
                             "keys %s/" STORE_KEYS ": %s; check the directory or choose another with "
                             "--state-directory",
                             state_directory, strerror(-result));
        }
    }
    *keys = (struct cookie_keys){
        .table = file.table, .mac = file.mac, .tag = file.tag, .number = (uint8_t)file.number};
    explicit_bzero(&file, sizeof(file));
    return 0;
}
