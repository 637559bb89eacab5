// SPDX-License-Identifier: BSD-3-Clause
// A fuzzer of dataplane/sip brings its dictionary and the largest input along, where the command line names
// none: small inputs find what large ones find, and ten times as many run.
#include <string.h>

#define ARGUMENTS_MAX 64

int LLVMFuzzerInitialize(int *count, char ***arguments);

static int has(int count, char **arguments, const char *prefix)
{
    for (int i = 1; i < count; i++)
        if (strncmp(arguments[i], prefix, strlen(prefix)) == 0)
            return 1;
    return 0;
}

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
    static char *list[ARGUMENTS_MAX];
    static char dictionary[] = "-dict=" SIP_DICTIONARY;
    static char size[] = "-max_len=" SIP_SIZE_MAX;
    int used = *count;
    if (used > ARGUMENTS_MAX - 3)
        return 0;
    memcpy(list, *arguments, (size_t)used * sizeof(list[0]));
    if (!has(*count, *arguments, "-dict="))
        list[used++] = dictionary;
    if (!has(*count, *arguments, "-max_len="))
        list[used++] = size;
    *count = used;
    *arguments = list;
    return 0;
}
