#!/usr/bin/env bash
# The TorchScript example trains the exported module, goes on from its checkpoints, and says what is wrong:
# torchscript_test.sh TORCHSCRIPT.
set -euo pipefail
torchscript=$PWD/$1
source tests/examples/expect.sh
cd "$TEST_TMPDIR"

code 0 "$torchscript" --output_dir=run --num_train_epochs=10 --save_strategy=epoch --disable_tqdm
awk '/^accuracy on the held-out rows:/ { good = $NF > 0.88 } END { exit !good }' out.txt ||
  { echo "FAILED: the accuracy is too low" && cat out.txt && failed=1; }
grep --text --quiet '"layers.3.weight"' run/checkpoint-1800/model.safetensors ||
  { echo "FAILED: the weights do not have Python's names" && failed=1; }

# From the middle to the same end, dropout included.
code 0 "$torchscript" --output_dir=resumed --num_train_epochs=10 --save_strategy=epoch --disable_tqdm \
  --resume_from_checkpoint=run/checkpoint-900
cmp run/checkpoint-1800/model.safetensors resumed/checkpoint-1800/model.safetensors || failed=1

code 0 "$torchscript" --help
expect "--model" out.txt
code 1 "$torchscript" --model=nowhere.pt
expect "error: cannot read nowhere.pt: there is no such file" out.txt
echo "no archive" >other.pt
code 1 "$torchscript" --model=other.pt
expect "error: other.pt is no module that torch.jit.save wrote" out.txt
[[ $(wc -l <out.txt) == 1 ]] || { echo "FAILED: more than a sentence" && cat out.txt && failed=1; }
exit "$failed"
