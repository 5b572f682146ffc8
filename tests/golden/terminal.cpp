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
