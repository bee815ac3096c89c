// Calls every function of the interface, rightly and wrongly, and says "done" if each did what the header says.
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <snow_dist.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ENOUGH 60000 // milliseconds that whatever must happen has to happen in
#define COOKIE ((const uint8_t *)"a cookie of thirty-two letters..")

static void expect_at(int line, const char *call, int wanted, int got) {
    if (wanted == got)
        return;
    fprintf(stderr, "line %d: %s gave %d (%s), not %d\n", line, call, got, snow_last_error(), wanted);
    exit(1);
}
#define EXPECT(wanted, call) expect_at(__LINE__, #call, wanted, call)
#define OK(call) EXPECT(SNOW_OK, call)
#define TRUE(condition) EXPECT(1, (condition) ? 1 : 0)

static snow_node start(const char *name, uint64_t threads) {
    snow_builder builder;
    snow_node node;
    OK(snow_builder_new(name, &builder));
    OK(snow_builder_cookie(builder, COOKIE, 32));
    OK(snow_builder_set(builder, SNOW_SETTING_THREADS, threads));
    OK(snow_start(builder, &node));
    EXPECT(SNOW_ERROR_HANDLE, snow_builder_free(builder));
    return node;
}

static snow_queue queue_of(uint64_t events_max) {
    snow_queue queue;
    OK(snow_queue_new(events_max, &queue));
    return queue;
}

static snow_process spawn(snow_node node, snow_queue queue) {
    snow_process process;
    OK(snow_spawn(node, queue, &process));
    return process;
}

static snow_pid pid_of(snow_process process) {
    snow_pid pid;
    OK(snow_self(process, &pid));
    return pid;
}

/// The next event, which is of this kind and for this process.
static snow_event next(snow_queue queue, uint32_t kind, snow_process process) {
    snow_event event;
    OK(snow_queue_next(queue, ENOUGH, &event));
    EXPECT((int)kind, (int)event.kind);
    TRUE(event.process.id == process.id);
    return event;
}

static void next_is(snow_queue queue, uint32_t kind, snow_process process) {
    snow_event event = next(queue, kind, process);
    OK(snow_event_free(&event));
}

static void next_says(snow_queue queue, snow_process process, const char *text) {
    snow_event event = next(queue, SNOW_EVENT_MESSAGE, process);
    TRUE(event.length == strlen(text) && memcmp(event.data, text, event.length) == 0);
    OK(snow_event_free(&event));
}

static void send_text(snow_process from, snow_pid to, const char *text) {
    OK(snow_send(from, to, (const uint8_t *)text, strlen(text), ENOUGH));
}

static void name_of(snow_node node, char *name) {
    snow_bytes bytes;
    OK(snow_node_name(node, &bytes));
    memcpy(name, bytes.data, bytes.length + 1);
    OK(snow_bytes_free(&bytes));
}

/// Handles that never were any, and pointers to nothing.
static void nothing_is_no_handle(void) {
    const snow_node node = {0}, made_up = {0x1234567890ABCDEF};
    const snow_queue queue = {0};
    const snow_process process = {0};
    const snow_pid pid = {0, 0};
    const uint8_t data[1] = {0};
    snow_process other_process;
    snow_pid other_pid;
    snow_event event = {0};
    snow_bytes bytes = {0};
    uint64_t reference;
    int32_t descriptor;
    EXPECT(SNOW_ERROR_HANDLE, snow_builder_cookie((snow_builder){0}, data, 1));
    EXPECT(SNOW_ERROR_HANDLE, snow_builder_cookie_file((snow_builder){0}, "cookie"));
    EXPECT(SNOW_ERROR_HANDLE, snow_builder_certificates((snow_builder){0}, "chain", "key", "anchors", true));
    EXPECT(SNOW_ERROR_HANDLE, snow_builder_remote_exit((snow_builder){0}, "a@h:1"));
    EXPECT(SNOW_ERROR_HANDLE, snow_builder_listen((snow_builder){0}, "127.0.0.1:0"));
    EXPECT(SNOW_ERROR_HANDLE, snow_builder_set((snow_builder){0}, SNOW_SETTING_THREADS, 1));
    EXPECT(SNOW_ERROR_HANDLE, snow_builder_version_1((snow_builder){0}, "a@h:1", 0));
    EXPECT(SNOW_ERROR_HANDLE, snow_builder_free((snow_builder){0}));
    EXPECT(SNOW_ERROR_HANDLE, snow_start((snow_builder){0}, &(snow_node){0}));
    EXPECT(SNOW_ERROR_HANDLE, snow_shutdown(node));
    EXPECT(SNOW_ERROR_HANDLE, snow_shutdown(made_up));
    EXPECT(SNOW_ERROR_HANDLE, snow_node_free(node));
    EXPECT(SNOW_ERROR_HANDLE, snow_node_name(node, &bytes));
    EXPECT(SNOW_ERROR_HANDLE, snow_reload(node));
    EXPECT(SNOW_ERROR_HANDLE, snow_connect(node, "a@h:1", 0));
    EXPECT(SNOW_ERROR_HANDLE, snow_disconnect(node, "a@h:1"));
    EXPECT(SNOW_ERROR_HANDLE, snow_nodes(node, &bytes));
    EXPECT(SNOW_ERROR_HANDLE, snow_pid_on(node, "a@h:1", 1, &other_pid));
    EXPECT(SNOW_ERROR_HANDLE, snow_node_of(node, pid, &bytes));
    EXPECT(SNOW_ERROR_HANDLE, snow_register(node, "name", pid));
    EXPECT(SNOW_ERROR_HANDLE, snow_unregister(node, "name"));
    EXPECT(SNOW_ERROR_HANDLE, snow_whereis(node, "name", &other_pid));
    EXPECT(SNOW_ERROR_HANDLE, snow_kill(node, pid));
    EXPECT(SNOW_ERROR_HANDLE, snow_is_alive(node, pid));
    EXPECT(SNOW_ERROR_HANDLE, snow_spawn(node, queue, &other_process));
    EXPECT(SNOW_ERROR_HANDLE, snow_spawn_bounded(node, queue, 1, 0, &other_process));
    EXPECT(SNOW_ERROR_HANDLE, snow_process_free(process));
    EXPECT(SNOW_ERROR_HANDLE, snow_self(process, &other_pid));
    EXPECT(SNOW_ERROR_HANDLE, snow_send(process, pid, data, 1, 0));
    EXPECT(SNOW_ERROR_HANDLE, snow_send_named(process, "name", "a@h:1", data, 1, 0));
    EXPECT(SNOW_ERROR_HANDLE, snow_link(process, pid, 0));
    EXPECT(SNOW_ERROR_HANDLE, snow_unlink(process, pid));
    EXPECT(SNOW_ERROR_HANDLE, snow_monitor(process, pid, 0, &reference));
    EXPECT(SNOW_ERROR_HANDLE, snow_demonitor(process, 1));
    EXPECT(SNOW_ERROR_HANDLE, snow_monitor_node(process, "a@h:1"));
    EXPECT(SNOW_ERROR_HANDLE, snow_demonitor_node(process, "a@h:1"));
    EXPECT(SNOW_ERROR_HANDLE, snow_trap_exit(process, true));
    EXPECT(SNOW_ERROR_HANDLE, snow_exit(process, NULL));
    EXPECT(SNOW_ERROR_HANDLE, snow_send_exit(process, pid, NULL, 0));
    EXPECT(SNOW_ERROR_HANDLE, snow_queue_free(queue));
    EXPECT(SNOW_ERROR_HANDLE, snow_queue_next(queue, 0, &event));
    EXPECT(SNOW_ERROR_HANDLE, snow_queue_descriptor(queue, &descriptor));
    EXPECT(SNOW_ERROR_HANDLE, snow_event_free(&event));
    EXPECT(SNOW_ERROR_HANDLE, snow_bytes_free(&bytes));

    EXPECT(SNOW_ERROR_ARGUMENT, snow_builder_new(NULL, &(snow_builder){0}));
    EXPECT(SNOW_ERROR_ARGUMENT, snow_builder_new("a@h:1", NULL));
    EXPECT(SNOW_ERROR_ARGUMENT, snow_builder_new("\xFF@h:1", &(snow_builder){0}));
    EXPECT(SNOW_ERROR_ARGUMENT, snow_send(process, pid, NULL, 1, 0));
    EXPECT(SNOW_ERROR_TERM, snow_send_term(process, pid, NULL, 0, NULL, 0, 0));
    EXPECT(SNOW_ERROR_TERM, snow_send_named_term(process, "name", "a@h:1", NULL, 0, NULL, 0, 0));
    EXPECT(SNOW_ERROR_ARGUMENT, snow_queue_next(queue, 0, NULL));
    EXPECT(SNOW_ERROR_ARGUMENT, snow_event_free(NULL));
    EXPECT(SNOW_ERROR_ARGUMENT, snow_bytes_free(NULL));
    EXPECT(SNOW_ERROR_ARGUMENT, snow_queue_new(SNOW_QUEUE_EVENTS_MAX + 1, &(snow_queue){0}));
    TRUE(strlen(snow_last_error()) > 0 && strlen(snow_version()) > 0);
}

static void settings(void) {
    snow_builder builder;
    snow_node node = {0};
    OK(snow_builder_new("a@127.0.0.1:0", &builder));
    EXPECT(SNOW_ERROR_ARGUMENT, snow_start(builder, NULL));
    EXPECT(SNOW_ERROR_HANDLE, snow_builder_free(builder));
    OK(snow_builder_new("a@127.0.0.1:0", &builder));
    EXPECT(SNOW_ERROR_ARGUMENT, snow_builder_set(builder, 99, 1));
    EXPECT(SNOW_ERROR_ARGUMENT, snow_builder_set(builder, SNOW_SETTING_THREADS, 0));
    EXPECT(SNOW_ERROR_ARGUMENT, snow_builder_set(builder, SNOW_SETTING_THREADS, SNOW_THREADS_MAX + 1));
    EXPECT(SNOW_ERROR_ARGUMENT, snow_builder_set(builder, SNOW_SETTING_KEY_LOG, 2));
    EXPECT(SNOW_ERROR_ARGUMENT, snow_builder_version_1(builder, "no name", 0));
    EXPECT(SNOW_ERROR_ARGUMENT, snow_builder_remote_exit(builder, "no name"));
    EXPECT(SNOW_ERROR_ARGUMENT, snow_builder_certificates(builder, "chain", NULL, "anchors", true));
    OK(snow_builder_set(builder, SNOW_SETTING_SESSIONS_MAX, 0));
    OK(snow_builder_cookie(builder, COOKIE, 32));
    EXPECT(SNOW_ERROR_START, snow_start(builder, &node));
    TRUE(strstr(snow_last_error(), "sessions_max") != NULL);
    EXPECT(SNOW_ERROR_HANDLE, snow_start(builder, &node));

    OK(snow_builder_new("a@127.0.0.1:0", &builder));
    for (uint32_t setting = SNOW_SETTING_HEARTBEAT_INTERVAL; setting <= SNOW_SETTING_MAILBOX_REMOTE_BYTES_MAX; setting++)
        OK(snow_builder_set(builder, setting, setting == SNOW_SETTING_MAILBOX_REMOTE_BYTES_MAX ? 1 << 30 : 1 << 12));
    OK(snow_builder_set(builder, SNOW_SETTING_FRAME_BYTES_MAX, 1 << 16));
    OK(snow_builder_set(builder, SNOW_SETTING_REASSEMBLY_BYTES_MAX, 1 << 16));
    OK(snow_builder_set(builder, SNOW_SETTING_REMOTE_EXIT, 0));
    OK(snow_builder_set(builder, SNOW_SETTING_KEY_LOG, 0));
    OK(snow_builder_listen(builder, "127.0.0.1:0"));
    OK(snow_builder_version_1(builder, "old@127.0.0.1:1", 1));
    OK(snow_builder_cookie_file(builder, "/there/is/no/such/file"));
    EXPECT(SNOW_ERROR_START, snow_start(builder, &node));
    OK(snow_builder_new("a@127.0.0.1:0", &builder));
    OK(snow_builder_free(builder));
    EXPECT(SNOW_ERROR_HANDLE, snow_builder_free(builder));
}

static void messages_and_terms(snow_node a, snow_node b, snow_process from, snow_process to, snow_queue queue) {
    char name_a[256], name_b[256];
    name_of(a, name_a);
    name_of(b, name_b);
    snow_pid self = pid_of(to), there, found;
    OK(snow_pid_on(a, name_b, self.process & 0xFFFFFFFFFF, &there));
    EXPECT(SNOW_ERROR_CONNECT, snow_pid_on(a, "c@127.0.0.1:1", 1, &found));
    EXPECT(SNOW_ERROR_ARGUMENT, snow_pid_on(a, name_b, self.process | 1ULL << 40, &found));
    snow_bytes bytes;
    OK(snow_node_of(a, there, &bytes));
    TRUE(strcmp((const char *)bytes.data, name_b) == 0);
    snow_bytes copy = bytes;
    OK(snow_bytes_free(&bytes));
    TRUE(bytes.data == NULL);
    EXPECT(SNOW_ERROR_HANDLE, snow_bytes_free(&copy));

    send_text(from, there, "over the wire");
    next_says(queue, to, "over the wire");
    send_text(from, there, "");
    snow_event event = next(queue, SNOW_EVENT_MESSAGE, to);
    TRUE(event.data == NULL && event.length == 0 && !event.is_term);
    OK(snow_event_free(&event));

    // A tuple of two pids: the sender's and the receiver's.
    const uint8_t term[] = {1, 13, 2, 30, 0, 0, 0, 0, 0, 0, 0, 0, 30, 1, 0, 0, 0, 0, 0, 0, 0};
    const snow_pid pids[] = {pid_of(from), there};
    OK(snow_send_term(from, there, term, sizeof term, pids, 2, ENOUGH));
    EXPECT(SNOW_ERROR_TERM, snow_send_term(from, there, term, sizeof term, pids, 1, ENOUGH));
    EXPECT(SNOW_ERROR_TERM, snow_send_term(from, there, term, sizeof term - 1, pids, 2, ENOUGH));
    event = next(queue, SNOW_EVENT_MESSAGE, to);
    TRUE(event.is_term && event.length == sizeof term && memcmp(event.data, term, sizeof term) == 0);
    TRUE(event.pid_count == 2 && event.pids[1].node == 0 && event.pids[1].process == self.process);
    // It goes back as it came, to the first process in it.
    OK(snow_send_term(to, event.pids[0], event.data, event.length, event.pids, event.pid_count, ENOUGH));
    snow_event twice = event;
    OK(snow_event_free(&event));
    EXPECT(SNOW_ERROR_HANDLE, snow_event_free(&twice));
    EXPECT(SNOW_ERROR_HANDLE, snow_event_free(&event));
    event = next(queue, SNOW_EVENT_MESSAGE, from);
    TRUE(event.is_term && event.pids[0].process == pids[0].process && event.pids[1].node == there.node);
    OK(snow_event_free(&event));

    OK(snow_register(b, "worker", self));
    EXPECT(SNOW_ERROR_NAME_TAKEN, snow_register(b, "worker", self));
    EXPECT(SNOW_ERROR_NO_PROCESS, snow_register(b, "nobody", (snow_pid){0, 1 << 20}));
    static char too_long[70000];
    memset(too_long, 'x', sizeof too_long - 1);
    EXPECT(SNOW_ERROR_ARGUMENT, snow_register(b, too_long, self));
    OK(snow_whereis(b, "worker", &found));
    TRUE(found.process == self.process);
    OK(snow_send_named(from, "worker", name_b, (const uint8_t *)"by name", 7, ENOUGH));
    next_says(queue, to, "by name");
    OK(snow_send_named_term(from, "worker", name_b, (const uint8_t[]){1, 6}, 2, NULL, 0, ENOUGH));
    next_is(queue, SNOW_EVENT_MESSAGE, to);
    OK(snow_send_named_term(from, "worker", name_b, term, sizeof term, pids, 2, ENOUGH));
    event = next(queue, SNOW_EVENT_MESSAGE, to);
    TRUE(event.is_term && event.pid_count == 2 && event.pids[1].node == 0 && event.pids[1].process == self.process);
    OK(snow_event_free(&event));
    EXPECT(SNOW_ERROR_ARGUMENT, snow_send_named(from, "worker", "no node", NULL, 0, ENOUGH));
    OK(snow_unregister(b, "worker"));
    EXPECT(SNOW_ERROR_NO_PROCESS, snow_unregister(b, "worker"));
    EXPECT(SNOW_ERROR_NO_PROCESS, snow_whereis(b, "worker", &found));
}

static void links_and_monitors(snow_node a, snow_node b, snow_queue queue) {
    char name_b[256];
    name_of(b, name_b);
    snow_process watcher = spawn(a, queue), other = spawn(b, queue);
    snow_pid there;
    OK(snow_pid_on(a, name_b, pid_of(other).process & 0xFFFFFFFFFF, &there));
    OK(snow_trap_exit(watcher, true));
    uint64_t kept, given_up;
    OK(snow_link(watcher, there, ENOUGH));
    OK(snow_monitor(watcher, there, ENOUGH, &kept));
    OK(snow_monitor(watcher, there, ENOUGH, &given_up));
    OK(snow_demonitor(watcher, given_up));
    OK(snow_demonitor(watcher, UINT64_MAX));
    // What one process does to another arrives in order: with the message, the link is there.
    send_text(watcher, there, "linked");
    next_says(queue, other, "linked");

    const snow_reason reason = {.kind = SNOW_REASON_CUSTOM, .text = "as planned", .text_length = 10};
    EXPECT(SNOW_ERROR_ARGUMENT, snow_exit(other, &(snow_reason){.kind = 3}));
    OK(snow_exit(other, &reason));
    bool has_exit = false, has_down = false, has_ended = false;
    while (!has_exit || !has_down || !has_ended) {
        snow_event event;
        OK(snow_queue_next(queue, ENOUGH, &event));
        TRUE(event.reason.kind == SNOW_REASON_CUSTOM && strcmp(event.reason.text, "as planned") == 0);
        if (event.kind == SNOW_EVENT_ENDED) {
            TRUE(!has_ended && event.process.id == other.id);
            has_ended = true;
        } else {
            TRUE(event.process.id == watcher.id && event.from.process == there.process && event.from.node == there.node);
            TRUE(event.kind == SNOW_EVENT_EXIT ? !has_exit : !has_down && event.reference == kept);
            *(event.kind == SNOW_EVENT_EXIT ? &has_exit : &has_down) = true;
        }
        OK(snow_event_free(&event));
    }
    EXPECT(SNOW_ERROR_ENDED, snow_link(other, pid_of(watcher), ENOUGH));
    EXPECT(SNOW_ERROR_ENDED, snow_exit(other, NULL));
    EXPECT(SNOW_ERROR_NO_PROCESS, snow_is_alive(b, pid_of(other)));
    OK(snow_process_free(other));
    EXPECT(SNOW_ERROR_HANDLE, snow_process_free(other));

    // A process that does not trap ends by a link, and says through whom.
    snow_process victim = spawn(a, queue), killer = spawn(a, queue);
    OK(snow_link(victim, pid_of(killer), ENOUGH));
    OK(snow_link(victim, pid_of(watcher), ENOUGH));
    OK(snow_unlink(victim, pid_of(watcher)));
    OK(snow_is_alive(a, pid_of(victim)));
    OK(snow_kill(a, pid_of(killer)));
    EXPECT(SNOW_ERROR_NO_PROCESS, snow_kill(a, there));
    for (int ends = 0; ends < 2; ends++) {
        snow_event event;
        OK(snow_queue_next(queue, ENOUGH, &event));
        TRUE(event.kind == SNOW_EVENT_ENDED && event.reason.kind == SNOW_REASON_KILLED);
        TRUE(event.reason.pid_count == (event.process.id == victim.id ? 1 : 0));
        OK(snow_event_free(&event));
    }
    OK(snow_send_exit(watcher, pid_of(watcher), NULL, ENOUGH));
    next_is(queue, SNOW_EVENT_EXIT, watcher);
    OK(snow_process_free(victim));
    OK(snow_process_free(killer));
    OK(snow_process_free(watcher));
}

static void nodes_come_and_go(snow_node a, snow_node b, snow_process process, snow_queue queue) {
    char name_b[256];
    name_of(b, name_b);
    EXPECT(SNOW_ERROR_ARGUMENT, snow_monitor_node(process, "no node"));
    OK(snow_monitor_node(process, name_b));
    OK(snow_disconnect(a, name_b));
    EXPECT(SNOW_ERROR_CONNECT, snow_disconnect(a, name_b));
    snow_event event = next(queue, SNOW_EVENT_NODE_DOWN, process);
    TRUE(strcmp((const char *)event.data, name_b) == 0 && event.length == strlen(name_b));
    OK(snow_event_free(&event));
    EXPECT(SNOW_ERROR_ARGUMENT, snow_connect(a, "no node", ENOUGH));
    EXPECT(SNOW_ERROR_ARGUMENT, snow_connect(a, "everybody@0.0.0.0:1", ENOUGH));
    EXPECT(SNOW_ERROR_CONNECT, snow_connect(a, "c@127.0.0.1:1", ENOUGH));
    OK(snow_connect(a, name_b, ENOUGH));
    next_is(queue, SNOW_EVENT_NODE_UP, process);
    snow_bytes names;
    OK(snow_nodes(a, &names));
    TRUE(names.length == strlen(name_b) + 1 && names.data[names.length - 1] == '\n');
    OK(snow_bytes_free(&names));
    OK(snow_demonitor_node(process, name_b));
}

/// What does not fit into a queue stays in the mailbox, and what does not fit there makes a sender wait.
static void room(snow_node node, snow_process from) {
    snow_queue narrow = queue_of(1);
    snow_process reader;
    EXPECT(SNOW_ERROR_ARGUMENT, snow_spawn_bounded(node, narrow, 0, SNOW_WHEN_FULL_DROP, &reader));
    EXPECT(SNOW_ERROR_ARGUMENT, snow_spawn_bounded(node, narrow, 1, 7, &reader));
    OK(snow_spawn_bounded(node, narrow, 1, SNOW_WHEN_FULL_END, &reader));
    int sent = 0;
    while (snow_send(from, pid_of(reader), (const uint8_t *)"x", 1, 50) == SNOW_OK)
        sent++;
    TRUE(sent >= 2 && sent <= 3);
    for (int taken = 0; taken < sent; taken++)
        next_says(narrow, reader, "x");
    snow_event event;
    EXPECT(SNOW_TIMEOUT, snow_queue_next(narrow, 0, &event));
    EXPECT(SNOW_TIMEOUT, snow_queue_next(narrow, 1, &event));
    EXPECT(SNOW_ERROR_IN_USE, snow_queue_free(narrow));
    // Events that were not read go with their process.
    send_text(from, pid_of(reader), "never read");
    OK(snow_process_free(reader));
    OK(snow_queue_free(narrow));
    EXPECT(SNOW_ERROR_HANDLE, snow_queue_free(narrow));
}

static void *wait_in_freed(void *queue) {
    snow_event event;
    EXPECT(SNOW_ERROR_HANDLE, snow_queue_next(*(snow_queue *)queue, -1, &event));
    return NULL;
}

static void descriptor_and_waiting(snow_node node, snow_process from) {
    snow_queue queue = queue_of(0);
    snow_process reader = spawn(node, queue);
    int32_t descriptor, same;
    OK(snow_queue_descriptor(queue, &descriptor));
    OK(snow_queue_descriptor(queue, &same));
    TRUE(descriptor == same);
    struct pollfd polled = {.fd = descriptor, .events = POLLIN};
    TRUE(poll(&polled, 1, 0) == 0);
    for (int round = 0; round < 3; round++) {
        send_text(from, pid_of(reader), "one");
        send_text(from, pid_of(reader), "two");
        TRUE(poll(&polled, 1, ENOUGH) == 1);
        next_says(queue, reader, "one");
        next_says(queue, reader, "two");
        TRUE(poll(&polled, 1, 0) == 0);
    }
    OK(snow_process_free(reader));
    pthread_t waiting;
    TRUE(pthread_create(&waiting, NULL, wait_in_freed, &queue) == 0);
    OK(snow_queue_free(queue));
    TRUE(pthread_join(waiting, NULL) == 0);
}

#define THREADS 4
#define MESSAGES 200
struct worker { snow_node node; snow_queue queue; snow_pid to; };

static void *work(void *argument) {
    const struct worker *worker = argument;
    snow_process me = spawn(worker->node, worker->queue);
    for (int number = 0; number < MESSAGES; number++)
        OK(snow_send(me, worker->to, (const uint8_t *)&number, sizeof number, ENOUGH));
    OK(snow_process_free(me));
    return NULL;
}

/// Several threads send from processes of their own, and as many take what comes.
static void threads(snow_node a, snow_node b) {
    char name_b[256];
    name_of(b, name_b);
    snow_queue queue = queue_of(16), own = queue_of(16);
    snow_process reader = spawn(b, queue);
    struct worker worker = {a, own, {0, 0}};
    OK(snow_pid_on(a, name_b, pid_of(reader).process & 0xFFFFFFFFFF, &worker.to));
    pthread_t workers[THREADS];
    for (int thread = 0; thread < THREADS; thread++)
        TRUE(pthread_create(&workers[thread], NULL, work, &worker) == 0);
    for (int taken = 0; taken < THREADS * MESSAGES; taken++)
        next_is(queue, SNOW_EVENT_MESSAGE, reader);
    for (int thread = 0; thread < THREADS; thread++)
        TRUE(pthread_join(workers[thread], NULL) == 0);
    OK(snow_process_free(reader));
    OK(snow_queue_free(queue));
    OK(snow_queue_free(own));
}

static void after_the_end(snow_node a, snow_node b, snow_process of_a, snow_process of_b, snow_queue queue) {
    snow_pid pid = pid_of(of_a);
    snow_bytes bytes;
    snow_process process;
    OK(snow_shutdown(a));
    snow_event event = next(queue, SNOW_EVENT_ENDED, of_a);
    TRUE(event.reason.kind == SNOW_REASON_SHUTDOWN);
    OK(snow_event_free(&event));
    EXPECT(SNOW_ERROR_STOPPED, snow_shutdown(a));
    EXPECT(SNOW_ERROR_STOPPED, snow_connect(a, "c@127.0.0.1:1", 0));
    EXPECT(SNOW_ERROR_STOPPED, snow_node_name(a, &bytes));
    EXPECT(SNOW_ERROR_STOPPED, snow_register(a, "name", pid));
    EXPECT(SNOW_ERROR_STOPPED, snow_spawn(a, queue, &process));
    EXPECT(SNOW_ERROR_ENDED, snow_send(of_a, pid, NULL, 0, -1));
    EXPECT(SNOW_ERROR_ENDED, snow_monitor_node(of_a, "c@127.0.0.1:1"));
    OK(snow_node_free(a));
    EXPECT(SNOW_ERROR_HANDLE, snow_process_free(of_a));
    EXPECT(SNOW_ERROR_HANDLE, snow_shutdown(a));
    // One that runs ends when it is freed, and so do its processes.
    OK(snow_node_free(b));
    EXPECT(SNOW_ERROR_HANDLE, snow_node_free(b));
    EXPECT(SNOW_ERROR_HANDLE, snow_self(of_b, &pid));
    EXPECT(SNOW_TIMEOUT, snow_queue_next(queue, 0, &event));
    OK(snow_queue_free(queue));
}

struct heard { snow_node node; int warnings; int refused; };

static void hear(void *user, uint32_t level, const char *text) {
    struct heard *heard = user;
    if (level == SNOW_LOG_WARN && strstr(text, "cookie") != NULL)
        heard->warnings++;
    // What can wait is refused on a thread of a node, and what cannot is done.
    if (snow_connect(heard->node, "c@127.0.0.1:1", 0) == SNOW_ERROR_CALLBACK && snow_is_alive(heard->node, (snow_pid){0, 0}) == SNOW_ERROR_NO_PROCESS)
        heard->refused++;
}

/// The node that starts warns of its cookie, on its own thread, and is waited for by this one.
static void log_of_a_node(snow_node other) {
    struct heard heard = {.node = other};
    snow_builder builder;
    snow_node node;
    EXPECT(SNOW_ERROR_ARGUMENT, snow_set_log(hear, &heard, 0));
    OK(snow_set_log(hear, &heard, SNOW_LOG_WARN));
    OK(snow_builder_new("short@127.0.0.1:0", &builder));
    OK(snow_builder_cookie(builder, (const uint8_t *)"short", 5));
    OK(snow_start(builder, &node));
    OK(snow_node_free(node));
    OK(snow_set_log(NULL, NULL, 0));
    TRUE(heard.warnings == 1 && heard.refused == heard.warnings);
}

/// Exit signals are taken from those nodes alone that may send them, and the last call counts. Each rule is a row of calls:
/// `a` and `s` name the node `a` and somebody else, a digit sets the number.
static void rules_for_peers(snow_node a, snow_process of_a) {
    static const struct {
        const char *calls;
        bool allowed;
    } rules[] = {{"s", false}, {"sa", true}, {"s1", true}, {"a0s", false}};
    snow_queue queue = queue_of(0);
    for (size_t rule = 0; rule < sizeof rules / sizeof rules[0]; rule++) {
        const bool allowed = rules[rule].allowed;
        snow_builder builder;
        snow_node node;
        char name_a[256], name[256];
        snow_pid there;
        name_of(a, name_a);
        OK(snow_builder_new("strict@127.0.0.1:0", &builder));
        OK(snow_builder_cookie(builder, COOKIE, 32));
        for (const char *call = rules[rule].calls; *call; call++) {
            if (*call == '0' || *call == '1')
                OK(snow_builder_set(builder, SNOW_SETTING_REMOTE_EXIT, *call - '0'));
            else
                OK(snow_builder_remote_exit(builder, *call == 'a' ? name_a : "somebody@127.0.0.1:1"));
        }
        OK(snow_start(builder, &node));
        name_of(node, name);
        OK(snow_connect(a, name, ENOUGH));
        snow_process process = spawn(node, queue);
        OK(snow_trap_exit(process, true));
        OK(snow_pid_on(a, name, pid_of(process).process & 0xFFFFFFFFFF, &there));
        EXPECT(allowed ? SNOW_OK : SNOW_ERROR_REFUSED, snow_send_exit(of_a, there, NULL, ENOUGH));
        if (allowed)
            next_is(queue, SNOW_EVENT_EXIT, process);
        OK(snow_node_free(node));
    }
    OK(snow_queue_free(queue));
}

static void terms_as_json(void) {
    const char *json = "{\"type\":\"tuple\",\"values\":[{\"type\":\"int\",\"value\":\"7\"},"
                       "{\"type\":\"pid\",\"value\":{\"node\":0,\"creation\":0,\"local\":0}}]}";
    const uint8_t term[] = {1, 13, 2, 1, 7, 0, 0, 0, 0, 0, 0, 0, 30, 0, 0, 0, 0, 0, 0, 0, 0};
    snow_bytes made, back;
    OK(snow_term_from_json((const uint8_t *)json, strlen(json), &made));
    TRUE(made.length == sizeof term && memcmp(made.data, term, sizeof term) == 0);
    OK(snow_term_to_json(made.data, made.length, &back));
    TRUE(strcmp((const char *)back.data, json) == 0);
    OK(snow_bytes_free(&made));
    OK(snow_bytes_free(&back));
    EXPECT(SNOW_ERROR_TERM, snow_term_from_json((const uint8_t *)"{}", 2, &made));
    EXPECT(SNOW_ERROR_TERM, snow_term_to_json(term, sizeof term - 1, &made));
    EXPECT(SNOW_ERROR_ARGUMENT, snow_term_to_json(NULL, 1, &made));
}

/// A child has none of its parent's threads.
static void after_a_fork(snow_node node) {
    pid_t child = fork();
    if (child == 0) {
        EXPECT(SNOW_ERROR_FORKED, snow_shutdown(node));
        // Not by an exit, where a checker of memory would look for what the parent's threads had.
        kill(getpid(), SIGKILL);
    }
    int status;
    TRUE(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

int main(void) {
    nothing_is_no_handle();
    settings();
    terms_as_json();
    snow_node a = start("a@127.0.0.1:0", 2), b = start("b@127.0.0.1:0", 1);
    char name_b[256];
    name_of(b, name_b);
    OK(snow_connect(a, name_b, ENOUGH));
    snow_queue queue = queue_of(0);
    snow_process of_a = spawn(a, queue), of_b = spawn(b, queue);
    EXPECT(SNOW_ERROR_HANDLE, snow_self((snow_process){a.id}, &(snow_pid){0, 0}));
    messages_and_terms(a, b, of_a, of_b, queue);
    links_and_monitors(a, b, queue);
    nodes_come_and_go(a, b, of_a, queue);
    room(a, of_a);
    descriptor_and_waiting(a, of_a);
    threads(a, b);
    rules_for_peers(a, of_a);
    log_of_a_node(b);
    after_a_fork(a);
    after_the_end(a, b, of_a, of_b, queue);
    printf("done\n");
    return 0;
}
