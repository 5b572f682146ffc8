// bsnn_board behind a pseudo-terminal: each byte that a program writes there is one on SPI, as
// fast as SCK may be, and the byte that comes meanwhile goes back. CS is low while bytes follow
// each other. Prints the pseudo-terminal's name. It sleeps where nothing is written.
#include "Vbsnn_board.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <memory>

namespace {

constexpr int kResetCycles = 8;

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

// The board's end of a pseudo-terminal. Its other end stays open here too, so that programs may
// come and go there.
class Terminal {
 public:
  Terminal() {
    master_ = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    if (master_ < 0 || grantpt(master_) || unlockpt(master_)) fail("pseudo-terminal");
    slave_ = open(ptsname(master_), O_RDWR | O_NOCTTY);
    termios settings;
    if (slave_ < 0 || tcgetattr(slave_, &settings)) fail("pseudo-terminal");
    cfmakeraw(&settings);
    if (tcsetattr(slave_, TCSANOW, &settings)) fail("pseudo-terminal");
  }

  const char* name() const { return ptsname(master_); }

  // The next byte, -1 if none has come.
  int take() {
    if (next_ == count_) {
      next_ = 0;
      count_ = read(master_, bytes_, sizeof bytes_);
      if (count_ <= 0) return count_ = 0, -1;
    }
    return bytes_[next_++];
  }

  // A byte that nobody fetches is lost once the system's buffer is full, as on a wire.
  void give(uint8_t byte) {
    if (write(master_, &byte, 1) < 0) return;
  }

  void sleep() {
    pollfd event{master_, POLLIN, 0};
    poll(&event, 1, -1);
  }

 private:
  int master_, slave_;
  uint8_t bytes_[64];
  ssize_t next_ = 0, count_ = 0;
};

constexpr int kHalf = 8 / 2;  // clock cycles that SCK is high, and low
constexpr int kPause = 4 * 8;  // cycles between two frames of CS

// The board and its clock.
class Board {
 public:
  Board() : top_(std::make_unique<Vbsnn_board>(&context_)) {}

  void reset() {
    top_->clk = 0;
    top_->sck = 0;
    top_->cs_n = 1;
    top_->rst = 1;
    run(kResetCycles);
    top_->rst = 0;
  }

  void run(int cycles) {
    while (cycles--) {
      top_->clk = 1;
      top_->eval();
      top_->clk = 0;
      top_->eval();
    }
  }

  void select(bool chosen) {
    top_->cs_n = !chosen;
    run(kHalf);
  }

  // A byte each way.
  uint8_t exchange(uint8_t given) {
    unsigned found = 0;
    for (int bit = 7; bit >= 0; --bit) {
      top_->mosi = given >> bit & 1;
      run(kHalf);
      found = found << 1 | (top_->miso & 1);
      top_->sck = 1;
      run(kHalf);
      top_->sck = 0;
    }
    return static_cast<uint8_t>(found);
  }

 private:
  VerilatedContext context_;
  std::unique_ptr<Vbsnn_board> top_;
};

}  // namespace

int main() {
  Terminal terminal;
  Board board;
  board.reset();
  std::printf("%s\n", terminal.name());
  std::fflush(stdout);

  for (;;) {
    int byte = terminal.take();
    if (byte < 0) {
      terminal.sleep();
      continue;
    }
    board.select(true);
    for (; byte >= 0; byte = terminal.take())
      terminal.give(board.exchange(static_cast<uint8_t>(byte)));
    board.run(kHalf);
    board.select(false);
    board.run(kPause);
  }
}
