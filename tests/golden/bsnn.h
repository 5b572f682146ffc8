/* SPDX-License-Identifier: Apache-2.0
 *
 * A binary spiking neural network behind a serial line or SPI, called from C99.
 * Written by bsnn-hw 1.2.3 for the circuit 00112233445566c0 of this bundle.
 *
 * Nothing is allocated: a bsnn_device holds everything. The functions of bsnn_line are yours; those
 * of a terminal are in bsnn_host.c. What travels on the line is in the documentation, "Frames".
 */
#ifndef BSNN_H
#define BSNN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BSNN_NETWORK "small"
#define BSNN_CLASS_NAMES {"cat", "dog"}
#define BSNN_IDENTIFIER {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0xc0}
#define BSNN_SCORE_SCALE 0.5 /* of a score's unit */

#define BSNN_SIZE 12u /* values of a timestep, or of a direct-coded sample */
#define BSNN_TIMESTEPS 4u /* of them in a sample */
#define BSNN_CHANNELS 3u /* of the map of values */
#define BSNN_BY_PLACE 1 /* 1 where the line takes all channels of a place together */
#define BSNN_LARGEST 15u /* that a value can be */
#define BSNN_CLASSES 2u
#define BSNN_SCORE_BYTES 2u
#define BSNN_CLASS_BYTES 1u
#define BSNN_BLOCK 32u /* bytes of a sample in a frame */
#define BSNN_STATEFUL 0 /* 1 where a sample starts from the state that the one before left */

#define BSNN_SAMPLE_BYTES (BSNN_SIZE * BSNN_TIMESTEPS)
#define BSNN_RESULT_BYTES (BSNN_CLASSES * BSNN_SCORE_BYTES + BSNN_CLASS_BYTES)
#define BSNN_BLOCKS ((BSNN_SAMPLE_BYTES + BSNN_BLOCK - 1u) / BSNN_BLOCK)
#define BSNN_BITMAP_BYTES ((BSNN_BLOCKS + 7u) / 8u)
#define BSNN_HELLO_BYTES 16u
#define BSNN_MOST(a, b) ((a) > (b) ? (a) : (b))
/* Of a frame from the board: header, payload, checksum. */
#define BSNN_LONGEST \
    (8u + BSNN_MOST(BSNN_HELLO_BYTES, BSNN_MOST(BSNN_RESULT_BYTES, BSNN_BITMAP_BYTES)))

/* Set them before the header, or with -D. */
#ifndef BSNN_PATIENCE
#define BSNN_PATIENCE 2000u /* milliseconds without an answer, after which a question is repeated */
#endif
#ifndef BSNN_ATTEMPTS
#define BSNN_ATTEMPTS 20u /* questions without an answer, after which it is BSNN_NO_ANSWER */
#endif

typedef enum {
    BSNN_OK = 0,
    BSNN_LINE,          /* the line is gone, or takes nothing: write or read said so */
    BSNN_NO_ANSWER,     /* nobody answers, or only noise comes */
    BSNN_OTHER_VERSION, /* the board was made by another version of the compiler */
    BSNN_OTHER_CIRCUIT, /* the board holds another circuit; device->identifier says which */
    BSNN_REFUSED,       /* the board takes none of a sample's blocks */
    BSNN_ARGUMENT       /* a value is above BSNN_LARGEST, or a pointer is null */
} bsnn_error;

/* A serial line or SPI. */
typedef struct {
    /* Sends all bytes; 0, or below 0 if it cannot, after a time of its own. */
    int (*write)(void *context, const uint8_t *bytes, size_t count);
    /* What has come, at most `most` bytes, after at most `milliseconds`; 0 if nothing, below 0 if
     * the line is gone. */
    int (*read)(void *context, uint8_t *bytes, size_t most, uint32_t milliseconds);
    /* A clock; it may begin anywhere and wrap. */
    uint32_t (*milliseconds)(void *context);
    void *context;
} bsnn_line;

/* SPI, mode 0, most significant bit first, SCK at most an eighth of the board's clock. */
typedef struct {
    /* Sends `count` bytes under one chip select, and keeps what comes meanwhile in `in`, which may be
     * `out`; 0, or below 0 if it cannot. */
    int (*exchange)(void *context, const uint8_t *out, uint8_t *in, size_t count);
    /* A clock, as that of bsnn_line. */
    uint32_t (*milliseconds)(void *context);
    void *context;
} bsnn_spi;

typedef struct {
    uint32_t inferences;  /* results that came whole */
    uint32_t frames;      /* sent */
    uint32_t repeated;    /* blocks among them that had to be sent again */
    uint32_t damaged_in;  /* frames from the board that came damaged */
    uint32_t damaged_out; /* frames that the board says came damaged to it, since bsnn_open */
    uint32_t timeouts;    /* questions that got no answer */
} bsnn_statistics;

typedef struct {
    bsnn_line line;
    bsnn_statistics statistics;
    uint16_t damaged_frames; /* that have come to the board since its reset, as it last said */
    uint8_t identifier[8];   /* that the board gave */
    /* The rest is the driver's own. */
    uint8_t number, escaped, spoilt, next, held, anew;
    uint16_t length;
    uint32_t usual; /* sixteenths of a millisecond to an answer, lately */
    uint8_t input[32];
    uint8_t frame[BSNN_LONGEST];
} bsnn_device;

/* Begins with a board, and asks who it is. Where nobody is there, or only noise comes, it ends after
 * BSNN_ATTEMPTS half seconds. */
bsnn_error bsnn_open(bsnn_device *device, const bsnn_line *line);

/* The class of a sample of BSNN_SAMPLE_BYTES values: timestep by timestep, channel by channel, line
 * by line. Without an answer it ends after BSNN_ATTEMPTS times BSNN_PATIENCE. */
bsnn_error bsnn_classify(bsnn_device *device, const uint8_t *sample, uint32_t *answer);

/* Lets the next sample start from a state of 0, as the first does, and one behind an error; without
 * effect where BSNN_STATEFUL is 0. */
void bsnn_reset(bsnn_device *device);

/* Its BSNN_CLASSES scores too; `answer` may be null. */
bsnn_error bsnn_scores(bsnn_device *device, const uint8_t *sample, int64_t *scores,
                       uint32_t *answer);

/* The line of `spi`, which has to stay where it is. */
bsnn_line bsnn_spi_line(bsnn_spi *spi);

/* What an error means and what to do, in a line. */
const char *bsnn_message(bsnn_error error);

#ifdef __cplusplus
}
#endif

#endif
