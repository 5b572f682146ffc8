// bsnn_small for a page: it is given beats, clocked, and says what came out and what its
// neurons did. The log is words of 32 bits: kind, cycle, then a neuron row's potentials and spikes,
// or of kind 0 an output beat's data, last and user.
#include "design.cpp"

#include <cstdint>
#include <cstdlib>
#include <vector>

namespace {

constexpr size_t kBeat = 1;  // bytes of s_axis_tdata

cxxrtl_design::p_bsnn__small dut;
std::vector<uint8_t> beats;  // each with a byte of flags behind: bit 0 last, bit 1 end of timestep
std::vector<uint32_t> events;
size_t next_beat = 0;
uint32_t now = 0;

template <size_t N> const cxxrtl::value<N>& seen(const cxxrtl::value<N>& signal) { return signal; }
template <size_t N> const cxxrtl::value<N>& seen(const cxxrtl::wire<N>& signal) { return signal.curr; }

template <class Signal> void put(const Signal& signal) {
  for (uint32_t chunk : seen(signal).data) events.push_back(chunk);
}
template <class Signal> bool is_high(const Signal& signal) { return seen(signal).data[0] & 1; }

void clock_once() {
  dut.p_clk.set<bool>(true);
  dut.step();
  dut.p_clk.set<bool>(false);
}

// One clock cycle; true where the last beat of a packet left.
bool cycle() {
  const bool offering = next_beat * (kBeat + 1) < beats.size();
  const uint8_t* beat = beats.data() + next_beat * (kBeat + 1);
  dut.p_s__axis__tvalid.set<bool>(offering);
  if (offering) {
    for (size_t i = 0; i < sizeof(dut.p_s__axis__tdata.data) / 4; ++i) {
      uint32_t chunk = 0;
      for (size_t b = 0; b < 4 && 4 * i + b < kBeat; ++b) chunk |= uint32_t{beat[4 * i + b]} << 8 * b;
      dut.p_s__axis__tdata.data[i] = chunk;
    }
    dut.p_s__axis__tlast.set<bool>(beat[kBeat] & 1);
  }
  dut.step();
  if (offering && is_high(dut.p_s__axis__tready)) ++next_beat;
  bool ended = false;
  if (is_high(dut.p_m__axis__tvalid)) {
    ended = is_high(dut.p_m__axis__tlast);
    events.push_back(0);
    events.push_back(now);
    put(dut.p_m__axis__tdata);
    events.push_back(ended);
  }
  clock_once();
  ++now;
  return ended;
}

}  // namespace

#define PAGE(name) extern "C" __attribute__((export_name(#name)))

// Room for a packet of so many beats, which the next cycles offer.
PAGE(packet) uint8_t* packet(uint32_t count) {
  beats.assign(count * (kBeat + 1), 0);
  next_beat = 0;
  return beats.data();
}

PAGE(reset) void reset() {
  beats.clear();
  events.clear();
  next_beat = now = 0;
  dut.p_m__axis__tready.set<bool>(true);
  dut.p_s__axis__tvalid.set<bool>(false);
  dut.p_rst.set<bool>(true);
  for (int i = 0; i < 4; ++i) {
    dut.step();
    clock_once();
  }
  dut.p_rst.set<bool>(false);
}

// At most so many cycles, fewer where a packet's last beat leaves; how many there have been.
PAGE(run) uint32_t run(uint32_t cycles) {
  events.clear();
  while (cycles-- && !cycle()) {}
  return now;
}

PAGE(log_start) const uint32_t* log_start() { return events.data(); }
PAGE(log_length) uint32_t log_length() { return events.size(); }
PAGE(beats_taken) uint32_t beats_taken() { return next_beat; }
