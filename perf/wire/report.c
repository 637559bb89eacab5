// SPDX-License-Identifier: BSD-3-Clause
#include "report.h"
#include <inttypes.h>
#include <stdlib.h>
#include <rte_cycles.h>
#include "drift.h"

static int compare(const void *a, const void *b)
{
    double one = *(const double *)a, other = *(const double *)b;
    return (one > other) - (one < other);
}

static double median(double *values, unsigned n)
{
    qsort(values, n, sizeof(*values), compare);
    return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static void print_rounds(const struct wire_result *result)
{
    double message[WIRE_ROUNDS_MAX], call[WIRE_ROUNDS_MAX], tx[WIRE_ROUNDS_MAX];
    const double cycles = (double)rte_get_tsc_hz() / 1e9;
    if (result->count == 0)
        return;
    printf("round   messages    sent    calls  ns/message  cycles  messages/s\n");
    for (unsigned i = 0; i < result->count; i++) {
        const struct wire_round *round = &result->rounds[i];
        message[i] = round->ns / (double)round->received;
        call[i] = round->ns / (double)RTE_MAX(round->calls, 1u);
        tx[i] = round->ns / (double)RTE_MAX(round->sent, 1u);
        printf("%5u %10" PRIu64 " %7" PRIu64 " %8" PRIu64 " %11.0f %7.0f %11.0f\n", i + 1, round->received,
               round->sent, round->calls, message[i], message[i] * cycles, 1e9 / message[i]);
    }
    double ns = median(message, result->count);
    printf(
        "median %.0f ns, %.0f cycles of the TSC a message received: %.0f a second; %.0f ns one sent, %.0f ns "
        "all that comes with a call\n",
        ns, ns * cycles, 1e9 / ns, median(tx, result->count), median(call, result->count));
}

static void print_kinds(const struct wire_result *result)
{
    printf("of batches of one kind       messages  ns/message\n");
    for (unsigned i = 0; i < KINDS; i++) {
        const struct wire_kind *kind = &result->kinds[i];
        printf("%-28s %8" PRIu64 " %11.0f\n", script_kinds[i], kind->received,
               kind->ns / (double)RTE_MAX(kind->received, 1u));
    }
}

// Of other modes than turns. ns is of the worker that takes most, where there are two.
static void print_moments(const struct wire_options *options, const struct wire_result *result)
{
    double message[WIRE_ROUNDS_MAX];
    if (result->count == 0)
        return;
    printf("round   messages  a second  busy  ns/message  handed over  p50 us  p99 us  p99.9 us   MiB  texts "
           "MiB\n");
    for (unsigned i = 0; i < result->count; i++) {
        const struct wire_round *round = &result->rounds[i];
        const double received = (double)RTE_MAX(round->received, 1u);
        message[i] = round->ns / received;
        printf("%5u %10" PRIu64 " %9.0f %4.0f%% %11.0f %11.0f%% %7.0f %7.0f %9.0f %5" PRIu64 " %10" PRIu64
               "\n",
               i + 1, round->received, received / round->wall_ns * 1e9, round->ns / round->wall_ns * 100,
               message[i], (double)round->handed_over / received * 100, round->p50_us, round->p99_us,
               round->p999_us, round->rss_octets >> 20, round->arena_octets >> 20);
        if (options->mode != WIRE_CORES)
            printf("      of them worker 0 %.0f ns, worker 1 %.0f ns\n", round->worker_ns[0] / received,
                   round->worker_ns[1] / received);
    }
    if (options->round_s != 0)
        printf("messages came at %.0f a second%s\n", result->rate,
               options->half ? ": half of what the worker does without a pause" : "");
    double ns = median(message, result->count);
    printf("median %.0f ns a message received%s: %.0f a second when it is always busy\n", ns,
           options->mode == WIRE_CORES ? "" : ", of the worker that takes most", 1e9 / ns);
}

static void print_stages(const struct wire_result *result)
{
    const double ns = 1e9 / (double)rte_get_tsc_hz();
    uint64_t messages = 0;
    double sum = 0;
    for (unsigned i = 0; i < result->count; i++)
        messages += result->rounds[i].received;
    printf("stage                         cycles     ns  calls, each of a message received\n");
    for (unsigned i = STAGE_TURN; i < STAGES; i++) {
        const struct stage_time *stage = &result->stages.stages[i];
        double cycles = stage->cycles / (double)messages;
        sum += cycles;
        printf("%-28s %7.0f %6.0f %6.2f\n", stage->name, cycles, cycles * ns,
               (double)stage->calls / (double)messages);
    }
    printf("%-28s %7.0f %6.0f, less %.2f probes of %.0f cycles, which are in the rounds above\n", "all", sum,
           sum * ns, (double)result->stages.probes / (double)messages, result->stages.probe_cycles);
}

// By kind of message; what is done for many at once is in no row.
static void print_stage_kinds(const struct stage_times *times)
{
    static const enum stage shown[] = {STAGE_PARSE,  STAGE_TRANSACTION, STAGE_DIALOG, STAGE_ROUTE,
                                       STAGE_RECORD, STAGE_RENDER,      STAGE_TX};
    const double ns = 1e9 / (double)rte_get_tsc_hz();
    printf("%-28s %9s %6s %6s %6s %6s %7s %6s %6s %6s\n", "ns by kind", "messages", "parse", "transn",
           "dialog", "route", "records", "render", "tx", "all");
    for (unsigned kind = 0; kind < KINDS; kind++) {
        const double messages = (double)RTE_MAX(times->messages[kind], 1u);
        double sum = 0;
        printf("%-28s %9" PRIu64, script_kinds[kind], times->messages[kind]);
        for (unsigned i = 0; i < RTE_DIM(shown); i++) {
            double one = times->stages[shown[i]].kinds[kind] / messages * ns;
            sum += one;
            printf(" %*.0f", i == 4 ? 7 : 6, one);
        }
        printf(" %6.0f\n", sum);
    }
}

static void print_crowd(const struct wire_result *result)
{
    const struct crowd_count *count = &result->crowd;
    printf("%" PRIu32 " dialogs held, put there by calls (%.1f s of CPU, far ends too); %" PRIu64
           " transactions and %" PRIu64 " timers at the end; %" PRIu64 " MiB resident\n",
           result->held, result->grown_s, result->transactions, result->timers, result->rss_octets >> 20);
    printf("%" PRIu64 " messages of %.0f octets came to the worker, %" PRIu64
           " of %.0f octets (frames) left: %" PRIu64 " calls begun, %" PRIu64 " completed, %" PRIu64
           " cancelled, %" PRIu64 " refused, %" PRIu64 " re-INVITEs, %" PRIu64
           " other requests in dialogs, %" PRIu64 " OPTIONS to us, %" PRIu64 " messages repeated\n",
           count->sent, (double)count->sent_octets / (double)RTE_MAX(count->sent, 1u), count->received,
           (double)count->received_octets / (double)RTE_MAX(count->received, 1u), count->begun,
           count->completed, count->cancelled, count->refused, count->again, count->inside, count->options,
           count->repeated);
    if (count->shed > 0)
        printf("%" PRIu64 " calls were refused (503): the worker was behind\n", count->shed);
    if (count->late > 0)
        printf("%" PRIu64 " messages came again: to INVITEs that were repeated, or since a thread had to "
               "wait for its core\n",
               count->late);
    printf("each of them looked at, %" PRIu64 " compared octet by octet: ", count->compared);
}

static void print_drift(const struct wire_result *result)
{
    if (result->count < 2)
        return;
    for (enum drift_of what = 0; what < DRIFTS; what++) {
        const struct drift drift = drift_read(result, what);
        printf("%s: %s, %.1f in the first round, %+.2f %% until the last one (limit %.0f %%)\n", drift.name,
               drift_is_fine(&drift) ? "flat" : "IT RISES", drift.first, drift.growth * 100,
               drift.limit * 100);
    }
}

void report_print(const struct wire_options *options, const struct wire_result *result)
{
    if (options->mode == WIRE_TURNS)
        print_rounds(result);
    else
        print_moments(options, result);
    if (options->sorted)
        print_kinds(result);
    if (result->has_stages && result->count > 0) {
        print_stages(result);
        print_stage_kinds(&result->stages);
    }
    if (options->round_s != 0)
        print_drift(result);
    print_crowd(result);
    if (result->fault[0] != '\0')
        printf("NO RESULT: %s\n", result->fault);
    else
        printf("nothing lost, nothing wrong, and the worker's counters balance to the packet\n");
}

static void json_rounds(const struct wire_result *result, FILE *out)
{
    fprintf(out, " \"rounds\": [");
    for (unsigned i = 0; i < result->count; i++) {
        const struct wire_round *round = &result->rounds[i];
        fprintf(out,
                "%s\n  {\"received\": %" PRIu64 ", \"sent\": %" PRIu64 ", \"calls\": %" PRIu64
                ", \"handed_over\": %" PRIu64 ", \"ns\": %.0f, \"worker_ns\": [%.0f, %.0f], \"wall_ns\": %.0f"
                ", \"p50_us\": %.0f, \"p99_us\": %.0f, \"p999_us\": %.0f, \"rss_octets\": %" PRIu64
                ", \"arena_octets\": %" PRIu64 "}",
                i == 0 ? "" : ",", round->received, round->sent, round->calls, round->handed_over, round->ns,
                round->worker_ns[0], round->worker_ns[1], round->wall_ns, round->p50_us, round->p99_us,
                round->p999_us, round->rss_octets, round->arena_octets);
    }
    fprintf(out, "],\n");
}

static void json_stages(const struct wire_result *result, FILE *out)
{
    uint64_t messages = 0;
    if (!result->has_stages)
        return;
    for (unsigned i = 0; i < result->count; i++)
        messages += result->rounds[i].received;
    fprintf(out, " \"probe_cycles\": %.1f, \"stages\": [", result->stages.probe_cycles);
    for (unsigned i = STAGE_TURN; i < STAGES; i++) {
        const struct stage_time *stage = &result->stages.stages[i];
        fprintf(out, "%s\n  {\"name\": \"%s\", \"cycles\": %.1f, \"calls\": %.3f, \"kinds\": {",
                i == STAGE_TURN ? "" : ",", stage->name, stage->cycles / (double)RTE_MAX(messages, 1u),
                (double)stage->calls / (double)RTE_MAX(messages, 1u));
        for (unsigned kind = 0; kind < KINDS; kind++)
            fprintf(out, "%s\"%s\": %.1f", kind == 0 ? "" : ", ", script_kinds[kind],
                    stage->kinds[kind] / (double)RTE_MAX(result->stages.messages[kind], 1u));
        fprintf(out, "}}");
    }
    fprintf(out, "],\n");
}

static void json_drift(const struct wire_result *result, FILE *out)
{
    fprintf(out, " \"drift\": [");
    for (enum drift_of what = 0; what < DRIFTS; what++) {
        const struct drift drift = drift_read(result, what);
        fprintf(out, "%s\n  {\"name\": \"%s\", \"first\": %.2f, \"growth\": %.5f, \"limit\": %.2f}",
                what == 0 ? "" : ",", drift.name, drift.first, drift.growth, drift.limit);
    }
    fprintf(out, "],\n");
}

// function: what counts them by kind in turns.c, work_kind_...
static void json_kinds(const struct wire_result *result, FILE *out)
{
    static const char *const functions[KINDS] = {"invite",  "ack",        "cancel",        "bye",
                                                 "inside",  "trying",     "ringing",       "answer",
                                                 "refusal", "bye_answer", "cancel_answer", "inside_answer"};
    fprintf(out, " \"kinds\": [");
    for (unsigned i = 0; i < KINDS; i++)
        fprintf(
            out, "%s\n  {\"name\": \"%s\", \"function\": \"%s\", \"received\": %" PRIu64 ", \"ns\": %.0f}",
            i == 0 ? "" : ",", script_kinds[i], functions[i], result->kinds[i].received, result->kinds[i].ns);
    fprintf(out, "],\n");
}

int report_json(const struct wire_result *result, const char *file)
{
    FILE *out = fopen(file, "w");
    if (out == NULL)
        return -1;
    fprintf(out,
            "{\n \"tsc_hz\": %" PRIu64 ", \"fault\": \"%s\", \"held\": %" PRIu32
            ", \"transactions\": %" PRIu64 ", \"timers\": %" PRIu64 ", \"rss_octets\": %" PRIu64
            ", \"rate\": %.0f,\n",
            rte_get_tsc_hz(), result->fault[0] == '\0' ? "" : "see the text", result->held,
            result->transactions, result->timers, result->rss_octets, result->rate);
    json_rounds(result, out);
    json_kinds(result, out);
    if (result->rate > 0 && result->count >= 2)
        json_drift(result, out);
    json_stages(result, out);
    fprintf(out, " \"octets\": %.1f}\n",
            (double)result->crowd.sent_octets / (double)RTE_MAX(result->crowd.sent, 1u));
    return fclose(out);
}
