// Decodes entries of a coordinate or a run and a value: in stored order (skip), or position by position (gate).
module decode_entries #(
    parameter int LANES = 4,
    parameter int STORED_BITS = 1024,
    parameter int FIBER_BITS = 11,
    parameter int RATE = 4,  // entries per step, or positions with gate; at most LANES
    parameter bit SKIP = 1'b1,
    parameter int RUN_BITS = 0  // 0: coordinates
) (
    input logic clk,
    input logic start,
    input logic step,
    input logic [array_types::SIZE_BITS-1:0] value_bits,
    input logic [array_types::SIZE_BITS-1:0] position_bits,  // of a coordinate
    input logic [array_types::LENGTH_BITS-1:0] length,
    input logic [array_types::LENGTH_BITS-1:0] entries,
    input logic [STORED_BITS-1:0] stored,
    input logic [FIBER_BITS-1:0] first_bit,
    input logic [FIBER_BITS-1:0] here,
    output logic ready,
    output logic last,
    output logic [LANES-1:0] valid,
    output logic [LANES*array_types::LENGTH_BITS-1:0] positions,
    output logic [LANES*array_types::VALUE_BITS-1:0] values,
    output logic [7:0] gated
);
  localparam int SIZE = array_types::SIZE_BITS;

  logic [15:0] entry;  // the step's first
  logic [FIBER_BITS-1:0] decoded;  // bits of the entries before it
  logic [15:0] window;  // gate: the step's first position
  logic [15:0] next_position;  // runs: the position after the last entry

  logic [SIZE-1:0] metadata_bits;
  logic [31:0] entry_bits;
  logic [RATE*32-1:0] stored_entries;  // the step's, the first at bit 0
  logic [15:0] behind;
  logic [7:0] taken;
  logic [7:0] found;
  logic [15:0] run_position;
  logic complete;
  logic examine;

  assign metadata_bits = RUN_BITS > 0 ? SIZE'(RUN_BITS) : position_bits;
  assign entry_bits = 32'(metadata_bits) + 32'(value_bits);
  assign stored_entries = stored[32'(first_bit)+32'(decoded)+:RATE*32];
  assign behind = length - window <= 16'(RATE) ? length : window + 16'(RATE);

  // Entry by entry: is it the step's? To know that takes its coordinate or run, which must have arrived; if it is,
  // its value must have arrived too.
  always_comb begin
    taken = '0;
    found = '0;
    run_position = next_position;
    complete = 1'b1;
    examine = 1'b1;
    valid = '0;
    positions = '0;
    values = '0;
    for (int lane = 0; lane < RATE; lane++) begin
      logic [31:0] this_entry;
      logic [31:0] metadata_end;
      logic [15:0] position;
      this_entry = stored_entries[lane*entry_bits+:32];
      metadata_end = 32'(decoded) + lane * entry_bits + 32'(metadata_bits);
      position = this_entry[15:0] & ~(16'hffff << metadata_bits);
      if (RUN_BITS > 0) position = run_position + position;
      if (examine && entry + 16'(lane) < entries) begin
        if (32'(here) < metadata_end) begin
          complete = 1'b0;
          examine  = 1'b0;
        end else if (!SKIP && position >= behind) begin
          examine = 1'b0;
        end else begin
          if (32'(here) < metadata_end + 32'(value_bits)) complete = 1'b0;
          taken = taken + 8'd1;
          run_position = position + 16'd1;
          positions[lane*16+:16] = position;
          values[lane*16+:16] = 16'(this_entry >> metadata_bits) & ~(16'hffff << value_bits);
          valid[lane] = values[lane*16+:16] != '0;
          if (valid[lane]) found = found + 8'd1;
        end
      end
    end
    gated = SKIP ? '0 : 8'(behind - window) - found;
  end

  assign ready = complete;
  assign last = SKIP ? entry + 16'(taken) == entries : behind == length;

  always_ff @(posedge clk)
    if (start) begin
      entry <= '0;
      decoded <= '0;
      window <= '0;
      next_position <= '0;
    end else if (step) begin
      entry <= entry + 16'(taken);
      decoded <= decoded + FIBER_BITS'(32'(taken) * entry_bits);
      window <= behind;
      next_position <= run_position;
    end
endmodule
