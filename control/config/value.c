// SPDX-License-Identifier: BSD-3-Clause
#include "value.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "pci_address.h"

static_assert(PEER_LISTENERS_MAX == 4 && KEY_TARGETS_MAX == 32, "the words of value_range()");
#define WHY_SHOWN 40 // octets of a bad value that an error repeats

struct unit {
    const char *name;
    uint64_t factor;
};
// Largest first: printing takes the first that divides the value.
static const struct unit durations[] = {
    {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};
static const struct unit sizes[] = {{"GiB", 1ull << 30}, {"MiB", 1ull << 20}, {"KiB", 1ull << 10}, {"", 1}};
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

__attribute__((format(printf, 3, 4))) static int refuse(char *why, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, size, format, arguments);
    va_end(arguments);
    return -EINVAL;
}

// Decimal digits only: no sign, no blank, no other base. Returns how many were read; 0 when none or too many
// for 64 bits.
static size_t parse_digits(const char *text, uint64_t *number)
{
    size_t length = strspn(text, "0123456789");
    *number = 0;
    for (size_t i = 0; i < length; i++) {
        uint64_t digit = (uint64_t)(text[i] - '0');
        if (*number > (UINT64_MAX - digit) / 10)
            return 0;
        *number = *number * 10 + digit;
    }
    return length;
}

static int parse_united(const char *text, const struct unit *units, size_t count, uint64_t *number)
{
    size_t length = parse_digits(text, number);
    for (size_t i = 0; length && i < count; i++)
        if (strcmp(text + length, units[i].name) == 0)
            return __builtin_mul_overflow(*number, units[i].factor, number) ? -EINVAL : 0;
    return -EINVAL;
}

static void format_united(uint64_t number, const struct unit *units, size_t count, char *text, size_t size)
{
    size_t i = 0;
    while (i + 1 < count && (number == 0 || number % units[i].factor != 0))
        i++;
    snprintf(text, size, "%" PRIu64 "%s", number / units[i].factor, units[i].name);
}

static void format_number(const struct key *key, uint64_t number, char *text, size_t size)
{
    if (key->kind == KEY_DURATION)
        format_united(number, durations, COUNT_OF(durations), text, size);
    else if (key->kind == KEY_SIZE)
        format_united(number, sizes, COUNT_OF(sizes), text, size);
    else
        snprintf(text, size, "%" PRIu64, number);
}

static int parse_number(const struct key *key, const char *text, uint64_t *number, char *why, size_t size)
{
    char least[32], most[32];
    int result;
    if (key->kind == KEY_DURATION)
        result = parse_united(text, durations, COUNT_OF(durations), number);
    else if (key->kind == KEY_SIZE)
        result = parse_united(text, sizes, COUNT_OF(sizes), number);
    else {
        size_t length = parse_digits(text, number);
        result = length && !text[length] ? 0 : -EINVAL;
    }
    format_number(key, key->least, least, sizeof(least));
    format_number(key, key->most, most, sizeof(most));
    if (result < 0) {
        static const char *const words[] = {
            [KEY_COUNT] = "a whole number",
            [KEY_DURATION] = "a duration such as 500ms, 5s, 5m or 12h",
            [KEY_SIZE] = "a size in octets, KiB, MiB or GiB such as 64MiB",
        };
        return refuse(why, size, "'%.*s' is not %s; give one from %s to %s", WHY_SHOWN, text,
                      words[key->kind], least, most);
    }
    if (*number < key->least || *number > key->most)
        return refuse(why, size, "%.*s is out of range; give %s to %s", WHY_SHOWN, text, least, most);
    return 0;
}

static int parse_choice(const struct key *key, const char *text, uint64_t *number, char *why, size_t size)
{
    char range[VALUE_TEXT_SIZE];
    for (uint64_t i = 0; key->choices[i]; i++)
        if (strcmp(key->choices[i], text) == 0) {
            *number = i;
            return 0;
        }
    return refuse(why, size, "'%.*s' is not known here; give %s", WHY_SHOWN, text,
                  value_range(key, range, sizeof(range)));
}

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS  "0123456789"

static int parse_name(const char *text, char *name, char *why, size_t size)
{
    size_t length = strlen(text);
    if (length >= NAME_SIZE)
        return refuse(why, size, "'%.*s...' is too long; give at most %u characters", WHY_SHOWN, text,
                      NAME_SIZE - 1);
    if (!strchr(LETTERS, text[0]) || strspn(text, LETTERS DIGITS "-_") != length)
        return refuse(why, size, "'%s' is not a name; give a letter, then letters, digits, '-' and '_'",
                      text);
    memset(name, 0, NAME_SIZE);
    memcpy(name, text, length);
    return 0;
}

static int parse_names(const struct key *key, const char *text, struct name_list *list, char *why,
                       size_t size)
{
    if (list->count == key->most)
        return refuse(why, size, "is one too many; give at most %u", (unsigned)key->most);
    int result = parse_name(text, list->rows[list->count], why, size);
    list->count += result == 0;
    return result;
}

static int parse_targets(const struct key *key, const char *text, struct target_list *list, char *why,
                         size_t size)
{
    size_t length = strlen(text);
    if (list->count == key->most)
        return refuse(why, size, "is one too many; give at most %u", (unsigned)key->most);
    if (length >= KEY_TARGET_SIZE)
        return refuse(why, size, "is too long; give at most %u characters", KEY_TARGET_SIZE - 1);
    if (strspn(text, LETTERS DIGITS "+-_.%*@") != length)
        return refuse(why, size,
                      "'%.*s' is not a target; give a peer's name, or such as +49@* or @example.net",
                      WHY_SHOWN, text);
    memset(list->rows[list->count], 0, KEY_TARGET_SIZE);
    memcpy(list->rows[list->count++], text, length);
    return 0;
}

static int parse_words(const struct key *key, const char *text, struct target_list *list, char *why,
                       size_t size)
{
    size_t length = strlen(text);
    if (list->count == key->most)
        return refuse(why, size, "is one too many; give at most %u", (unsigned)key->most);
    if (length < key->least || length >= KEY_TARGET_SIZE)
        return refuse(why, size, "has %zu characters; give %u to %u", length, (unsigned)key->least,
                      KEY_TARGET_SIZE - 1);
    if (strspn(text, LETTERS DIGITS "+-_./@") != length)
        return refuse(why, size, "'%.*s' is not a word; give letters, digits and + - _ . / @", WHY_SHOWN,
                      text);
    memset(list->rows[list->count], 0, KEY_TARGET_SIZE);
    memcpy(list->rows[list->count++], text, length);
    return 0;
}

static int parse_interface(const char *text, char *name, char *why, size_t size)
{
    size_t length = strlen(text);
    if (length >= IFNAMSIZ || strspn(text, LETTERS DIGITS "-_.@") != length || strcmp(text, ".") == 0 ||
        strcmp(text, "..") == 0)
        return refuse(why, size, "'%.*s' cannot be an interface; give a name that `ip link` shows", WHY_SHOWN,
                      text);
    memset(name, 0, NAME_SIZE);
    memcpy(name, text, length);
    return 0;
}

static int parse_text(const char *text, char *value, char *why, size_t size)
{
    size_t length = strlen(text);
    if (length >= KEY_TEXT_SIZE)
        return refuse(why, size, "is too long; give at most %u characters", KEY_TEXT_SIZE - 1);
    memset(value, 0, KEY_TEXT_SIZE);
    memcpy(value, text, length);
    return 0;
}

static int parse_status(const struct key *key, const char *text, uint16_t *status, char *why, size_t size)
{
    uint64_t number;
    size_t digits = parse_digits(text, &number);
    if (!digits || text[digits] || number < key->least || number > key->most)
        return refuse(why, size, "'%.*s' is not a status of a refusal; give %u to %u", WHY_SHOWN, text,
                      (unsigned)key->least, (unsigned)key->most);
    *status = (uint16_t)number;
    return 0;
}

static int parse_path(const char *text, char *path, char *why, size_t size)
{
    size_t length = strlen(text);
    if (text[0] != '/')
        return refuse(why, size, "'%.*s' is not an absolute path; begin with /", WHY_SHOWN, text);
    if (length >= KEY_TEXT_SIZE)
        return refuse(why, size, "the path is too long; give at most %u octets", KEY_TEXT_SIZE - 1);
    memset(path, 0, KEY_TEXT_SIZE);
    memcpy(path, text, length);
    return 0;
}

static int parse_address(const char *text, struct ip_address *address, char *why, size_t size)
{
    if (value_parse_address(text, address) < 0)
        return refuse(why, size, "'%.*s' is not an address; give one such as 192.0.2.1 or 2001:db8::1",
                      WHY_SHOWN, text);
    if (!value_is_unicast(address))
        return refuse(why, size, "%s is not a unicast address; give the address of a host", text);
    return 0;
}

static int parse_endpoint(const char *text, struct key_endpoint *endpoint, char *why, size_t size)
{
    if (value_parse_endpoint(text, endpoint) == 0 && endpoint->port != 0)
        return 0;
    return refuse(why, size, "'%.*s' is not an address and port; give such as 127.0.0.1:9464 or [::1]:9464",
                  WHY_SHOWN, text);
}

static int parse_prefix(const char *text, struct key_prefix *prefix, char *why, size_t size)
{
    char address[INET6_ADDRSTRLEN], clean[VALUE_PREFIX_SIZE];
    uint64_t length = 0;
    size_t octets = strcspn(text, "/");
    if (octets >= sizeof(address))
        octets = 0;
    memcpy(address, text, octets);
    address[octets] = '\0';
    const char *slash = strchr(text, '/');
    size_t digits = slash ? parse_digits(slash + 1, &length) : 0;
    bool fine =
        value_parse_address(address, &prefix->address) == 0 && (!slash || (digits && !slash[1 + digits]));
    unsigned before = fine && ip_is_ipv4(&prefix->address) ? IP_MAPPED_BITS : 0;
    if (!slash)
        length = 128 - before;
    if (!fine || length > 128 - before)
        return refuse(why, size, "'%.*s' is not a prefix; give one such as 192.0.2.0/24 or 2001:db8::/32",
                      WHY_SHOWN, text);
    prefix->length = (uint16_t)(length + before);
    struct ip_address network = ip_prefix(&prefix->address, prefix->length);
    if (!ip_equal(&network, &prefix->address))
        return refuse(why, size, "%s has bits set behind its length; give %s", text,
                      value_prefix(&network, prefix->length, clean, sizeof(clean)));
    return 0;
}

int value_parse(const struct key *key, const char *text, void *value, char *why, size_t size)
{
    if (text[0] == '\0')
        return refuse(why, size, "has no value; give one or remove the key");
    for (const char *at = text; *at; at++)
        if ((unsigned char)*at < 0x20 || (unsigned char)*at >= 0x7f)
            return refuse(why, size, "holds a character that is not printable ASCII; remove it");
    switch (key->kind) {
    case KEY_COUNT:
    case KEY_DURATION:
    case KEY_SIZE:
        return parse_number(key, text, value, why, size);
    case KEY_CHOICE:
        return parse_choice(key, text, value, why, size);
    case KEY_NAME:
        return parse_name(text, value, why, size);
    case KEY_NAMES:
        return parse_names(key, text, value, why, size);
    case KEY_TARGETS:
        return parse_targets(key, text, value, why, size);
    case KEY_DEVICES:
        return pci_address_add(key, text, value, why, size);
    case KEY_WORDS:
        return parse_words(key, text, value, why, size);
    case KEY_INTERFACE:
        return parse_interface(text, value, why, size);
    case KEY_ADDRESS:
        return parse_address(text, value, why, size);
    case KEY_ENDPOINT:
        return parse_endpoint(text, value, why, size);
    case KEY_PATH:
        // A default that is a word can be said, too.
        if (key->fallback && key->fallback[0] != '/' && strcmp(text, key->fallback) == 0) {
            memcpy(value, key->fallback, strlen(key->fallback) + 1);
            return 0;
        }
        return parse_path(text, value, why, size);
    case KEY_TEXT:
        return parse_text(text, value, why, size);
    case KEY_PREFIX:
        return parse_prefix(text, value, why, size);
    case KEY_STATUS:
        return parse_status(key, text, value, why, size);
    }
    return refuse(why, size, "has an unknown kind");
}

// In single quotes, a single quote doubled (YAML 1.1 section 9.1.2).
static void format_quoted(const char *plain, char *text, size_t size)
{
    size_t length = 0;
    text[length++] = '\'';
    for (; *plain && length + 3 < size; plain++) {
        if (*plain == '\'')
            text[length++] = '\'';
        text[length++] = *plain;
    }
    text[length++] = '\'';
    text[length] = '\0';
}

static void format_names(const struct name_list *list, char *text, size_t size)
{
    size_t length = 0;
    for (size_t i = 0; i < list->count && length < size; i++)
        length += (size_t)snprintf(text + length, size - length, "%s%s%s",
                                   i                 ? ", "
                                   : list->count > 1 ? "["
                                                     : "",
                                   list->rows[i], list->count > 1 && i + 1 == list->count ? "]" : "");
}

// In single quotes: '*' and '@' mean something in YAML.
static void format_targets(const struct target_list *list, char *text, size_t size)
{
    size_t length = (size_t)snprintf(text, size, "[");
    for (size_t i = 0; i < list->count && length < size; i++)
        length += (size_t)snprintf(text + length, size - length, "%s'%s'", i ? ", " : "", list->rows[i]);
    if (length < size)
        snprintf(text + length, size - length, "]");
}

// YAML reads brackets and a colon at the end as its own.
static void format_address(const struct ip_address *address, const char *plain, char *text, size_t size)
{
    if (ip_is_ipv4(address))
        snprintf(text, size, "%s", plain);
    else
        format_quoted(plain, text, size);
}

const char *value_format(const struct key *key, const void *value, char *text, size_t size)
{
    char place[VALUE_PREFIX_SIZE];
    const struct key_endpoint *endpoint = value;
    const struct key_prefix *prefix = value;
    switch (key->kind) {
    case KEY_COUNT:
    case KEY_DURATION:
    case KEY_SIZE:
        format_number(key, *(const uint64_t *)value, text, size);
        break;
    case KEY_CHOICE:
        snprintf(text, size, "%s", key->choices[*(const uint64_t *)value]);
        break;
    case KEY_NAME:
    case KEY_INTERFACE:
        snprintf(text, size, "%s", (const char *)value);
        break;
    case KEY_NAMES:
        format_names(value, text, size);
        break;
    case KEY_TARGETS:
    case KEY_DEVICES:
    case KEY_WORDS:
        format_targets(value, text, size);
        break;
    case KEY_ADDRESS:
        format_address(value, value_address(value, place, sizeof(place)), text, size);
        break;
    case KEY_ENDPOINT:
        value_endpoint(&endpoint->address, endpoint->port, place, sizeof(place));
        format_address(&endpoint->address, place, text, size);
        break;
    case KEY_PATH:
    case KEY_TEXT:
        format_quoted(value, text, size);
        break;
    case KEY_STATUS:
        snprintf(text, size, "%u", *(const uint16_t *)value);
        break;
    case KEY_PREFIX:
        value_prefix(&prefix->address, prefix->length, place, sizeof(place));
        format_address(&prefix->address, place, text, size);
        break;
    }
    return text;
}

const char *value_range(const struct key *key, char *text, size_t size)
{
    static const char *const words[] = {
        [KEY_NAMES] = "a name, or a list of 1 to 4",
        [KEY_NAME] = "a name",
        [KEY_INTERFACE] = "an interface",
        [KEY_ADDRESS] = "an address",
        [KEY_ENDPOINT] = "address:port",
        [KEY_PATH] = "an absolute path",
        [KEY_PREFIX] = "prefixes",
        [KEY_TEXT] = "text",
        [KEY_STATUS] = "statuses",
        [KEY_TARGETS] = "a target, or a list of up to 32",
        [KEY_DEVICES] = "a PCI address, or a list of up to 4",
        [KEY_WORDS] = "words, a list of up to 32",
    };
    char least[32], most[32];
    if (key->kind == KEY_CHOICE) {
        size_t length = 0;
        for (size_t i = 0; key->choices[i] && length < size; i++)
            length += (size_t)snprintf(text + length, size - length, "%s%s", i ? " | " : "", key->choices[i]);
    } else if (key->kind <= KEY_SIZE) {
        format_number(key, key->least, least, sizeof(least));
        format_number(key, key->most, most, sizeof(most));
        snprintf(text, size, "%s .. %s", least, most);
    } else {
        snprintf(text, size, "%s", words[key->kind]);
    }
    return text;
}

bool value_is_empty(const struct key *key, const void *value)
{
    static const struct ip_address none;
    if (!key->fallback || key->fallback[0] || key->kind == KEY_PREFIX)
        return false;
    switch (key->kind) {
    case KEY_NAME:
    case KEY_PATH:
    case KEY_TEXT:
        return *(const char *)value == '\0';
    case KEY_ADDRESS:
        return memcmp(value, &none, sizeof(none)) == 0;
    case KEY_ENDPOINT:
        return ((const struct key_endpoint *)value)->port == 0;
    case KEY_TARGETS:
    case KEY_DEVICES:
        return ((const struct target_list *)value)->count == 0;
    default:
        return *(const uint64_t *)value == 0;
    }
}

const char *value_type(const struct key *key)
{
    static const char *const types[] = {
        [KEY_COUNT] = "number",
        [KEY_DURATION] = "duration",
        [KEY_SIZE] = "size",
        [KEY_CHOICE] = "choice",
        [KEY_NAMES] = "name or list",
        [KEY_NAME] = "name",
        [KEY_INTERFACE] = "interface",
        [KEY_ADDRESS] = "address",
        [KEY_ENDPOINT] = "address:port",
        [KEY_PATH] = "path",
        [KEY_TEXT] = "text",
        [KEY_PREFIX] = "list of prefixes",
        [KEY_STATUS] = "list of statuses",
        [KEY_TARGETS] = "text or list",
        [KEY_DEVICES] = "address or list",
        [KEY_WORDS] = "word or list",
    };
    return types[key->kind];
}

const char *value_unit(const struct key *key)
{
    return key->kind == KEY_DURATION ? "ms, s, m, h, d"
           : key->kind == KEY_SIZE   ? "octets, KiB, MiB, GiB"
                                     : "";
}
