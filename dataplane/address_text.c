// SPDX-License-Identifier: BSD-3-Clause
#include "address_text.h"

#include "write.h"

const char *address_text(const struct ip_address *address, char text[ADDRESS_TEXT_SIZE])
{
    struct writer writer;

    writer_init(&writer, text, ADDRESS_TEXT_SIZE - 1);
    write_ip_host(&writer, address);
    text[writer.used] = '\0';
    return text;
}
