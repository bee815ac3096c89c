// What a message costs in instructions between two nodes of the library for C, in one process: ./costs messages batch
#include <snow_dist.h>
#include <stdio.h>
#include <stdlib.h>

static void check(snow_status status) {
    if (status != SNOW_OK) {
        fprintf(stderr, "error %d: %s\n", status, snow_last_error());
        exit(1);
    }
}

static snow_node start(const char *name) {
    snow_builder builder;
    snow_node node;
    check(snow_builder_new(name, &builder));
    check(snow_builder_cookie(builder, (const uint8_t *)"a cookie of thirty-two letters..", 32));
    check(snow_builder_set(builder, SNOW_SETTING_THREADS, 1));
    check(snow_start(builder, &node));
    return node;
}

int main(int argc, char **argv) {
    static const uint8_t data[64];
    if (argc != 3)
        return 2;
    long messages = atol(argv[1]), batch = atol(argv[2]);
    snow_node a = start("a@127.0.0.1:0"), b = start("b@127.0.0.1:0");
    snow_bytes name;
    snow_queue queue, other;
    snow_process from, to;
    snow_pid pid;
    check(snow_node_name(b, &name));
    check(snow_connect(a, (const char *)name.data, 60000));
    check(snow_queue_new(0, &other));
    check(snow_queue_new(0, &queue));
    check(snow_spawn(a, other, &from));
    check(snow_spawn(b, queue, &to));
    check(snow_self(to, &pid));
    check(snow_pid_on(a, (const char *)name.data, pid.process & 0xFFFFFFFFFF, &pid));
    for (long sent = 0; sent < messages; sent += batch) {
        for (long i = 0; i < batch; i++)
            check(snow_send(from, pid, data, sizeof data, -1));
        for (long i = 0; i < batch; i++) {
            snow_event event;
            check(snow_queue_next(queue, -1, &event));
            check(snow_event_free(&event));
        }
    }
    check(snow_bytes_free(&name));
    check(snow_node_free(a));
    check(snow_node_free(b));
    check(snow_queue_free(queue));
    check(snow_queue_free(other));
    return 0;
}
