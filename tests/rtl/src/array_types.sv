// Widths and bundles that several modules of the array share. Letters and terms are those of MICROARCHITECTURE.md.
package array_types;
  localparam int COORDINATE_BITS = 16;  // rows, columns and channels of a layer or a tile
  localparam int LENGTH_BITS = 16;  // positions of a fiber
  localparam int UNIT_BITS = 24;  // a place in an image, in units of the alignment, or an entry of the directory
  localparam int PLACE_BITS = 24;  // neurons of a PE, and of a tile
  localparam int VALUE_BITS = 16;  // the widest weight
  localparam int SIZE_BITS = 5;  // the width of a weight, an input, a position
  localparam int INPUT_BITS = 16;  // the widest input value
  localparam int LOAD_BITS = 320;  // the port that fills memories and registers

  // Bits of the bundles below (not every tool takes $bits of a type; lint tells if one is wrong).
  localparam int SCAN_BITS = 314;
  localparam int EVENT_BITS = 68;
  localparam int FIBER_ROW_BITS = 133;
  localparam int PART_BITS = 200;
  localparam int TAP_BITS = 42;
  localparam int NEURON_BITS = 88;
  localparam int ENCODE_BITS = 56;
  localparam int ACTIVITY_BITS = 55;

  // The weight formats of section 3, as the parameter FORMAT names them.
  localparam int UNCOMPRESSED = 0;
  localparam int UBM = 1;
  localparam int BITMASK = 2;
  localparam int COORDINATES = 3;  // cp and csr
  localparam int RUNS = 4;  // rle
  localparam int UOP = 5;

  // How a pass's region is encoded, and where it lies in the layer (sections 2 and 4).
  typedef struct packed {
    logic [31:0] words;
    logic [31:0] entries;  // stored, of AER
    logic [7:0] entry_bits;
    logic [15:0] entries_per_word;
    logic [7:0] words_per_entry;
    logic [4:0] address_bits;
    logic [SIZE_BITS-1:0] input_bits;
    logic [COORDINATE_BITS-1:0] rows;  // of the region
    logic [COORDINATE_BITS-1:0] columns;
    logic [COORDINATE_BITS-1:0] group_channels;  // input channels of a group
    logic [COORDINATE_BITS-1:0] word_groups;  // a bitmap's way from one word to the next: the positions of a word as
    logic [COORDINATE_BITS-1:0] word_channels;  // whole groups, channels, rows and columns
    logic [COORDINATE_BITS-1:0] word_rows;
    logic [COORDINATE_BITS-1:0] word_columns;
    logic [COORDINATE_BITS-1:0] first_group;  // of the region's first channel
    logic [COORDINATE_BITS-1:0] first_channel;  // within its group
    logic [COORDINATE_BITS-1:0] first_row;  // of the region, padding included
    logic [COORDINATE_BITS-1:0] first_column;
    logic [7:0] stride_rows;
    logic [7:0] stride_columns;
    logic [15:0] phases;
  } scan_t;

  // What is broadcast: channel, row, column and bit number, the first three split as PEs use them.
  typedef struct packed {
    logic [COORDINATE_BITS-1:0] fiber;  // row of the fiber table: group · phases + phase
    logic [COORDINATE_BITS-1:0] channel;  // within the group
    logic [COORDINATE_BITS-1:0] row;  // ⌊(row + padding) / stride⌋: the output row of the first tap
    logic [COORDINATE_BITS-1:0] column;
    logic [3:0] number;  // of the bit
  } event_t;

  // A row of the fiber table: the fibers of one group's input channels with one phase.
  typedef struct packed {
    logic [UNIT_BITS-1:0] start;  // of the group's channel 0: a place in the image, or an entry of the directory
    logic [UNIT_BITS-1:0] pitch;  // from one channel to the next
    logic [LENGTH_BITS-1:0] length;  // n, positions
    logic [SIZE_BITS-1:0] position_bits;  // ⌈log2 n⌉
    logic [COORDINATE_BITS-1:0] channels;  // local channels of the tile that are of the group
    logic [COORDINATE_BITS-1:0] first;  // the first of them within the tile
    logic [LENGTH_BITS-1:0] row_positions;  // of a tap row
    logic [7:0] tap_rows;
    logic [7:0] tap_columns;
  } fiber_t;

  // The PE's part of the tile: where it begins in the output map, its size, and where its spikes go.
  typedef struct packed {
    logic [COORDINATE_BITS-1:0] row;
    logic [COORDINATE_BITS-1:0] column;
  } origin_t;
  typedef struct packed {
    logic [COORDINATE_BITS-1:0] rows;
    logic [COORDINATE_BITS-1:0] columns;
    logic [COORDINATE_BITS-1:0] channels;
    logic [PLACE_BITS-1:0] row_potentials;  // columns · channels
  } shape_t;
  typedef struct packed {
    logic [PLACE_BITS-1:0] neurons;
    logic [PLACE_BITS-1:0] base;  // the first neuron's number in the tile's order channel, row, column
    logic [PLACE_BITS-1:0] channel_pitch;
    logic [PLACE_BITS-1:0] row_pitch;
  } order_t;

  // What locates an event's neurons in the PE's part.
  typedef struct packed {
    logic [COORDINATE_BITS-1:0] row;  // of the first tap, from the part's first row; it may lie below the part
    logic [COORDINATE_BITS-1:0] column;
    logic [COORDINATE_BITS-1:0] channels;
    logic [COORDINATE_BITS-1:0] first;
    logic [LENGTH_BITS-1:0] row_positions;
    logic [7:0] tap_rows;
    logic [7:0] tap_columns;
  } target_t;

  // A tap row or a tap column of the fiber that is being served.
  typedef struct packed {
    logic exists;
    logic lands;  // in the PE's part of the tile
    logic [LENGTH_BITS-1:0] first;  // position: of the row within the fiber, of the column within its row
    logic [PLACE_BITS-1:0] address;  // what it adds to the address of a potential
  } tap_t;

  // The neuron of the layer (traces/FORMAT.md).
  typedef struct packed {
    logic [31:0] maximum;  // 2^(potential_bits - 1) - 1
    logic [16:0] leak_numerator;
    logic [4:0] leak_shift;
    logic soft_reset;
    logic [31:0] reset_value;
    logic last_timestep;
  } neuron_t;

  // How the tile's output spikes are encoded.
  typedef struct packed {
    logic [PLACE_BITS-1:0] positions;
    logic [7:0] entry_bits;
    logic [15:0] entries_per_word;
    logic [7:0] words_per_entry;
  } encode_t;

  // What a PE did in a cycle.
  typedef struct packed {
    logic weight_write;
    logic weight_read;
    logic directory_write;
    logic directory_read;
    logic push;
    logic pop;
    logic [7:0] potential_reads;
    logic [7:0] potential_writes;
    logic [7:0] accumulates;
    logic [7:0] dropped;
    logic [7:0] gated;
    logic [7:0] updates;
    logic busy;
  } activity_t;
endpackage
