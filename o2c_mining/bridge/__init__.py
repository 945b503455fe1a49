"""Models as nets, and the doors to pm4py and r4pm: nothing else in the project imports them."""
