// The decoder of the machine's weight format.
module decoder #(
    parameter int FORMAT = array_types::BITMASK,
    parameter bit SKIP = 1'b1,
    parameter int LANES = 4,
    parameter int MASK_BITS = 32,
    parameter int COORDINATES = 4,
    parameter int RUNS = 2,
    parameter int RUN_BITS = 5,
    parameter int STORED_BITS = 1024,
    parameter int FIBER_BITS = 11
) (
    input logic clk,
    input logic start,  // a fiber is there from the next cycle on
    input logic step,  // the step that is offered issues
    input logic [array_types::SIZE_BITS-1:0] value_bits,
    input logic [array_types::SIZE_BITS-1:0] position_bits,
    input logic [array_types::LENGTH_BITS-1:0] length,
    input logic [array_types::LENGTH_BITS-1:0] entries,
    input logic [STORED_BITS-1:0] stored,
    input logic [FIBER_BITS-1:0] first_bit,
    input logic [FIBER_BITS-1:0] here,
    output logic ready,  // the bits that the step needs are here
    output logic last,  // step of the fiber
    output logic [LANES-1:0] valid,  // the lane has a weight that is not zero
    output logic [LANES*array_types::LENGTH_BITS-1:0] positions,
    output logic [LANES*array_types::VALUE_BITS-1:0] values,
    output logic [7:0] gated  // zeros that took a slot of the step
);
  if (FORMAT == array_types::UNCOMPRESSED || FORMAT == array_types::UOP) begin : plain
    decode_plain #(
        .LANES(LANES),
        .STORED_BITS(STORED_BITS),
        .FIBER_BITS(FIBER_BITS)
    ) decode (
        .*
    );
    logic unused;
    assign unused = &{1'b0, entries, position_bits};
  end else if (FORMAT == array_types::UBM || FORMAT == array_types::BITMASK) begin : mask
    decode_mask #(
        .LANES(LANES),
        .STORED_BITS(STORED_BITS),
        .FIBER_BITS(FIBER_BITS),
        .WINDOW(SKIP ? MASK_BITS : LANES),
        .SKIP(SKIP),
        .PACKED(FORMAT == array_types::BITMASK)
    ) decode (
        .*
    );
    logic unused;
    assign unused = &{1'b0, entries, position_bits};
  end else begin : entry
    localparam int MOST = FORMAT == array_types::RUNS ? RUNS : COORDINATES;
    decode_entries #(
        .LANES(LANES),
        .STORED_BITS(STORED_BITS),
        .FIBER_BITS(FIBER_BITS),
        .RATE(MOST < LANES ? MOST : LANES),
        .SKIP(SKIP),
        .RUN_BITS(FORMAT == array_types::RUNS ? RUN_BITS : 0)
    ) decode (
        .*
    );
  end
endmodule
