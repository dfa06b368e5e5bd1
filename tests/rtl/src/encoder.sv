// The tile's output spikes, in the order channel, row, column, on their way into the outputs buffer (section 5).
module encoder #(
    parameter bit AER = 1'b0,
    parameter int SOURCES = 64,  // spikes that can arrive in a cycle
    parameter int NEURONS = 262144,  // of a tile
    parameter int WORD_BITS = 128,
    parameter int WORDS = 4096,  // of the outputs buffer
    parameter int ADDRESS_BITS = 12
) (
    input logic clk,
    input logic clear,  // at power-on: no spike
    input logic [array_types::PLACE_BITS-1:0] clear_address,
    input array_types::encode_t encode,
    input logic [SOURCES-1:0] spiking,
    input logic [SOURCES*array_types::PLACE_BITS-1:0] spikes,
    input logic start,  // cycle 0 of a pass
    input logic run,
    output logic last,  // cycle of it
    output logic write,
    output logic [ADDRESS_BITS-1:0] address,
    output logic [WORD_BITS-1:0] word,
    output logic [31:0] written  // words of the pass; they leave while others are written, so that addresses wrap
);
  localparam int PLACE = array_types::PLACE_BITS;
  localparam int GROUPS = (NEURONS + WORD_BITS - 1) / WORD_BITS;
  localparam int BIT_BITS = WORD_BITS > 1 ? $clog2(WORD_BITS) : 1;
  localparam int GROUP_BITS = GROUPS > 1 ? $clog2(GROUPS) : 1;

  logic [WORD_BITS-1:0] map[0:GROUPS-1];  // a bit per neuron, a word per group
  logic [GROUP_BITS-1:0] group;
  logic [PLACE-1:0] first;  // position of the group
  logic [WORD_BITS-1:0] visited;  // AER: spikes of the group that have been written
  logic [WORD_BITS-1:0] waiting;
  logic group_done;

  logic unused;
  assign unused = &{1'b0, clear_address};

  assign waiting = map[group] & ~visited;
  assign last = group_done && first + PLACE'(WORD_BITS) >= encode.positions;

  logic [WORD_BITS-1:0] visits;
  if (AER) begin : aer
    // A spike takes as many cycles as its entry takes words; entries are gathered until a word is full.
    logic [PLACE-1:0] index;
    logic [7:0] part;  // word of the entry
    logic [15:0] gathered;  // entries in `word_before`
    logic [WORD_BITS-1:0] word_before;
    logic whole;  // the entry's last word
    logic full;
    always_comb begin
      index = '0;
      for (int i = WORD_BITS - 1; i >= 0; i--) if (waiting[i]) index = PLACE'(i);
    end
    assign whole = part + 8'd1 == encode.words_per_entry;
    assign visits = whole ? waiting & -waiting : '0;
    assign group_done = waiting == '0 || (whole && (waiting & (waiting - 1'b1)) == '0);
    assign full = waiting != '0 && (encode.words_per_entry != 8'd1 || gathered + 16'd1 == encode.entries_per_word);
    assign write = run && (full || (last && (waiting != '0 || gathered != '0)));
    assign word = waiting == '0 ? word_before
        : word_before | WORD_BITS'({WORD_BITS'(0), first + index} >> (32'(part) * WORD_BITS)
              << (32'(gathered) * 32'(encode.entry_bits)));
    always_ff @(posedge clk)
      if (start) begin
        part <= '0;
        gathered <= '0;
        word_before <= '0;
      end else if (run) begin
        part <= waiting == '0 || whole ? '0 : part + 8'd1;
        if (write) begin
          gathered <= '0;
          word_before <= '0;
        end else if (waiting != '0) begin
          gathered <= gathered + 16'd1;
          word_before <= word;
        end
      end
  end else begin : bitmap
    assign visits = waiting;
    assign group_done = 1'b1;
    assign write = run;
    assign word = waiting;
    logic unused_entry;
    assign unused_entry = &{1'b0, encode.entry_bits, encode.entries_per_word, encode.words_per_entry};
  end

  always_ff @(posedge clk) begin
    if (start) begin
      group <= '0;
      first <= '0;
      visited <= '0;
      address <= '0;
      written <= '0;
    end else if (run) begin
      if (write) begin
        address <= address == ADDRESS_BITS'(WORDS - 1) ? '0 : address + 1'b1;
        written <= written + 32'd1;
      end
      if (group_done) begin
        group <= group + 1'b1;
        first <= first + PLACE'(WORD_BITS);
        visited <= '0;
      end else visited <= visited | visits;
    end
    if (clear) map[GROUP_BITS'(clear_address)] <= '0;
    else if (run && group_done) map[group] <= '0;
    else
      for (int source = 0; source < SOURCES; source++)
      if (spiking[source])
        map[GROUP_BITS'(spikes[source*PLACE+:PLACE]/PLACE'(WORD_BITS))][BIT_BITS'(spikes[source*PLACE+:PLACE]%PLACE'(WORD_BITS))] <= 1'b1;
  end
endmodule
