// SPDX-License-Identifier: BSD-3-Clause
// Runs a fuzzer's check over every file of a directory, for compilers without libFuzzer and for each test
// run.
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "sip_check.h"

#define SEED_SIZE_MAX 65536u

static int run_file(const char *directory, const char *name)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        return -1;
    }
    uint8_t *octets = malloc(SEED_SIZE_MAX);
    CHECK(octets != NULL);
    size_t size = fread(octets, 1, SEED_SIZE_MAX, file);
    fclose(file);
    // Named before the check, which aborts.
    printf("%s: %zu octets\n", name, size);
    fflush(stdout);
    LLVMFuzzerTestOneInput(octets, size);
    free(octets);
    return 0;
}

int main(int argc, char **argv)
{
    unsigned files = 0;
    if (argc != 2) {
        fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
        return 2;
    }
    DIR *directory = opendir(argv[1]);
    if (directory == NULL) {
        perror(argv[1]);
        return 1;
    }
    for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        if (entry->d_name[0] == '.')
            continue;
        if (run_file(argv[1], entry->d_name) != 0)
            return 1;
        files++;
    }
    closedir(directory);
    // An empty directory would prove nothing.
    return files == 0 ? 1 : 0;
}
