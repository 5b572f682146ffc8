// bsnn_board behind a pseudo-terminal: bytes that a program writes there come as bits to the
// pin rx, 12 clock cycles each, and the bits of the pin tx go back as bytes.
// Prints the pseudo-terminal's name. While nothing happens on either pin and `active` is low, it sleeps.
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

constexpr int kDivisor = 12;
constexpr int kFrameBits = 10;                       // start, eight of data, stop
constexpr uint64_t kQuiet = 64 * kFrameBits * kDivisor;  // cycles of rest before it sleeps
constexpr uint64_t kLook = 16 * kDivisor;            // cycles between two looks for bytes

// Bytes to the levels of a pin, a level for each cycle.
class Sender {
 public:
  bool busy() const { return left_ > 0; }
  void start(uint8_t byte) {
    shift_ = 1u << 9 | byte << 1;
    left_ = kFrameBits * kDivisor;
  }
  bool level() {
    if (!left_) return true;
    const int bit = kFrameBits - (left_-- + kDivisor - 1) / kDivisor;
    return shift_ >> bit & 1;
  }

 private:
  unsigned shift_ = 0;
  int left_ = 0;
};

// The levels of a pin, one for each cycle, to bytes.
class Receiver {
 public:
  bool busy() const { return left_ > 0; }
  // The byte whose stop bit this level is in, else -1.
  int see(bool level) {
    if (!left_) {
      if (!level) {
        left_ = kFrameBits - 1;
        wait_ = kDivisor + kDivisor / 2;
      }
      return -1;
    }
    if (--wait_) return -1;
    wait_ = kDivisor;
    shift_ = shift_ >> 1 | level << 8;
    return --left_ || !level ? -1 : static_cast<uint8_t>(shift_);
  }

 private:
  unsigned shift_ = 0;
  int left_ = 0, wait_ = 0;
};

}  // namespace

int main() {
  VerilatedContext context;
  context.randReset(2);
  context.randSeed(1);
  auto top = std::make_unique<Vbsnn_board>(&context);
  Terminal terminal;
  Sender sender;
  Receiver receiver;

  top->clk = 0;
  top->rx = 1;
  top->rst = 1;
  for (int cycle = 0; cycle < kResetCycles; ++cycle) {
    top->clk = 1;
    top->eval();
    top->clk = 0;
    top->eval();
  }
  top->rst = 0;
  std::printf("%s\n", terminal.name());
  std::fflush(stdout);

  for (uint64_t quiet = 0;; ++quiet) {
    if (!sender.busy() && (quiet < kFrameBits || quiet % kLook == 0)) {
      const int byte = terminal.take();
      if (byte >= 0) sender.start(static_cast<uint8_t>(byte));
    }
    if (sender.busy() || receiver.busy()) quiet = 0;
    if (quiet >= kQuiet && !top->active) {
      terminal.sleep();
      quiet = 0;
    }
    top->rx = sender.level();
    top->clk = 1;
    top->eval();
    top->clk = 0;
    top->eval();
    const int answer = receiver.see(top->tx);
    if (answer >= 0) terminal.give(static_cast<uint8_t>(answer));
  }
}
