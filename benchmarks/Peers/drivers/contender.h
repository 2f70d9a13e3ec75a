// The contender's side of the line protocol, for C and C++: `ready {..}`, then for each line `run SECONDS` one JSON line with the seconds of each repetition.
#ifndef CONTENDER_H
#define CONTENDER_H
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <time.h>

#define NOT_SET_UP 3
static const double warm_up_seconds = 1.0;
// A repetition that is over sooner is timed in groups: the clock and the loop must not count.
static const double shortest_sample = 0.002;

static double seconds_now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

// Warms up, says `ready` with one number for the runner to compare, and repeats the work on request.
static void serve(const char *version, double check, void (*work)(void *), void *state) {
    char line[256];
    signal(SIGINT, SIG_IGN);   // Ctrl-C is the runner's to handle: it ends its contenders.
    for (double begin = seconds_now(); seconds_now() - begin < warm_up_seconds;)
        work(state);
    printf("ready {\"version\": \"%s\", \"check\": [%.9g]}\n", version, check);
    fflush(stdout);
    while (fgets(line, sizeof line, stdin) && strncmp(line, "quit", 4) != 0) {
        double limit = atof(line + strlen("run ")), begin = seconds_now();
        work(state);
        int group = (int)(shortest_sample / (seconds_now() - begin));
        if (group < 1)
            group = 1;
        begin = seconds_now();
        for (int sample = 0; sample == 0 || seconds_now() - begin < limit; sample++) {
            double start = seconds_now();
            for (int i = 0; i < group; i++)
                work(state);
            printf("%s%.9g", sample == 0 ? "[" : ", ", (seconds_now() - start) / group);
        }
        printf("]\n");
        fflush(stdout);
    }
}
#endif
