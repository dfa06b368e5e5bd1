// A memory with one read and one write port; what is read in a cycle is there in the next, until the next read.
module sram #(
    parameter int WORDS = 1024,
    parameter int WORD_BITS = 64,
    parameter int ADDRESS_BITS = 10
) (
    input logic clk,
    input logic read,
    input logic [ADDRESS_BITS-1:0] read_address,
    output logic [WORD_BITS-1:0] read_data,
    input logic write,
    input logic [ADDRESS_BITS-1:0] write_address,
    input logic [WORD_BITS-1:0] write_data
);
  logic [WORD_BITS-1:0] words[0:WORDS-1];

  always_ff @(posedge clk) begin
    if (read) read_data <= words[read_address];
    if (write) words[write_address] <= write_data;
  end
endmodule
