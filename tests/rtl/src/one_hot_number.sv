// The number of the only 1 of a vector; 0 if there is none.
module one_hot_number #(
    parameter int WIDTH = 32,
    parameter int NUMBER_BITS = WIDTH > 1 ? $clog2(WIDTH) : 1
) (
    input logic [WIDTH-1:0] one_hot,
    output logic [NUMBER_BITS-1:0] number
);
  // The places whose number has bit `b`.
  function automatic logic [WIDTH-1:0] places(input int b);
    for (int i = 0; i < WIDTH; i++) places[i] = ((i >> b) & 1) == 1;
  endfunction

  for (genvar b = 0; b < NUMBER_BITS; b++) begin : bits
    localparam logic [WIDTH-1:0] PLACES = places(b);
    assign number[b] = (one_hot & PLACES) != '0;
  end
endmodule
