/* The host's program of a bundle's C driver, with SPI behind a terminal in the place of a line: each
 * byte that is written there comes back as the one of the board. */
#define main host_main
#include "bsnn_host.c"
#undef main

static int exchange_bytes(void *context, const uint8_t *out, uint8_t *in, size_t count)
{
    if (write_terminal(context, out, count) < 0)
        return -1;
    while (count) {
        const int found = read_terminal(context, in, count, 10000);

        if (found <= 0)
            return -1;
        in += found;
        count -= (size_t)found;
    }
    return 0;
}

int main(int count, char **arguments)
{
    bsnn_spi spi = {exchange_bytes, clock_milliseconds, NULL};
    const bsnn_line line = bsnn_spi_line(&spi);
    static bsnn_device device;
    bsnn_error error;
    int file;

    if (count != 2)
        return fail("usage", "classify PORT < samples");
    file = open(arguments[1], O_RDWR | O_NOCTTY | O_NONBLOCK);
    if (file < 0 || !make_raw(file, B115200))
        return fail(arguments[1], "must be a terminal that nobody else uses");
    spi.context = &file;
    error = bsnn_open(&device, &line);
    return error ? fail(arguments[1], bsnn_message(error)) : classify_all(&device, arguments[1]);
}
