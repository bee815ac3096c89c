// Links with a process of another node and waits for its end: SNOW_COOKIE=.. ./watch node@host:port number
#include <inttypes.h>
#include <snow_dist.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(snow_status status) {
    if (status != SNOW_OK) {
        fprintf(stderr, "error %d: %s\n", status, snow_last_error());
        exit(1);
    }
}

int main(int argc, char **argv) {
    const char *cookie = getenv("SNOW_COOKIE");
    if (argc != 3 || cookie == NULL) {
        fprintf(stderr, "usage: SNOW_COOKIE=.. %s node@host:port number\n", argv[0]);
        return 2;
    }

    snow_builder builder;
    snow_node node;
    check(snow_builder_new("watch@127.0.0.1:0", &builder));
    check(snow_builder_cookie(builder, (const uint8_t *)cookie, strlen(cookie)));
    check(snow_start(builder, &node));
    check(snow_connect(node, argv[1], 10000));

    snow_queue queue;
    snow_process me;
    snow_pid other;
    check(snow_queue_new(0, &queue));
    check(snow_spawn(node, queue, &me));
    check(snow_trap_exit(me, true)); // otherwise the other's end would be this process's end
    check(snow_pid_on(node, argv[1], strtoull(argv[2], NULL, 10), &other));
    check(snow_link(me, other, -1));
    check(snow_send(me, other, (const uint8_t *)"go on", 5, -1));

    for (uint32_t kind = 0; kind != SNOW_EVENT_EXIT;) {
        snow_event event;
        check(snow_queue_next(queue, -1, &event));
        kind = event.kind;
        if (kind == SNOW_EVENT_MESSAGE)
            printf("message: %.*s\n", (int)event.length, (const char *)event.data);
        if (kind == SNOW_EVENT_EXIT)
            printf("process %" PRIu64 " has ended: kind %" PRIu32 ", %s\n", event.from.process & 0xFFFFFFFFFF,
                   event.reason.kind, event.reason.text != NULL ? event.reason.text : "no text");
        fflush(stdout);
        check(snow_event_free(&event));
    }
    check(snow_node_free(node));
    check(snow_queue_free(queue));
    return 0;
}
