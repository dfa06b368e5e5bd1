// Decodes a mask and its values, packed (bitmask) or in place (ubm): position by position (gate), or the non-zeros
// that a priority encoder finds in windows of the mask, one window after the other (skip).
module decode_mask #(
    parameter int LANES = 4,
    parameter int STORED_BITS = 1024,
    parameter int FIBER_BITS = 11,
    parameter int WINDOW = 32,  // positions; `lanes` of them with gate
    parameter bit SKIP = 1'b1,
    parameter bit PACKED = 1'b1
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
  logic [15:0] window;  // the window's first position
  logic [WINDOW-1:0] taken;  // its non-zeros that earlier steps delivered
  logic [15:0] packed_values;  // values that earlier steps delivered

  logic [15:0] spare;
  logic [15:0] behind;
  logic last_window;
  logic [WINDOW-1:0] mask;
  logic [WINDOW-1:0] served;  // by this step
  logic [7:0] found;
  logic [15:0] value_end;  // values up to the step's last non-zero

  assign spare = length - window;
  assign last_window = spare <= 16'(WINDOW);
  assign behind = last_window ? length : window + 16'(WINDOW);
  assign mask = stored[32'(first_bit)+32'(window)+:WINDOW] & ~taken
      & ~(last_window ? {WINDOW{1'b1}} << spare : '0);

  always_comb begin
    served = '0;
    found = '0;
    value_end = '0;
    positions = '0;
    for (int i = 0; i < WINDOW; i++) begin
      if (mask[i] && found < 8'(LANES)) begin
        positions[32'(found)*16+:16] = window + 16'(i);
        served[i] = 1'b1;
        found = found + 8'd1;
        value_end = PACKED ? packed_values + 16'(found) : window + 16'(i) + 16'd1;
      end
    end
    for (int lane = 0; lane < LANES; lane++) begin
      valid[lane] = 8'(lane) < found;
      values[lane*16+:16] = stored[32'(first_bit)+32'(length)+(PACKED ? 32'(packed_values)+lane
          : 32'(positions[lane*16+:16]))*32'(value_bits)+:16] & ~(16'hffff << value_bits);
    end
    gated = SKIP ? '0 : 8'(behind - window) - found;
  end

  assign ready = here >= FIBER_BITS'(behind)
      && (found == '0 || 32'(here) >= 32'(length) + 32'(value_end) * 32'(value_bits));
  assign last = last_window && mask == served;

  always_ff @(posedge clk)
    if (start) begin
      window <= '0;
      taken <= '0;
      packed_values <= '0;
    end else if (step) begin
      packed_values <= packed_values + 16'(found);
      if (mask == served) begin
        window <= behind;
        taken  <= '0;
      end else taken <= taken | served;
    end
endmodule
