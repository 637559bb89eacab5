// SPDX-License-Identifier: BSD-3-Clause
#include <ctype.h>
#include "compile.h"

static_assert(KEY_TARGET_SIZE <= SCANNER_SIZE && KEY_TARGETS_MAX == SCANNERS_MAX, "the words fit");

void compile_bans(struct plan *plan)
{
    const struct config_bans *from = &plan->config->bans;
    struct snapshot_deny *allow = plan_section(plan, SECTION_ALLOW);
    struct snapshot_scanner *scanners = plan_section(plan, SECTION_SCANNERS);
    plan->image->settings.bans = (struct snapshot_bans){
        .rules = {[BAN_RULE_MALFORMED] = {(uint32_t)from->malformed, (uint32_t)from->malformed_count},
                  [BAN_RULE_SCANNER] = {(uint32_t)from->scanner, 1},
                  [BAN_RULE_IN_DIALOG] = {(uint32_t)from->in_dialog, (uint32_t)from->in_dialog_count}},
        .within_ms = (uint32_t)from->within,
        .lifetime_ms = from->lifetime,
        .lifetime_max_ms = from->lifetime_max > from->lifetime ? from->lifetime_max : from->lifetime};
    for (size_t i = 0; i < from->allow.count; i++) {
        allow[i].address = from->allow.rows[i].address;
        allow[i].length = from->allow.rows[i].length;
    }
    for (size_t i = 0; i < from->scanners.count; i++)
        for (size_t k = 0; from->scanners.rows[i][k]; k++)
            scanners[i].word[k] = (char)tolower((unsigned char)from->scanners.rows[i][k]);
}
