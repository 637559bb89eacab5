// SPDX-License-Identifier: BSD-3-Clause
#include "digest.h"

#include <nettle/md5.h>
#include <nettle/sha2.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define HEX_SIZE   (2 * SHA256_DIGEST_SIZE + 1)
#define REALMS_MAX 4u

struct hash {
    uint8_t algorithm; // enum digest_algorithm without -sess
    struct md5_ctx md5;
    struct sha256_ctx sha256;
    struct sha512_256_ctx sha512_256;
};

static void add(struct hash *hash, const void *octets, size_t length)
{
    if (hash->algorithm == DIGEST_MD5)
        md5_update(&hash->md5, length, octets);
    else if (hash->algorithm == DIGEST_SHA_256)
        sha256_update(&hash->sha256, length, octets);
    else
        sha512_256_update(&hash->sha512_256, length, octets);
}

static void begin(struct hash *hash, unsigned algorithm)
{
    hash->algorithm = (uint8_t)algorithm;
    md5_init(&hash->md5);
    sha256_init(&hash->sha256);
    sha512_256_init(&hash->sha512_256);
}

static void finish(struct hash *hash, char hex[HEX_SIZE])
{
    uint8_t sum[SHA256_DIGEST_SIZE];
    size_t length = hash->algorithm == DIGEST_MD5 ? MD5_DIGEST_SIZE : SHA256_DIGEST_SIZE;
    if (hash->algorithm == DIGEST_MD5)
        md5_digest(&hash->md5, length, sum);
    else if (hash->algorithm == DIGEST_SHA_256)
        sha256_digest(&hash->sha256, length, sum);
    else
        sha512_256_digest(&hash->sha512_256, length, sum);
    for (size_t i = 0; i < length; i++)
        snprintf(hex + 2 * i, 3, "%02x", sum[i]);
}

// Of texts joined by colons; NULL behind the last.
static void hash_texts(unsigned algorithm, char hex[HEX_SIZE], ...)
{
    struct hash hash;
    va_list texts;
    const char *text;
    begin(&hash, algorithm);
    va_start(texts, hex);
    // NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): va_start() is in the line above
    for (unsigned i = 0; (text = va_arg(texts, const char *)); i++) {
        if (i > 0)
            add(&hash, ":", 1);
        add(&hash, text, strlen(text));
    }
    va_end(texts);
    finish(&hash, hex);
}

struct challenge {
    struct digest read;
    unsigned algorithm; // without -sess
    bool session;
    char realm[UA_REALM_SIZE], nonce[512], opaque[512];
};

// A field without its quotes, as it stands: escapes are part of the hashed text and are sent back (RFC 7616
// 3.4). False: too long.
static bool plain(const uint8_t *octets, struct span field, char *out, size_t size)
{
    const char *text = (const char *)octets + field.offset;
    size_t length = field.length;
    if (length >= 2 && text[0] == '"') {
        text++;
        length -= 2;
    }
    if (length >= size)
        return false;
    memcpy(out, text, length);
    out[length] = '\0';
    return true;
}

static bool read_challenge(const struct message *response, struct span value, struct challenge *challenge)
{
    const uint8_t *octets = response->octets;
    struct digest *read = &challenge->read;
    if (digest_read(octets, value, read) < 0 || !read->is_digest || !digest_is_challenge(read) ||
        read->algorithm >= DIGEST_UNKNOWN)
        return false;
    if (read->fields[DIGEST_QOP].length && !read->offers_auth)
        return false; // auth-int alone
    challenge->session = read->algorithm == DIGEST_MD5_SESS || read->algorithm == DIGEST_SHA_256_SESS ||
                         read->algorithm == DIGEST_SHA_512_256_SESS;
    challenge->algorithm = read->algorithm - challenge->session;
    return plain(octets, read->fields[DIGEST_REALM], challenge->realm, sizeof(challenge->realm)) &&
           plain(octets, read->fields[DIGEST_NONCE], challenge->nonce, sizeof(challenge->nonce)) &&
           plain(octets, read->fields[DIGEST_OPAQUE], challenge->opaque, sizeof(challenge->opaque));
}

static void respond(const struct challenge *challenge, const struct ua_digest *digest, const char *count,
                    char hex[HEX_SIZE])
{
    char a1[HEX_SIZE], a2[HEX_SIZE];
    hash_texts(challenge->algorithm, a1, digest->user, challenge->realm, digest->password, (char *)NULL);
    if (challenge->session)
        hash_texts(challenge->algorithm, a1, a1, challenge->nonce, digest->cnonce, (char *)NULL);
    hash_texts(challenge->algorithm, a2, digest->method, digest->uri, (char *)NULL);
    if (challenge->read.offers_auth)
        hash_texts(challenge->algorithm, hex, a1, challenge->nonce, count, digest->cnonce, "auth", a2,
                   (char *)NULL);
    else // RFC 2069
        hash_texts(challenge->algorithm, hex, a1, challenge->nonce, a2, (char *)NULL);
}

// One line. Returns its octets, 0: no room.
static size_t answer(const struct challenge *challenge, const struct ua_digest *digest, const char *header,
                     char *line, size_t size)
{
    static const char *const names[DIGEST_UNKNOWN] = {"MD5",          "MD5-sess",    "SHA-256",
                                                      "SHA-256-sess", "SHA-512-256", "SHA-512-256-sess"};
    char hex[HEX_SIZE], count[9];
    bool named = challenge->read.fields[DIGEST_ALGORITHM].length > 0, auth = challenge->read.offers_auth;
    bool cnonce = auth || challenge->session, opaque = challenge->read.fields[DIGEST_OPAQUE].length > 0;
    snprintf(count, sizeof(count), "%08x", (unsigned)digest->count);
    respond(challenge, digest, count, hex);
    int length = snprintf(
        line, size,
        "%s: Digest "
        "username=\"%s\",realm=\"%s\",nonce=\"%s\",uri=\"%s\",response=\"%s\"%s%s%s%s%s%s%s%s%s%s\r\n",
        header, digest->user, challenge->realm, challenge->nonce, digest->uri, hex,
        named ? ",algorithm=" : "", named ? names[challenge->read.algorithm] : "", cnonce ? ",cnonce=\"" : "",
        cnonce ? digest->cnonce : "", cnonce ? "\"" : "", auth ? ",qop=auth,nc=" : "", auth ? count : "",
        opaque ? ",opaque=\"" : "", opaque ? challenge->opaque : "", opaque ? "\"" : "");
    return length > 0 && (size_t)length < size ? (size_t)length : 0;
}

size_t ua_digest_answer(const struct message *response, const struct ua_digest *digest, char *lines,
                        size_t size, struct ua_digest_seen *seen)
{
    bool proxy = response->status == 407;
    unsigned kind = proxy ? HEADER_PROXY_AUTHENTICATE : HEADER_WWW_AUTHENTICATE;
    char realms[REALMS_MAX][UA_REALM_SIZE];
    unsigned answered = 0;
    size_t used = 0;
    *seen = (struct ua_digest_seen){.stale = false};
    // A user name or password with a quote or a backslash would have to be escaped in one place and not in
    // the other; who sets them is refused such (command line and RPC).
    for (uint8_t i = message_first_header(response, kind); i != MESSAGE_NO_HEADER && answered < REALMS_MAX;
         i = message_next_header(response, i)) {
        struct challenge challenge;
        bool known = !read_challenge(response, response->headers[i].value, &challenge) ||
                     (digest->realm && strcmp(digest->realm, challenge.realm) != 0);
        for (unsigned k = 0; k < answered && !known; k++)
            known = strcmp(realms[k], challenge.realm) == 0;
        if (known)
            continue;
        size_t length = answer(&challenge, digest, proxy ? "Proxy-Authorization" : "Authorization",
                               lines + used, size - used);
        if (length == 0)
            continue;
        used += length;
        seen->stale = seen->stale || challenge.read.is_stale;
        if (answered == 0)
            memcpy(seen->realm, challenge.realm, sizeof(seen->realm));
        memcpy(realms[answered++], challenge.realm, sizeof(challenge.realm));
    }
    return used;
}
