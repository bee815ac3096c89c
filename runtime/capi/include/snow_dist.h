/*
 * Snow DIST for C: nodes on different machines that form one actor system.
 *
 * README.md, beside the sources of the library, has the rules for all functions: errors, handles, threads and memory.
 * cbindgen generates this file: change the sources, not this file.
 */

#ifndef SNOW_DIST_H
#define SNOW_DIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The maximum number of nodes that a program can have at the same time. Each node has its own threads and sockets.
#define SNOW_NODES_MAX 1024

// The maximum number of builders at the same time. A builder holds the settings of a node that is not started yet.
#define SNOW_BUILDERS_MAX 1024

// The maximum number of queues at the same time. A queue uses two descriptors of the program once its descriptor has
// been requested.
#define SNOW_QUEUES_MAX 65536

// The maximum number of processes of all nodes at the same time, including processes that have ended and were not
// freed. Each process takes about one kilobyte.
#define SNOW_PROCESSES_MAX 4194304

// The maximum number of events and bytes (`snow_event`, `snow_bytes`) that the library has returned and the program
// has not freed. A program that frees what it has read needs one for each of its threads.
#define SNOW_HELD_MAX 65536

// The largest number of events that can be set for a queue. Events that do not fit stay in the mailboxes of the
// processes. The last event of a process, `SNOW_EVENT_ENDED`, always fits.
#define SNOW_QUEUE_EVENTS_MAX 1048576

// The default number of events in a queue. With this number a reader is woken once for many events, and events of
// different processes are still read nearly in the order in which they arrived.
#define SNOW_QUEUE_EVENTS_DEFAULT 1024

// The maximum number of bytes of all messages in a queue. A message that does not fit stays in the mailbox of its
// process until the program has taken enough other events.
#define SNOW_QUEUE_BYTES_MAX 67108864

// The maximum length of the JSON that `snow_term_from_json` accepts, in bytes.
#define SNOW_JSON_BYTES_MAX 67108864

// The maximum number of threads of one node (`SNOW_SETTING_THREADS`).
#define SNOW_THREADS_MAX 256

// The maximum length of a text that is passed to the library, in bytes: a name, a path, or the text of a reason. A
// longer text is refused with `SNOW_ERROR_ARGUMENT`. Other nodes receive at most 4 078 bytes of the text of a reason.
#define SNOW_TEXT_BYTES_MAX 65536

// The maximum number of pids in a reason that is passed to the library. More pids are refused with
// `SNOW_ERROR_ARGUMENT`. Other nodes receive about 450 of them.
#define SNOW_REASON_PIDS_MAX 1024

// The result of a call: `SNOW_OK`, or the reason why the call has failed. `snow_last_error` describes the reason in
// words.
enum snow_status
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // The call has succeeded.
    SNOW_OK = 0,
    // The action was not possible within the given time, and was not carried out. Try again, or give more time.
    SNOW_TIMEOUT = -1,
    // A handle is zero, was freed, or belongs to an object of another kind.
    SNOW_ERROR_HANDLE = -2,
    // An argument is not valid: a pointer is null, a text is not UTF-8 or is too long, a name is not a node name, or
    // a number is out of range.
    SNOW_ERROR_ARGUMENT = -3,
    // The node has been shut down.
    SNOW_ERROR_STOPPED = -4,
    // The process for which the call was made has ended.
    SNOW_ERROR_ENDED = -5,
    // The other node does not accept the action: a message is too long, there are too many links and monitors, or the
    // session lacks a capability that the action needs.
    SNOW_ERROR_REFUSED = -6,
    // The node cannot start: its name, a cookie, a certificate or a setting is not valid, or the node cannot listen
    // at an address.
    SNOW_ERROR_START = -7,
    // There is no session with the other node, or none could be established.
    SNOW_ERROR_CONNECT = -8,
    // A process has the name already, possibly the process that was to be registered.
    SNOW_ERROR_NAME_TAKEN = -9,
    // The process does not exist on this node, or no process has the name.
    SNOW_ERROR_NO_PROCESS = -10,
    // The bytes are not a term, the pids do not fit the term, or the JSON does not describe a term.
    SNOW_ERROR_TERM = -11,
    // A limit of this library is reached. `snow_last_error` names the limit.
    SNOW_ERROR_LIMIT = -12,
    // Processes still deliver events to the queue. Free these processes first.
    SNOW_ERROR_IN_USE = -13,
    // The call can wait, and was made on a thread of a node, by a function that the library had called
    // (`snow_set_log`). Make the call on another thread.
    SNOW_ERROR_CALLBACK = -14,
    // The program has forked since it first used the library. The child has no nodes.
    SNOW_ERROR_FORKED = -15,
    // The function is not available on this system or in this program.
    SNOW_ERROR_UNSUPPORTED = -16,
    // The operating system does not provide a resource, such as a thread or a descriptor.
    SNOW_ERROR_SYSTEM = -17,
    // The library has a defect. Please report the text of `snow_last_error`.
    SNOW_ERROR_PANIC = -18,
    // A cookie or a certificate cannot be used. The node keeps its previous cookies and certificates.
    SNOW_ERROR_UNUSABLE = -19,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum snow_status snow_status;
#else
typedef int32_t snow_status;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// The kind of an event.
enum snow_event_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // A message. The fields `data`, `length`, `is_term`, `pids` and `pid_count` are set.
    SNOW_EVENT_MESSAGE = 1,
    // An exit signal: a linked process has ended, or a process has sent the signal (`snow_send_exit`). The fields
    // `from` and `reason` are set. A process that traps exits (`snow_trap_exit`) receives all exit signals. Any other
    // process receives only those that do not end it.
    SNOW_EVENT_EXIT = 2,
    // A monitored process has ended, or the session with its node has ended (`SNOW_REASON_NOCONNECTION`). The fields
    // `from`, `reason` and `reference` are set.
    SNOW_EVENT_DOWN = 3,
    // A session with a watched node has begun. The fields `data` and `length` contain the name of the node.
    SNOW_EVENT_NODE_UP = 4,
    // The session with a watched node has ended. The fields `data` and `length` contain the name of the node.
    SNOW_EVENT_NODE_DOWN = 5,
    // The process itself has ended. The field `reason` is set. This is the last event of the process. It comes once,
    // unless the process is freed before.
    SNOW_EVENT_ENDED = 6,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum snow_event_kind snow_event_kind;
#else
typedef uint32_t snow_event_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// The kind of a reason why a process has ended.
enum snow_reason_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // The process has finished its work.
    SNOW_REASON_NORMAL = 0,
    // The process has failed. The text describes the error.
    SNOW_REASON_ERROR = 1,
    // The process was killed.
    SNOW_REASON_KILLED = 2,
    // The process was asked to stop.
    SNOW_REASON_SHUTDOWN = 4,
    // A reason that the program has defined. The text contains it.
    SNOW_REASON_CUSTOM = 5,
    // The session with the node of the process has ended.
    SNOW_REASON_NOCONNECTION = 6,
    // A reason from a later version of the protocol. The text contains the tag of the reason and the bytes after the
    // tag.
    SNOW_REASON_UNKNOWN = 255,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum snow_reason_kind snow_reason_kind;
#else
typedef uint32_t snow_reason_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// A setting of a node, for `snow_builder_set`. Times are in milliseconds, and sizes in bytes.
enum snow_setting
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // The number of threads that run the node, from 1 to 256. The default is 1.
    SNOW_SETTING_THREADS = 1,
    // The interval of the heartbeat, from 100 to 86 400 000. When nothing has come from a peer for this time, the
    // node sends a PING. The default is 60 000.
    SNOW_SETTING_HEARTBEAT_INTERVAL = 2,
    // The timeout of the heartbeat, from 100 to 86 400 000. If nothing comes from the peer for this time after a
    // PING, the session ends. The default is 15 000.
    SNOW_SETTING_HEARTBEAT_TIMEOUT = 3,
    // The maximum length of a frame that the node reads, from 65 536 to 16 777 216, which is the default.
    SNOW_SETTING_FRAME_BYTES_MAX = 4,
    // The maximum memory per session for fragmented messages that are not complete, at least 65 536. The default is
    // 134 217 728.
    SNOW_SETTING_REASSEMBLY_BYTES_MAX = 5,
    // The maximum number of fragmented messages per session that are not complete, from 1 to 65 536. The default is
    // 64.
    SNOW_SETTING_FRAGMENTED_MESSAGES_MAX = 6,
    // The maximum number of links, monitors and calls that each peer may have with processes of this node. The
    // default is 1 000 000.
    SNOW_SETTING_LINKS_AND_MONITORS_MAX = 7,
    // The maximum number of accepted connections that have not yet proven that they know the cookie, from 1 to 4 096.
    // The default is 128.
    SNOW_SETTING_HANDSHAKES_MAX = 8,
    // The maximum number of such connections from one address, from 1 to 4 096. The default is 32.
    SNOW_SETTING_HANDSHAKES_PER_ADDRESS_MAX = 9,
    // The maximum number of sessions, from 1 to 65 536. The default is 4 096.
    SNOW_SETTING_SESSIONS_MAX = 10,
    // The maximum number of sessions that were accepted from one address, from 1 to 65 536. The default is 1 024.
    SNOW_SETTING_SESSIONS_PER_ADDRESS_MAX = 11,
    // The maximum memory that all mailboxes together use for items from other nodes. The default is 1 073 741 824.
    SNOW_SETTING_MAILBOX_REMOTE_BYTES_MAX = 12,
    // 1 if other nodes may send exit signals to processes of this node (`snow_send_exit`), which is the default, or
    // 0. This setting removes the names that `snow_builder_remote_exit` has added.
    SNOW_SETTING_REMOTE_EXIT = 13,
    // 1 to write the keys of all TLS channels to the file that the environment variable `SSLKEYLOGFILE` names, or 0,
    // which is the default. Anybody who has the file can decrypt all traffic: use this for debugging only.
    SNOW_SETTING_KEY_LOG = 14,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum snow_setting snow_setting;
#else
typedef uint32_t snow_setting;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// The policy for a message from another node that does not fit into the mailbox.
enum snow_when_full
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // The message is dropped, and a warning is logged.
    SNOW_WHEN_FULL_DROP = 0,
    // The process ends with the error "mailbox full".
    SNOW_WHEN_FULL_END = 1,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum snow_when_full snow_when_full;
#else
typedef uint32_t snow_when_full;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// The level of a log message.
enum snow_log_level
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // A part of the program has stopped working.
    SNOW_LOG_ERROR = 1,
    // A problem that the operator should know of, such as a doubtful cookie, or a process that has failed.
    SNOW_LOG_WARN = 2,
    // A normal event, such as the beginning or the end of a session, or a refused connection.
    SNOW_LOG_INFO = 3,
    // A detail that helps to investigate a problem.
    SNOW_LOG_DEBUG = 4,
    // A finer detail that helps to investigate a problem.
    SNOW_LOG_TRACE = 5,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum snow_log_level snow_log_level;
#else
typedef uint32_t snow_log_level;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// A handle to the settings of a node that is not started yet. An `id` of 0 is not a handle.
typedef struct {
    // The number of the handle. No two handles have the same number.
    uint64_t id;
} snow_builder;

// A handle to a node. An `id` of 0 is not a handle.
typedef struct {
    // The number of the handle. No two handles have the same number.
    uint64_t id;
} snow_node;

// A function of the program that receives log messages. Its arguments are the `user` pointer of `snow_set_log`, a
// level of `snow_log_level`, and a text that is valid only during the call.
typedef void (*snow_log)(void *user, uint32_t level, const char *text);

// A handle to memory of the library that the program reads. An `id` of 0 stands for no memory.
typedef struct {
    // The number of the handle. No two handles have the same number.
    uint64_t id;
} snow_memory;

// Bytes from the library: a term or a text. They are valid until `snow_bytes_free`.
typedef struct {
    // The bytes, followed by a zero byte.
    const uint8_t *data;
    // The number of bytes, without the zero byte.
    size_t length;
    // The memory that `snow_bytes_free` frees.
    snow_memory memory;
} snow_bytes;

// The id of a process on any node. A pid is a value and not a handle: it can be copied, is never freed, and is
// compared by both numbers. It is valid only at the node that returned it.
typedef struct {
    // The number of the node of the process: 0 stands for the node that returned the pid, and the largest number for
    // an unknown node.
    uint64_t node;
    // The number of the process on its node, in the lower 40 bits, and the creation of that node in the 8 bits above.
    uint64_t process;
} snow_pid;

// A handle to a queue of events. An `id` of 0 is not a handle.
typedef struct {
    // The number of the handle. No two handles have the same number.
    uint64_t id;
} snow_queue;

// A handle to a process of a node of this program. The program reads the events of the process from a queue. An `id`
// of 0 is not a handle.
typedef struct {
    // The number of the handle. No two handles have the same number.
    uint64_t id;
} snow_process;

// A reason why a process has ended: a kind, for some kinds a text, and the processes whose links have passed the end
// on.
typedef struct {
    // One of `snow_reason_kind`.
    uint32_t kind;
    // The text, or null if there is none. It is UTF-8, except for an unknown reason. In a reason from the library, a
    // zero byte follows the text.
    const char *text;
    // The length of the text, in bytes, without the zero byte.
    size_t text_length;
    // The processes whose links have passed the end on, the last one first, or null if there are none.
    const snow_pid *pids;
    // The number of pids.
    size_t pid_count;
} snow_reason;

// An event of a process. The pointers are valid until `snow_event_free`.
typedef struct {
    // One of `snow_event_kind`. Programs should ignore events of any other kind.
    uint32_t kind;
    // True if the sender has marked the message as a term, and the bytes are a term of a kind that the session can
    // carry.
    bool is_term;
    // The process that has received the event.
    snow_process process;
    // The process that has ended, or that has sent the exit signal.
    snow_pid from;
    // The reference of the monitor, as `snow_monitor` returned it. The monitor no longer exists.
    uint64_t reference;
    // The bytes of a message, or the name of a node followed by a zero byte. Null if there are no bytes.
    const uint8_t *data;
    // The number of bytes, without the zero byte.
    size_t length;
    // The processes that the pids in a term stand for. In the bytes, the first pid is 0, the next one is 1, and so
    // on. `snow_send_term` accepts the same bytes and pids. Null if there are none.
    const snow_pid *pids;
    // The number of pids.
    size_t pid_count;
    // The reason why a process has ended.
    snow_reason reason;
    // The memory that `snow_event_free` frees.
    snow_memory memory;
} snow_event;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// Creates a builder for a node with this name, `name@host:port`, at which other nodes reach the node. The default
// port is 9000. With port 0 the operating system chooses a port. `snow_start` checks the name. The builder is freed
// by `snow_start` or `snow_builder_free`.
snow_status snow_builder_new(const char *name, snow_builder *builder);

// Adds a cookie, the secret that all nodes of the system share. A cookie must not be guessable. The node signs with
// the first cookie, and accepts all of them.
snow_status snow_builder_cookie(snow_builder builder, const uint8_t *cookie, size_t length);

// Adds the content of a file as a cookie. The node reads the file when it starts, and again when `snow_reload` is
// called. A line ending at the end of the file is not part of the cookie.
snow_status snow_builder_cookie_file(snow_builder builder, const char *path);

// Gives the node its own certificate and, if `required` is true, makes the node require a certificate from every
// peer. A cookie is still needed.
//
// The paths name PEM files. `chain` contains the node's own certificate first, which must contain the URI
// `snow-dist:NAME` with the name of the node. `key` contains the private key of this certificate. `anchors` contains
// the certificates of the trusted authorities. The node reads the files when it starts, and again when `snow_reload`
// is called. Pass `required` as false only while certificates are being introduced into a running system.
snow_status snow_builder_certificates(snow_builder builder,
                                      const char *chain,
                                      const char *key,
                                      const char *anchors,
                                      bool required);

// Adds the name of a node that may send exit signals to processes of this node (`snow_send_exit`). Once a name was
// added, only nodes whose names were added may do so. Without a port in the name, port 9000 is assumed. Setting
// `SNOW_SETTING_REMOTE_EXIT` removes the names, so the last call counts.
snow_status snow_builder_remote_exit(snow_builder builder, const char *peer);

// Adds an address, `host:port`, at which the node listens instead of the address in its name. This function can be
// called several times.
snow_status snow_builder_listen(snow_builder builder, const char *address);

// Sets a number: see `snow_setting`. A value that is out of range is refused by this function with
// `SNOW_ERROR_ARGUMENT`, or by `snow_start` with `SNOW_ERROR_START`.
snow_status snow_builder_set(snow_builder builder, uint32_t setting, uint64_t value);

// Adds the name of a version 1 node with which this node may have sessions. `node_id` is the node id by which the
// version 1 node will know this node in their first session, or 0 if that is not known. The handshake of version 1
// proves little: read `security.md` of the specification first.
snow_status snow_builder_version_1(snow_builder builder, const char *peer, uint16_t node_id);

// Frees a builder that was not passed to `snow_start`.
snow_status snow_builder_free(snow_builder builder);

// Starts the node, and frees the builder even if the start fails. When this function returns, the node listens. The
// node runs in its own threads (`SNOW_SETTING_THREADS`). Free the node with `snow_node_free`.
snow_status snow_start(snow_builder builder, snow_node *node);

// Returns the description of the last call on this thread that did not return `SNOW_OK`, or an empty text if there
// was none. Never returns null. Do not free the text. It is valid until the next such call on the same thread.
const char *snow_last_error(void);

// Returns the version of the library, such as `1.2.3`. Never returns null. The text is valid as long as the library
// is loaded.
const char *snow_version(void);

// Sets the function that receives the log messages of all nodes of the program, up to a level of `snow_log_level`.
// Null removes the function. `user` is passed to the function, and is not used otherwise. Returns
// `SNOW_ERROR_UNSUPPORTED` if another part of the program receives the log of Rust libraries.
//
// The library calls the function on threads of the nodes and on threads that make calls, also at the same time, and
// for a short time even after the function was replaced. The function must return soon, because the library waits for
// it, and must not throw. It may call the library. On a thread of a node, however, functions that can wait return
// `SNOW_ERROR_CALLBACK`.
snow_status snow_set_log(snow_log told, void *user, uint32_t level_max);

// Shuts a node down: ends all its sessions gracefully, then all its processes, and then its threads. Data that is
// queued for other nodes is still sent, for at most 5 s. When this function returns, the port of the node is free,
// and each of its processes has `SNOW_EVENT_ENDED` in its queue.
//
// Every later call that needs the node returns `SNOW_ERROR_STOPPED`. This includes a second call of this function,
// which first waits until the node is down. Free the handle of the node with `snow_node_free`.
snow_status snow_shutdown(snow_node node);

// Frees a node and all its processes that were not freed. Shuts the node down first if it runs.
snow_status snow_node_free(snow_node node);

// Writes the name of the node, with its port, to `name`. Free the name with `snow_bytes_free`.
snow_status snow_node_name(snow_node node, snow_bytes *name);

// Reads the files of cookies and certificates again, and uses their content in each handshake that begins from now
// on. Sessions are not affected. If one of the files cannot be used, nothing changes, and the result is
// `SNOW_ERROR_UNUSABLE`. The call blocks its thread until the files are read.
snow_status snow_reload(snow_node node);

// Establishes a session with a node, and returns when the session exists. If there is a session already, returns at
// once. Waits for at most `timeout` milliseconds, or without a limit if `timeout` is negative. A dial that has begun
// continues after the timeout. Without a port in the name, port 9000 is assumed. Returns `SNOW_ERROR_CONNECT` if no
// session could be established.
snow_status snow_connect(snow_node node, const char *name, int64_t timeout);

// Starts to end the session with a node, and returns at once. Queued data is still sent, for at most 5 s. Returns
// `SNOW_ERROR_CONNECT` if there is no session with the node.
snow_status snow_disconnect(snow_node node, const char *name);

// Writes the names of all nodes with which there is a session to `names`, in alphabetical order, each followed by a
// line feed. Free the names with `snow_bytes_free`.
snow_status snow_nodes(snow_node node, snow_bytes *names);

// Writes the pid of the process with the number `number` on a node to `pid`. The number is the lower 40 bits of
// `snow_pid.process`. Returns `SNOW_ERROR_CONNECT` if there is no session with the node. The process need not exist:
// only the other node knows whether it does.
snow_status snow_pid_on(snow_node node, const char *name, uint64_t number, snow_pid *pid);

// Writes the name of the node on which a process runs to `name`. Free the name with `snow_bytes_free`. Returns
// `SNOW_ERROR_CONNECT` if that is another node, and there is no session with it.
snow_status snow_node_of(snow_node node, snow_pid pid, snow_bytes *name);

// Registers a process of this node under a name, until the process ends or the name is removed (`snow_unregister`).
// Returns `SNOW_ERROR_NAME_TAKEN` if a process has the name already, and `SNOW_ERROR_NO_PROCESS` if the process does
// not exist on this node.
snow_status snow_register(snow_node node, const char *name, snow_pid pid);

// Removes a name on this node from the process that has it. Returns `SNOW_ERROR_NO_PROCESS` if no process has the
// name.
snow_status snow_unregister(snow_node node, const char *name);

// Writes the pid of the process that is registered under a name on this node to `pid`. Returns
// `SNOW_ERROR_NO_PROCESS` if no process has the name.
snow_status snow_whereis(snow_node node, const char *name, snow_pid *pid);

// Kills a process of this node. The process cannot trap this. Processes that are linked with it receive an exit
// signal with `SNOW_REASON_KILLED`. Killing a process that has ended has no effect. Returns `SNOW_ERROR_NO_PROCESS`
// if the process runs on another node.
snow_status snow_kill(snow_node node, snow_pid pid);

// Returns `SNOW_OK` if the process is a live process of this node, and `SNOW_ERROR_NO_PROCESS` otherwise.
snow_status snow_is_alive(snow_node node, snow_pid pid);

// Starts a process. The items that it receives arrive as events in `queue`, from which the program takes them.
// Several processes can share a queue. While a queue is full, all of them wait, so give a process whose events the
// program may leave unread its own queue. Free the process with `snow_process_free`.
snow_status snow_spawn(snow_node node, snow_queue queue, snow_process *process);

// Starts a process as `snow_spawn` does, with a mailbox that holds at most `messages_max` messages, 1 or more.
// Messages that are already in the queue do not count. When the mailbox is full, senders on the same node wait, and
// `when_full`, one of `snow_when_full`, applies to messages from other nodes.
snow_status snow_spawn_bounded(snow_node node,
                               snow_queue queue,
                               uint64_t messages_max,
                               uint32_t when_full,
                               snow_process *process);

// Frees a process. If the process is alive, it ends with `SNOW_REASON_NORMAL`. Its unread events are discarded.
snow_status snow_process_free(snow_process process);

// Writes the pid of a process to `pid`. Other processes need the pid to send to the process. This also works after
// the end of the process.
snow_status snow_self(snow_process process, snow_pid *pid);

// Sends a message from a process. A message to a process that does not exist, or to a node without a session, is
// dropped.
//
// While the queue of the session with the other node is full, or a bounded mailbox on this node is full, the function
// waits, for at most `timeout` milliseconds, or without a limit if `timeout` is negative. `SNOW_TIMEOUT` means that
// the message was not sent.
snow_status snow_send(snow_process process, snow_pid to, const uint8_t *data, size_t length, int64_t timeout);

// Sends a term as `snow_send` sends a message. The receiver learns that the message is a term, if the session can
// carry this mark. In the bytes, the first pid must be 0, the next one 1, and so on. `pids` contains the processes
// that they stand for. Returns `SNOW_ERROR_TERM` if the bytes are not exactly one term, or if the pids do not fit the
// term.
snow_status snow_send_term(snow_process process,
                           snow_pid to,
                           const uint8_t *term,
                           size_t length,
                           const snow_pid *pids,
                           size_t pid_count,
                           int64_t timeout);

// Sends a message as `snow_send` does, to the process that is registered under `name` on the node `node`, which can
// be the node of the sender or another one. If no process has the name, the message is dropped. If `node` has no
// port, port 9000 is assumed.
snow_status snow_send_named(snow_process process,
                            const char *name,
                            const char *node,
                            const uint8_t *data,
                            size_t length,
                            int64_t timeout);

// Sends a term as `snow_send_term` does, to the process that is registered under `name` on the node `node`. Returns
// `SNOW_ERROR_REFUSED` if the term contains pids, and the session with that node lacks the capability `names`.
snow_status snow_send_named_term(snow_process process,
                                 const char *name,
                                 const char *node,
                                 const uint8_t *term,
                                 size_t length,
                                 const snow_pid *pids,
                                 size_t pid_count,
                                 int64_t timeout);

// Links a process with another one: when one of them ends, the other receives an exit signal. If the other process
// does not exist, or if there is no session with its node, the exit signal comes at once. Waits as `snow_send` does.
snow_status snow_link(snow_process process, snow_pid to, int64_t timeout);

// Removes a link, if there is one. After this call, no exit signal of the link enters the mailbox. A signal that is
// already in the mailbox or in the queue stays there.
snow_status snow_unlink(snow_process process, snow_pid from);

// Monitors a process, and writes the reference of the monitor to `reference`. When the other process ends, this
// process receives one `SNOW_EVENT_DOWN` with this reference. If the other process does not exist, or if there is no
// session with its node, the event comes at once. Waits as `snow_send` does.
snow_status snow_monitor(snow_process process, snow_pid of, int64_t timeout, uint64_t *reference);

// Removes a monitor of the process, if it still exists. After this call, no `SNOW_EVENT_DOWN` of the monitor enters
// the mailbox. An event that is already in the mailbox or in the queue stays there.
snow_status snow_demonitor(snow_process process, uint64_t reference);

// Starts watching a node: from now on the process receives `SNOW_EVENT_NODE_UP` when a session with the node begins,
// and `SNOW_EVENT_NODE_DOWN` when the session ends. A session that already exists causes no `SNOW_EVENT_NODE_UP`.
// Watching a node twice has the effect of watching it once.
snow_status snow_monitor_node(snow_process process, const char *name);

// Stops watching a node. Events that are already in the mailbox or in the queue stay there.
snow_status snow_demonitor_node(snow_process process, const char *name);

// Sets whether a process traps exits. A process that traps exits receives each exit signal as an event. Any other
// process receives only signals with `SNOW_REASON_NORMAL` and `SNOW_REASON_SHUTDOWN`, and is ended by all others.
snow_status snow_trap_exit(snow_process process, bool trap);

// Ends a process with a reason. If `reason` is null, the reason is `SNOW_REASON_NORMAL`. Processes that are linked
// with the process, or that monitor it, receive the reason. The handle must still be freed with `snow_process_free`.
snow_status snow_exit(snow_process process, const snow_reason *reason);

// Sends an exit signal from a process to another one, whether the two are linked or not. The signal ends the
// receiver, unless the receiver traps exits or the reason is `SNOW_REASON_NORMAL` or `SNOW_REASON_SHUTDOWN`. If
// `reason` is null, the reason is `SNOW_REASON_NORMAL`. Returns `SNOW_ERROR_REFUSED` if one of the two nodes does not
// let the other send exit signals. Waits as `snow_send` does.
snow_status snow_send_exit(snow_process process, snow_pid to, const snow_reason *reason, int64_t timeout);

// Creates a queue for up to `events_max` events, from 1 to `SNOW_QUEUE_EVENTS_MAX`. If `events_max` is 0, the number
// is `SNOW_QUEUE_EVENTS_DEFAULT`. Events that do not fit wait in the mailboxes. Processes of several nodes can share
// a queue. Free the queue with `snow_queue_free`.
snow_status snow_queue_new(uint64_t events_max, snow_queue *queue);

// Frees a queue. Returns `SNOW_ERROR_IN_USE` while there are processes that deliver to the queue and were not freed.
// Threads that wait in `snow_queue_next` get the result `SNOW_ERROR_HANDLE`.
snow_status snow_queue_free(snow_queue queue);

// Takes the next event out of a queue, and writes it to `event`. Waits for an event for at most `timeout`
// milliseconds, and then returns `SNOW_TIMEOUT`. If `timeout` is negative, the wait has no limit. Free the event with
// `snow_event_free`. Several threads can take events from one queue at the same time.
snow_status snow_queue_next(snow_queue queue, int64_t timeout, snow_event *event);

// Writes a descriptor to `descriptor` that is readable, in the sense of `poll`, while the queue contains events. Only
// poll the descriptor: do not read from it, and do not close it. When it is readable, call `snow_queue_next` with a
// `timeout` of 0 until the result is `SNOW_TIMEOUT`. The library closes the descriptor when the queue is freed.
// Returns `SNOW_ERROR_UNSUPPORTED` on systems without descriptors.
snow_status snow_queue_descriptor(snow_queue queue, int32_t *descriptor);

// Frees the memory to which an event points, and clears the event. All copies of the event become invalid.
snow_status snow_event_free(snow_event *event);

// Frees bytes that the library has returned, and clears the struct. All copies of the struct become invalid.
snow_status snow_bytes_free(snow_bytes *bytes);

// Writes the bytes of the term that JSON describes to `term`. Free the bytes with `snow_bytes_free`. Returns
// `SNOW_ERROR_TERM` if the JSON does not describe a term.
//
// In the JSON, each value has its type, as in the output of the command `snow-dist decode --json`, for example
// `{"type": "tuple", "values": [{"type": "int", "value": "7"}, {"type": "string", "value": "seven"}]}`. A pid is
// `{"type": "pid", "value": {"node": 0, "creation": 0, "local": 0}}`, where `local` is the number of the pid in the
// term.
snow_status snow_term_from_json(const uint8_t *json, size_t length, snow_bytes *term);

// Writes the JSON of a term to `json`, in the form that `snow_term_from_json` reads. Free the JSON with
// `snow_bytes_free`. Returns `SNOW_ERROR_TERM` if the bytes are not exactly one term.
snow_status snow_term_to_json(const uint8_t *term, size_t length, snow_bytes *json);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* SNOW_DIST_H */
