// Decodes values in place without a mask: `lanes` positions per step; a weight that is zero takes its slot.
module decode_plain #(
    parameter int LANES = 4,
    parameter int STORED_BITS = 1024,
    parameter int FIBER_BITS = 11
) (
    input logic clk,
    input logic start,
    input logic step,
    input logic [array_types::SIZE_BITS-1:0] value_bits,
    input logic [array_types::LENGTH_BITS-1:0] length,
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
  logic [15:0] position;  // the step's first
  logic [FIBER_BITS-1:0] decoded;  // bits of the positions before it
  logic [15:0] spare;
  logic [15:0] slots;  // positions of the step
  logic [LANES*16-1:0] window;  // the step's values
  assign spare = length - position;
  assign last = spare <= 16'(LANES);
  assign slots = last ? spare : 16'(LANES);
  assign ready = 32'(here) >= 32'(decoded) + 32'(slots) * 32'(value_bits);
  assign window = stored[32'(first_bit)+32'(decoded)+:LANES*16];

  always_comb begin
    gated = '0;
    for (int lane = 0; lane < LANES; lane++) begin
      positions[lane*16+:16] = position + 16'(lane);
      values[lane*16+:16] = window[lane*32'(value_bits)+:16] & ~(16'hffff << value_bits);
      valid[lane] = 16'(lane) < slots && values[lane*16+:16] != '0;
      if (16'(lane) < slots && !valid[lane]) gated = gated + 8'd1;
    end
  end

  always_ff @(posedge clk)
    if (start) begin
      position <= '0;
      decoded <= '0;
    end else if (step) begin
      position <= position + 16'(LANES);
      decoded <= decoded + FIBER_BITS'(LANES * 32'(value_bits));
    end
endmodule
