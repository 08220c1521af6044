#!/usr/bin/env bash
# The GPT-2 example trains, prints a sample, goes on from its checkpoints, and says what is wrong:
# gpt2_programs_test.sh GPT2.
set -euo pipefail
gpt2=$PWD/$1
source tests/examples/expect.sh
cd "$TEST_TMPDIR"

# loss_of OUTPUT: the loss on the held-out text.
loss_of() { sed -n 's/^loss on the held-out text: //p' "$1"; }

code 0 "$gpt2" --num_train_epochs=3 --logging_steps=10 --output_dir=run --save_steps=30 --disable_tqdm
expect "checkpoints: $PWD/run" out.txt
expect "sample:" out.txt
expect "Alice " out.txt
cp out.txt run.txt
awk -v loss="$(loss_of run.txt)" 'BEGIN { exit !(loss > 1 && loss < 4) }' || # ln 256 = 5.5 is that of guessing
  { echo "FAILED: the loss on the held-out text is $(loss_of run.txt)" && failed=1; }
expect '"architectures": [' run/checkpoint-60/config.json
expect '"n_embd": 64' run/checkpoint-60/config.json

# From the middle to the same end, dropout included.
code 0 "$gpt2" --num_train_epochs=3 --logging_steps=10 --output_dir=resumed --save_steps=30 --disable_tqdm \
  --resume_from_checkpoint=run/checkpoint-30
cmp run/checkpoint-60/model.safetensors resumed/checkpoint-60/model.safetensors || failed=1
diff <(sed -n '/^sample:/,$p' run.txt) <(sed -n '/^sample:/,$p' out.txt) || failed=1

# Fine-tuning: it begins where the other run ended.
code 0 "$gpt2" --model_name_or_path=run/checkpoint-60 --max_steps=1 --learning_rate=0 --output_dir=tuned \
  --prompt="The Rabbit" --block_size=32
expect "The Rabbit" out.txt
cmp run/checkpoint-60/model.safetensors tuned/checkpoint-1/model.safetensors || failed=1
cmp run/checkpoint-60/config.json tuned/checkpoint-1/config.json || failed=1

code 0 "$gpt2" --max_steps=1 --n_layer=1 --n_embd=12 --n_head=3 --block_size=16 --save_strategy=no
code 0 "$gpt2" --help
expect "--model_name_or_path" out.txt
expect "--learning_rate" out.txt

# refuses SENTENCE FLAGS...: exit code 1 and one sentence.
refuses() {
  local sentence=$1
  shift
  code 1 "$gpt2" --save_strategy=no "$@"
  expect "$sentence" out.txt
  [[ $(wc -l <out.txt) == 1 ]] || { echo "FAILED: more than a sentence:" && cat out.txt && failed=1; }
}
refuses "error: cannot read nowhere.txt; --data=FILE names the text" --data=nowhere.txt
refuses "error: cannot read .; --data=FILE names the text" --data=.
printf 'too short' >short.txt
refuses "short.txt has 9 bytes; two blocks of 64 are the least" --data=short.txt
refuses "n_embd=63 is not a multiple of n_head=4" --n_embd=63
refuses "n_layer=0 is not at least 1" --n_layer=0
refuses "--block_size=1 is not between 2 and n_positions, which is 1" --block_size=1
refuses "--block_size=65 is not between 2 and n_positions, which is 64" --model_name_or_path=run/checkpoint-60 \
  --block_size=65
refuses "--threads=0 is not at least 1" --threads=0
refuses "--prompt is empty" --prompt=
refuses "cannot read nowhere/config.json: No such file or directory" --model_name_or_path=nowhere
refuses "--n_layer, --n_embd and --n_head are for a new model" --model_name_or_path=run/checkpoint-60 --n_layer=2
mkdir no_weights other_model damaged
cp run/checkpoint-60/config.json no_weights
refuses "cannot read no_weights/model.safetensors" --model_name_or_path=no_weights
echo '{"model_type": "llama"}' >other_model/config.json
refuses 'other_model/config.json: model_type is "llama"; this example computes only "gpt2"' \
  --model_name_or_path=other_model
sed 's/"n_embd": 64/"n_embd": 32/' run/checkpoint-60/config.json >damaged/config.json
cp run/checkpoint-60/model.safetensors damaged
refuses "damaged/model.safetensors: transformer.h.0.attn.c_attn.bias has shape [192] in the file but [96] in the model" \
  --model_name_or_path=damaged
exit "$failed"
