/*
 * This program starts another program, waits for it, and prints four numbers on standard error: the time in nanoseconds, the CPU time
 * (user and system) in microseconds, the peak memory in KiB, and the wait status. The standard output and the standard error of the other
 * program both go to the standard output of this one.
 *
 * The benchmark does not start the measured program itself, because the kernel counts the memory of the starting process into the peak of
 * the started one. This program is small. The peak is the largest of the measured program and of the processes that it waited for
 * (getrusage(2), wait4(2)).
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static long long microseconds(struct timeval time)
{
    return time.tv_sec * 1000000LL + time.tv_usec;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, 1, 2);

    struct timespec before, after;
    struct rusage usage;
    int status;
    pid_t child;
    clock_gettime(CLOCK_MONOTONIC, &before);
    int error = posix_spawn(&child, argv[1], &files, NULL, argv + 1, environ);
    if (error) {
        fprintf(stderr, "cannot start %s: %s\n", argv[1], strerror(error));
        return 1;
    }
    if (wait4(child, &status, 0, &usage) != child)
        return 1;
    clock_gettime(CLOCK_MONOTONIC, &after);
    long long nanoseconds = (after.tv_sec - before.tv_sec) * 1000000000LL + (after.tv_nsec - before.tv_nsec);
    long long cpu = microseconds(usage.ru_utime) + microseconds(usage.ru_stime);
    fprintf(stderr, "%lld %lld %ld %d\n", nanoseconds, cpu, usage.ru_maxrss, status);
    return 0;
}
