// SPDX-License-Identifier: BSD-3-Clause
#include "contact.h"
#include "number.h"
#include "param.h"

bool contact_is_star(const uint8_t *octets, struct span value)
{
    return value.length == 1 && octets[value.offset] == '*';
}

static int take_q(const struct cursor *cursor, const struct param *param, struct contact *contact)
{
    if (contact->has_q)
        return -1;
    contact->has_q = true;
    return number_read_q(cursor->base, param->value, &contact->q);
}

static int take(const struct cursor *cursor, const struct param *param, struct contact *contact)
{
    bool seen = contact->reg_id != 0;
    if (param_is(cursor, param, "q"))
        return take_q(cursor, param, contact);
    if (param_is(cursor, param, "+sip.instance"))
        return param_take(param, &contact->instance);
    if (param_is(cursor, param, "reg-id"))
        return param_take_number(cursor, param, INT32_MAX, &seen, &contact->reg_id) != 0 ||
                       contact->reg_id == 0
                   ? -1
                   : 0;
    if (!param_is(cursor, param, "expires"))
        return 0;
    if (contact->has_expires)
        return -1;
    contact->has_expires = true;
    if (number_read(cursor->base, param->value, UINT32_MAX, &contact->expires_s) != 0)
        contact->expires_s = CONTACT_EXPIRES_DEFAULT_S;
    return 0;
}

int contact_next(const uint8_t *octets, struct span value, uint32_t *at, struct contact *contact)
{
    memset(contact, 0, sizeof(*contact));
    contact->q = 1000;
    int result = address_next(octets, value, at, &contact->address);
    if (result != 1 || contact->address.parameters.length == 0)
        return result;
    struct cursor cursor = cursor_of(octets, contact->address.parameters);
    struct param param;
    int more;
    cursor.at--; // the semicolon
    while ((more = param_next(&cursor, &param)) == 1)
        if (take(&cursor, &param, contact) != 0)
            return -1;
    return more == 0 ? 1 : -1;
}
