// SPDX-License-Identifier: BSD-3-Clause
#include "configuration.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "config/replace.h"
#include "config/value.h"
#include "log.h"

#define PATH_SIZE 4096

static void tell_dropped(void *context, const struct host_drop *drop)
{
    static struct log_limit limit;
    char address[INET6_ADDRSTRLEN];
    if (log_allowed(&limit))
        log_event(LEVEL_WARNING, "address_dropped", "peer=%s host=\"%s\" address=%s reason=\"%s\"",
                  drop->peer, drop->host, value_address(&drop->address, address, sizeof(address)),
                  drop->reason);
}

static int compile(struct configuration *made, const struct build *build)
{
    int memfd = -1;
    size_t image_size = 0;
    struct compile_input input = {.config = made->config,
                                  .manifest = build->manifest,
                                  .sequence = build->sequence,
                                  .hosts = build->hosts,
                                  .overlay = build->overlay,
                                  .dropped = tell_dropped};
    int result = config_compile(&input, &memfd, &image_size, build->error, build->error_size);
    if (result < 0)
        return result;
    result = manifest_save(build->manifest, build->directory, build->error, build->error_size);
    if (result < 0) {
        close(memfd);
        return result;
    }
    void *image = mmap(NULL, image_size, PROT_READ, MAP_SHARED, memfd, 0);
    if (image == MAP_FAILED) {
        result = -errno;
        snprintf(build->error, build->error_size, "configuration image not mapped: %s", strerror(-result));
        close(memfd);
        return result;
    }
    if (made->image) {
        munmap((void *)(uintptr_t)made->image, made->size);
        close(made->memfd);
    }
    made->image = image;
    made->memfd = memfd;
    made->size = image_size;
    return 0;
}

int configuration_build(struct configuration *made, struct config *config, const char *file,
                        const struct build *build)
{
    *made = (struct configuration){.config = config, .memfd = -1, .file = strdup(file)};
    int result = made->file ? compile(made, build) : -ENOMEM;
    if (result < 0)
        configuration_free(made);
    return result;
}

int configuration_renumber(struct configuration *configuration, const struct build *build)
{
    return compile(configuration, build);
}

int configuration_again(struct configuration *made, const struct configuration *from,
                        const struct build *build)
{
    *made = (struct configuration){.config = from->config, .memfd = -1};
    int result = compile(made, build);
    made->config = NULL;
    return result;
}

void configuration_inherit(struct configuration *made, struct configuration *from)
{
    made->config = from->config;
    made->file = from->file;
    from->config = NULL;
    from->file = NULL;
}

void configuration_free(struct configuration *configuration)
{
    if (configuration->image) {
        munmap((void *)(uintptr_t)configuration->image, configuration->size);
        close(configuration->memfd);
    }
    config_free(configuration->config);
    free(configuration->file);
    *configuration = (struct configuration){.memfd = -1};
}

const void *configuration_section(const struct configuration *configuration, enum snapshot_section section,
                                  uint32_t *count)
{
    const struct snapshot_range *range = &configuration->image->sections[section];
    *count = range->count;
    return (const uint8_t *)configuration->image + range->offset;
}

const struct snapshot_peer *configuration_peer(const struct configuration *configuration, uint32_t number)
{
    uint32_t count;
    const struct snapshot_peer *peers = configuration_section(configuration, SECTION_PEERS, &count);
    return number < count && (peers[number].flags & SNAPSHOT_PRESENT) ? &peers[number] : NULL;
}

uint64_t sequence_load(const char *directory)
{
    char path[PATH_SIZE];
    uint64_t sequence = 0;
    snprintf(path, sizeof(path), "%s/sequence", directory);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    // A damaged file counts as none: the dataplane's own sequence is looked at too before one is chosen.
    if (fscanf(file, "%" SCNu64, &sequence) != 1)
        sequence = 0;
    fclose(file);
    return sequence;
}

static void write_sequence(const void *content, FILE *file)
{
    const uint64_t *sequence = content;
    fprintf(file, "%" PRIu64 "\n", *sequence);
}

int sequence_save(const char *directory, uint64_t sequence, char *error, size_t size)
{
    int result = replace_file(directory, "sequence", write_sequence, &sequence);
    if (result < 0)
        snprintf(error, size, "%s/sequence: %s; is the state directory writable?", directory,
                 strerror(-result));
    return result;
}
