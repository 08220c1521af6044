#!/usr/bin/env bash
# Every example runs and says what its page promises: examples_test.sh DIGITS CUSTOM_CALLBACK OWN_LOOP.
set -euo pipefail
digits=$PWD/$1
custom_callback=$PWD/$2
own_loop=$PWD/$3
source tests/examples/expect.sh
cd "$TEST_TMPDIR"

code 0 "$digits" --num_train_epochs=30 --learning_rate=3e-3
expect "accuracy on the held-out rows: 0.908333" out.txt # what transformers.Trainer reaches with these flags
expect "checkpoints: $PWD/trainer_output" out.txt
[[ -s trainer_output/checkpoint-5400/model.safetensors && -s trainer_output/checkpoint-5400/trainer_state.json ]] ||
  { echo "FAILED: no checkpoint" && failed=1; }

code 0 "$digits" --max_steps=2 --trace=trace.jsonl --output_dir=traced --disable_tqdm
expect '{"event": "on_train_end", "global_step": 2,' trace.jsonl
code 0 "$digits" --max_steps=1 --init=traced/checkpoint-2/model.safetensors --save_strategy=no
code 0 "$digits" --help
expect "--learning_rate" out.txt
expect "--hidden" out.txt

code 1 "$digits" --learning_rat=3e-3
expect "did you mean --learning_rate?" out.txt
code 1 "$digits" --max_steps=ten
expect "max_steps" out.txt
code 1 "$digits" --data=nowhere.csv
expect "error: cannot read nowhere.csv" out.txt
code 1 "$digits" --init=nowhere.safetensors
expect "error: --init=nowhere.safetensors: cannot read nowhere.safetensors: No such file or directory" out.txt
code 1 "$digits" --hidden=16 --init=traced/checkpoint-2/model.safetensors
expect "fc1.bias has shape [128] in the file but [16] in the model" out.txt
: >file
code 1 "$digits" --max_steps=1 --output_dir=file/a
expect "file/a" out.txt

code 0 "$custom_callback"
expect "stopped because the loss is below its threshold" out.txt
code 0 "$own_loop"
expect "slope: 2.99" out.txt
exit "$failed"
