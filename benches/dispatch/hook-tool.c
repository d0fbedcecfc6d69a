/*
 * This program stands for every hook tool: it prints an answer from a file and does nothing else, so it takes as little time as possible.
 *
 * The name by which it is called says which tool it is. The folder HOOK_ANSWERS has a file for each call, named for the tool and its
 * arguments with spaces between them and `|` for `/`. A call without a file prints nothing. If an argument is `-`, the program reads
 * standard input to the end, as the real tools do.
 *
 * If HOOK_CALLS is set, it appends a record of its call to that file. A single write appends the record, so that the records of several
 * processes do not mix. The record has `tool`, the number of arguments, each argument, and the input; all are netstrings (LENGTH:BYTES,).
 *
 * If HOOK_AGENT is set, the answer comes from the agent that listens on that socket: the program sends the record, and receives one byte
 * with the exit code and then what it prints.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char input[1 << 20];
static char record[(1 << 20) + (1 << 18)];
static size_t used;

static void add(const char *bytes, size_t length)
{
    char head[32];
    int head_length = snprintf(head, sizeof head, "%zu:", length);
    if (used + (size_t)head_length + length + 1 > sizeof record)
        _exit(99);
    memcpy(record + used, head, (size_t)head_length);
    used += (size_t)head_length;
    memcpy(record + used, bytes, length);
    used += length;
    record[used++] = ',';
}

/* Makes the record of the call. */
static void describe(const char *tool, int argc, char **argv, size_t input_length)
{
    char number[16];
    add("tool", 4);
    add(number, (size_t)snprintf(number, sizeof number, "%d", argc));
    add(tool, strlen(tool));
    for (int i = 1; i < argc; i++)
        add(argv[i], strlen(argv[i]));
    add(input, input_length);
}

/* Copies what is left of a file or a connection to standard output. */
static int print_rest(int from)
{
    char buffer[65536];
    ssize_t count;
    while ((count = read(from, buffer, sizeof buffer)) > 0)
        if (write(1, buffer, (size_t)count) != count)
            return 99;
    return 0;
}

static int ask_agent(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return 99;
    strcpy(address.sun_path, path);
    int agent = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (agent < 0 || connect(agent, (struct sockaddr *)&address, sizeof address))
        return 99;
    for (size_t sent = 0; sent < used;) {
        ssize_t count = write(agent, record + sent, used - sent);
        if (count <= 0)
            return 99;
        sent += (size_t)count;
    }
    unsigned char code;
    if (shutdown(agent, SHUT_WR) || read(agent, &code, 1) != 1)
        return 99;
    int error = print_rest(agent);
    return error ? error : code;
}

/* Prints the answer of the call from its file, if there is one. */
static int print_answer(const char *folder, const char *tool, int argc, char **argv)
{
    char path[65536];
    size_t length = (size_t)snprintf(path, sizeof path, "%s/", folder);
    size_t name = length;
    for (int i = 0; i < argc; i++) {
        const char *word = i ? argv[i] : tool;
        if (length + strlen(word) + 2 > sizeof path)
            return 0;
        length += (size_t)sprintf(path + length, i ? " %s" : "%s", word);
    }
    for (; name < length; name++)
        if (path[name] == '/')
            path[name] = '|';
    int answer = open(path, O_RDONLY | O_CLOEXEC);
    return answer < 0 ? 0 : print_rest(answer);
}

int main(int argc, char **argv)
{
    const char *slash = strrchr(argv[0], '/');
    const char *tool = slash ? slash + 1 : argv[0];
    size_t input_length = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--") == 0)
            break;
        if (strcmp(argv[i], "-") != 0)
            continue;
        ssize_t count;
        while ((count = read(0, input + input_length, sizeof input - input_length)) > 0)
            input_length += (size_t)count;
        break;
    }

    const char *agent = getenv("HOOK_AGENT");
    const char *calls = getenv("HOOK_CALLS");
    if (agent || calls)
        describe(tool, argc, argv, input_length);
    if (agent)
        return ask_agent(agent);

    const char *answers = getenv("HOOK_ANSWERS");
    if (!answers) {
        fputs("ERROR HOOK_ANSWERS is not set\n", stderr);
        return 1;
    }
    if (calls) {
        int log = open(calls, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
        if (log < 0 || write(log, record, used) != (ssize_t)used)
            return 99;
    }
    return print_answer(answers, tool, argc, argv);
}
