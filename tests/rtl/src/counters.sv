// Counts what happened, as the strobes of the memories and the state of the machine say; no part of the machine.
module counters #(
    parameter int PES = 16
) (
    input logic clk,
    input logic reset,
    input logic accumulating,
    input logic sweeping,
    input logic encoding,
    input logic spikes_write,
    input logic spikes_read,
    input logic outputs_write,
    input logic outputs_read,
    input logic broadcast,
    input logic [PES*array_types::ACTIVITY_BITS-1:0] activities,
    output logic [21*64-1:0] counts
);
  localparam int BITS = array_types::ACTIVITY_BITS;
  logic [21*16-1:0] happened;
  array_types::activity_t activity;

  always_comb begin
    activity = '0;
    happened = '0;
    happened[0*16+:16] = 16'(accumulating);
    happened[1*16+:16] = 16'(sweeping);
    happened[2*16+:16] = 16'(encoding);
    happened[3*16+:16] = 16'(spikes_write);
    happened[4*16+:16] = 16'(spikes_read);
    happened[5*16+:16] = 16'(outputs_write);
    happened[6*16+:16] = 16'(outputs_read);
    happened[7*16+:16] = 16'(broadcast);
    for (int i = 0; i < PES; i++) begin
      activity = activities[i*BITS+:BITS];
      happened[8*16+:16] = happened[8*16+:16] + 16'(activity.weight_write);
      happened[9*16+:16] = happened[9*16+:16] + 16'(activity.weight_read);
      happened[10*16+:16] = happened[10*16+:16] + 16'(activity.directory_write);
      happened[11*16+:16] = happened[11*16+:16] + 16'(activity.directory_read);
      happened[12*16+:16] = happened[12*16+:16] + 16'(activity.push);
      happened[13*16+:16] = happened[13*16+:16] + 16'(activity.pop);
      happened[14*16+:16] = happened[14*16+:16] + 16'(activity.potential_reads);
      happened[15*16+:16] = happened[15*16+:16] + 16'(activity.potential_writes);
      happened[16*16+:16] = happened[16*16+:16] + 16'(activity.accumulates);
      happened[17*16+:16] = happened[17*16+:16] + 16'(activity.dropped);
      happened[18*16+:16] = happened[18*16+:16] + 16'(activity.gated);
      happened[19*16+:16] = happened[19*16+:16] + 16'(activity.updates);
      happened[20*16+:16] = happened[20*16+:16] + 16'(activity.busy);
    end
  end

  always_ff @(posedge clk)
    for (int i = 0; i < 21; i++)
      counts[i*64+:64] <= reset ? '0 : counts[i*64+:64] + 64'(happened[i*16+:16]);
endmodule
