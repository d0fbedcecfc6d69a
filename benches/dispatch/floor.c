/*
 * The floor program starts the hook tools and makes the Pebble requests that the Rust charm made, in the same order, and nothing else.
 *
 * The benchmark writes plan.h from a recording of the Rust charm. The program starts each tool with posix_spawn and reads its output to the
 * end. All requests to a Pebble go over one blocking connection. The id of a change differs from run to run, so the program takes it from the response.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

struct step {
    /* A hook tool has an argv; its input is NULL if it has none. */
    char *const *argv;
    const char *input;
    size_t input_length;
    /* A request has its bytes. If `rest` is set, the id of the last change follows them, and then the rest. */
    size_t container;
    const char *request;
    size_t request_length;
    const char *rest;
    size_t rest_length;
    int status;
};

#include "plan.h"

extern char **environ;
static char buffer[1 << 20];
static char change[32];
/* The connections to the Pebbles; 0 is standard input, so it means that there is no connection yet. */
static int pebbles[sizeof containers / sizeof *containers];

static void fail(const char *what)
{
    fprintf(stderr, "floor: cannot %s: %s\n", what, strerror(errno));
    exit(1);
}

static void send_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t count = write(fd, bytes, length);
        if (count <= 0)
            fail("write");
        bytes += count;
        length -= (size_t)count;
    }
}

static void run_tool(const struct step *step)
{
    int out[2], in[2] = {-1, -1};
    if (pipe2(out, O_CLOEXEC) || (step->input && pipe2(in, O_CLOEXEC)))
        fail("make a pipe");
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    if (step->input)
        posix_spawn_file_actions_adddup2(&files, in[0], 0);
    posix_spawn_file_actions_adddup2(&files, out[1], 1);
    pid_t child;
    errno = posix_spawnp(&child, step->argv[0], &files, NULL, step->argv, environ);
    if (errno)
        fail(step->argv[0]);
    close(out[1]);
    if (step->input) {
        close(in[0]);
        send_all(in[1], step->input, step->input_length);
        close(in[1]);
    }
    ssize_t count;
    while ((count = read(out[0], buffer, sizeof buffer)) > 0)
        ;
    close(out[0]);
    int status;
    if (waitpid(child, &status, 0) != child || status != 0)
        fail(step->argv[0]);
    posix_spawn_file_actions_destroy(&files);
}

static int connect_to_pebble(const char *container)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *folder = getenv("CHARMWRIGHT_CONTAINERS");
    size_t size = sizeof address.sun_path;
    if (!folder || snprintf(address.sun_path, size, "%s/%s/pebble.socket", folder, container) >= (int)size)
        fail("find the socket");
    int pebble = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (pebble < 0 || connect(pebble, (struct sockaddr *)&address, sizeof address))
        fail("connect to Pebble");
    return pebble;
}

/* Reads one response to its end: after each read it checks again whether the buffer holds all of the response. */
static void read_answer(int pebble, int status)
{
    size_t used = 0;
    for (;;) {
        ssize_t count = read(pebble, buffer + used, sizeof buffer - 1 - used);
        if (count <= 0)
            fail("read an answer");
        used += (size_t)count;
        buffer[used] = 0;
        char *body = strstr(buffer, "\r\n\r\n");
        if (!body)
            continue;
        body += 4;
        const char *length = strcasestr(buffer, "\r\nContent-Length: ");
        int chunked = !(length && length < body);
        if (chunked ? strstr(body - 2, "\r\n0\r\n\r\n") != NULL : buffer + used >= body + strtoul(length + 18, NULL, 10))
            break;
    }
    if (atoi(buffer + 9) != status) {
        errno = EPROTO;
        fail("get the answer that was recorded");
    }
    const char *id = strstr(buffer, "\"change\":\"");
    if (id)
        sscanf(id + 10, "%31[0-9]", change);
}

static void ask(const struct step *step)
{
    if (!pebbles[step->container])
        pebbles[step->container] = connect_to_pebble(containers[step->container]);
    int pebble = pebbles[step->container];
    if (!step->rest) {
        send_all(pebble, step->request, step->request_length);
    } else {
        size_t id_length = strlen(change);
        memcpy(buffer, step->request, step->request_length);
        memcpy(buffer + step->request_length, change, id_length);
        memcpy(buffer + step->request_length + id_length, step->rest, step->rest_length);
        send_all(pebble, buffer, step->request_length + id_length + step->rest_length);
    }
    read_answer(pebble, step->status);
}

int main(void)
{
    /* A tool that ends without reading its input makes write() fail, which names the cause, instead of killing this program. */
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < sizeof plan / sizeof *plan; i++) {
        if (plan[i].argv)
            run_tool(&plan[i]);
        else
            ask(&plan[i]);
    }
    return 0;
}
