// Sends to a process of another node until that node is lost: ./flood node@host:port number
#include <snow_dist.h>
#include <stdio.h>
#include <stdlib.h>

static void check(snow_status status) {
    if (status != SNOW_OK) {
        fprintf(stderr, "error %d: %s\n", status, snow_last_error());
        exit(1);
    }
}

int main(int argc, char **argv) {
    static const uint8_t data[65536];
    snow_builder builder;
    snow_node node;
    snow_queue queue;
    snow_process me;
    snow_pid other;
    if (argc != 3)
        return 2;
    check(snow_builder_new("flood@127.0.0.1:0", &builder));
    check(snow_builder_cookie(builder, (const uint8_t *)"a cookie of thirty-two letters..", 32));
    check(snow_start(builder, &node));
    check(snow_connect(node, argv[1], 60000));
    check(snow_queue_new(0, &queue));
    check(snow_spawn(node, queue, &me));
    check(snow_monitor_node(me, argv[1]));
    check(snow_pid_on(node, argv[1], strtoull(argv[2], NULL, 10), &other));
    for (uint32_t kind = 0; kind != SNOW_EVENT_NODE_DOWN;) {
        snow_status sent = snow_send(me, other, data, sizeof data, 100);
        if (sent != SNOW_TIMEOUT)
            check(sent);
        snow_event event;
        if (snow_queue_next(queue, 0, &event) == SNOW_OK) {
            kind = event.kind;
            check(snow_event_free(&event));
        }
    }
    printf("lost\n");
    check(snow_node_free(node));
    check(snow_queue_free(queue));
    return 0;
}
