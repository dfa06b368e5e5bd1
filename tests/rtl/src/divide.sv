// Quotient and remainder without the stages that a small quotient does not need: dividend < divisor · 2^QUOTIENT_BITS.
module divide #(
    parameter int QUOTIENT_BITS = 8,
    parameter int DIVISOR_BITS = 8
) (
    input logic [QUOTIENT_BITS+DIVISOR_BITS-1:0] dividend,
    input logic [DIVISOR_BITS-1:0] divisor,
    output logic [QUOTIENT_BITS-1:0] quotient,
    output logic [DIVISOR_BITS-1:0] remainder
);
  logic [QUOTIENT_BITS+DIVISOR_BITS-1:0] rest;
  always_comb begin
    rest = dividend;
    quotient = '0;
    for (int i = QUOTIENT_BITS - 1; i >= 0; i--) begin
      if (rest[i+:DIVISOR_BITS+1] >= {1'b0, divisor}) begin
        rest[i+:DIVISOR_BITS+1] = rest[i+:DIVISOR_BITS+1] - {1'b0, divisor};
        quotient[i] = 1'b1;
      end
    end
  end
  assign remainder = rest[DIVISOR_BITS-1:0];
endmodule
