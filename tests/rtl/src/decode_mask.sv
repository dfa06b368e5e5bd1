// Decodes a mask and its values, packed (bitmask) or in place (ubm): position by position (gate), or the non-zeros
// that are found in windows of the mask, one window after the other (skip).
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
  localparam int NUMBER_BITS = WINDOW > 1 ? $clog2(WINDOW) : 1;

  logic [15:0] window;  // the window's first position
  logic [WINDOW-1:0] taken;  // its non-zeros that earlier steps delivered
  logic [FIBER_BITS-1:0] decoded;  // bits of the values before the step's (packed) or the window's (in place)

  logic [15:0] spare;
  logic [15:0] behind;
  logic last_window;
  logic [WINDOW-1:0] mask;
  assign spare = length - window;
  assign last_window = spare <= 16'(WINDOW);
  assign behind = last_window ? length : window + 16'(WINDOW);
  assign mask = stored[32'(first_bit)+32'(window)+:WINDOW] & ~taken
      & ~(last_window ? {WINDOW{1'b1}} << spare : '0);

  // Each lane takes the lowest non-zero that the lanes before it have left.
  logic [WINDOW-1:0] left;  // for later steps
  logic [LANES*WINDOW-1:0] lowest;
  logic [LANES*NUMBER_BITS-1:0] numbers;  // within the window
  always_comb begin
    left = mask;
    for (int lane = 0; lane < LANES; lane++) begin
      valid[lane] = left != '0;
      lowest[lane*WINDOW+:WINDOW] = left & -left;
      left = left & (left - 1'b1);
    end
  end
  for (genvar lane = 0; lane < LANES; lane++) begin : lanes
    one_hot_number #(
        .WIDTH(WINDOW)
    ) encode (
        .one_hot(lowest[lane*WINDOW+:WINDOW]),
        .number(numbers[lane*NUMBER_BITS+:NUMBER_BITS])
    );
    assign positions[lane*16+:16] = window + 16'(numbers[lane*NUMBER_BITS+:NUMBER_BITS]);
  end

  // Their values: packed ones follow each other, those in place lie where their positions say.
  logic [LANES*16-1:0] packed_values;
  logic [31:0] first_value;
  logic [31:0] value_end;  // bits up to the step's last value
  logic [7:0] found;
  assign first_value = 32'(first_bit) + 32'(length) + 32'(decoded);
  assign packed_values = stored[first_value+:LANES*16];
  always_comb begin
    found = '0;
    value_end = 32'(decoded);
    for (int lane = 0; lane < LANES; lane++) begin
      logic [31:0] place;
      place = PACKED ? lane * 32'(value_bits) : 32'(numbers[lane*NUMBER_BITS+:NUMBER_BITS]) * 32'(value_bits);
      values[lane*16+:16] = (PACKED ? packed_values[place+:16] : stored[first_value+place+:16])
          & ~(16'hffff << value_bits);
      if (valid[lane]) begin
        found = found + 8'd1;
        value_end = 32'(decoded) + place + 32'(value_bits);
      end
    end
    gated = SKIP ? '0 : 8'(behind - window) - found;
  end

  logic window_done;
  assign window_done = left == '0;
  assign ready = 32'(here) >= 32'(behind) && (mask == '0 || 32'(here) >= 32'(length) + value_end);
  assign last = last_window && window_done;

  always_ff @(posedge clk)
    if (start) begin
      window  <= '0;
      taken   <= '0;
      decoded <= '0;
    end else if (step) begin
      if (PACKED) decoded <= FIBER_BITS'(value_end);
      else if (window_done) decoded <= decoded + FIBER_BITS'(WINDOW * 32'(value_bits));
      if (window_done) begin
        window <= behind;
        taken  <= '0;
      end else taken <= taken | (mask & ~left);
    end
endmodule
