// Events on their way into a PE. One that enters in a cycle can leave in the next; a slot that is freed in a cycle can
// be filled in the next.
module event_fifo #(
    parameter int DEPTH = 8
) (
    input logic clk,
    input logic reset,
    input logic push,
    input array_types::event_t pushed,
    input logic pop,
    output array_types::event_t head,
    output logic full,
    output logic empty
);
  localparam int INDEX_BITS = DEPTH > 1 ? $clog2(DEPTH) : 1;
  localparam int COUNT_BITS = $clog2(DEPTH + 1);

  logic [array_types::EVENT_BITS-1:0] slots[0:DEPTH-1];
  logic [INDEX_BITS-1:0] first;
  logic [INDEX_BITS-1:0] free;
  logic [COUNT_BITS-1:0] count;

  function automatic logic [INDEX_BITS-1:0] after(input logic [INDEX_BITS-1:0] index);
    after = index == INDEX_BITS'(DEPTH - 1) ? '0 : index + 1'b1;
  endfunction

  assign full = count == COUNT_BITS'(DEPTH);
  assign empty = count == '0;
  assign head = slots[first];

  always_ff @(posedge clk) begin
    if (push) slots[free] <= pushed;
    if (reset) begin
      first <= '0;
      free  <= '0;
      count <= '0;
    end else begin
      if (push) free <= after(free);
      if (pop) first <= after(first);
      if (push != pop) count <= push ? count + 1'b1 : count - 1'b1;
    end
  end
endmodule
