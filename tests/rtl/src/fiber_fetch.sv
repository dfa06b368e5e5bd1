// Serves one event at a time: pops it, locates its fiber, reads the words it lies in one per cycle (section 4, PE).
module fiber_fetch #(
    parameter int FORMAT = array_types::BITMASK,
    parameter int RUN_BITS = 5,
    parameter int WORD_BITS = 64,
    parameter int ADDRESS_BITS = 12,
    parameter int DIRECTORY_BITS = 24,
    parameter int DIRECTORY_ADDRESS_BITS = 12,
    parameter int ALIGNMENT_BITS = 8,
    parameter int FIBER_WORDS = 16,
    parameter int FIBER_BITS = 11
) (
    input logic clk,
    input logic reset,
    input logic [array_types::SIZE_BITS-1:0] value_bits,
    input logic [4:0] directory_start_bits,  // of an entry: what is left counts the values stored
    input array_types::origin_t origin,
    input logic [array_types::COORDINATE_BITS-1:0] rows,
    input logic [array_types::COORDINATE_BITS-1:0] columns,

    input logic empty,
    input array_types::event_t head,
    output logic pop,
    input array_types::fiber_t fiber,  // the fiber table's row for the head

    output logic directory_read,
    output logic [DIRECTORY_ADDRESS_BITS-1:0] directory_address,
    input logic [DIRECTORY_BITS-1:0] directory_entry,
    output logic weight_read,
    output logic [ADDRESS_BITS-1:0] weight_address,
    input logic [WORD_BITS-1:0] weight_word,

    output logic open,  // the decoder has a fiber
    output logic start,  // it gets one in the next cycle
    output logic [array_types::LENGTH_BITS-1:0] length,
    output logic [array_types::LENGTH_BITS-1:0] entries,
    output logic [array_types::SIZE_BITS-1:0] position_bits,
    output logic locate,  // the cycle after the event was popped: `target` is there
    output array_types::target_t target,
    output logic [3:0] number,
    output logic [FIBER_WORDS*WORD_BITS-1:0] stored,  // the fiber, as far as it is here, from bit `first_bit` on
    output logic [FIBER_BITS-1:0] first_bit,
    output logic [FIBER_BITS-1:0] here,  // bits of it that are here
    input logic decoded,  // the decoder's last step has been issued
    input logic accumulated,  // what was issued has been accumulated
    output logic idle
);
  localparam bit DIRECTORY = FORMAT != array_types::UNCOMPRESSED && FORMAT != array_types::UBM;
  localparam int ENTRY_BITS = array_types::UNIT_BITS + array_types::LENGTH_BITS;  // of the directory, at most
  localparam int UNITS_PER_WORD = WORD_BITS / ALIGNMENT_BITS;

  logic unused;
  assign unused = &{1'b0, head.fiber, directory_entry};

  typedef enum logic [1:0] {IDLE, LOCATED, OPEN} state_t;
  state_t state;
  logic [FIBER_BITS-1:0] unread;  // words

  // Does any tap of the fiber fall into the PE's part?
  logic signed [16:0] row;
  logic signed [16:0] column;
  logic wanted;
  assign row = $signed({1'b0, head.row}) - $signed({1'b0, origin.row});
  assign column = $signed({1'b0, head.column}) - $signed({1'b0, origin.column});
  assign wanted = fiber.length != '0 && rows != '0 && columns != '0
      && row >= 17'sd0 && row - $signed({9'b0, fiber.tap_rows}) + 17'sd1 < $signed({1'b0, rows})
      && column >= 17'sd0 && column - $signed({9'b0, fiber.tap_columns}) + 17'sd1 < $signed({1'b0, columns});

  // Cycle t0: the event is popped, its fiber's place computed.
  logic [array_types::UNIT_BITS-1:0] place;
  assign idle = state == IDLE || (state == OPEN && decoded && accumulated && unread == '0);
  assign pop = idle && !empty;
  assign place = fiber.start + 24'(head.channel) * fiber.pitch;
  assign directory_read = DIRECTORY && pop && wanted;
  assign directory_address = DIRECTORY_ADDRESS_BITS'(place);

  // Cycle t0 + 1: where it starts and how long it is, and the read of its first word.
  logic [ENTRY_BITS-1:0] entry;
  logic [array_types::UNIT_BITS-1:0] placed;
  logic [array_types::UNIT_BITS-1:0] unit;
  logic [array_types::LENGTH_BITS-1:0] count;
  logic [FIBER_BITS-1:0] offset;
  logic [FIBER_BITS-1:0] bits;
  logic [FIBER_BITS-1:0] words;
  assign entry = ENTRY_BITS'(directory_entry);
  assign unit = DIRECTORY ? entry[array_types::UNIT_BITS-1:0] & ~(24'hffffff << directory_start_bits) : placed;
  assign count = DIRECTORY ? array_types::LENGTH_BITS'(entry >> directory_start_bits) : length;
  assign offset = FIBER_BITS'(32'(unit) % UNITS_PER_WORD * ALIGNMENT_BITS);
  assign words = FIBER_BITS'((32'(offset) + 32'(bits) - 32'd1) / WORD_BITS) + 1'b1;

  always_comb begin
    case (FORMAT)
      array_types::UBM: bits = FIBER_BITS'(32'(length) * (32'(value_bits) + 32'd1));
      array_types::BITMASK: bits = FIBER_BITS'(32'(count) * 32'(value_bits) + 32'(length));
      array_types::COORDINATES: bits = FIBER_BITS'(32'(count) * (32'(value_bits) + 32'(position_bits)));
      array_types::RUNS: bits = FIBER_BITS'(32'(count) * (32'(value_bits) + RUN_BITS));
      default: bits = FIBER_BITS'(32'(length) * 32'(value_bits));
    endcase
  end

  // From cycle t0 + 2 on: the words that arrive.
  logic [ADDRESS_BITS-1:0] next_address;
  logic arriving;
  logic [FIBER_BITS-1:0] arrived;
  logic [FIBER_WORDS*WORD_BITS-1:0] buffer;

  assign start = state == LOCATED && count != '0;
  assign locate = state == LOCATED;
  assign open = state == OPEN;
  assign weight_read = start || (open && unread != '0);
  assign weight_address = start ? ADDRESS_BITS'(32'(unit) / UNITS_PER_WORD) : next_address;
  assign here = FIBER_BITS'((32'(arrived) + 32'(arriving)) * WORD_BITS) - first_bit;

  always_comb begin
    stored = buffer;
    if (arriving) stored[32'(arrived)*WORD_BITS+:WORD_BITS] = weight_word;
  end

  always_ff @(posedge clk) begin
    arriving <= weight_read;
    if (arriving) begin
      buffer[32'(arrived)*WORD_BITS+:WORD_BITS] <= weight_word;
      arrived <= arrived + 1'b1;
    end
    if (pop && wanted) begin
      placed <= place;
      length <= fiber.length;
      position_bits <= fiber.position_bits;
      number <= head.number;
      target.row <= row[15:0];  // not negative where a tap is wanted
      target.column <= column[15:0];
      target.channels <= fiber.channels;
      target.first <= fiber.first;
      target.row_positions <= fiber.row_positions;
      target.tap_rows <= fiber.tap_rows;
      target.tap_columns <= fiber.tap_columns;
    end
    if (start) begin
      entries <= count;
      first_bit <= offset;
      unread <= words - 1'b1;
      next_address <= weight_address + 1'b1;
      arrived <= '0;
    end else if (weight_read) begin
      unread <= unread - 1'b1;
      next_address <= next_address + 1'b1;
    end
    if (reset) state <= IDLE;
    else if (pop) state <= wanted ? LOCATED : IDLE;
    else if (state == LOCATED) state <= start ? OPEN : IDLE;
    else if (idle) state <= IDLE;
  end
endmodule
