// A node that proves its name by certificates: `certified DIRECTORY NODE`, where the files are and with whom it has a session.
#include <snow_dist.h>
#include <stdio.h>
#include <stdlib.h>

#define ENOUGH 60000 // milliseconds that whatever must happen has to happen in

static void expect_at(int line, int wanted, int got) {
    if (wanted == got)
        return;
    fprintf(stderr, "line %d: %d (%s), not %d\n", line, got, snow_last_error(), wanted);
    exit(1);
}
#define EXPECT(wanted, call) expect_at(__LINE__, wanted, call)
#define OK(call) EXPECT(SNOW_OK, call)

static char chain[4096], key[4096], anchors[4096];

static snow_builder builder_of(const char *name) {
    snow_builder builder;
    OK(snow_builder_new(name, &builder));
    OK(snow_builder_cookie(builder, (const uint8_t *)"a cookie of thirty-two letters..", 32));
    OK(snow_builder_listen(builder, "127.0.0.1:0"));
    return builder;
}

/// Puts a file of the folder `other` in the place of one.
static void replace(const char *file, const char *directory, const char *name) {
    char other[4096];
    snprintf(other, sizeof other, "%s/other/%s", directory, name);
    if (rename(other, file) != 0)
        exit(3);
}

int main(int count, char **arguments) {
    snow_builder builder;
    snow_node node;
    snow_pid pid;
    if (count != 3)
        return 2;
    snprintf(chain, sizeof chain, "%s/chain.pem", arguments[1]);
    snprintf(key, sizeof key, "%s/key.pem", arguments[1]);
    snprintf(anchors, sizeof anchors, "%s/anchors.pem", arguments[1]);

    // Without certificates there is no session, and with those of another node no start.
    OK(snow_start(builder_of("certified@127.0.0.1:1"), &node));
    EXPECT(SNOW_ERROR_CONNECT, snow_connect(node, arguments[2], ENOUGH));
    OK(snow_reload(node));
    OK(snow_node_free(node));
    builder = builder_of("another@127.0.0.1:1");
    OK(snow_builder_certificates(builder, chain, key, anchors, true));
    EXPECT(SNOW_ERROR_START, snow_start(builder, &node));

    builder = builder_of("certified@127.0.0.1:1");
    OK(snow_builder_certificates(builder, chain, key, anchors, true));
    OK(snow_start(builder, &node));
    OK(snow_connect(node, arguments[2], ENOUGH));

    // A file that is no key changes nothing.
    FILE *file = fopen(key, "w");
    if (file == NULL || fclose(file) != 0)
        return 3;
    EXPECT(SNOW_ERROR_UNUSABLE, snow_reload(node));
    OK(snow_disconnect(node, arguments[2]));
    OK(snow_connect(node, arguments[2], ENOUGH));

    // A certificate of an authority that the other node does not trust counts from the next session on.
    replace(chain, arguments[1], "chain.pem");
    replace(key, arguments[1], "key.pem");
    replace(anchors, arguments[1], "anchors.pem");
    OK(snow_reload(node));
    OK(snow_pid_on(node, arguments[2], 1, &pid));
    OK(snow_disconnect(node, arguments[2]));
    EXPECT(SNOW_ERROR_CONNECT, snow_connect(node, arguments[2], ENOUGH));
    OK(snow_node_free(node));
    EXPECT(SNOW_ERROR_HANDLE, snow_reload(node));
    printf("done\n");
    return 0;
}
