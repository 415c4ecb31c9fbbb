/* Writes down what UndefinedBehaviorSanitizer finds, which gcc's has no file for while
   AddressSanitizer is at work as well. Called for each place once. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

__attribute__((weak)) void
__ubsan_get_current_report_data(const char **kind, const char **message,
                                const char **file, unsigned *line, unsigned *column,
                                char **address);

void __ubsan_on_report(void) {
    const char *folder = getenv("FASTNN_REPORTS"), *kind, *message, *file;
    unsigned line, column;
    char *address, path[4096];
    if (!folder) return;
    __ubsan_get_current_report_data(&kind, &message, &file, &line, &column, &address);
    snprintf(path, sizeof path, "%s/undefined.%d", folder, (int)getpid());
    FILE *report = fopen(path, "a");
    if (!report) abort();
    fprintf(report, "%s:%u:%u: runtime error: %s\n", file, line, column, message);
    fclose(report);
}
