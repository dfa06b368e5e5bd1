// Plays the DMA of the spike array: fills memories and registers, runs passes, takes the output spikes.
//
// usage: simulate COMMANDS RESULTS. Both are files of 32-bit words of this machine's byte order. Commands:
//   0 memory pe address count chunk, count·chunk words: entries from `address` on, `chunk` words each, lowest first
//   1 updates: a pass. Results: its cycles, then the number of output words and the words, OUTPUT_CHUNK each
//   2: the end. Results: the counters, two words each, low before high.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <vector>

#include "Vspike_array.h"
#include "verilated.h"

namespace {

using Words = std::vector<uint32_t>;

constexpr uint64_t MOST_CYCLES = uint64_t{1} << 26;  // of a pass, beyond any: a machine that hangs is noticed
constexpr int COUNTER_WORDS = 42;

void fail(const char* what) {
    std::fprintf(stderr, "simulate: %s\n", what);
    std::exit(1);
}

Words read_words(const char* path) {
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    if (!file) fail("cannot read the commands");
    Words words(static_cast<size_t>(file.tellg()) / sizeof(uint32_t));
    file.seekg(0);
    file.read(reinterpret_cast<char*>(words.data()), static_cast<std::streamsize>(words.size() * sizeof(uint32_t)));
    return words;
}

// The words of a port, whatever C++ type its width has.
template <class Port>
uint32_t word_of(const Port& port, int index) {
    return static_cast<uint32_t>(static_cast<uint64_t>(port) >> (32 * index));
}
template <std::size_t N>
uint32_t word_of(const VlWide<N>& port, int index) {
    return port[index];
}

class Array {
  public:
    Array() {
        top_.reset = 1;
        for (uint32_t address = 0; address < CLEAR_CYCLES; ++address) {
            top_.clear_address = address;
            tick();
        }
        top_.reset = 0;
    }

    void load(uint32_t memory, uint32_t pe, uint32_t address, const uint32_t* data, uint32_t chunk) {
        top_.load = 1;
        top_.load_memory = memory;
        top_.load_pe = pe;
        top_.load_address = address;
        for (uint32_t i = 0; i < LOAD_WORDS; ++i) top_.load_data[i] = i < chunk ? data[i] : 0;
        tick();
        top_.load = 0;
    }

    void run(bool updates, Words& results) {
        top_.start = 1;
        top_.updates = updates;
        tick();
        top_.start = 0;
        const size_t header = results.size();
        results.resize(header + 2);
        tick();
        uint64_t cycles = 1;
        uint32_t taken = 0;
        bool reading = false;
        do {
            const bool running = top_.running;
            if (reading)
                for (int i = 0; i < OUTPUT_CHUNK; ++i) results.push_back(word_of(top_.output_word, i));
            reading = updates && taken != top_.output_words;
            top_.output_read = reading;
            top_.output_address = taken % OUTPUT_WORDS;
            taken += reading;
            tick();
            if (running && ++cycles > MOST_CYCLES) fail("the machine hangs");
        } while (top_.running || reading || (updates && taken != top_.output_words));
        results[header] = static_cast<uint32_t>(cycles);
        results[header + 1] = taken;
    }

    void counters(Words& results) {
        for (int i = 0; i < COUNTER_WORDS; ++i) results.push_back(top_.counts[i]);
    }

  private:
    static constexpr uint32_t LOAD_WORDS = 10;

    void tick() {
        top_.clk = 0;
        top_.eval();
        top_.clk = 1;
        top_.eval();
    }

    Vspike_array top_;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) fail("usage: simulate COMMANDS RESULTS");
    const Words commands = read_words(argv[1]);
    Words results;
    Array array;
    size_t at = 0;
    while (at < commands.size()) {
        const uint32_t command = commands[at++];
        if (command == 0) {
            const uint32_t* header = &commands[at];
            at += 5;
            for (uint32_t i = 0; i < header[3]; ++i, at += header[4])
                array.load(header[0], header[1], header[2] + i, &commands[at], header[4]);
        } else if (command == 1) {
            array.run(commands[at++] != 0, results);
        } else if (command == 2) {
            array.counters(results);
        } else {
            fail("unknown command");
        }
    }
    std::ofstream file(argv[2], std::ios::binary);
    file.write(reinterpret_cast<const char*>(results.data()),
               static_cast<std::streamsize>(results.size() * sizeof(uint32_t)));
    return file ? 0 : 1;
}
