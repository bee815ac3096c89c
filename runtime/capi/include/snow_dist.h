/*
 * Snow DIST for C: nodes on different machines that form one actor system.
 *
 * README.md beside the library's sources begins with an example, and says what holds for all functions: threads, who frees
 * what, and what an error is. Made by cbindgen: change the sources, not this file.
 */

#ifndef SNOW_DIST_H
#define SNOW_DIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Nodes that one program has at once. Each has threads and sockets; a program of more is a test of thousands.
#define SNOW_NODES_MAX 1024

// Settings of nodes that are not started yet, at once.
#define SNOW_BUILDERS_MAX 1024

// Queues at once. Each has two descriptors once it is asked for one, and a system gives a program about so many.
#define SNOW_QUEUES_MAX 65536

// Processes at once, of all nodes, ended ones that were not freed among them. Each takes about a kilobyte.
#define SNOW_PROCESSES_MAX 4194304

// Events and texts that were handed out and not freed, at once. A program that frees what it has read has one for each of
// its threads: one that reaches this has forgotten to.
#define SNOW_HELD_MAX 65536

// Events in a queue, at most and by default. What does not fit stays in the mailboxes of the processes.
#define SNOW_QUEUE_EVENTS_MAX 1048576

// See [`SNOW_QUEUE_EVENTS_MAX`]: enough that a reader is woken once for many, few enough that order among processes stays
// close to that in which things came.
#define SNOW_QUEUE_EVENTS_DEFAULT 1024

// Bytes of the messages in a queue: when they are more, no further message enters it. One message always does.
#define SNOW_QUEUE_BYTES_MAX 67108864

// Bytes of JSON that is made a term. A message has at most 64 MiB.
#define SNOW_JSON_BYTES_MAX 67108864

// Threads of one node.
#define SNOW_THREADS_MAX 256

// Bytes of a text that is given to the library: a name, a path, a reason. Longer ones are refused; of a reason, 4 078 are
// told to other nodes.
#define SNOW_TEXT_BYTES_MAX 65536

// Processes through which an end was passed on, in a reason that is given to the library. More are refused; about 450 are
// told to other nodes.
#define SNOW_REASON_PIDS_MAX 1024

// What every function returns: `SNOW_OK`, or why it did nothing. `snow_last_error` says it in words.
enum snow_status
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // It is done.
    SNOW_OK = 0,
    // It could not be done in the time that was given, and has not been done. Try again, or give more time.
    SNOW_TIMEOUT = -1,
    // A handle is zero, has been freed, or is one of another kind of thing.
    SNOW_ERROR_HANDLE = -2,
    // An argument is unfit: a pointer is null, a text is not UTF-8 or too long, a name is not a node's, a number is out of
    // range.
    SNOW_ERROR_ARGUMENT = -3,
    // The node has been shut down.
    SNOW_ERROR_STOPPED = -4,
    // The process that should do it has ended.
    SNOW_ERROR_ENDED = -5,
    // The other node does not take it: it is too long for it, there are too many links and monitors, or the session with
    // it has no way to say it.
    SNOW_ERROR_REFUSED = -6,
    // The node does not start: its name, a cookie, a certificate or a setting is unfit, or nothing can listen at its address.
    SNOW_ERROR_START = -7,
    // No session could be established.
    SNOW_ERROR_CONNECT = -8,
    // The name is taken by another process, or the same.
    SNOW_ERROR_NAME_TAKEN = -9,
    // There is no such process, or it is not one of this node.
    SNOW_ERROR_NO_PROCESS = -10,
    // The bytes are not a term, or not one with these pids.
    SNOW_ERROR_TERM = -11,
    // A limit of this library is reached: the words say which.
    SNOW_ERROR_LIMIT = -12,
    // Something else uses the queue still: free the processes that deliver to it first.
    SNOW_ERROR_IN_USE = -13,
    // The call would wait, and was made on a thread of a node: from a function that the library calls.
    SNOW_ERROR_CALLBACK = -14,
    // The program has forked since it used the library first. Nodes do not live on in the child.
    SNOW_ERROR_FORKED = -15,
    // This system has no such thing.
    SNOW_ERROR_UNSUPPORTED = -16,
    // The operating system does not give what is needed: a thread, a descriptor.
    SNOW_ERROR_SYSTEM = -17,
    // The library has a fault. Please report the words.
    SNOW_ERROR_PANIC = -18,
    // A cookie or a certificate cannot be used. The node keeps those that it has.
    SNOW_ERROR_UNUSABLE = -19,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum snow_status snow_status;
#else
typedef int32_t snow_status;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What an event is.
enum snow_event_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // A message: `data`, `length`, `is_term`, `pids`, `pid_count`.
    SNOW_EVENT_MESSAGE = 1,
    // A linked process has ended, or one has sent an exit signal: `from`, `reason`. Comes if the process traps exits, or if
    // the reason does not end it.
    SNOW_EVENT_EXIT = 2,
    // A monitored process has ended: `from`, `reason`, `reference`.
    SNOW_EVENT_DOWN = 3,
    // A session with a monitored node has begun: `data` and `length` are its name.
    SNOW_EVENT_NODE_UP = 4,
    // The session with a monitored node is over: `data` and `length` are its name.
    SNOW_EVENT_NODE_DOWN = 5,
    // The process itself has ended: `reason`. It is the last event of the process, and comes once, unless the process is
    // freed before.
    SNOW_EVENT_ENDED = 6,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum snow_event_kind snow_event_kind;
#else
typedef uint32_t snow_event_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// Why a process ended.
enum snow_reason_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // It had done its work.
    SNOW_REASON_NORMAL = 0,
    // It failed: the text says how.
    SNOW_REASON_ERROR = 1,
    // It was killed.
    SNOW_REASON_KILLED = 2,
    // It was asked to stop.
    SNOW_REASON_SHUTDOWN = 4,
    // A reason of the program's own: the text.
    SNOW_REASON_CUSTOM = 5,
    // The connection to its node was lost.
    SNOW_REASON_NOCONNECTION = 6,
    // A reason of a later version of the protocol: the text is its tag and the bytes after it.
    SNOW_REASON_UNKNOWN = 255,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum snow_reason_kind snow_reason_kind;
#else
typedef uint32_t snow_reason_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What a setting of a node is about, for `snow_builder_set`. Times are in milliseconds, sizes in bytes.
enum snow_setting
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // Threads that run the node, 1 to 256: 1 if it is not set.
    SNOW_SETTING_THREADS = 1,
    // After how long a silent peer is asked for a sign of life, 100 to 86 400 000: 60 000 if it is not set.
    SNOW_SETTING_HEARTBEAT_INTERVAL = 2,
    // How long it then has to give one, 100 to 86 400 000: 15 000 if it is not set.
    SNOW_SETTING_HEARTBEAT_TIMEOUT = 3,
    // The longest frame that the node reads, 65 536 to 16 777 216, which is the value if it is not set.
    SNOW_SETTING_FRAME_BYTES_MAX = 4,
    // Bytes of unfinished long messages that each session holds, at least 65 536: 134 217 728 if it is not set.
    SNOW_SETTING_REASSEMBLY_BYTES_MAX = 5,
    // Unfinished long messages that each session holds, at least 1: 64 if it is not set.
    SNOW_SETTING_FRAGMENTED_MESSAGES_MAX = 6,
    // Links and monitors on processes of this node that each session carries: 1 000 000 if it is not set.
    SNOW_SETTING_LINKS_AND_MONITORS_MAX = 7,
    // Connections at once that have not shown that they know the cookie, 1 to 4 096: 128 if it is not set.
    SNOW_SETTING_HANDSHAKES_MAX = 8,
    // The same of one address: 32 if it is not set.
    SNOW_SETTING_HANDSHAKES_PER_ADDRESS_MAX = 9,
    // Sessions at once, 1 to 65 536: 4 096 if it is not set.
    SNOW_SETTING_SESSIONS_MAX = 10,
    // Sessions at once that were accepted from one address, 1 to 65 536: 1 024 if it is not set.
    SNOW_SETTING_SESSIONS_PER_ADDRESS_MAX = 11,
    // Bytes that all mailboxes keep for other nodes: 1 073 741 824 if it is not set.
    SNOW_SETTING_MAILBOX_REMOTE_BYTES_MAX = 12,
    // Whether other nodes may send exit signals to processes that are not linked to the sender, 0 or 1: 1 if it is not set.
    // Setting it forgets the names that `snow_builder_remote_exit` has added.
    SNOW_SETTING_REMOTE_EXIT = 13,
    // Whether the keys of all channels are written to the file that the environment variable `SSLKEYLOGFILE` names, 0 or 1:
    // 0 if it is not set. For looking for faults only.
    SNOW_SETTING_KEY_LOG = 14,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum snow_setting snow_setting;
#else
typedef uint32_t snow_setting;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What a message from another node does to a full mailbox.
enum snow_when_full
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // It is dropped and counted.
    SNOW_WHEN_FULL_DROP = 0,
    // It ends the process with the error "mailbox full".
    SNOW_WHEN_FULL_END = 1,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum snow_when_full snow_when_full;
#else
typedef uint32_t snow_when_full;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// How much what is logged matters.
enum snow_log_level
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // Something does not work.
    SNOW_LOG_ERROR = 1,
    // The operator should know: a doubtful cookie, connections that were refused, processes that failed.
    SNOW_LOG_WARN = 2,
    // What happens: nodes that come and go.
    SNOW_LOG_INFO = 3,
    // For looking for faults.
    SNOW_LOG_DEBUG = 4,
    // For looking for faults, in detail.
    SNOW_LOG_TRACE = 5,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum snow_log_level snow_log_level;
#else
typedef uint32_t snow_log_level;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// The settings of a node that is not started yet. Zero is none.
typedef struct {
    // Never the same for two.
    uint64_t id;
} snow_builder;

// A node. Zero is none.
typedef struct {
    // Never the same for two.
    uint64_t id;
} snow_node;

// A function of the program that is told what a node logs: a level of `snow_log_level`, and a text that is there during the
// call.
typedef void (*snow_log)(void *user, uint32_t level, const char *text);

// Memory of the library that the program reads. Zero is none.
typedef struct {
    // Never the same for two.
    uint64_t id;
} snow_memory;

// Bytes that the library gives: a term, or a text. They are there until `snow_bytes_free`.
typedef struct {
    // The bytes. A zero byte that does not count follows them.
    const uint8_t *data;
    // How many they are.
    size_t length;
    // What `snow_bytes_free` frees.
    snow_memory memory;
} snow_bytes;

// A process of any node. A value, not a handle: it is copied freely, never freed, and compared by both numbers. It means
// something at the node that gave it alone.
typedef struct {
    // The number of its node, at the node that gave it: 0 is that node itself, the largest number one that could not be
    // named.
    uint64_t node;
    // Its number on its node: 40 bits, and above them the 8 bits of its node's creation.
    uint64_t process;
} snow_pid;

// A queue of events. Zero is none.
typedef struct {
    // Never the same for two.
    uint64_t id;
} snow_queue;

// A process of a node of this program, whose mailbox the program reads from a queue. Zero is none.
typedef struct {
    // Never the same for two.
    uint64_t id;
} snow_process;

// Why a process ended: a kind, a text for some of them, and the processes through which the end was passed on.
typedef struct {
    // One of `snow_reason_kind`.
    uint32_t kind;
    // The text, in UTF-8 except for unknown reasons; null if it has none. In what the library gives a zero byte follows it.
    const char *text;
    // Bytes of the text.
    size_t text_length;
    // The processes through which the end was passed on, the last one first; null if it came from the process itself.
    const snow_pid *pids;
    // How many they are.
    size_t pid_count;
} snow_reason;

// What has come for a process. What it points to is there until `snow_event_free`.
typedef struct {
    // One of `snow_event_kind`.
    uint32_t kind;
    // Whether the sender has marked the message as a term, and its bytes are one of the kind that the session has.
    bool is_term;
    // Whose event it is.
    snow_process process;
    // Who has ended.
    snow_pid from;
    // The monitor that is over, as `snow_monitor` gave it.
    uint64_t reference;
    // The bytes of the message, or a name, which a zero byte follows; null if there are none.
    const uint8_t *data;
    // How many bytes they are.
    size_t length;
    // The processes that the pids in a term stand for: in the bytes, the first pid is 0, the next is 1, and so on. A term
    // of the same bytes and pids can be sent with `snow_send_term`.
    const snow_pid *pids;
    // How many they are.
    size_t pid_count;
    // Why the process ended.
    snow_reason reason;
    // What `snow_event_free` frees.
    snow_memory memory;
} snow_event;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// Begins a node of this name: `name@host:port`, where other nodes find it. The port is 9000 if it says none, and 0 lets the
// system choose one. `snow_start` or `snow_builder_free` frees the builder.
snow_status snow_builder_new(const char *name,
                             snow_builder *builder);

// Adds a cookie: the secret that all nodes of a system share, bytes that nobody can guess. The first one signs, and further
// ones are accepted as well. The library copies it.
snow_status snow_builder_cookie(snow_builder builder,
                                const uint8_t *cookie,
                                size_t length);

// Adds the cookie in a file, which is read when the node starts. A line's end at the file's end is not part of it.
snow_status snow_builder_cookie_file(snow_builder builder, const char *path);

// Adds certificates to the cookie: the node proves by its own that it is the node of its name, and requires the same of its
// peers if `required`. The paths name PEM files: `chain` begins with the node's own certificate, which has the URI
// `snow-dist:NAME`, `key` is the private key of it, and `anchors` are the authorities that the node trusts. They are read when
// the node starts, and again by `snow_reload`. Pass `required` as false only while a system gets its certificates.
snow_status snow_builder_certificates(snow_builder builder,
                                      const char *chain,
                                      const char *key,
                                      const char *anchors,
                                      bool required);

// Lets a node send exit signals to processes that are not linked with the sender, by its name. From the first name on, only
// nodes that were named may do that. Setting `SNOW_SETTING_REMOTE_EXIT` forgets the names: the last call counts.
snow_status snow_builder_remote_exit(snow_builder builder,
                                     const char *peer);

// Listens at this address, `host:port`, instead of the one that the node's name says. Called again, it adds another one.
snow_status snow_builder_listen(snow_builder builder,
                                const char *address);

// Sets a number: see `snow_setting`. What is out of range is refused here, or by `snow_start`.
snow_status snow_builder_set(snow_builder builder, uint32_t setting, uint64_t value);

// Lets a node of version 1 in, by its name. `node_id` is the number by which it will know this node in the first session
// of the two, or 0 if that is not known. Nodes of version 1 prove little: read `security.md` of the specification first.
snow_status snow_builder_version_1(snow_builder builder,
                                   const char *peer,
                                   uint16_t node_id);

// Frees a builder of which no node was started.
snow_status snow_builder_free(snow_builder builder);

// Starts the node, and frees the builder, whether it starts or not. When this returns the node listens; threads of its own
// run it, whose number is `SNOW_SETTING_THREADS`. `snow_node_free` frees the node.
snow_status snow_start(snow_builder builder,
                       snow_node *node);

// The words of the last call on this thread that returned something else than `SNOW_OK`; empty if there was none. Never
// null, and never freed by the program: it is there until the next such call on the same thread.
const char *snow_last_error(void);

// The version of the library, as `1.2.3`. Never null, and there as long as the library.
const char *snow_version(void);

// Has what all nodes of the program log told to a function, up to a level of `snow_log_level`; null tells nobody. `user` is
// handed to the function and not used otherwise.
//
// The function is called on threads of the nodes and on those that make calls, several at a time, and a little longer after
// it has been replaced. It must return soon, as what is logged waits for it, and must not throw. It may make calls; those
// that can wait are `SNOW_ERROR_CALLBACK` on the threads of a node.
snow_status snow_set_log(snow_log told,
                         void *user,
                         uint32_t level_max);

// Ends all sessions of a node gracefully, then all its processes, then its threads. What is queued for other nodes
// is still sent, for at most 5 s. When this returns, its port is free, and each of its processes has
// `SNOW_EVENT_ENDED` in its queue. The node's handle is still to be freed. Every call that needs the node returns
// `SNOW_ERROR_STOPPED` from now on, this one too; when it does, the node is down: it waits for another thread that
// shuts it down.
snow_status snow_shutdown(snow_node node);

// Frees a node, and all its processes that were not freed; shuts it down first if it runs.
snow_status snow_node_free(snow_node node);

// Gives the name by which other nodes know this one, with its port. `snow_bytes_free` frees it.
snow_status snow_node_name(snow_node node, snow_bytes *name);

// Reads the files of cookies and certificates again, for each handshake that begins from now on. Sessions are not affected. If
// one of the files cannot be used, nothing changes, and it is `SNOW_ERROR_UNUSABLE`. The calling thread reads the files.
snow_status snow_reload(snow_node node);

// Makes sure that there is a session with a node, within `timeout` milliseconds; negative: as long as it takes. A dial that
// has begun is seen through even if the time is over.
snow_status snow_connect(snow_node node,
                         const char *name,
                         int64_t timeout);

// Begins to end the session with a node: what is queued is still sent, for at most 5 s. If there is none, it is
// `SNOW_ERROR_CONNECT`.
snow_status snow_disconnect(snow_node node, const char *name);

// Gives the names of all nodes with which there is a session, in alphabetical order, each followed by a line feed.
// `snow_bytes_free` frees them.
snow_status snow_nodes(snow_node node,
                       snow_bytes *names);

// Gives the pid of the process that is numbered `number` on a node, if there is a session with it: `SNOW_ERROR_CONNECT` if
// there is none. The number has 40 bits, those of `snow_pid.process` without the creation above them. Whether there is such a
// process, only that node knows.
snow_status snow_pid_on(snow_node node,
                        const char *name,
                        uint64_t number,
                        snow_pid *pid);

// Gives the name of the node that a process runs on: `SNOW_ERROR_CONNECT` if it is another one, and there is no session with
// it. `snow_bytes_free` frees it.
snow_status snow_node_of(snow_node node,
                         snow_pid pid,
                         snow_bytes *name);

// Registers a process of this node under a name, until it ends.
snow_status snow_register(snow_node node, const char *name, snow_pid pid);

// Takes a name away from whoever has it: `SNOW_ERROR_NO_PROCESS` if nobody does.
snow_status snow_unregister(snow_node node, const char *name);

// Gives who is registered under a name on this node: `SNOW_ERROR_NO_PROCESS` if nobody is.
snow_status snow_whereis(snow_node node, const char *name, snow_pid *pid);

// Kills a process of this node, if it is there. It cannot trap that; what is linked to it gets `SNOW_REASON_KILLED`.
// `SNOW_ERROR_NO_PROCESS` if it is one of another node.
snow_status snow_kill(snow_node node, snow_pid pid);

// `SNOW_OK` if the process is a living one of this node, `SNOW_ERROR_NO_PROCESS` if not.
snow_status snow_is_alive(snow_node node, snow_pid pid);

// Starts a process whose mailbox the program reads: what it receives comes to `queue`. Processes can share a queue. One whose
// events the program does not read fills it and so holds up the others: give it a queue of its own. `snow_process_free`
// frees the process.
snow_status snow_spawn(snow_node node,
                       snow_queue queue,
                       snow_process *process);

// Starts a process as `snow_spawn` does, whose mailbox holds at most `messages_max` messages, 1 or more, beside those that are
// in its queue. `when_full`, one of `snow_when_full`, says what one from another node then does; senders of the same node
// wait.
snow_status snow_spawn_bounded(snow_node node,
                               snow_queue queue,
                               uint64_t messages_max,
                               uint32_t when_full,
                               snow_process *process);

// Frees a process. One that lives ends with `SNOW_REASON_NORMAL`. Events of it that were not read do not come any more.
snow_status snow_process_free(snow_process process);

// Gives the pid of a process, by which others send to it. It has one still when it has ended.
snow_status snow_self(snow_process process, snow_pid *pid);

// Sends a message from a process. A message to a process that is not there is dropped. While the other node's queue, or a
// bounded mailbox of this node, is full it waits for room: at most `timeout` milliseconds, and then `SNOW_TIMEOUT` says
// that it is not sent; negative: as long as it takes. The library copies the bytes.
snow_status snow_send(snow_process process,
                      snow_pid to,
                      const uint8_t *data,
                      size_t length,
                      int64_t timeout);

// Sends a term as `snow_send` sends a message; the receiver is told that it is one, if the session can say so. In the bytes,
// the first pid is 0, the next is 1, and so on: `pids` says which processes they are. `SNOW_ERROR_TERM` if the bytes are not
// one whole term, or have other pids.
snow_status snow_send_term(snow_process process,
                           snow_pid to,
                           const uint8_t *term,
                           size_t length,
                           const snow_pid *pids,
                           size_t pid_count,
                           int64_t timeout);

// Sends a message as `snow_send` does, to whoever is registered under `name` on a node, which can be the own one.
snow_status snow_send_named(snow_process process,
                            const char *name,
                            const char *node,
                            const uint8_t *data,
                            size_t length,
                            int64_t timeout);

// Sends a term as `snow_send_term` does, to whoever is registered under `name` on a node. A term with pids is
// `SNOW_ERROR_REFUSED` if the session with that node lacks the capability `names`.
snow_status snow_send_named_term(snow_process process,
                                 const char *name,
                                 const char *node,
                                 const uint8_t *term,
                                 size_t length,
                                 const snow_pid *pids,
                                 size_t pid_count,
                                 int64_t timeout);

// Links a process and another: the end of one is an exit signal for the other. If there is no such process, or no session
// with its node, that signal comes at once. It waits as `snow_send` does.
snow_status snow_link(snow_process process,
                      snow_pid to,
                      int64_t timeout);

// Ends a link, if there is one. No exit signal of it comes to the mailbox any more; one that is there, or in the queue,
// stays.
snow_status snow_unlink(snow_process process,
                        snow_pid from);

// Monitors a process: its end becomes one `SNOW_EVENT_DOWN` with this `reference`. If there is no such process, or no
// session with its node, that comes at once. It waits as `snow_send` does.
snow_status snow_monitor(snow_process process, snow_pid of, int64_t timeout, uint64_t *reference);

// Ends a monitor, if it is one of this process and not over. Its `SNOW_EVENT_DOWN` does not come to the mailbox any more;
// one that is there, or in the queue, stays.
snow_status snow_demonitor(snow_process process,
                           uint64_t reference);

// Monitors a node: when a session with it begins and ends, `SNOW_EVENT_NODE_UP` and `SNOW_EVENT_NODE_DOWN` come. Twice is
// once.
snow_status snow_monitor_node(snow_process process,
                              const char *name);

// Stops monitoring a node.
snow_status snow_demonitor_node(snow_process process, const char *name);

// Sets whether exit signals become events, whatever their reason. Otherwise one with another reason than
// `SNOW_REASON_NORMAL` and `SNOW_REASON_SHUTDOWN` ends the process.
snow_status snow_trap_exit(snow_process process, bool trap);

// Ends a process with a reason; `SNOW_REASON_NORMAL` if it is null. Whoever is linked to it or monitors it learns of it. The
// handle is still to be freed.
snow_status snow_exit(snow_process process,
                      const snow_reason *reason);

// Sends another process an exit signal, linked or not. It ends that process unless that traps exits, or the reason is
// `SNOW_REASON_NORMAL` or `SNOW_REASON_SHUTDOWN`. `SNOW_ERROR_REFUSED` if one of the two nodes does not allow it. It waits as
// `snow_send` does.
snow_status snow_send_exit(snow_process process,
                           snow_pid to,
                           const snow_reason *reason,
                           int64_t timeout);

// Opens a queue for so many events of processes, 1 to `SNOW_QUEUE_EVENTS_MAX`, or `SNOW_QUEUE_EVENTS_DEFAULT` with 0. What does
// not fit waits in the mailboxes. A queue belongs to no node: processes of several can share one. `snow_queue_free` frees it.
snow_status snow_queue_new(uint64_t events_max,
                           snow_queue *queue);

// Frees a queue to which no process delivers any more, else `SNOW_ERROR_IN_USE`. Whoever waits in it gets
// `SNOW_ERROR_HANDLE`.
snow_status snow_queue_free(snow_queue queue);

// Takes the next event out of a queue; waits for one at most `timeout` milliseconds, and then returns `SNOW_TIMEOUT`;
// negative: as long as it takes. `snow_event_free` frees the event. Threads can take from one queue at the same time.
snow_status snow_queue_next(snow_queue queue, int64_t timeout, snow_event *event);

// Gives a descriptor that can be read from, as `poll` sees it, while there are events. The program polls it and does nothing
// else with it; take events with a `timeout` of 0 until `SNOW_TIMEOUT`. It is the queue's, and closed when that is freed.
// `SNOW_ERROR_UNSUPPORTED` on systems without descriptors.
snow_status snow_queue_descriptor(snow_queue queue,
                                  int32_t *descriptor);

// Frees what an event points to, and makes it the event of nothing. Any other copy of the event is freed with it.
snow_status snow_event_free(snow_event *event);

// Frees bytes that the library has given, and makes them no bytes. Any other copy is freed with them.
snow_status snow_bytes_free(snow_bytes *bytes);

// Gives the bytes of a term that JSON describes: each value with its type, as the command `snow-dist decode --json` shows it.
// `{"type": "tuple", "values": [{"type": "int", "value": "7"}, {"type": "string", "value": "seven"}]}`; a pid is
// `{"type": "pid", "value": {"node": 0, "creation": 0, "local": 0}}`, where `local` is its number in the term. `snow_bytes_free`
// frees the bytes.
snow_status snow_term_from_json(const uint8_t *json,
                                size_t length,
                                snow_bytes *term);

// Gives the JSON of a term, of the form that `snow_term_from_json` reads. `SNOW_ERROR_TERM` if the bytes are not one whole
// term. `snow_bytes_free` frees it.
snow_status snow_term_to_json(const uint8_t *term,
                              size_t length,
                              snow_bytes *json);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* SNOW_DIST_H */
