// SPDX-License-Identifier: BSD-3-Clause
// The configuration: any octets, from the text to the image.
// 1. What is refused has one line that begins with the file's name, of printable characters.
// 2. What is taken prints as a text that is taken, says the same, and prints the same again; the two do not
// differ.
// 3. It compiles, or is refused with one line; the image is whole, and sealed.
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "sip_check.h"

#define NAME       "text"
#define ERROR_SIZE 1024u
#define SEALS      (F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL)

static void check_line(const char *line)
{
    CHECK(line[0] != '\0');
    for (const char *at = line; *at; at++)
        CHECK((unsigned char)*at >= 0x20 && *at != 0x7f);
}

static char *print(const struct config *config, size_t *length)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, length);
    CHECK(out != NULL && config_print(config, out) == 0);
    fclose(out);
    CHECK(text != NULL);
    return text;
}

static void no_change(void *context, const struct config_change *change)
{
    CHECK(change == NULL);
}

static void check_printed(const struct config *config)
{
    char error[ERROR_SIZE], keys[ERROR_SIZE];
    size_t length = 0, again_length = 0;
    char *text = print(config, &length);
    struct config *again = config_parse(text, length, NAME, error, sizeof(error));
    if (!again)
        fprintf(stderr, "%s\n%s\n", error, text);
    CHECK(again != NULL);
    char *twice = print(again, &again_length);
    CHECK(length == again_length && memcmp(text, twice, length) == 0);
    CHECK(config_diff(config, again, no_change, NULL) == 0);
    CHECK(!config_needs_restart(config, again, keys, sizeof(keys)));
    config_free(again);
    free(text);
    free(twice);
}

static void check_image(const struct config *config)
{
    char error[ERROR_SIZE] = "";
    struct stat status;
    int memfd = -1;
    size_t size = 0;
    struct compile_input input = {.config = config, .manifest = manifest_create(), .sequence = 1};
    CHECK(input.manifest != NULL);
    int result = config_compile(&input, &memfd, &size, error, sizeof(error));
    manifest_free(input.manifest);
    if (result < 0) {
        check_line(error);
        return;
    }
    CHECK(fstat(memfd, &status) == 0 && (size_t)status.st_size == size && size <= SNAPSHOT_SIZE_MAX);
    CHECK((fcntl(memfd, F_GET_SEALS) & SEALS) == SEALS);
    const struct snapshot_header *image = mmap(NULL, size, PROT_READ, MAP_SHARED, memfd, 0);
    CHECK(image != MAP_FAILED && image->magic == SNAPSHOT_MAGIC && image->size == size);
    for (unsigned section = 0; section < SECTION_COUNT; section++)
        CHECK(image->sections[section].offset <= size);
    munmap((void *)(uintptr_t)image, size);
    close(memfd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char error[ERROR_SIZE] = "";
    const char *warning;
    setenv("DIALGATE_FUZZ", "7", 1);
    // A copy of just its size: reading behind it is a fault that ASan sees.
    char *text = malloc(size ? size : 1);
    CHECK(text != NULL);
    memcpy(text, data, size);
    struct config *config = config_parse(text, size, NAME, error, sizeof(error));
    free(text);
    if (config == NULL) {
        check_line(error);
        CHECK(strncmp(error, NAME ":", strlen(NAME) + 1) == 0);
        return 0;
    }
    CHECK(error[0] == '\0');
    for (size_t i = 0; (warning = config_warning_at(config, i)); i++)
        check_line(warning);
    CHECK(config_source(config)->octets == size);
    check_printed(config);
    check_image(config);
    config_free(config);
    return 0;
}
