// Drives bsnn_small between a file of stimulus and files of results, as fast as it goes.
// Usage: driver STIMULUS FOLDER PACKETS SEED PAUSE_IN PAUSE_OUT WATCHDOG BEATS CYCLES ROWS...
// BEATS: of a packet, 0 for any number; CYCLES: until the last packet is out, at most; ROWS: of
// each group, more are not written down
#include "Vdut.h"
#include "Vdut___024root.h"

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace {

constexpr int kHung = 3, kProtocol = 4, kSlow = 5, kUsage = 2;
constexpr uint64_t kAfter = 64;  // cycles in which nothing may follow the last packet
constexpr uint64_t kEndless = 1ull << 48;  // of rows: no number was said, none is waited for
constexpr unsigned kPatience = 600;  // seconds for 64 cycles, else SIGALRM
constexpr size_t kInputWords = 1;
constexpr size_t kOutputWords = 2;

// A signal of the model is an integer up to 64 bits and an array of 32-bit words beyond.
template <class T> void put(T& port, const uint64_t* words) { port = static_cast<T>(words[0]); }
template <std::size_t N> void put(VlWide<N>& port, const uint64_t* words) {
  for (size_t i = 0; i < N; ++i) port[i] = static_cast<uint32_t>(words[i / 2] >> (32 * (i % 2)));
}
template <class T> void get(const T& port, uint64_t* words) { words[0] = static_cast<uint64_t>(port); }
template <std::size_t N> void get(const VlWide<N>& port, uint64_t* words) {
  for (size_t i = 0; i < (N + 1) / 2; ++i) words[i] = 0;
  for (size_t i = 0; i < N; ++i) words[i / 2] |= static_cast<uint64_t>(port[i]) << (32 * (i % 2));
}

[[noreturn]] void fail(int code, const std::string& message) {
  std::fprintf(stderr, "%s\n", message.c_str());
  std::exit(code);
}

class File {
 public:
  File(const std::string& path, const char* mode) : file_(std::fopen(path.c_str(), mode)) {
    if (!file_) fail(kUsage, "cannot open " + path);
  }
  ~File() { if (file_) std::fclose(file_); }
  File(const File&) = delete;
  bool read(uint64_t* words, size_t count) { return std::fread(words, 8, count, file_) == count; }
  void write(const uint64_t* words, size_t count) {
    if (std::fwrite(words, 8, count, file_) != count) fail(kUsage, "cannot write results");
  }

 private:
  std::FILE* file_;
};

// splitmix64: the same sequence everywhere for the same seed.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  bool chance(double probability) {
    if (probability <= 0) return false;
    uint64_t z = (state_ += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53 < probability;
  }

 private:
  uint64_t state_;
};

// First and last beat's cycle of each packet.
struct Packets {
  explicit Packets(const std::string& path) : file(path, "wb") {}
  void beat(uint64_t cycle, bool last) {
    if (!open) cycles[0] = cycle;
    cycles[1] = cycle;
    open = !last;
    if (last) {
      file.write(cycles, 2);
      ++count;
    }
  }
  File file;
  uint64_t cycles[2] = {0, 0};
  uint64_t count = 0;
  bool open = false;
};

struct Beat {
  uint64_t words[kOutputWords + 1] = {};  // payload, then flags: bit 0 last, bits above user
  bool operator==(const Beat& other) const {
    for (size_t i = 0; i <= kOutputWords; ++i)
      if (words[i] != other.words[i]) return false;
    return true;
  }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 10 + 0) fail(kUsage, "usage: see the first lines of the driver's source");
  const std::string folder = std::string(argv[2]) + "/";
  const uint64_t packets = std::strtoull(argv[3], nullptr, 10);
  const uint64_t seed = std::strtoull(argv[4], nullptr, 10);
  const double pause_in = std::atof(argv[5]), pause_out = std::atof(argv[6]);
  const uint64_t watchdog = std::strtoull(argv[7], nullptr, 10);
  const uint64_t packet_beats = std::strtoull(argv[8], nullptr, 10);
  const uint64_t most_cycles = std::strtoull(argv[9], nullptr, 10);

  VerilatedContext context;
  context.randReset(2);
  context.randSeed(static_cast<int>(seed % 0x7ffffffe) + 1);
  auto top = std::make_unique<Vdut>(&context);

  File stimulus(argv[1], "rb");
  File beats(folder + "beats.bin", "wb");
  Packets accepted(folder + "accepted.bin"), produced(folder + "produced.bin");
  Random random_in(2 * seed), random_out(2 * seed + 1);

  uint64_t input[kInputWords + 1] = {}, cycle = 0, progress = 0, taken = 0;
  bool have_input = stimulus.read(input, kInputWords + 1);
  bool offering = false, promised = false;
  Beat promise;

  alarm(kPatience);
  top->clk = 0;
  top->rst = 1;
  top->s_axis_tvalid = 0;
  top->m_axis_tready = 0;
  for (int i = 0; i < 4; ++i) {
    top->clk = 0;
    top->eval();
    top->clk = 1;
    top->eval();
  }
  top->rst = 0;

  while (produced.count < packets || have_input) {
    if (cycle % 64 == 0) alarm(kPatience);
    // Once offered, a beat stays until it is taken.
    if (!offering) offering = have_input && !random_in.chance(pause_in);
    top->s_axis_tvalid = offering;
    put(top->s_axis_tdata, input);
    top->s_axis_tlast = input[kInputWords] & 1;
    top->m_axis_tready = !random_out.chance(pause_out);
    top->clk = 0;
    top->eval();

    if (offering && top->s_axis_tready) {
      accepted.beat(cycle, input[kInputWords] & 1);
      have_input = stimulus.read(input, kInputWords + 1);
      offering = false;
      progress = cycle;
    }

    Beat beat;
    if (top->m_axis_tvalid) {
      get(top->m_axis_tdata, beat.words);
      beat.words[kOutputWords] |= top->m_axis_tlast & 1;
      beat.words[kOutputWords] |= static_cast<uint64_t>(top->m_axis_tuser) << 1;
    }
    if (promised && !(top->m_axis_tvalid && beat == promise))
      fail(kProtocol, "cycle " + std::to_string(cycle) +
                          ": m_axis must hold a beat until it is taken, but it changed");
    promised = top->m_axis_tvalid && !top->m_axis_tready;
    promise = beat;
    if (top->m_axis_tvalid && top->m_axis_tready) {
      const bool last = beat.words[kOutputWords] & 1;
      const bool ends = packet_beats && taken % packet_beats == packet_beats - 1;
      if (packet_beats && (last != ends || taken >= packets * packet_beats))
        fail(kProtocol, "cycle " + std::to_string(cycle) + ", packet " +
                            std::to_string(taken / packet_beats) + ", beat " +
                            std::to_string(taken % packet_beats) +
                            (last != ends ? ": m_axis_tlast: RTL " + std::to_string(last) +
                                                ", reference " + std::to_string(ends)
                                          : ": a beat more than " + std::to_string(packets) +
                                                " packets have"));
      ++taken;
      beats.write(beat.words, kOutputWords + 1);
      beats.write(&cycle, 1);
      produced.beat(cycle, last);
      progress = cycle;
    }

    top->clk = 1;
    top->eval();
    ++cycle;
    if (cycle - progress > watchdog)
      fail(kHung, "cycle " + std::to_string(cycle) + ": no beat moved for " +
                      std::to_string(watchdog) + " cycles; " + std::to_string(accepted.count) +
                      " packets went in, " + std::to_string(produced.count) + " of " +
                      std::to_string(packets) + " came out");
    if (cycle > most_cycles)
      fail(kSlow, "cycle " + std::to_string(cycle) + ": the last packet must be out after " +
                      std::to_string(most_cycles) + " cycles; " + std::to_string(accepted.count) +
                      " packets went in, " + std::to_string(produced.count) + " of " +
                      std::to_string(packets) + " came out");
  }
  const uint64_t cycles = cycle;
  top->s_axis_tvalid = 0;
  for (uint64_t rest = packet_beats ? kAfter : 0; rest; ++cycle) {
    if (rest) --rest;
    if (cycle % 64 == 0) alarm(kPatience);
    top->clk = 0;
    top->eval();
    if (packet_beats && top->m_axis_tvalid)
      fail(kProtocol, "cycle " + std::to_string(cycle) + ": a beat more than " +
                          std::to_string(packets) + " packets have");
    top->clk = 1;
    top->eval();
  }
  top->final();
  File ended(folder + "cycles.bin", "wb");
  ended.write(&cycles, 1);
  return 0;
}
