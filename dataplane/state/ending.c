// SPDX-License-Identifier: BSD-3-Clause
// RFC 5057 section 5.1 code by code; what has no row is as its class. Where the RFC leaves a choice or stands
// against a standards-track one:
//  - 403 ends a subscription; an INVITE usage outlives it, since a refused re-INVITE leaves the session as it
//  was
//    (RFC 3261 14.1, RFC 6141 3.3) and only 481, 408 and silence are excepted there;
//  - 405 and 501 end a usage that cannot go on without the method; a call can without UPDATE, INFO or PRACK;
//  - 481 to a PRACK may speak of the provisional response alone (RFC 3262 section 3), to a CANCEL of the
//  INVITE
//    (RFC 3261 9.2); to a request that belongs to no usage it can only speak of the dialog;
//  - 404, 484, 485 and 604 to a REFER: many transferees mean the Refer-To URI, not the Request-URI;
//  - whatever answers a BYE ends its usage (15.1.1), but for a challenge.
#include "ending.h"

#include <stddef.h>
#include <stdint.h>

#define ONE ENDING_TRANSACTION
#define MAY ENDING_OPTIONAL
#define USE ENDING_USAGE
#define ALL ENDING_DIALOG

struct ending_row {
    uint16_t status;
    uint8_t by[ENDING_REQUESTS]; // enum ending
};

// clang-format off
static const struct ending_row rows[] = {
    //     re-INVITE, UPDATE, PRACK, BYE, CANCEL, SUBSCRIBE, REFER, none
    {0,   {USE,       USE,    USE,   USE, ONE,    USE,       ONE,   ONE}},
    {401, {ONE,       ONE,    ONE,   ONE, ONE,    ONE,       ONE,   ONE}},
    {403, {ONE,       ONE,    ONE,   USE, ONE,    USE,       ONE,   ONE}},
    {404, {ALL,       ALL,    ALL,   ALL, ONE,    ALL,       ONE,   ALL}},
    {405, {USE,       ONE,    ONE,   USE, ONE,    USE,       ONE,   ONE}},
    {407, {ONE,       ONE,    ONE,   ONE, ONE,    ONE,       ONE,   ONE}},
    {408, {USE,       USE,    USE,   USE, ONE,    USE,       ONE,   ONE}},
    {410, {ALL,       ALL,    ALL,   ALL, ONE,    ALL,       ALL,   ALL}},
    {416, {ALL,       ALL,    ALL,   ALL, ONE,    ALL,       ALL,   ALL}},
    {480, {USE,       USE,    USE,   USE, ONE,    USE,       ONE,   ONE}},
    {481, {USE,       USE,    ONE,   USE, ONE,    USE,       ALL,   ALL}},
    {482, {ALL,       ALL,    ALL,   ALL, ONE,    ALL,       ALL,   ALL}},
    {483, {ALL,       ALL,    ALL,   ALL, ONE,    ALL,       ALL,   ALL}},
    {484, {ALL,       ALL,    ALL,   ALL, ONE,    ALL,       ONE,   ALL}},
    {485, {ALL,       ALL,    ALL,   ALL, ONE,    ALL,       ONE,   ALL}},
    {489, {ONE,       ONE,    ONE,   USE, ONE,    USE,       ONE,   ONE}},
    {501, {USE,       ONE,    ONE,   USE, ONE,    USE,       ONE,   ONE}},
    {502, {ALL,       ALL,    ALL,   ALL, ONE,    ALL,       ALL,   ALL}},
    {505, {ONE,       ONE,    ONE,   USE, ONE,    ONE,       ONE,   ONE}},
    {513, {ONE,       ONE,    ONE,   USE, ONE,    ONE,       ONE,   ONE}},
    {580, {ONE,       ONE,    ONE,   USE, ONE,    ONE,       ONE,   ONE}},
    {603, {ONE,       ONE,    ONE,   USE, ONE,    ONE,       ONE,   ONE}},
    {604, {ALL,       ALL,    ALL,   ALL, ONE,    ALL,       ONE,   ALL}},
    {606, {ONE,       ONE,    ONE,   USE, ONE,    ONE,       ONE,   ONE}},
};

static const struct ending_row classes[] = {
    {200, {ONE,       ONE,    ONE,   USE, ONE,    ONE,       ONE,   ONE}},
    {300, {ONE,       ONE,    ONE,   USE, ONE,    ONE,       ONE,   ONE}},
    {400, {ONE,       ONE,    ONE,   USE, ONE,    ONE,       ONE,   ONE}},
    {500, {MAY,       MAY,    MAY,   USE, ONE,    MAY,       MAY,   MAY}},
    {600, {MAY,       MAY,    MAY,   USE, ONE,    MAY,       MAY,   MAY}},
};
// clang-format on

enum ending ending_of(enum ending_request request, unsigned status)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].status == status)
            return (enum ending)rows[i].by[request];
    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
        if (classes[i].status == status / 100 * 100)
            return (enum ending)classes[i].by[request];
    return ENDING_TRANSACTION; // provisional, or no status of SIP
}
