// The taps of a fiber along both axes, computed once per event from where its first tap falls: for each tap row and
// each tap column the position in the fiber at which it begins, whether it falls into the PE's part of the tile, and
// what it adds to the address of a potential. Computed in the cycle after the event was popped, held until the next.
module taps #(
    parameter int TAP_ROWS = 3,  // most of any fiber
    parameter int TAP_COLUMNS = 3
) (
    input logic clk,
    input logic locate,  // the cycle in which they are computed
    input array_types::target_t target,
    input array_types::shape_t shape,
    output logic [TAP_ROWS*array_types::TAP_BITS-1:0] rows,
    output logic [TAP_COLUMNS*array_types::TAP_BITS-1:0] columns
);
  localparam int BITS = array_types::TAP_BITS;
  localparam int PLACE = array_types::PLACE_BITS;
  localparam int COORDINATE = array_types::COORDINATE_BITS;

  // From one tap to the next the output row falls by one, and addresses by a row of potentials; columns likewise.
  logic [PLACE-1:0] row_address;
  logic [PLACE-1:0] column_address;
  assign row_address = PLACE'(target.row) * shape.row_potentials + PLACE'(target.first);
  assign column_address = PLACE'(target.column) * PLACE'(shape.channels);

  logic [TAP_ROWS*BITS-1:0] next_rows;
  always_comb
    for (int i = 0; i < TAP_ROWS; i++) begin
      logic [COORDINATE:0] row;  // negative: outside
      row = {1'b0, target.row} - (COORDINATE + 1)'(i);
      next_rows[i*BITS+:BITS] = {
        COORDINATE'(i) < COORDINATE'(target.tap_rows),
        !row[COORDINATE] && row[COORDINATE-1:0] < shape.rows,
        array_types::LENGTH_BITS'(i) * target.row_positions,
        row_address - PLACE'(i) * shape.row_potentials
      };
    end

  logic [TAP_COLUMNS*BITS-1:0] next_columns;
  always_comb
    for (int i = 0; i < TAP_COLUMNS; i++) begin
      logic [COORDINATE:0] column;
      column = {1'b0, target.column} - (COORDINATE + 1)'(i);
      next_columns[i*BITS+:BITS] = {
        COORDINATE'(i) < COORDINATE'(target.tap_columns),
        !column[COORDINATE] && column[COORDINATE-1:0] < shape.columns,
        array_types::LENGTH_BITS'(i) * target.channels,
        column_address - PLACE'(i) * PLACE'(shape.channels)
      };
    end

  always_ff @(posedge clk)
    if (locate) begin
      rows <= next_rows;
      columns <= next_columns;
    end
endmodule
