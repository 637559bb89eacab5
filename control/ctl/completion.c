// SPDX-License-Identifier: BSD-3-Clause
// dialgatectl completion: bash asks the program itself for every word, so the two cannot differ.
#include <stdlib.h>
#include "complete.h"
#include "show_value.h"

// A colon ends a word for readline and not for us: of what is offered, bash gets what stands behind the last
// one.
static const char script[] =
    "# Completion of dialgatectl: source <(dialgatectl completion bash)\n"
    "_dialgatectl()\n"
    "{\n"
    "    local line=${COMP_LINE:0:COMP_POINT} words current\n"
    "    read -ra words <<<\"$line\"\n"
    "    [[ $line != *[[:space:]] ]] || words+=('')\n"
    "    current=${words[-1]}\n"
    "    mapfile -t COMPREPLY < <(\"${words[0]}\" completion words -- \"${words[@]:1}\" 2>/dev/null)\n"
    "    if [[ $current == *:* && $COMP_WORDBREAKS == *:* ]]; then\n"
    "        COMPREPLY=(\"${COMPREPLY[@]#\"${current%:*}:\"}\")\n"
    "    fi\n"
    "}\n"
    "complete -o default -F _dialgatectl dialgatectl\n";

int run_completion_bash(struct ctl *ctl, const json_t *params)
{
    fputs(script, ctl->out);
    return CTL_DONE;
}

static void print_word(void *context, const char *word, const char *help)
{
    fprintf(context, "%s\n", word);
}

int run_completion_words(struct ctl *ctl, const json_t *params)
{
    const json_t *given = json_object_get(params, "words");
    size_t count = json_array_size(given);
    const char **words = calloc(count + 1, sizeof(*words));
    if (!words)
        return CTL_REFUSED;
    for (size_t i = 0; i < count; i++)
        words[i] = json_string_value(json_array_get(given, i));
    struct complete_line line = {words, count > 0 ? (int)count - 1 : 0, count > 0 ? words[count - 1] : "",
                                 false};
    complete_words(ctl, &line, print_word, ctl->out);
    free(words);
    return CTL_DONE;
}
