/* SPDX-License-Identifier: Apache-2.0
 *
 * The driver of bsnn.h on a host with terminals (POSIX):
 *
 *     cc -std=c99 bsnn.c bsnn_host.c -o classify
 *     ./classify /dev/ttyUSB1 1000000 < samples
 *
 * `samples` are BSNN_SAMPLE_BYTES bytes each. For every one a line: its class, and its scores. Ends
 * with 0, or with 1 and a line of error.
 */
#define _DEFAULT_SOURCE

#include "bsnn.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { WRITE_PATIENCE = 10000 }; /* milliseconds in which a line must take some bytes */

static int write_terminal(void *context, const uint8_t *bytes, size_t count)
{
    struct pollfd file = {*(int *)context, POLLOUT, 0};

    while (count) {
        ssize_t taken;

        if (poll(&file, 1, WRITE_PATIENCE) < 1 || !(file.revents & POLLOUT))
            return -1;
        taken = write(file.fd, bytes, count);
        if (taken < 0)
            return -1;
        bytes += taken;
        count -= (size_t)taken;
    }
    return 0;
}

static int read_terminal(void *context, uint8_t *bytes, size_t most, uint32_t milliseconds)
{
    struct pollfd file = {*(int *)context, POLLIN, 0};
    ssize_t count;

    if (!poll(&file, 1, (int)milliseconds))
        return 0;
    count = read(file.fd, bytes, most);
    return count > 0 ? (int)count : -1; /* nothing, though it was ready: its other end is closed */
}

static uint32_t clock_milliseconds(void *context)
{
    struct timespec time;

    (void)context;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint32_t)time.tv_sec * 1000u + (uint32_t)(time.tv_nsec / 1000000);
}

static speed_t speed_of(unsigned long baud)
{
    switch (baud) {
    case 9600:
        return B9600;
    case 57600:
        return B57600;
    case 115200:
        return B115200;
#ifdef B1000000
    case 1000000:
        return B1000000;
#endif
#ifdef B2000000
    case 2000000:
        return B2000000;
#endif
#ifdef B3000000
    case 3000000:
        return B3000000;
#endif
    default:
        return B0;
    }
}

/* Bytes as they are, at `speed`, and nobody else's; 0 where that cannot be. */
static int make_raw(int file, speed_t speed)
{
    struct termios settings;

    if (tcgetattr(file, &settings))
        return 0;
    settings.c_iflag = IGNBRK;
    settings.c_oflag = 0;
    settings.c_lflag = 0;
    settings.c_cflag = CS8 | CREAD | CLOCAL;
    settings.c_cc[VMIN] = 1;
    settings.c_cc[VTIME] = 0;
    return !cfsetispeed(&settings, speed) && !cfsetospeed(&settings, speed)
           && !flock(file, LOCK_EX | LOCK_NB) && !tcsetattr(file, TCSANOW, &settings);
}

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    return 1;
}

static int classify_all(bsnn_device *device, const char *port)
{
    static uint8_t sample[BSNN_SAMPLE_BYTES];
    int64_t scores[BSNN_CLASSES];
    size_t count;

    while ((count = fread(sample, 1, sizeof sample, stdin)) == sizeof sample) {
        uint32_t answer;
        size_t place;
        bsnn_error error = bsnn_scores(device, sample, scores, &answer);

        if (error)
            return fail(port, bsnn_message(error));
        printf("%" PRIu32, answer);
        for (place = 0; place < BSNN_CLASSES; ++place)
            printf(" %" PRId64, scores[place]);
        printf("\n");
        if (fflush(stdout))
            return fail("results", "must be written, and cannot be; is the disk full?");
    }
    if (ferror(stdin))
        return fail("samples", "must be readable, and are not");
    return count ? fail("samples", "must end with a whole one") : 0;
}

int main(int count, char **arguments)
{
    const speed_t speed = speed_of(count > 2 ? strtoul(arguments[2], NULL, 10) : 115200);
    bsnn_line line = {write_terminal, read_terminal, clock_milliseconds, NULL};
    static bsnn_device device;
    const bsnn_statistics *seen = &device.statistics;
    bsnn_error error;
    int file, result;

    if (count < 2 || count > 3 || speed == B0)
        return fail("usage", "classify PORT [BAUD] < samples; 9600, 57600, 115200, 1000000, "
                             "2000000 or 3000000 baud, where the system knows them");
    file = open(arguments[1], O_RDWR | O_NOCTTY | O_NONBLOCK);
    if (file < 0 || !make_raw(file, speed))
        return fail(arguments[1], "must be a serial port that nobody else uses");
    line.context = &file;
    error = bsnn_open(&device, &line);
    result = error ? fail(arguments[1], bsnn_message(error)) : classify_all(&device, arguments[1]);
    close(file);
    if (result)
        return result;
    fprintf(stderr, "%" PRIu32 " inferences, %" PRIu32 " frames sent, %" PRIu32 " blocks repeated, "
                    "%" PRIu32 " frames damaged from the board, %u to it, %" PRIu32
                    " questions without an answer\n",
            seen->inferences, seen->frames, seen->repeated, seen->damaged_in,
            (unsigned)device.damaged_frames, seen->timeouts);
    return 0;
}
