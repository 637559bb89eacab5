// SPDX-License-Identifier: BSD-3-Clause
// Captured messages to a collector by HEP over UDP. Never waits: what the system does not take is lost.
#ifndef DIALGATE_CONTROL_CAPTURE_SEND_H
#define DIALGATE_CONTROL_CAPTURE_SEND_H

#include "hep.h"

struct capture_sender {
    int fd; // -1: none
    uint32_t agent;
    uint64_t messages; // sent
    uint64_t lost;
    char node[65];
};

void capture_sender_init(struct capture_sender *sender);
// to: ADDRESS:PORT, [ADDRESS]:PORT for IPv6. Returns 0, or -errno with one line in error.
int capture_sender_open(struct capture_sender *sender, const char *to, uint32_t agent, char *error,
                        size_t size);
// explain: its comment follows as a line of log, of which nothing is counted.
void capture_sender_send(struct capture_sender *sender, const struct capture_packet *packet, bool explain);
void capture_sender_close(struct capture_sender *sender);

#endif
