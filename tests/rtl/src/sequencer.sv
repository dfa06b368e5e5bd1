// The phases of a pass, one cycle after the other: accumulate with its barrier, sweep, encode.
module sequencer (
    input logic clk,
    input logic reset,
    input logic start,  // a pass; its cycle 0 is the next
    input logic updates,  // the pass is the last of its timestep
    output logic first,  // cycle 0
    input logic scanned,
    input logic quiet,  // all PEs are free, their FIFOs empty
    output logic sweep,  // the sweep begins in the next cycle
    input logic swept,
    output logic encoding,
    input logic encoded,
    output logic accumulating,
    output logic sweeping
);
  typedef enum logic [2:0] {IDLE, FIRST, ACCUMULATE, SWEEP, ENCODE} state_t;
  state_t state;
  logic barrier;

  assign first = state == FIRST;
  assign accumulating = first || state == ACCUMULATE;
  assign sweeping = state == SWEEP;
  assign encoding = state == ENCODE;
  assign barrier = state == ACCUMULATE && scanned && quiet;
  assign sweep = barrier && updates;

  always_ff @(posedge clk)
    if (reset) state <= IDLE;
    else
      case (state)
        IDLE: if (start) state <= FIRST;
        FIRST: state <= ACCUMULATE;
        ACCUMULATE: if (barrier) state <= updates ? SWEEP : IDLE;
        SWEEP: if (swept) state <= ENCODE;
        ENCODE: if (encoded) state <= IDLE;
        default: state <= IDLE;
      endcase
endmodule
