// SPDX-License-Identifier: BSD-3-Clause
#include "digest.h"
#include "param.h"
#include "quoted.h"
#include "token_list.h"

static const char *const names[DIGEST_FIELD_COUNT] = {
    [DIGEST_USERNAME] = "username", [DIGEST_REALM] = "realm",
    [DIGEST_NONCE] = "nonce",       [DIGEST_URI] = "uri",
    [DIGEST_RESPONSE] = "response", [DIGEST_ALGORITHM] = "algorithm",
    [DIGEST_CNONCE] = "cnonce",     [DIGEST_OPAQUE] = "opaque",
    [DIGEST_QOP] = "qop",           [DIGEST_NC] = "nc",
    [DIGEST_DOMAIN] = "domain",     [DIGEST_STALE] = "stale",
    [DIGEST_USERHASH] = "userhash",
};

static const char *const algorithms[DIGEST_UNKNOWN] = {
    [DIGEST_MD5] = "MD5",
    [DIGEST_MD5_SESS] = "MD5-sess",
    [DIGEST_SHA_256] = "SHA-256",
    [DIGEST_SHA_256_SESS] = "SHA-256-sess",
    [DIGEST_SHA_512_256] = "SHA-512-256",
    [DIGEST_SHA_512_256_SESS] = "SHA-512-256-sess",
};

// Names that are not here are let pass (RFC 3261 25.1 auth-param).
static int take(const struct cursor *cursor, const struct param *param, struct digest *digest)
{
    if (param->value.length == 0)
        return -1;
    for (unsigned i = 0; i < DIGEST_FIELD_COUNT; i++)
        if (param_is(cursor, param, names[i]))
            return param_take(param, &digest->fields[i]);
    return 0;
}

// auth-param *(COMMA auth-param); the cursor is on the white space behind the scheme.
static int read_fields(struct cursor *cursor, struct digest *digest)
{
    for (;;) {
        struct param param;
        if (param_read(cursor, &param) != 0 || take(cursor, &param, digest) != 0)
            return -1;
        if (cursor->at == cursor->end)
            return 0;
        if (*cursor->at != ',')
            return -1;
    }
}

// RFC 7616 3.4: eight hexadecimal digits.
static int read_nc(const uint8_t *octets, struct digest *digest)
{
    struct span text = digest->fields[DIGEST_NC];
    if (text.length == 0)
        return 0;
    if (text.length != 8)
        return -1;
    for (unsigned i = 0; i < 8; i++) {
        uint8_t octet = octets[text.offset + i];
        uint8_t letter = octet | 0x20;
        if (scan_is(octet, SCAN_DIGIT))
            digest->nc = digest->nc << 4 | (uint32_t)(octet - '0');
        else if (letter >= 'a' && letter <= 'f')
            digest->nc = digest->nc << 4 | (uint32_t)(letter - 'a' + 10);
        else
            return -1;
    }
    return 0;
}

static void read_meaning(const uint8_t *octets, struct digest *digest)
{
    struct span algorithm = quoted_inside(octets, digest->fields[DIGEST_ALGORITHM]);
    struct span qop = quoted_inside(octets, digest->fields[DIGEST_QOP]);
    if (algorithm.length != 0)
        while (digest->algorithm < DIGEST_UNKNOWN &&
               !span_is(octets, algorithm, algorithms[digest->algorithm]))
            digest->algorithm++;
    digest->is_stale = span_is(octets, quoted_inside(octets, digest->fields[DIGEST_STALE]), "true");
    digest->offers_auth = token_list_has(octets, qop, "auth");
    digest->offers_auth_int = token_list_has(octets, qop, "auth-int");
}

int digest_read(const uint8_t *octets, struct span value, struct digest *digest)
{
    struct cursor cursor = cursor_of(octets, value);
    const uint8_t *start = cursor.at;
    memset(digest, 0, sizeof(*digest));
    cursor.at = scan_while(start, cursor.end, SCAN_TOKEN);
    digest->scheme = span_between(octets, start, cursor.at);
    if (digest->scheme.length == 0 || cursor.at == cursor.end || !scan_is(*cursor.at, SCAN_LWS))
        return -1;
    digest->is_digest = span_is(octets, digest->scheme, "Digest");
    if (!digest->is_digest)
        return 0;
    if (read_fields(&cursor, digest) != 0 || read_nc(octets, digest) != 0)
        return -1;
    read_meaning(octets, digest);
    return 0;
}

bool digest_is_challenge(const struct digest *digest)
{
    return digest->is_digest && digest->fields[DIGEST_REALM].length != 0 &&
           digest->fields[DIGEST_NONCE].length != 0;
}

bool digest_is_credentials(const struct digest *digest)
{
    // RFC 7616 3.4: with qop also cnonce and nc.
    bool has_qop = digest->fields[DIGEST_QOP].length != 0;
    return digest_is_challenge(digest) && digest->fields[DIGEST_USERNAME].length != 0 &&
           digest->fields[DIGEST_URI].length != 0 && digest->fields[DIGEST_RESPONSE].length != 0 &&
           (!has_qop || (digest->fields[DIGEST_CNONCE].length != 0 && digest->nc != 0));
}

void write_digest(struct writer *writer, const uint8_t *octets, const struct digest *digest)
{
    const char *before = " ";
    write_octets(writer, octets + digest->scheme.offset, digest->scheme.length);
    for (unsigned i = 0; i < DIGEST_FIELD_COUNT; i++) {
        if (digest->fields[i].length == 0)
            continue;
        write_text(writer, before);
        write_text(writer, names[i]);
        write_text(writer, "=");
        write_octets(writer, octets + digest->fields[i].offset, digest->fields[i].length);
        before = ", ";
    }
}
