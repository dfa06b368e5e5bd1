"""Data sets as binned events, from the name of one to the frames that a network reads.

options              what can be asked of a data set
registry             name -> loader: digits, nmnist, shd, dvs128_gesture, synthetic_gestures
source               recordings in a folder of the user's, or downloaded by tonic
recordings           which of them are used, and which of those to test on
frame_grid, slicing  where in a frame, and in which frame, an event is counted
frames               events to saturating counts; the split that a training reads
augment              random shifts while training

event_camera         a simulated sensor, and what stands in front of it:
saccades             the path of a camera before a still picture (digits)
gesture_paths, _scene  hands that move, and the person they belong to (synthetic_gestures)
"""
