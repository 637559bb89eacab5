// SPDX-License-Identifier: BSD-3-Clause
#include "environment.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LETTERS      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
#define VARIABLE_MAX 64u   // octets of a variable's name
#define EXPANDED_MAX 1024u // octets of a value; longer than any that a key takes

struct builder {
    char text[EXPANDED_MAX + 1];
    size_t length;
};

static bool put(struct builder *builder, const char *text, size_t length)
{
    if (length > EXPANDED_MAX - builder->length)
        return false;
    memcpy(builder->text + builder->length, text, length);
    builder->length += length;
    return true;
}

// The variable whose name begins at *at, behind "${"; moves *at behind its "}".
static const char *find_variable(const char **at, char why[ENVIRONMENT_WHY_SIZE])
{
    char name[VARIABLE_MAX + 1];
    size_t length = strspn(*at, LETTERS "0123456789");
    if (length == 0 || length > VARIABLE_MAX || !strchr(LETTERS, **at) || (*at)[length] != '}') {
        snprintf(why, ENVIRONMENT_WHY_SIZE,
                 "${ begins no name of an environment variable; give ${NAME}, or $${ for ${ itself");
        return NULL;
    }
    memcpy(name, *at, length);
    name[length] = '\0';
    *at += length + 1;
    const char *value = getenv(name);
    if (!value)
        snprintf(why, ENVIRONMENT_WHY_SIZE,
                 "the environment has no variable %s; set it where this file is read", name);
    for (const char *octet = value; octet && *octet; octet++)
        if ((unsigned char)*octet < 0x20 || (unsigned char)*octet >= 0x7f) {
            snprintf(why, ENVIRONMENT_WHY_SIZE,
                     "the variable %s holds a character that is not printable ASCII", name);
            return NULL;
        }
    return value;
}

int environment_expand(const char *text, char **value, char why[ENVIRONMENT_WHY_SIZE])
{
    struct builder builder;
    builder.length = 0;
    *value = NULL;
    if (!strstr(text, "${")) {
        *value = strdup(text);
        return *value ? 0 : -ENOMEM;
    }
    bool fits = true;
    while (*text && fits) {
        if (strncmp(text, "$${", 3) == 0) {
            fits = put(&builder, "${", 2);
            text += 3;
        } else if (strncmp(text, "${", 2) == 0) {
            text += 2;
            const char *found = find_variable(&text, why);
            if (!found)
                return -EINVAL;
            fits = put(&builder, found, strlen(found));
        } else {
            fits = put(&builder, text++, 1);
        }
    }
    if (!fits) {
        snprintf(why, ENVIRONMENT_WHY_SIZE, "is too long with what its variables stand for");
        return -EINVAL;
    }
    *value = strndup(builder.text, builder.length);
    return *value ? 1 : -ENOMEM;
}
