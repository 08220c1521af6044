#!/bin/sh
# on_one_core.sh CORES PROGRAM ...: under torchrun, the program on the core of its rank: of "0,1" ranks in turn.
# Before the program starts, as threads keep the core of who makes them.
cores=$1
shift
count=$(echo "$cores" | tr , '\n' | wc -l)
exec taskset --cpu-list "$(echo "$cores" | cut -d , -f $((LOCAL_RANK % count + 1)))" "$@"
