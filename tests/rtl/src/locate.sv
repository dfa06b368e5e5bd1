// Where a weight goes: from its position in the fiber to a potential of the PE's part of the tile. A fiber holds tap
// row by tap row, tap column by tap column, local channel by local channel; where each of them begins was computed
// when the event was popped (taps.sv), so that a lane only compares and adds.
module locate #(
    parameter int TAP_ROWS = 3,
    parameter int TAP_COLUMNS = 3
) (
    input logic [TAP_ROWS*array_types::TAP_BITS-1:0] rows,
    input logic [TAP_COLUMNS*array_types::TAP_BITS-1:0] columns,
    input logic [array_types::LENGTH_BITS-1:0] position,
    output logic lands,
    output logic [array_types::PLACE_BITS-1:0] address
);
  localparam int BITS = array_types::TAP_BITS;

  array_types::tap_t row;  // the last tap row that begins at the position or before it
  array_types::tap_t column;
  logic [array_types::LENGTH_BITS-1:0] in_row;  // the position, counted from the row's first
  logic [array_types::LENGTH_BITS-1:0] in_column;  // and from the column's

  array_types::tap_t next_row;
  always_comb begin
    row = rows[0+:BITS];
    next_row = row;
    for (int i = 1; i < TAP_ROWS; i++) begin
      next_row = rows[i*BITS+:BITS];
      if (next_row.exists && position >= next_row.first) row = next_row;
    end
  end

  array_types::tap_t next_column;
  always_comb begin
    column = columns[0+:BITS];
    next_column = column;
    for (int i = 1; i < TAP_COLUMNS; i++) begin
      next_column = columns[i*BITS+:BITS];
      if (next_column.exists && in_row >= next_column.first) column = next_column;
    end
  end

  assign in_row = position - row.first;
  assign lands = row.lands && column.lands;
  assign in_column = in_row - column.first;
  assign address = row.address + column.address + array_types::PLACE_BITS'(in_column);

  logic unused;
  assign unused = &{1'b0, row.exists, column.exists};
endmodule
