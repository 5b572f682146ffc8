/* SPDX-License-Identifier: Apache-2.0
 *
 * The driver of bsnn.h: frames with checksums, repeated until they have come whole.
 */
#include "bsnn.h"

#include <string.h>

enum { END = 0xC0, ESCAPE = 0xDB, ESCAPED_END = 0xDC, ESCAPED_ESCAPE = 0xDD };
enum { HELLO = 'H', DATA = 'D', GO = 'G', START = 'S', RESULT = 'R', MISSING = 'M' };
enum { HEADER = 4, CRC = 4, VERSION = 1 };
enum { HELLO_WAIT = 500 }; /* milliseconds for an answer that takes no computing */
enum { USUAL = 4 };        /* times the usual time to an answer, and the question is asked again */

/* CRC-32 as zlib's, four bits at a time. */
static uint32_t crc_with(uint32_t crc, uint8_t byte)
{
    static const uint32_t table[16] = {
        0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4,
        0x4DB26158, 0x5005713C, 0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C,
        0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C};

    crc ^= byte;
    crc = crc >> 4 ^ table[crc & 15];
    return crc >> 4 ^ table[crc & 15];
}

static uint32_t number_of(const uint8_t *bytes, size_t count)
{
    uint32_t found = 0;

    while (count--)
        found = found << 8 | bytes[count];
    return found;
}

/* A frame on its way out. */
typedef struct {
    uint8_t bytes[2 + 2 * (HEADER + BSNN_BLOCK + CRC)];
    size_t count;
    uint32_t crc;
} outgoing;

static void put_escaped(outgoing *frame, uint8_t byte)
{
    if (byte == END || byte == ESCAPE) {
        frame->bytes[frame->count++] = ESCAPE;
        byte = byte == END ? ESCAPED_END : ESCAPED_ESCAPE;
    }
    frame->bytes[frame->count++] = byte;
}

static void put(outgoing *frame, uint8_t byte)
{
    frame->crc = crc_with(frame->crc, byte);
    put_escaped(frame, byte);
}

static void begin(outgoing *frame, uint8_t kind, uint8_t number)
{
    frame->bytes[0] = END;
    frame->count = 1;
    frame->crc = 0xFFFFFFFF;
    put(frame, kind);
    put(frame, number);
}

static bsnn_error finish(bsnn_device *device, outgoing *frame)
{
    uint32_t crc = ~frame->crc;
    int byte;

    for (byte = 0; byte < CRC; ++byte)
        put_escaped(frame, (uint8_t)(crc >> 8 * byte));
    frame->bytes[frame->count++] = END;
    ++device->statistics.frames;
    return device->line.write(device->line.context, frame->bytes, frame->count) < 0 ? BSNN_LINE
                                                                                    : BSNN_OK;
}

static bsnn_error send_question(bsnn_device *device, uint8_t kind, uint8_t number)
{
    outgoing frame;

    begin(&frame, kind, number);
    return finish(device, &frame);
}

/* The value that the line takes at `place`; the last block is filled up with 0. */
static uint8_t value_at(const uint8_t *sample, size_t place)
{
    const size_t rest = place % BSNN_SIZE, places = BSNN_SIZE / BSNN_CHANNELS;

    if (place >= BSNN_SAMPLE_BYTES)
        return 0;
    if (!BSNN_BY_PLACE)
        return sample[place];
    return sample[place - rest + rest % BSNN_CHANNELS * places + rest / BSNN_CHANNELS];
}

static bsnn_error send_block(bsnn_device *device, const uint8_t *sample, size_t block)
{
    outgoing frame;
    size_t place;

    begin(&frame, DATA, device->number);
    put(&frame, (uint8_t)block);
    put(&frame, (uint8_t)(block >> 8));
    for (place = 0; place < BSNN_BLOCK; ++place)
        put(&frame, value_at(sample, block * BSNN_BLOCK + place));
    return finish(device, &frame);
}

/* The frame that has ended: its length without the checksum, 0 if it is none or damaged. */
static size_t verdict(bsnn_device *device)
{
    const size_t length = device->length;
    const int empty = !length && !device->spoilt && !device->escaped;
    uint32_t crc = 0xFFFFFFFF;
    size_t place;
    int whole = !device->spoilt && !device->escaped && length >= CRC;

    device->length = 0;
    device->spoilt = device->escaped = 0;
    if (whole) {
        for (place = 0; place < length - CRC; ++place)
            crc = crc_with(crc, device->frame[place]);
        whole = number_of(device->frame + length - CRC, CRC) == (uint32_t)~crc;
    }
    if (whole)
        return length - CRC;
    device->statistics.damaged_in += !empty;
    return 0;
}

/* A byte from the board: the length of the frame that it completes, else 0. */
static size_t take(bsnn_device *device, uint8_t byte)
{
    if (byte == END)
        return verdict(device);
    if (device->escaped) {
        device->escaped = 0;
        device->spoilt |= byte != ESCAPED_END && byte != ESCAPED_ESCAPE;
        byte = byte == ESCAPED_END ? END : ESCAPE;
    } else if (byte == ESCAPE) {
        device->escaped = 1;
        return 0;
    }
    if (device->length < BSNN_LONGEST)
        device->frame[device->length++] = byte;
    else
        device->spoilt = 1;
    return 0;
}

/* The board's count of damaged frames; the first is where it stood before. */
static void note(bsnn_device *device, uint16_t bad)
{
    if (device->statistics.frames > 1 && bad > device->damaged_frames)
        device->statistics.damaged_out += (uint32_t)(bad - device->damaged_frames);
    device->damaged_frames = bad;
}

static uint32_t now(const bsnn_device *device)
{
    return device->line.milliseconds(device->line.context);
}

static uint32_t less(uint32_t one, uint32_t other)
{
    return one < other ? one : other;
}

/* How long an answer is waited for, in milliseconds of the line's clock: `wait` after `heard`, and
 * `most` after `started` where it is never silent. */
typedef struct {
    uint32_t started, heard, wait, most;
} deadline;

/* Fills the input, or is BSNN_NO_ANSWER. */
static bsnn_error fill_input(bsnn_device *device, const deadline *until)
{
    for (;;) {
        const uint32_t silent = now(device) - until->heard, passed = now(device) - until->started;
        int count;

        if (silent >= until->wait || passed >= until->most)
            return BSNN_NO_ANSWER;
        count = device->line.read(device->line.context, device->input, sizeof device->input,
                                  less(until->wait - silent, until->most - passed));
        if (count < 0 || (size_t)count > sizeof device->input)
            return BSNN_LINE;
        device->next = 0;
        device->held = (uint8_t)count;
        if (count)
            return BSNN_OK;
    }
}

/* Waits for a frame of kind `one` or `other` with `number`. */
static bsnn_error await_frame(bsnn_device *device, uint8_t one, uint8_t other, uint8_t number,
                              deadline *until, size_t *length)
{
    bsnn_error error = BSNN_OK;

    while (!error) {
        while (device->next < device->held) {
            *length = take(device, device->input[device->next++]);
            if (*length >= HEADER) {
                note(device, (uint16_t)number_of(device->frame + 2, 2));
                if ((device->frame[0] == one || device->frame[0] == other)
                    && device->frame[1] == number)
                    return BSNN_OK;
            }
        }
        if (device->length)
            until->heard = now(device);
        error = fill_input(device, until);
    }
    return error;
}

/* Asks until the board answers; the answer is in device->frame. */
static bsnn_error ask(bsnn_device *device, uint8_t kind, uint8_t number, uint32_t most,
                      size_t *length)
{
    const uint8_t one = kind == HELLO ? HELLO : RESULT, other = kind == HELLO ? HELLO : MISSING;
    uint32_t wait = USUAL * device->usual / 16, attempt;

    most = less(most, BSNN_PATIENCE);
    for (attempt = 0; attempt < BSNN_ATTEMPTS; ++attempt) {
        const uint32_t asked = now(device);
        bsnn_error error = send_question(device, kind, number);
        deadline until;

        wait = less(wait < 2 ? 2 : wait, most);
        until.started = until.heard = now(device);
        until.wait = wait;
        until.most = most;
        if (!error)
            error = await_frame(device, one, other, number, &until, length);
        if (!error && !attempt) /* else nobody knows which of the questions it answers */
            device->usual = (7 * device->usual + 16 * (now(device) - asked)) / 8;
        if (error != BSNN_NO_ANSWER)
            return error;
        ++device->statistics.timeouts;
        wait *= 2;
    }
    return BSNN_NO_ANSWER;
}

static bsnn_error check_board(bsnn_device *device, size_t length)
{
    static const uint8_t identifier[8] = BSNN_IDENTIFIER;
    const uint8_t *hello = device->frame + HEADER;

    if (length != HEADER + BSNN_HELLO_BYTES || hello[0] != VERSION)
        return BSNN_OTHER_VERSION;
    memcpy(device->identifier, hello + 1, sizeof identifier);
    if (memcmp(hello + 1, identifier, sizeof identifier) != 0
        || number_of(hello + 9, 4) != BSNN_SAMPLE_BYTES
        || number_of(hello + 13, 2) != BSNN_RESULT_BYTES || hello[15] != BSNN_BLOCK)
        return BSNN_OTHER_CIRCUIT;
    return BSNN_OK;
}

bsnn_error bsnn_open(bsnn_device *device, const bsnn_line *line)
{
    bsnn_error error;
    size_t length = 0;

    if (!device || !line || !line->write || !line->read || !line->milliseconds)
        return BSNN_ARGUMENT;
    memset(device, 0, sizeof *device);
    device->line = *line;
    device->usual = 16 * BSNN_PATIENCE / USUAL;
    bsnn_reset(device);
    error = ask(device, HELLO, 0, HELLO_WAIT, &length);
    return error ? error : check_board(device, length);
}

static int is_there(const bsnn_device *device, size_t length, size_t block)
{
    const size_t place = HEADER + block / 8;

    return place < length && device->frame[place] >> block % 8 & 1;
}

/* Sends the blocks that the answer of `length` bytes does not have, all without one; counts them. */
static bsnn_error send_missing(bsnn_device *device, const uint8_t *sample, size_t length,
                               size_t *sent)
{
    bsnn_error error = BSNN_OK;
    size_t block;

    *sent = 0;
    for (block = 0; block < BSNN_BLOCKS && !error; ++block)
        if (!is_there(device, length, block)) {
            error = send_block(device, sample, block);
            ++*sent;
        }
    if (length)
        device->statistics.repeated += (uint32_t)*sent;
    return error;
}

void bsnn_reset(bsnn_device *device)
{
    device->anew = BSNN_STATEFUL;
}

/* The result of a sample, in device->frame. */
static bsnn_error infer(bsnn_device *device, const uint8_t *sample)
{
    const uint8_t kind = device->anew ? START : GO;
    size_t length = 0, sent, fewest = BSNN_BLOCKS + 1;
    uint32_t failures = 0;

    ++device->number;
    bsnn_reset(device); /* where no result comes, nobody knows the state */
    while (failures <= BSNN_ATTEMPTS) {
        bsnn_error error = send_missing(device, sample, length, &sent);

        failures = sent < fewest ? 0 : failures + 1;
        fewest = sent < fewest ? sent : fewest;
        if (!error)
            error = ask(device, kind, device->number, BSNN_PATIENCE, &length);
        if (error)
            return error;
        if (device->frame[0] == RESULT && length == HEADER + BSNN_RESULT_BYTES) {
            ++device->statistics.inferences;
            device->anew = 0;
            return BSNN_OK;
        }
    }
    return BSNN_REFUSED;
}

static int64_t signed_number(const uint8_t *bytes, size_t count)
{
    uint64_t found = bytes[count - 1] & 0x80 ? UINT64_MAX : 0;

    while (count--)
        found = found << 8 | bytes[count];
    return found >> 63 ? -(int64_t)~found - 1 : (int64_t)found;
}

bsnn_error bsnn_scores(bsnn_device *device, const uint8_t *sample, int64_t *scores,
                       uint32_t *answer)
{
    bsnn_error error;
    size_t place;
    unsigned largest = 0;

    if (!device || !sample)
        return BSNN_ARGUMENT;
    for (place = 0; place < BSNN_SAMPLE_BYTES; ++place)
        largest = sample[place] > largest ? sample[place] : largest;
    if (largest > BSNN_LARGEST)
        return BSNN_ARGUMENT;
    error = infer(device, sample);
    if (error)
        return error;
    for (place = 0; scores && place < BSNN_CLASSES; ++place)
        scores[place] = signed_number(device->frame + HEADER + place * BSNN_SCORE_BYTES,
                                      BSNN_SCORE_BYTES);
    if (answer)
        *answer = number_of(device->frame + HEADER + BSNN_CLASSES * BSNN_SCORE_BYTES,
                            BSNN_CLASS_BYTES);
    return BSNN_OK;
}

bsnn_error bsnn_classify(bsnn_device *device, const uint8_t *sample, uint32_t *answer)
{
    return answer ? bsnn_scores(device, sample, NULL, answer) : BSNN_ARGUMENT;
}

/* SPI: what comes while a frame goes out answers nothing that is asked, and END says nothing. */
static int write_spi(void *context, const uint8_t *bytes, size_t count)
{
    const bsnn_spi *spi = (const bsnn_spi *)context;
    uint8_t dropped[2 + 2 * (HEADER + BSNN_BLOCK + CRC)];

    return count > sizeof dropped ? -1 : spi->exchange(spi->context, bytes, dropped, count);
}

static int read_spi(void *context, uint8_t *bytes, size_t most, uint32_t milliseconds)
{
    const bsnn_spi *spi = (const bsnn_spi *)context;

    (void)milliseconds; /* something always comes */
    memset(bytes, END, most);
    return spi->exchange(spi->context, bytes, bytes, most) < 0 ? -1 : (int)most;
}

static uint32_t spi_milliseconds(void *context)
{
    const bsnn_spi *spi = (const bsnn_spi *)context;

    return spi->milliseconds(spi->context);
}

bsnn_line bsnn_spi_line(bsnn_spi *spi)
{
    bsnn_line line = {write_spi, read_spi, spi_milliseconds, NULL};

    line.context = spi;
    return line;
}

const char *bsnn_message(bsnn_error error)
{
    switch (error) {
    case BSNN_OK:
        return "no error";
    case BSNN_LINE:
        return "the line must stay connected and take bytes; plug it in, or start the board again";
    case BSNN_NO_ANSWER:
        return "the board must answer, and does not; is it programmed, and the port and its speed "
               "right?";
    case BSNN_OTHER_VERSION:
        return "the board must be of this driver's version; make the bitstream or the driver again";
    case BSNN_OTHER_CIRCUIT:
        return "the board must hold the circuit of this driver's bundle, but holds another; program "
               "it again, or take its own bundle's driver";
    case BSNN_REFUSED:
        return "the board must take a sample's blocks, and takes none; is it reset, or the line's "
               "speed wrong?";
    case BSNN_ARGUMENT:
        return "values must lie in 0..BSNN_LARGEST, and pointers must not be null";
    }
    return "no error of this driver";
}
